/**
 * Takes extension servers away and times until their work is taken up by another.
 *
 * What is timed begins when the signal is sent: at once after it, clusters are created that by the sharing rule are the victim's, so their work is due
 * while it is dead. Taken up is a cluster when a watcher is told of its first change: nobody but an extension server writes it before.
 */

import type { ChildProcess } from 'node:child_process';
import { createInformer } from '../../src/client/informer.ts';
import { ownerOf } from '../../src/base/ring.ts';
import { liveServers, NO_LEASES, observeLeases } from '../../src/decide/sharding.ts';
import type { LeaseMemory } from '../../src/decide/sharding.ts';
import { CLUSTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import type { Lease } from '../../src/model/core-kinds.ts';
import { createLog } from '../../src/platform/log.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { eventually } from '../../tests/support/eventually.ts';
import { PLAIN_RELEASE } from '../../tests/support/plain-release.ts';
import { made, NAMESPACE } from '../provisioning/rig.ts';
import type { BenchPlane } from '../provisioning/rig.ts';

const SERVERS = 3;
/** Due work of each victim. */
const CLUSTERS_EACH = 3;
const PATIENCE_MS = 60_000;
const LOOK_MS = 20;
const SYSTEM_NAMESPACE = 'outrigger-system';

export interface Takeovers {
  /** One victim: how long each of its clusters waited, in ms. */
  takeAway(signal: 'SIGKILL' | 'SIGTERM'): Promise<readonly number[]>;
  stop(): void;
}

interface Scene {
  readonly plane: BenchPlane;
  readonly children: Map<string, ChildProcess>;
  readonly live: () => readonly string[];
  readonly clusters: Map<string, { readonly revision: string; readonly wake: (atMs: number) => void }>;
  readonly early: Map<string, { readonly revision: string; readonly atMs: number }[]>;
  started: number;
  named: number;
}

export function watchTakeovers(plane: BenchPlane): Takeovers {
  const stopping = new AbortController();
  const deps = { api: plane.api, clock: systemClock(), random: systemRandom(), log: createLog({ role: 'bench', level: 'error' }) };
  const leases = createInformer<Lease>(deps, LEASES, { namespace: SYSTEM_NAMESPACE });
  const clusters = createInformer<Cluster>(deps, CLUSTERS, { namespace: NAMESPACE });
  let memory: LeaseMemory = NO_LEASES;
  const look = (): void => {
    memory = observeLeases(memory, [...leases.list()], performance.now());
  };
  leases.onChange(look);
  const scene: Scene = {
    plane,
    children: new Map(),
    live: () => {
      look();
      return liveServers(memory, performance.now());
    },
    clusters: new Map(),
    early: new Map(),
    started: 0,
    named: 0,
  };
  clusters.onChange((cluster, gone) => {
    if (!gone) seen(scene, cluster);
  });
  void Promise.all([leases.run(stopping.signal), clusters.run(stopping.signal)]);
  return { takeAway: (signal) => takeAway(scene, signal), stop: () => stopping.abort() };
}

/** The watch may tell of a cluster before the create is answered. */
function seen(scene: Scene, { metadata }: Cluster): void {
  const { name, resourceVersion: revision } = metadata;
  const waiting = scene.clusters.get(name);
  if (waiting === undefined) scene.early.set(name, [...(scene.early.get(name) ?? []), { revision, atMs: performance.now() }]);
  else if (waiting.revision !== revision) waiting.wake(performance.now());
}

async function takeAway(scene: Scene, signal: 'SIGKILL' | 'SIGTERM'): Promise<readonly number[]> {
  while (scene.children.size < SERVERS) {
    const name = `extension-${++scene.started}`;
    scene.children.set(name, scene.plane.startServer(name));
  }
  // The Lease of the one before is told from a living one's when its time is over.
  const live = await eventually('all servers live', () => allLive(scene), PATIENCE_MS, LOOK_MS);
  const [victim, child] = [...scene.children][0] ?? [];
  const server = live.find((one) => one.startsWith(`${victim}-`));
  if (victim === undefined || child === undefined || server === undefined) throw new Error('there is no server to take away');
  const names = namesOf(scene, server, live);
  scene.children.delete(victim);
  child.kill(signal);
  const begin = performance.now();
  return await Promise.all(names.map(async (name) => (await takenUp(scene, name)) - begin));
}

function allLive(scene: Scene): readonly string[] | undefined {
  const live = scene.live();
  const names = [...scene.children.keys()];
  const isComplete = live.length === names.length && names.every((name) => live.some((one) => one.startsWith(`${name}-`)));
  return isComplete ? live : undefined;
}

/** Names of clusters that are the server's. */
function namesOf(scene: Scene, server: string, live: readonly string[]): string[] {
  const names: string[] = [];
  while (names.length < CLUSTERS_EACH) {
    const name = `t${++scene.named}`;
    if (ownerOf(`${NAMESPACE}/${name}`, live) === server) names.push(name);
  }
  return names;
}

async function takenUp(scene: Scene, name: string): Promise<number> {
  const { plane, clusters, early } = scene;
  const spec = { virtualDataCenter: plane.homes[0] ?? '', release: PLAIN_RELEASE, workers: 0 };
  const object = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name, namespace: NAMESPACE }, spec };
  const within = AbortSignal.timeout(PATIENCE_MS);
  const created = await made(plane.api.create<Cluster>(CLUSTERS, NAMESPACE, object, within));
  const revision = created.metadata.resourceVersion;
  const first = early.get(name)?.find((one) => one.revision !== revision);
  const late = new Promise<never>((_, fail) => within.addEventListener('abort', () => fail(new Error(`nobody took up ${name}`))));
  const changed = new Promise<number>((wake) => clusters.set(name, { revision, wake }));
  const atMs = first?.atMs ?? (await Promise.race([changed, late]));
  await plane.api.delete(CLUSTERS, NAMESPACE, name, {}, AbortSignal.timeout(PATIENCE_MS));
  return atMs;
}
