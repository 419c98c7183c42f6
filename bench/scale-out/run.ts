/**
 * `npm run bench -- scale-out`: what another extension server is worth.
 *
 * Each server works on few clusters at a time (ServerConfig, spec.concurrency), over a director that is far away: a relay adds a delay to every call. So
 * the servers' own concurrency is what limits, and not the cores of this machine; the cores that were used are told, so that a reader sees it.
 * Efficiency is the throughput of N servers over N times that of one. Exits with 1 when it is less than promised, or when the cores were the limit.
 *
 *     --servers 1,2     rows (1,2,3,5)
 *     --concurrency N   clusters that a server looks at at a time (2)
 *     --far MS          what each call of a server takes longer (250)
 *     --homes N         VirtualDataCenters that the clusters are spread over (12)
 *     --seconds N       for how long each row is counted (30)
 *     --short           1 and 2 servers for 3 s, 30 ms away
 *     --json            for programs
 */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { SERVER_CONFIGS } from '../../src/model/addresses.ts';
import { calibrate, describeMachine } from '../calibration.ts';
import type { Calibration } from '../calibration.ts';
import { made, startPlane } from '../provisioning/rig.ts';
import { openFleet } from './measure.ts';
import type { RowFigures } from './measure.ts';

/** docs/decisions/0019-standing-clusters.md: of five servers. */
const EFFICIENCY = 0.8;
/** Of all cores: when the bench itself uses more, the servers are not what limits. */
const CORES_SHARE = 0.8;
/** Clusters under way for each that a server may look at: most of the time a cluster waits for its machines. */
const UNDER_WAY = 4;
const SHORT_FAR_MS = 30;

const { values: options } = parseArgs({
  options: {
    servers: { type: 'string', default: '1,2,3,5' },
    concurrency: { type: 'string', default: '2' },
    far: { type: 'string', default: '250' },
    homes: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '30' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const rows = (options.short ? '1,2' : options.servers).split(',').map(Number);
const seconds = options.short ? 3 : Number(options.seconds);
const [concurrency, homes] = [Number(options.concurrency), Number(options.homes)];
const farMs = options.short ? SHORT_FAR_MS : Number(options.far);
if (![seconds, concurrency, farMs, homes, ...rows].every((one) => Number.isInteger(one) && one > 0)) {
  console.error('Say --concurrency, --far, --homes and --seconds with a count each, and --servers with counts and commas.');
  process.exit(2);
}

interface Row extends RowFigures {
  readonly efficiency: number;
}

interface Figures {
  readonly machine: string;
  readonly calibration: Calibration;
  readonly rows: readonly Row[];
}

async function main(): Promise<number> {
  const machine = describeMachine();
  const calibration = calibrate();
  const measured = await measureAll();
  const figures = { machine, calibration, rows: measured };
  process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : render(figures));
  return options.short || brokenPromises(measured).length === 0 ? 0 : 1;
}

async function measureAll(): Promise<Row[]> {
  const plane = await startPlane({ homes, hosts: true, machineMs: 20, servicesMs: 20 });
  const measured: Row[] = [];
  try {
    const config = { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'bench' }, spec: { concurrency } };
    await made(plane.api.create(SERVER_CONFIGS, '', config, AbortSignal.timeout(10_000)));
    const fleet = await openFleet(plane, farMs);
    try {
      for (const servers of rows) {
        const warmUpMs = options.short ? 1_000 : 8_000;
        const row = await fleet.measure({ servers, underWay: UNDER_WAY * concurrency, warmUpMs, windowMs: seconds * 1000 });
        const first = measured[0] ?? row;
        measured.push({ ...row, efficiency: row.perSecond / row.servers / (first.perSecond / first.servers) });
      }
    } finally {
      await fleet.stop();
    }
    return measured;
  } finally {
    await plane.stop();
  }
}

/** A sentence for each. */
function brokenPromises(measured: readonly Row[]): string[] {
  const cores = availableParallelism();
  return measured.flatMap(({ servers, efficiency, cores: used }) => [
    ...(servers === 5 && efficiency < EFFICIENCY
      ? [`five servers do ${percent(efficiency)} of five times one, promised are ${percent(EFFICIENCY)}`]
      : []),
    ...(used > CORES_SHARE * cores
      ? [`with ${servers} servers this bench used ${used.toFixed(1)} of ${cores} cores, so this row says nothing`]
      : []),
  ]);
}

function render({ machine, calibration, rows: measured }: Figures): string {
  const broken = brokenPromises(measured);
  return [
    `Two-node clusters created by servers that look at ${concurrency} at a time, each call ${farMs} ms away; ${homes} VirtualDataCenters, hollow hosts`,
    `${machine}; SHA-256 ${Math.round(calibration.hashMBs)} MB/s, fdatasync ${calibration.syncMs.toFixed(2)} ms`,
    ...measured.map(
      (row) =>
        `${row.servers} servers ${row.perSecond.toFixed(2).padStart(7)} clusters/s   efficiency ${percent(row.efficiency).padStart(6)}   ` +
        `p50 ${(row.p50Ms / 1000).toFixed(1)} s   cores in use ${row.cores.toFixed(2)}, of the machine ${row.machineCores.toFixed(2)} of ${availableParallelism()}`,
    ),
    ...(broken.length === 0 ? ['All promises were kept.'] : broken.map((one) => `Broken: ${one}.`)),
    '',
  ].join('\n');
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

process.exitCode = await main();
