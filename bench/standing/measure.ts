/**
 * What extension servers, the director and its database cost while nothing happens: many clusters stand, and every node renews its Lease.
 */

import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { eventually } from '../../tests/support/eventually.ts';
import { freePort } from '../../tests/support/free-port.ts';
import { proportionalMB, withDescendants } from '../calibration.ts';
import { cpuSeconds, ended } from '../provisioning/rig.ts';
import type { BenchPlane } from '../provisioning/rig.ts';
import type { Planted } from './plant.ts';
import type { RenewOptions } from './renew/main.ts';

const RENEW = resolve(import.meta.dirname, 'renew/main.ts');
const CAUGHT_UP_MS = 120_000;
const LOOK_MS = 50;
/** What starting has left over (first looks, garbage) is no standing cost. */
const SETTLE_MS = 15_000;
const SAMPLE_MS = 5_000;
const METRIC_PREFIX = 'outrigger_extension_';

export interface StandingFigures {
  readonly clusters: number;
  readonly bytesPerCluster: number;
  readonly plantedPerSecond: number;
  readonly renewalsPerSecond: number;
  readonly seconds: number;
  /** From the start of the processes until each is ready, and all clusters were looked at. */
  readonly readySeconds: number;
  readonly caughtUpSeconds: number;
  /** The extension servers first, then the director and PostgreSQL. */
  readonly processes: readonly ProcessFigures[];
}

export interface ProcessFigures {
  readonly name: string;
  /** Share of a core while nothing happens but renewals. */
  readonly core: number;
  /** The most that was seen of each, MB. */
  readonly residentMB: number;
  readonly proportionalMB: number;
  /** PSS of the last quarter of the time less that of the first, each the least that was seen, MB: garbage comes and goes. */
  readonly grownMB: number;
}

interface Server {
  readonly name: string;
  readonly pid: number;
  readonly health: string;
}

/** Starts `servers` extension servers on a plane where clusters stand, and watches them for `seconds`. */
export async function measureStanding(plane: BenchPlane, planted: Planted, servers: number, seconds: number): Promise<StandingFigures> {
  const renewals = startRenewals(plane, planted);
  try {
    await eventually('Leases are renewed', () => renewals.count() > 0, CAUGHT_UP_MS);
    const begin = performance.now();
    const started = await Promise.all(Array.from({ length: servers }, (_, i) => startServer(plane, `extension-${i + 1}`)));
    const begun = await untilCaughtUp(started, planted.clusters, begin);
    await pause(Math.min(SETTLE_MS, seconds * 1000));
    const roots = [...started.map(({ name, pid }): [string, number] => [name, pid]), ...Object.entries(plane.pids()).slice(0, 2)];
    const fromMs = performance.now();
    const fromCount = renewals.count();
    const processes = await watch(roots, seconds);
    const took = (performance.now() - fromMs) / 1000;
    return {
      clusters: planted.clusters,
      bytesPerCluster: planted.bytesPerCluster,
      plantedPerSecond: planted.writesPerSecond,
      renewalsPerSecond: (renewals.count() - fromCount) / took,
      seconds: took,
      ...begun,
      processes,
    };
  } finally {
    await renewals.stop();
  }
}

// ---- renewals ---------------------------------------------------------------------------------------------------------------------------

interface Renewals {
  /** Renewals answered so far. */
  count(): number;
  stop(): Promise<void>;
}

function startRenewals(plane: BenchPlane, { leases }: Planted): Renewals {
  const { origin, ca, cert, key } = plane.director.target;
  const child = fork(RENEW, { stdio: ['pipe', 'inherit', 'inherit', 'ipc'] });
  const order: RenewOptions = { directors: [origin], identity: { certificate: cert, privateKey: key, authority: ca }, leases };
  child.stdin?.end(JSON.stringify(order));
  let count = 0;
  child.on('message', (answered) => (count = Number(answered)));
  return { count: () => count, stop: async () => await ended(child) };
}

