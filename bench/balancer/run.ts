/**
 * `npm run bench -- balancer [--short] [--json] [--tcp] [--promised] [--rounds N]`: the relay beside HAProxy, in one run: bulk bytes, requests on kept
 * connections, new connections. `--promised`: only what is promised, so without lean instances and by TCP.
 *
 * The figure is what a client gets, end to end, on a machine that client, instances and balancer share; the instances are the same for both (rig.ts).
 * The client is a process apart (`wrk`; for bulk bulk/main.ts). Promised are ratios, with instances as services are. Each round runs relay and HAProxy
 * one right after the other, the one first in odd rounds and the other in even ones, so that what else the machine does meets both alike; the figure is
 * the median over rounds, its spread stands beside it. Before the first round each runs unmeasured: there code is compiled.
 *
 * Beside it stands what the work cost: how much came through per second of the balancer's own processor time. On a busy machine that says more of the
 * balancers than what came through: HAProxy has a thread for each core, so the kernel gives it more of a machine that it must share.
 */

import { join } from 'node:path';
import { calibrate, describeMachine } from '../calibration.ts';
import { runLoad, startRig } from './rig.ts';
import type { Kind, Way } from './rig.ts';

const short = process.argv.includes('--short');
const json = process.argv.includes('--json');
const onlyPromised = process.argv.includes('--promised');
const onlyTcp = onlyPromised || process.argv.includes('--tcp');
const ROUNDS = short ? 1 : roundsAsked();
const SECONDS = short ? 1 : 2;
const WARM_SECONDS = 1;
const CONNECTIONS = 32;
const MODES = onlyTcp ? ['TCP'] : ['TCP', 'HTTP'];

interface Phase {
  readonly name: string;
  readonly unit: string;
  /** Of HAProxy's TCP figure, that the relay's must reach; undefined: it is told, and nothing is promised. */
  readonly promise: number | undefined;
  readonly run: (way: Way, seconds: number) => Promise<number>;
}

const ALL_PHASES: readonly Phase[] = [
  { name: 'bulk', unit: 'MB/s', promise: 0.9, run: async ({ ports }, seconds) => Number(await runLoad(sinkOf(ports.bulk, seconds))) / 1e6 },
  { name: 'kept connections', unit: 'requests/s', promise: 0.9, run: keptOf('service') },
  { name: 'new connections', unit: 'connections/s', promise: 0.6, run: newOf('service') },
  { name: 'kept connections, lean instances', unit: 'requests/s', promise: undefined, run: keptOf('lean') },
  { name: 'new connections, lean instances', unit: 'connections/s', promise: undefined, run: newOf('lean') },
];

const PHASES = ALL_PHASES.filter(({ promise }) => !onlyPromised || promise !== undefined);

function roundsAsked(): number {
  const at = process.argv.indexOf('--rounds');
  const rounds = at < 0 ? 7 : Number(process.argv[at + 1]);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1 on');
  return rounds;
}

function keptOf(kind: Kind): Phase['run'] {
  return ({ ports }, seconds) => wrk(ports[kind], seconds, []);
}

function newOf(kind: Kind): Phase['run'] {
  return ({ ports }, seconds) => wrk(ports[kind], seconds, ['-H', 'Connection: close']);
}

interface Sample {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** Cores that the balancer used. */
  readonly busy: number;
}

function sinkOf(port: number, seconds: number): string[] {
  return [process.execPath, join(import.meta.dirname, 'bulk', 'main.ts'), 'sink', String(port), String(seconds * 1000)];
}

