/**
 * The throughput of N extension servers, each of which always has as much to do as it can carry.
 *
 * For each server the same number of clusters is always being created: when one is available the next is made, with a name that is that server's by the
 * sharing rule. So no server runs dry and none is ahead, and what is counted is what N servers can do; that hashing spreads few clusters unevenly is
 * another question.
 */

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { ownerOf } from '../../src/base/ring.ts';
import { createInformer } from '../../src/client/informer.ts';
import { extensionLeaseName } from '../../src/decide/sharding.ts';
import { CLUSTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { eventually } from '../../tests/support/eventually.ts';
import { PLAIN_RELEASE } from '../../tests/support/plain-release.ts';
import { withDescendants } from '../calibration.ts';
import { cpuSeconds, ended, made, NAMESPACE } from '../provisioning/rig.ts';
import type { BenchPlane } from '../provisioning/rig.ts';
import type { RelayOptions } from './relay/main.ts';

const RELAY = resolve(import.meta.dirname, 'relay/main.ts');
const SYSTEM_NAMESPACE = 'outrigger-system';
const PATIENCE_MS = 120_000;
/** Since a server shows its Lease until the others know it. */
const KNOWN_MS = 1_000;
/** Fewer say nothing. */
const LEAST = 4;

export interface RowOptions {
  readonly servers: number;
  /** Clusters that are being created for each server at any moment. */
  readonly underWay: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
}

export interface RowFigures {
  readonly servers: number;
  readonly clusters: number;
  readonly perSecond: number;
  /** Cores that all processes of the bench used together, and all of the machine. */
  readonly cores: number;
  readonly machineCores: number;
  readonly p50Ms: number;
}

export interface Fleet {
  measure(row: RowOptions): Promise<RowFigures>;
  stop(): Promise<void>;
}

/** Servers over this plane whose director is `delayMs` away, there and back. */
export async function openFleet(plane: BenchPlane, delayMs: number): Promise<Fleet> {
  const { relay, kubeconfig } = await startRelay(plane, delayMs);
  const stopping = new AbortController();
  const available = watchAvailable(plane, stopping.signal);
  let made_ = 0;
  const nextOf = (server: string, live: readonly string[]): string => {
    for (;;) {
      const name = `c${made_++}`;
      if (ownerOf(`${NAMESPACE}/${name}`, live) === server) return name;
    }
  };
  const measure = async (row: RowOptions): Promise<RowFigures> => {
    const names = Array.from({ length: row.servers }, (_, i) => `far-${row.servers}-${i + 1}`);
    const children = names.map((name) => plane.startServer(name, '--kubeconfig', kubeconfig));
    try {
      const live = await liveOf(plane, names);
      const window = openWindow(row);
      const keepBusy = async (server: string): Promise<void> => {
        while (!window.isOver()) {
          const beganMs = performance.now();
          await create(plane, nextOf(server, live), made_, available);
          window.count(performance.now() - beganMs);
        }
      };
      const cores = coresWithin(plane, relay, window);
      await Promise.all(live.flatMap((server) => Array.from({ length: row.underWay }, () => keepBusy(server))));
      return { servers: row.servers, ...window.figures(), ...(await cores) };
    } finally {
      await Promise.all(children.map(ended));
    }
  };
  return {
    measure,
    stop: async () => {
      stopping.abort();
      await ended(relay);
    },
  };
}

/** What is counted: from the end of the warm-up for as long as was asked for, and at least until some became available. */
interface Window {
  readonly fromMs: number;
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  isOver(): boolean;
  /** A cluster became available now that took so long. */
  count(tookMs: number): void;
  figures(): Pick<RowFigures, 'clusters' | 'perSecond' | 'p50Ms'>;
}

function openWindow({ warmUpMs, windowMs }: RowOptions): Window {
  const fromMs = performance.now() + warmUpMs;
  const over = Promise.withResolvers<void>();
  const took: number[] = [];
  let overMs: number | undefined;
  return {
    fromMs,
    over: over.promise,
    isOver: () => overMs !== undefined,
    count: (tookMs) => {
      const nowMs = performance.now();
      if (overMs !== undefined || nowMs < fromMs) return;
      took.push(tookMs);
      if (nowMs < fromMs + windowMs || took.length < LEAST) return;
      overMs = nowMs;
      over.resolve();
    },
    figures: () => {
      const seconds = ((overMs ?? fromMs + windowMs) - fromMs) / 1000;
      const p50Ms = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? Number.NaN;
      return { clusters: took.length, perSecond: took.length / seconds, p50Ms };
    },
  };
}

async function startRelay(plane: BenchPlane, delayMs: number): Promise<{ readonly relay: ChildProcess; readonly kubeconfig: string }> {
  const { origin } = plane.director.target;
  const order: RelayOptions = { port: Number(new URL(origin).port), delayMs: delayMs / 2 };
  const relay = fork(RELAY, [JSON.stringify(order)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const port = await new Promise<number>((done) => relay.once('message', (told) => done(Number(told))));
  const kubeconfig = `${plane.kubeconfig}-far`;
  writeFileSync(kubeconfig, readFileSync(plane.kubeconfig, 'utf8').replaceAll(origin, `https://127.0.0.1:${port}`), { mode: 0o600 });
  return { relay, kubeconfig };
}

type Available = Map<string, () => void>;

/** Calls who waits for a cluster, once it is available. */
function watchAvailable(plane: BenchPlane, signal: AbortSignal): Available {
  const waiting: Available = new Map();
  const deps = { api: plane.api, clock: systemClock(), random: systemRandom(), log: createLog({ role: 'bench', level: 'error' }) };
  const clusters = createInformer<Cluster>(deps, CLUSTERS, { namespace: NAMESPACE });
  clusters.onChange(({ metadata, status }) => {
    if (status?.availableAt === undefined) return;
    waiting.get(metadata.name)?.();
    waiting.delete(metadata.name);
  });
  void clusters.run(signal);
  return waiting;
}

async function create(plane: BenchPlane, name: string, turn: number, waiting: Available): Promise<void> {
  const home = plane.homes[turn % plane.homes.length] ?? '';
  const spec = { virtualDataCenter: home, release: PLAIN_RELEASE, workers: 1 };
  const object = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name, namespace: NAMESPACE }, spec };
  const available = new Promise<void>((done) => waiting.set(name, done));
  const within = AbortSignal.timeout(PATIENCE_MS);
  const late = new Promise<never>((_, fail) => within.addEventListener('abort', () => fail(new Error(`${name} did not become available`))));
  await made(plane.api.create(CLUSTERS, NAMESPACE, object, within));
  await Promise.race([available, late]);
}

/** The servers by the names that they gave themselves, once all of them show that they live and nobody else does. */
async function liveOf(plane: BenchPlane, names: readonly string[]): Promise<readonly string[]> {
  const prefix = extensionLeaseName('');
  const live = await eventually(
    'these servers live, and no others',
    async () => {
      const { items } = await made(plane.api.list(LEASES, { namespace: SYSTEM_NAMESPACE }, AbortSignal.timeout(PATIENCE_MS)));
      const servers = items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith(prefix));
      const known = servers.map((name) => name.slice(prefix.length)).sort();
      return known.length === names.length && names.every((name) => known.some((one) => one.startsWith(`${name}-`))) ? known : undefined;
    },
    PATIENCE_MS,
    50,
  );
  await new Promise((done) => setTimeout(done, KNOWN_MS));
  return live;
}

// ---- what limits ------------------------------------------------------------------------------------------------------------------------

async function coresWithin(
  plane: BenchPlane,
  relay: ChildProcess,
  { fromMs, over }: Window,
): Promise<Pick<RowFigures, 'cores' | 'machineCores'>> {
  const roots = (): number[] => [...Object.values(plane.pids()), relay.pid ?? 0, process.pid];
  const used = (): number => [...new Set(roots().flatMap(withDescendants))].reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  await new Promise((done) => setTimeout(done, fromMs - performance.now()));
  const before = { ours: used(), all: machineSeconds(), atMs: performance.now() };
  await over;
  const seconds = (performance.now() - before.atMs) / 1000;
  return { cores: (used() - before.ours) / seconds, machineCores: (machineSeconds() - before.all) / seconds };
}

/** CPU seconds that all of this machine has used: all but idle and waiting for disks. */
function machineSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softIrq) / 100;
}
