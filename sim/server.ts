/**
 * An extension server in virtual time.
 *
 * What decides and acts is the product's own: reconcile, views, carryOut and the sweep of src/extension over src/decide. Only the waiting is
 * the simulator's: src/extension/loop.ts polls twice a second and renews a Lease by real calls, which would cost most of an hour's run; here
 * the same rules (whose cluster, when due, overdue work) follow from events, and a Lease is a number that grows while its server lives.
 */

import { clusterKey } from '../src/decide/creation.ts';
import { activeConfig } from '../src/decide/server-config.ts';
import { confirmed, extensionLeaseName, liveServers, lookAround, mayWork, newStanding, sharingRules } from '../src/decide/sharding.ts';
import type { SharingRules, Standing } from '../src/decide/sharding.ts';
import { capacityWatch } from '../src/extension/capacity.ts';
import { createSilenceWatch } from '../src/extension/mass-silence.ts';
import { createQueue } from '../src/extension/queue.ts';
import type { WorkQueue } from '../src/extension/queue.ts';
import { isWorkDue, NO_MEMORY, reconcile } from '../src/extension/reconcile.ts';
import type { ClusterMemory, ReconcileDeps } from '../src/extension/reconcile.ts';
import { sweepForever } from '../src/extension/sweep.ts';
import { createTurns } from '../src/extension/turns.ts';
import { isSynced, withIndexes } from '../src/extension/view.ts';
import type { Informers } from '../src/extension/view.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { ClusterRelease } from '../src/model/cluster-release.ts';
import type { Cluster } from '../src/model/cluster.ts';
import type { AnyEntity, Lease } from '../src/model/core-kinds.ts';
import type { Host } from '../src/model/host.ts';
import type { ServerConfig } from '../src/model/server-config.ts';
import type { Site } from '../src/model/site.ts';
import type { VirtualDataCenter } from '../src/model/virtual-data-center.ts';
import { simulatedApi } from './api.ts';
import { simulatedInformer } from './cache.ts';
import { cutLeftMs, weatherOf } from './faults.ts';
import { judgeTakeUp, noteBeat } from './sharing-checks.ts';
import { clockOf, later, logOf, monotonicMs, randomOf, startLife } from './process.ts';
import type { Life, Process } from './process.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

const CONCURRENCY = 4;

interface Server {
  readonly world: World;
  readonly life: Life;
  readonly deps: ReconcileDeps;
  readonly queue: WorkQueue;
  readonly memories: Map<string, ClusterMemory>;
  readonly dueSince: Map<string, number>;
  /** Leases of all servers, as last read; undefined: never yet. */
  leases: readonly Lease[] | undefined;
  standing: Standing;
  readonly rules: () => SharingRules;
  live: string;
  timer: () => void;
}

/** Starts a life of the server `process`. */
export function startServer(world: World, process: Process): void {
  const life = startLife(process, world.scheduler);
  const informers = informersOf(world, life);
  const rules = rulesOf(informers);
  const silence = createSilenceWatch({ clock: clockOf(life), log: logOf(world.trace, process.name) }, informers, () => lookAtAll(server));
  const deps: ReconcileDeps = {
    api: simulatedApi(world, life),
    clock: clockOf(life),
    random: randomOf(process.dice),
    log: logOf(world.trace, process.name),
    component: process.name,
    informers,
    rules,
    turns: createTurns(),
    massSilence: () => silence.now(),
    leaseSeen: (nodeUid) => silence.leaseSeen(nodeUid),
    wrote: (object) => learn(informers, object),
  };
  const server: Server = {
    world,
    life,
    deps,
    queue: createQueue(),
    memories: new Map(),
    dueSince: new Map(),
    leases: undefined,
    standing: newStanding(monotonicMs(life)),
    rules,
    live: '',
    timer: () => undefined,
  };
  listen(server);
  heartbeat(server);
  world.scheduler.touch();
  const { signal } = life.controller;
  const mine = (key: string): boolean => mayTake(server, key, 0);
  sweepForever(deps, { mine, resyncMs: () => server.rules().resyncMs }, signal).catch((cause: unknown) => broken(server, cause));
  silence.run(signal).catch((cause: unknown) => broken(server, cause));
}