// ---- the start --------------------------------------------------------------------------------------------------------------------------

async function startServer(plane: BenchPlane, name: string): Promise<Server> {
  const health = `127.0.0.1:${await freePort()}`;
  return { name, pid: plane.startServer(name, '--health-listen', health).pid ?? 0, health: `http://${health}` };
}

/** All are ready, every cluster was looked at by its server, and nothing waits. */
async function untilCaughtUp(
  servers: readonly Server[],
  clusters: number,
  begin: number,
): Promise<Pick<StandingFigures, 'readySeconds' | 'caughtUpSeconds'>> {
  const since = (): number => (performance.now() - begin) / 1000;
  await eventually('all are ready', async () => (await Promise.all(servers.map(isReady))).every(Boolean), CAUGHT_UP_MS, LOOK_MS);
  const readySeconds = since();
  const isDone = async (): Promise<boolean> => {
    const seen = await Promise.all(servers.map(metricsOf));
    const looks = seen.reduce((sum, metrics) => sum + (metrics.get('looks_total') ?? 0), 0);
    return looks >= clusters && seen.every((metrics) => metrics.get('queue_depth') === 0 && metrics.get('at_work') === 0);
  };
  await eventually('all have caught up', isDone, CAUGHT_UP_MS, LOOK_MS);
  return { readySeconds, caughtUpSeconds: since() };
}

async function isReady({ health }: Server): Promise<boolean> {
  const answer = await fetch(`${health}/readyz`, { signal: AbortSignal.timeout(CAUGHT_UP_MS) }).catch(() => undefined);
  await answer?.text();
  return answer?.status === 200;
}

async function metricsOf({ health }: Server): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`${health}/metrics`, { signal: AbortSignal.timeout(CAUGHT_UP_MS) });
  const plain = new RegExp(`^${METRIC_PREFIX}(\\w+) (\\S+)$`, 'gm');
  return new Map([...(await answer.text()).matchAll(plain)].map(([, name = '', value]) => [name, Number(value)]));
}

// ---- while nothing happens --------------------------------------------------------------------------------------------------------------

interface Sample {
  readonly residentMB: number;
  readonly proportionalMB: number;
}

async function watch(roots: readonly (readonly [name: string, pid: number])[], seconds: number): Promise<ProcessFigures[]> {
  const before = roots.map(([, pid]) => usedBy(pid));
  const fromMs = performance.now();
  const samples: Sample[][] = roots.map(() => []);
  const untilMs = fromMs + seconds * 1000;
  while (performance.now() < untilMs) {
    await pause(Math.min(SAMPLE_MS, untilMs - performance.now()));
    for (const [i, [, pid]] of roots.entries()) samples[i]?.push(sampleOf(pid));
  }
  const took = (performance.now() - fromMs) / 1000;
  return roots.map(([name, pid], i) => ({ name, core: (usedBy(pid) - (before[i] ?? 0)) / took, ...figuresOf(samples[i] ?? []) }));
}

function figuresOf(samples: readonly Sample[]): Pick<ProcessFigures, 'residentMB' | 'proportionalMB' | 'grownMB'> {
  const most = (field: keyof Sample): number => Math.max(...samples.map((sample) => sample[field]));
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const least = (some: readonly Sample[]): number => Math.min(...some.map((sample) => sample.proportionalMB));
  const grownMB = least(samples.slice(-quarter)) - least(samples.slice(0, quarter));
  return { residentMB: most('residentMB'), proportionalMB: most('proportionalMB'), grownMB };
}

function sampleOf(root: number): Sample {
  const pids = withDescendants(root);
  return { residentMB: pids.reduce((sum, pid) => sum + residentMB(pid), 0), proportionalMB: proportionalMB(pids) };
}

function residentMB(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function usedBy(root: number): number {
  return withDescendants(root).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

async function pause(ms: number): Promise<void> {
  await new Promise((done) => setTimeout(done, ms));
}
