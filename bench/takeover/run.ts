/**
 * `npm run bench -- takeover`: how long the work of an extension server that was killed, or stopped, waits until another takes it up.
 *
 * Three servers over a director of its own, with hollow hosts; each run takes one away and starts another in its place. Prints the distribution;
 * exits with 1 when a promise was broken.
 *
 *     --runs N    kills, and as many stops (50)
 *     --only W    kill or stop
 *     --short     2 of each
 *     --json      for programs
 */

import { parseArgs } from 'node:util';

import { calibrate, describeMachine } from '../calibration.ts';
import { startPlane } from '../provisioning/rig.ts';
import { watchTakeovers } from './measure.ts';
import type { Takeovers } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '50' },
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const runs = options.short ? 2 : Number(options.runs);
const ROWS = [
  { name: 'kill', signal: 'SIGKILL', promisedMs: 5_000 },
  { name: 'stop', signal: 'SIGTERM', promisedMs: 1_000 },
] as const;
const rows = ROWS.filter(({ name }) => options.only === undefined || options.only === name);
if (!Number.isInteger(runs) || runs < 1 || rows.length === 0) {
  console.error('Say --runs N with a count, and --only kill or stop.');
  process.exit(2);
}

interface Figures {
  readonly name: string;
  readonly runs: number;
  /** Clusters that waited. */
  readonly clusters: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly promisedMs: number;
}

async function measure(takeovers: Takeovers, { name, signal, promisedMs }: (typeof ROWS)[number]): Promise<Figures> {
  const took: number[] = [];
  for (let run = 0; run < runs; run++) took.push(...(await takeovers.takeAway(signal)));
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.max(0, Math.ceil(took.length * share) - 1)] ?? Number.NaN;
  return { name, runs, clusters: took.length, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1), promisedMs };
}

function render(figures: readonly Figures[]): string {
  const lines = figures.map(
    (row) =>
      `${row.name}  ${row.runs} runs, ${row.clusters} clusters: p50 ${row.p50Ms.toFixed(0)} ms, p90 ${row.p90Ms.toFixed(0)} ms, p99 ${row.p99Ms.toFixed(0)} ms, max ${row.maxMs.toFixed(0)} ms (promised: ${row.promisedMs} ms)`,
  );
  return `${lines.join('\n')}\n`;
}

async function main(): Promise<number> {
  const machine = describeMachine();
  const calibration = calibrate();
  const plane = await startPlane({ homes: 1, hosts: true, machineMs: 20, servicesMs: 20 });
  const takeovers = watchTakeovers(plane);
  try {
    const figures: Figures[] = [];
    for (const row of rows) {
      figures.push(await measure(takeovers, row));
      console.error(render(figures.slice(-1)));
    }
    process.stdout.write(options.json ? `${JSON.stringify({ machine, calibration, rows: figures })}\n` : `${machine}\n${render(figures)}`);
    // A short run warms nothing up: it shows that the bench works.
    return options.short || figures.every((row) => row.maxMs <= row.promisedMs) ? 0 : 1;
  } finally {
    takeovers.stop();
    await plane.stop();
  }
}

process.exitCode = await main();