/** As src/extension/loop.ts has it. */
function rulesOf(informers: Informers): () => SharingRules {
  let known: SharingRules | undefined;
  informers.configs.onChange(() => (known = undefined));
  return () => (known ??= sharingRules(activeConfig([...informers.configs.list()])));
}

function mayTake({ standing, life, rules }: Server, key: string, dueMs: number): boolean {
  return mayWork(standing, life.process.name, key, dueMs, monotonicMs(life), rules());
}

/** A server that stops takes its Lease away. */
export function sayFarewell(world: World, process: Process): void {
  world.leases.delete(process.name);
}

function informersOf(world: World, life: Life): Informers {
  return withIndexes({
    clusters: simulatedInformer<Cluster>(world, life, 'clusters'),
    nodes: simulatedInformer<ClusterNode>(world, life, 'clusternodes'),
    virtualDataCenters: simulatedInformer<VirtualDataCenter>(world, life, 'virtualdatacenters'),
    releases: simulatedInformer<ClusterRelease>(world, life, 'clusterreleases'),
    configs: simulatedInformer<ServerConfig>(world, life, 'serverconfigs'),
    sites: simulatedInformer<Site>(world, life, 'sites'),
    hosts: simulatedInformer<Host>(world, life, 'hosts'),
    leases: simulatedInformer<Lease>(world, life, 'leases'),
  });
}

function learn(informers: Informers, object: AnyEntity): void {
  if (object.kind === 'Cluster') informers.clusters.learn(object as Cluster);
  else if (object.kind === 'ClusterNode') informers.nodes.learn(object as ClusterNode);
  else if (object.kind === 'VirtualDataCenter') informers.virtualDataCenters.learn(object as VirtualDataCenter);
  else if (object.kind === 'Site') informers.sites.learn(object as Site);
}

/** Which clusters a change concerns: as in src/extension/loop.ts. */
function listen(server: Server): void {
  const { informers } = server.deps;
  const add = (key: string): void => {
    server.queue.add(key, monotonicMs(server.life));
    wake(server);
  };
  const addAll = (concerns: (cluster: Cluster) => boolean): void => {
    for (const cluster of informers.clusters.list()) if (concerns(cluster)) add(clusterKey(cluster));
  };
  informers.clusters.onChange((cluster) => add(clusterKey(cluster)));
  informers.nodes.onChange((node) => add(`${node.metadata.namespace ?? ''}/${node.spec.cluster}`));
  const concerned = capacityWatch(informers.indexes.clusters);
  informers.virtualDataCenters.onChange((vdc, gone) => {
    for (const cluster of concerned(vdc, gone)) add(clusterKey(cluster));
  });
  informers.releases.onChange((release) => addAll((cluster) => cluster.spec.release === release.metadata.name));
  informers.configs.onChange(() => addAll(() => true));
  informers.sites.onChange(({ metadata, status }) =>
    addAll((cluster) => cluster.spec.site === metadata.name || cluster.metadata.uid === status?.cluster?.uid),
  );
}

