/**
 * Safety, judged at every commit by what is true in the world, not by what anybody believes.
 */

import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster, ClusterStatus } from '../src/model/cluster.ts';
import { LIMITS } from '../src/model/limits.ts';
import { DEFAULT_SERVER_CONFIG } from '../src/model/server-config.ts';
import type { ServerConfig } from '../src/model/server-config.ts';
import type { VirtualDataCenter } from '../src/model/virtual-data-center.ts';
import { judgeVouched, noteLease } from './health-checks.ts';
import { labelOf } from './machine.ts';
import type { Commit } from './store.ts';
import { noteAsked } from './change-checks.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** How long a write may be on its way before it is done: decided on a spec that has changed meanwhile. */
const IN_FLIGHT_MS = 30 * 60_000;

/** LIMITS.stepSeenMinMs, by the slowest clock. */
const LEAST_MS = LIMITS.stepSeenMinMs * 0.99;

interface Facts {
  /** Cluster uid → [since ms, spec.workers], newest last. */
  readonly workers: Map<string, (readonly [number, number])[]>;
  /** Cluster uid → attempt → ms of the commit that abandoned it. */
  readonly abandonedMs: Map<string, Map<number, number>>;
  /** Node uid → ms of its creation. */
  readonly createdMs: Map<string, number>;
  /** Cluster uid, attempt, step and its time stamp → ms of the first commit that shows it. */
  readonly stepMs: Map<string, number>;
}

/** Watches every commit and every refused guard. */
export function watchSafety(world: World): void {
  const facts: Facts = { workers: new Map(), abandonedMs: new Map(), createdMs: new Map(), stepMs: new Map() };
  world.store.onGuardHit((hit) => {
    if (hit.writer !== 'person') violate(world, `${hit.writer} ran into a guard of the store at ${hit.key}: ${hit.message}`);
  });
  world.store.onCommit((commit) => {
    if (commit.plural === 'clusters') judgeCluster(world, facts, commit);
    else if (commit.plural === 'clusternodes') {
      judgeVouched(world, commit);
      judgeNode(world, facts, commit);
    } else if (commit.plural === 'leases') noteLease(world, commit);
    else if (commit.plural === 'virtualdatacenters') judgeReservations(world, commit);
  });
}

function judgeCluster(world: World, facts: Facts, commit: Commit): void {
  const cluster = commit.object as Cluster;
  const { uid, name } = cluster.metadata;
  const nowMs = world.scheduler.nowMs();
  const history = facts.workers.get(uid) ?? [];
  if (history.at(-1)?.[1] !== cluster.spec.workers) facts.workers.set(uid, [...history, [nowMs, cluster.spec.workers]]);
  noteAsked(world, cluster);
  const before: ClusterStatus = (commit.previous as Cluster | undefined)?.status ?? {};
  const after: ClusterStatus = cluster.status ?? {};
  for (let attempt = (before.abandonedAttempt ?? 0) + 1; attempt <= (after.abandonedAttempt ?? 0); attempt++) {
    const known = facts.abandonedMs.get(uid) ?? new Map<number, number>();
    facts.abandonedMs.set(uid, known.set(attempt, nowMs));
  }
  if (after.availableAt !== undefined && ['Pending', 'Provisioning'].includes(after.phase ?? ''))
    violate(world, `${name} was available and is ${after.phase} again`);
  if (after.availableAt !== undefined && after.autoRepair !== 'Disarmed')
    violate(world, `${name} is available and its auto-repair is armed`);
  if (before.availableAt !== undefined && after.attempt !== before.attempt)
    violate(world, `${name} was available and begins attempt ${after.attempt}`);
  if ((after.attempt ?? 0) > (before.attempt ?? 0)) judgeBegin(world, facts, cluster, after.attempt ?? 0);
  judgeAttempts(world, cluster, after);
  judgeHaste(world, facts, cluster, after);
  if (commit.type === 'DELETED') judgeGone(world, cluster);
}

/** What was made before an attempt was abandoned must be gone when the next one begins; what came late is swept. */
function judgeBegin(world: World, facts: Facts, cluster: Cluster, attempt: number): void {
  for (const node of world.store.list('clusternodes') as readonly ClusterNode[]) {
    if (node.spec.clusterUid !== cluster.metadata.uid || node.spec.attempt >= attempt) continue;
    const abandonedMs = facts.abandonedMs.get(cluster.metadata.uid)?.get(node.spec.attempt) ?? Infinity;
    if ((facts.createdMs.get(node.metadata.uid) ?? 0) < abandonedMs)
      violate(world, `${cluster.metadata.name} begins attempt ${attempt} while ${node.metadata.name} is there`);
  }
}

function judgeAttempts(world: World, cluster: Cluster, status: ClusterStatus): void {
  const config = (world.store.list('serverconfigs')[0] as ServerConfig | undefined)?.spec ?? DEFAULT_SERVER_CONFIG;
  const failures = new Map<number, number>();
  for (const attempt of status.attempts ?? []) {
    if (attempt.outcome !== 'Failed') continue;
    const generation = attempt.generation ?? 0;
    failures.set(generation, (failures.get(generation) ?? 0) + 1);
  }
  const most = Math.max(0, ...failures.values());
  if (most > config.maxAttempts)
    violate(world, `${cluster.metadata.name}: ${most} attempts failed, at most ${config.maxAttempts} are allowed`);
}