async function wrk(port: number, seconds: number, more: readonly string[]): Promise<number> {
  const said = await runLoad(['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, ...more, `http://127.0.0.1:${port}/`]);
  const rate = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(said)?.[1]);
  if (!Number.isFinite(rate) || /Non-2xx/.test(said)) throw new Error(`wrk says: ${said}`);
  return rate;
}

async function sample(phase: Phase, way: Way): Promise<Sample> {
  const [begin, cpu] = [performance.now(), way.cpuSeconds()];
  const perSecond = await phase.run(way, SECONDS);
  const seconds = (performance.now() - begin) / 1000;
  const busy = (way.cpuSeconds() - cpu) / seconds;
  return { perSecond, perCpuSecond: perSecond / busy, busy };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

type Samples = Map<string, Map<string, Sample[]>>;

function render(samples: Samples): string {
  return PHASES.map((phase) => {
    const of = samples.get(phase.name);
    const lines = [...(of ?? [])].map(([way, all]) => {
      const rates = all.map((one) => one.perSecond);
      const spread = `${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))}`;
      const cost =
        way === 'direct'
          ? ''
          : `${Math.round(median(all.map((one) => one.perCpuSecond)))} per CPU second, ${median(all.map((one) => one.busy)).toFixed(2)} cores busy`;
      return `  ${way.padEnd(14)}${String(Math.round(median(rates))).padStart(8)} ${phase.unit.padEnd(14)} ${`(${spread})`.padEnd(18)} ${cost}`;
    });
    const ratios = MODES.map((mode) => {
      const [ours, theirs] = ['relay', 'HAProxy'].map((name) => of?.get(`${name} ${mode}`) ?? []);
      const ratiosOf = (key: 'perSecond' | 'perCpuSecond'): number[] =>
        (ours ?? []).map((one, round) => one[key] / (theirs?.[round]?.[key] ?? Number.NaN));
      const all = ratiosOf('perSecond');
      const isMet = phase.promise === undefined || median(all) >= phase.promise;
      const verdict = mode !== 'TCP' || phase.promise === undefined ? '' : `, promised ${phase.promise}: ${isMet ? 'met' : 'NOT MET'}`;
      const spread = `${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)}`;
      return `  relay / HAProxy ${mode}: ${median(all).toFixed(2)} (${spread})${verdict}; per CPU second ${median(ratiosOf('perCpuSecond')).toFixed(2)}`;
    });
    return [phase.name, ...lines, ...ratios].join('\n');
  }).join('\n\n');
}

const before = calibrate();
const rig = await startRig();
const ways = rig.ways.filter(({ name }) => !onlyTcp || !name.endsWith('HTTP'));
/** HAProxy before the relay, each mode in its place. */
const turned = [0, 2, 1, 4, 3].flatMap((index) => ways[index] ?? []);
const samples: Samples = new Map(PHASES.map((phase) => [phase.name, new Map(ways.map((way): [string, Sample[]] => [way.name, []]))]));
let memory = '';
try {
  for (const phase of short ? [] : PHASES) for (const way of ways) await phase.run(way, WARM_SECONDS);
  for (let round = 1; round <= ROUNDS; round++) {
    if (!json) process.stderr.write(`round ${round} of ${ROUNDS}\n`);
    for (const phase of PHASES) {
      for (const way of round % 2 === 1 ? ways : turned)
        samples
          .get(phase.name)
          ?.get(way.name)
          ?.push(await sample(phase, way));
    }
  }
  memory = ['relay', 'HAProxy']
    .map((name) => `${name} ${Math.round(ways.find((way) => way.name === `${name} TCP`)?.ownMB() ?? 0)} MB`)
    .join(', ');
} finally {
  rig.stop();
}
const after = calibrate();
const machine = `${describeMachine()}; SHA-256 on one core ${Math.round(before.hashMBs)} and ${Math.round(after.hashMBs)} MB/s before and after`;
const plain = Object.fromEntries([...samples].map(([phase, of]) => [phase, Object.fromEntries(of)]));
process.stdout.write(
  json
    ? `${JSON.stringify(plain)}\n`
    : `${render(samples)}\n\nown memory of the balancer's processes after all this: ${memory}\n${machine}\n`,
);
