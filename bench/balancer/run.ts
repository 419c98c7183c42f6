/**
 * `npm run bench -- balancer [--short] [--json] [--tcp]`: the relay beside HAProxy, in one run: bulk bytes, requests on kept connections, new connections.
 *
 * The figure is what a client gets, end to end, on a machine that client, instances and balancer share (rig.ts). The promise is a ratio: the median over
 * rounds, in each of which the relay runs right before HAProxy, so that what else the machine does meets both alike. Beside it stands what the work
 * cost: how much came through per second of the balancer's own processor time. There HAProxy leads by more, because it is C and the relay is not; a
 * client sees that only where the balancer is the narrowest place.
 */

import { join } from 'node:path';
import { calibrate, describeMachine } from '../calibration.ts';
import { runLoad, startRig } from './rig.ts';
import type { Way } from './rig.ts';

const short = process.argv.includes('--short');
const json = process.argv.includes('--json');
const onlyTcp = process.argv.includes('--tcp');
const ROUNDS = short ? 1 : 5;
const SECONDS = short ? 1 : 2;
const CONNECTIONS = 32;
const MODES = onlyTcp ? ['TCP'] : ['TCP', 'HTTP'];

interface Phase {
  readonly name: string;
  readonly unit: string;
  /** Of HAProxy's TCP figure, that the relay's must reach. */
  readonly promise: number;
  readonly run: (way: Way) => Promise<number>;
}

const PHASES: readonly Phase[] = [
  { name: 'bulk', unit: 'MB/s', promise: 0.9, run: async ({ bulk }) => Number(await runLoad(sinkOf(bulk))) / 1e6 },
  { name: 'kept connections', unit: 'requests/s', promise: 0.9, run: ({ small }) => wrk(small, []) },
  { name: 'new connections', unit: 'connections/s', promise: 0.6, run: ({ small }) => wrk(small, ['-H', 'Connection: close']) },
];

interface Sample {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** Cores that the balancer used. */
  readonly busy: number;
}

function sinkOf(port: number): string[] {
  return [process.execPath, join(import.meta.dirname, 'bulk', 'main.ts'), 'sink', String(port), String(SECONDS * 1000)];
}

async function wrk(port: number, more: readonly string[]): Promise<number> {
  const said = await runLoad(['wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, ...more, `http://127.0.0.1:${port}/`]);
  const rate = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(said)?.[1]);
  if (!Number.isFinite(rate) || /Non-2xx/.test(said)) throw new Error(`wrk says: ${said}`);
  return rate;
}

async function sample(phase: Phase, way: Way): Promise<Sample> {
  const [begin, cpu] = [performance.now(), way.cpuSeconds()];
  const perSecond = await phase.run(way);
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
      const ratio = (key: 'perSecond' | 'perCpuSecond'): number =>
        median((ours ?? []).map((one, round) => one[key] / (theirs?.[round]?.[key] ?? Number.NaN)));
      const verdict = mode === 'TCP' ? `, promised ${phase.promise}: ${ratio('perSecond') >= phase.promise ? 'met' : 'NOT MET'}` : '';
      return `  relay / HAProxy ${mode}: ${ratio('perSecond').toFixed(2)}${verdict} (per CPU second ${ratio('perCpuSecond').toFixed(2)})`;
    });
    return [phase.name, ...lines, ...ratios].join('\n');
  }).join('\n\n');
}

const before = calibrate();
const rig = await startRig();
const ways = rig.ways.filter(({ name }) => !onlyTcp || !name.endsWith('HTTP'));
const samples: Samples = new Map(PHASES.map((phase) => [phase.name, new Map<string, Sample[]>()]));
let memory = '';
try {
  for (let round = 1; round <= ROUNDS; round++) {
    if (!json) process.stderr.write(`round ${round} of ${ROUNDS}\n`);
    for (const phase of PHASES) {
      for (const way of ways) {
        const all = samples.get(phase.name);
        all?.set(way.name, [...(all.get(way.name) ?? []), await sample(phase, way)]);
      }
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