/** Renews the Lease and looks at the others', each second. */
function heartbeat(server: Server): void {
  const { world, life } = server;
  const { name, dice } = life.process;
  const nowMs = world.scheduler.nowMs();
  const isHeard = cutLeftMs(world.faults, name, nowMs) === 0 && !dice.chance(weatherOf(world.faults, name, nowMs).lossShare);
  const atMs = monotonicMs(life);
  noteBeat(world, name, isHeard);
  if (isHeard) server.leases = leasesOf(world);
  server.standing = server.leases === undefined ? newStanding(atMs) : lookAround(server.standing, server.leases, atMs, server.rules());
  if (isHeard && !server.standing.joining) {
    world.leases.set(name, (world.leases.get(name) ?? 0) + 1);
    server.standing = confirmed(server.standing, atMs, atMs, server.rules());
  }
  const live = `${liveServers(server.standing.leases, atMs).join()} ${server.standing.shownMs === undefined ? 'out' : 'in'}`;
  if (live !== server.live) {
    server.live = live;
    lookAtAll(server);
  }
  later(life, server.rules().renewMs, () => heartbeat(server));
}

function lookAtAll(server: Server): void {
  for (const cluster of server.deps.informers.clusters.list()) server.queue.add(clusterKey(cluster), monotonicMs(server.life));
  wake(server);
}

function leasesOf(world: World): Lease[] {
  return [...world.leases].map(([server, revision]) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: extensionLeaseName(server), uid: server, resourceVersion: String(revision), creationTimestamp: '' },
    spec: { holderIdentity: server },
  }));
}

/** Takes what is due; plans the next look. */
function wake(server: Server): void {
  server.timer();
  server.timer = later(server.life, 0, () => dispatch(server));
}

function dispatch(server: Server): void {
  const { queue, life, deps } = server;
  const hasSynced = isSynced(deps.informers);
  while (hasSynced && queue.atWork() < CONCURRENCY) {
    const key = queue.take(monotonicMs(life));
    if (key === undefined) break;
    server.world.scheduler.touch();
    look(server, key).catch((cause: unknown) => broken(server, cause));
  }
  const nextMs = queue.nextDueMs();
  const waitMs =
    !hasSynced || queue.atWork() >= CONCURRENCY ? 500 : nextMs === undefined ? 60_000 : Math.max(1, nextMs - monotonicMs(life));
  server.timer = later(life, waitMs / life.process.rate + 1, () => dispatch(server));
}

async function look(server: Server, key: string): Promise<void> {
  const slash = key.indexOf('/');
  const cluster = server.deps.informers.clusters.get(key.slice(0, slash), key.slice(slash + 1));
  try {
    if (cluster === undefined) {
      server.memories.delete(key);
      server.dueSince.delete(key);
    } else await lookAt(server, cluster, key);
  } finally {
    server.queue.done(key);
    wake(server);
  }
}

/** As src/extension/loop.ts has it: own clusters now, others' when their work is overdue. */
async function lookAt(server: Server, cluster: Cluster, key: string): Promise<void> {
  const { deps, queue, life } = server;
  const memory = server.memories.get(key) ?? NO_MEMORY;
  const nowMs = monotonicMs(life);
  const mine = (dueMs: number): boolean => mayTake(server, key, dueMs);
  if (!mine(0)) {
    const isDue = isWorkDue(deps, cluster.metadata.namespace ?? '', cluster.metadata.name, memory);
    const since = isDue ? (server.dueSince.get(key) ?? nowMs) : nowMs;
    if (isDue) server.dueSince.set(key, since);
    else server.dueSince.delete(key);
    if (!isDue || !mine(nowMs - since)) {
      queue.add(key, isDue ? Math.max(since + server.rules().overdueMs, nowMs + 500) : nowMs + server.rules().resyncMs);
      return;
    }
  }
  server.dueSince.delete(key);
  if (server.rules().shared) judgeTakeUp(server.world, life.process.name, key);
  const result = await reconcile(deps, cluster, memory, life.controller.signal);
  server.memories.set(key, result.memory);
  queue.add(key, monotonicMs(life) + (result.againMs ?? server.rules().resyncMs));
}

/** A promise of the code was broken: in the product the process stops; here the run fails. */
function broken(server: Server, cause: unknown): void {
  violate(server.world, `${server.life.process.name} stopped: ${cause instanceof Error ? cause.stack : String(cause)}`);
}