function judgeGone(world: World, cluster: Cluster): void {
  for (const machine of world.machines) {
    if (machine.clusterUid !== cluster.metadata.uid || !machine.isAlive || world.givenUp.has(machine.nodeUid)) continue;
    violate(world, `${cluster.metadata.name} is gone while ${labelOf(machine)} runs`);
  }
}

/** Whatever the clocks on the walls say, a step had its least time before it fails for being late. */
function judgeHaste(world: World, facts: Facts, cluster: Cluster, status: ClusterStatus): void {
  const nowMs = world.scheduler.nowMs();
  for (const attempt of status.attempts ?? []) {
    const key = `${cluster.metadata.uid}/${attempt.number}/${attempt.step}/${attempt.stepStartedAt}`;
    const sinceMs = facts.stepMs.get(key) ?? nowMs;
    facts.stepMs.set(key, sinceMs);
    const isLate = attempt.outcome === 'Failed' && attempt.message?.includes('did not finish within') === true;
    const isJustNow = attempt.endedAt !== undefined && !facts.stepMs.has(`${key}/ended`);
    if (isLate && isJustNow && nowMs - sinceMs < LEAST_MS)
      violate(world, `${cluster.metadata.name} fails ${attempt.step} after ${nowMs - sinceMs} ms`);
    if (attempt.endedAt !== undefined) facts.stepMs.set(`${key}/ended`, nowMs);
  }
}

function judgeNode(world: World, facts: Facts, commit: Commit): void {
  const node = commit.object as ClusterNode;
  const old = commit.previous as ClusterNode | undefined;
  if (old === undefined) facts.createdMs.set(node.metadata.uid, world.scheduler.nowMs());
  const isDeletion = node.metadata.deletionTimestamp !== undefined && old?.metadata.deletionTimestamp === undefined;
  if (isDeletion && commit.writer !== 'person') judgeLicense(world, commit.writer, old ?? node);
  if (commit.type === 'DELETED') judgeNodeGone(world, node);
  if (old !== undefined && old.spec.retired !== true && node.spec.retired === true) judgeRetired(world, facts, node);
  if (old !== undefined && node.spec.incarnation > old.spec.incarnation) judgeReplaced(world, old);
}

/** The license to destroy, in the state that is true at this moment. */
function judgeLicense(world: World, writer: string, node: ClusterNode): void {
  const cluster = world.store.get('clusters', node.metadata.namespace ?? '', node.spec.cluster) as Cluster | undefined;
  if (cluster === undefined || cluster.metadata.uid !== node.spec.clusterUid) return;
  if (cluster.metadata.deletionTimestamp !== undefined || node.spec.retired === true) return;
  if ((cluster.status?.abandonedAttempt ?? 0) >= node.spec.attempt) return;
  violate(world, `${writer} deletes ${node.metadata.name} without a license`);
}

function judgeNodeGone(world: World, node: ClusterNode): void {
  for (const machine of world.machines) {
    if (machine.nodeUid !== node.metadata.uid || !machine.isAlive || world.givenUp.has(machine.nodeUid)) continue;
    violate(world, `${node.metadata.name} is gone while ${labelOf(machine)} runs`);
  }
}

function judgeRetired(world: World, facts: Facts, node: ClusterNode): void {
  const history = facts.workers.get(node.spec.clusterUid) ?? [];
  const since = world.scheduler.nowMs() - IN_FLIGHT_MS;
  const lately = history.filter(([ms], at) => ms >= since || at === history.length - 1 || (history[at + 1]?.[0] ?? 0) >= since);
  const wasSurplus = lately.some(([, workers]) => node.spec.index > workers);
  if (node.spec.index === 0 || !wasSurplus) violate(world, `${node.metadata.name} is retired, though the spec wants it`);
}

function judgeReplaced(world: World, old: ClusterNode): void {
  const machine = world.machines.find((one) => one.nodeUid === old.metadata.uid && one.incarnation === old.spec.incarnation && one.isAlive);
  if (machine === undefined || world.givenUp.has(old.metadata.uid)) return;
  violate(world, `${old.metadata.name} is replaced while ${labelOf(machine)} runs`);
}

/** An entry goes only after the machine that it was for. */
function judgeReservations(world: World, commit: Commit): void {
  const before = (commit.previous as VirtualDataCenter | undefined)?.status?.reservations ?? {};
  const after = (commit.object as VirtualDataCenter).status?.reservations ?? {};
  for (const key of Object.keys(before)) {
    if (after[key] !== undefined) continue;
    const machine = world.machines.find(
      (one) => one.isAlive && `${one.clusterUid}.${one.index}` === key && !world.givenUp.has(one.nodeUid),
    );
    if (machine !== undefined) violate(world, `the reservation of ${labelOf(machine)} is dropped while it runs`);
  }
}
