/**
 * Creates two-node clusters and times each from its create to the moment at which a watcher is told that it is Available.
 */

import { loadavg } from 'node:os';

import { createInformer } from '../../src/client/informer.ts';
import { CLUSTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { createLog } from '../../src/platform/log.ts';
import { PLAIN_RELEASE } from '../../tests/support/plain-release.ts';
import { withDescendants } from '../calibration.ts';
import { cpuSeconds, made, NAMESPACE } from './rig.ts';
import type { BenchPlane } from './rig.ts';

/** Nothing of this bench takes longer for one cluster. */
const DEADLINE_MS = 120_000;

export interface Creations {
  /** Creates `count` clusters, `perSecond` of them each second (0: all at once), and waits until all are available. */
  run(label: string, count: number, perSecond: number): Promise<CreationFigures>;
  stop(): void;
}

export interface CreationFigures {
  readonly label: string;
  readonly clusters: number;
  /** From the first create to the last Available. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Load of the machine at its end, over a minute. */
  readonly load: number;
  /** Share of a core that each process used meanwhile. */
  readonly cores: Readonly<Record<string, number>>;
}

export function watchCreations(plane: BenchPlane): Creations {
  const stopping = new AbortController();
  const waiting = new Map<string, (atMs: number) => void>();
  const deps = { api: plane.api, clock: systemClock(), random: systemRandom(), log: createLog({ role: 'bench', level: 'error' }) };
  const clusters = createInformer<Cluster>(deps, CLUSTERS, { namespace: NAMESPACE });
  clusters.onChange(({ metadata, status }) => {
    if (status?.availableAt === undefined) return;
    waiting.get(metadata.name)?.(performance.now());
    waiting.delete(metadata.name);
  });
  void clusters.run(stopping.signal);
  let made_ = 0;
  const createOne = async (): Promise<number> => {
    const name = `c${made_}`;
    const home = plane.homes[made_++ % plane.homes.length] ?? '';
    const available = new Promise<number>((done) => waiting.set(name, done));
    const begin = performance.now();
    const spec = { virtualDataCenter: home, release: PLAIN_RELEASE, workers: 1 };
    const object = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name, namespace: NAMESPACE }, spec };
    await made(plane.api.create(CLUSTERS, NAMESPACE, object, AbortSignal.timeout(DEADLINE_MS)));
    return (await inTime(available, name)) - begin;
  };
  return {
    run: async (label, count, perSecond) => {
      const before = cpuOf(plane);
      const begin = performance.now();
      const under: Promise<number>[] = [];
      for (let i = 0; i < count; i++) {
        under.push(createOne());
        const dueMs = begin + (perSecond === 0 ? 0 : ((i + 1) * 1000) / perSecond);
        if (dueMs > performance.now()) await new Promise((done) => setTimeout(done, dueMs - performance.now()));
      }
      const took = (await Promise.all(under)).sort((a, b) => a - b);
      const seconds = (performance.now() - begin) / 1000;
      const cores = Object.fromEntries(Object.entries(cpuOf(plane)).map(([name, used]) => [name, (used - (before[name] ?? 0)) / seconds]));
      return { label, clusters: count, perSecond: count / seconds, ...quantiles(took), load: loadavg()[0] ?? 0, cores };
    },
    stop: () => stopping.abort(),
  };
}

/** One after the other, each when all is still again: how long one takes that has the machine to itself. */
export async function alone(creations: Creations, count: number): Promise<CreationFigures> {
  const each: CreationFigures[] = [];
  for (let i = 0; i < count; i++) {
    each.push(await creations.run('alone', 1, 0));
    await new Promise((done) => setTimeout(done, 300));
  }
  const took = each.map((one) => one.p50Ms).sort((a, b) => a - b);
  return {
    label: 'one alone',
    clusters: count,
    perSecond: 1000 / (quantiles(took).p50Ms || 1),
    ...quantiles(took),
    load: loadavg()[0] ?? 0,
    cores: {},
  };
}

function quantiles(sorted: readonly number[]): Pick<CreationFigures, 'p50Ms' | 'p99Ms' | 'maxMs'> {
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

function cpuOf(plane: BenchPlane): Record<string, number> {
  return Object.fromEntries(
    Object.entries(plane.pids()).map(([name, pid]) => [name, withDescendants(pid).reduce((sum, one) => sum + cpuSeconds(one), 0)]),
  );
}

async function inTime(available: Promise<number>, name: string): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${name} did not become available within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
  });
  return await Promise.race([available, late]).finally(() => clearTimeout(timer));
}
