/**
 * Repair of clusters that were available, judged at every commit by what stands in the store, not by what anybody believes. None of it asks the code that
 * it judges.
 *
 * R1: no node is replaced without proof: its host says Gone, a person confirmed that very incarnation, or, of a worker, a manager vouched for it.
 * R2: never two owners at a time: an extension server replaces no worker while nothing that is written speaks against the manager, and a manager never a
 *     primary.
 * R3: with more nodes proven dead than maxUnhealthyPercent allows none is replaced.
 * R4: who is replaced begins the next incarnation, and held by nobody.
 */

import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { ANNOTATION_CONFIRM_DEAD, ANNOTATION_VOUCHED_DEAD } from '../src/model/labels.ts';
import type { ServerConfig } from '../src/model/server-config.ts';
import type { Commit } from './store.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

interface Since {
  /** By cluster uid: since when the manager could. Absent: it could not. */
  readonly ableMs: Map<string, number>;
  /** By cluster uid: since when too many are dead. */
  readonly manyMs: Map<string, number>;
}

/** `inFlightMs`: how long a write may be on its way after it was decided. */
export function watchRepair(world: World, inFlightMs: number): void {
  const since: Since = { ableMs: new Map(), manyMs: new Map() };
  world.store.onCommit((commit) => {
    if (commit.plural === 'clusternodes') judgeReplacement(world, since, commit, inFlightMs);
    const uid = commit.plural === 'clusters' ? commit.object.metadata.uid : (commit.object as Partial<ClusterNode>).spec?.clusterUid;
    if (uid !== undefined && (commit.plural === 'clusters' || commit.plural === 'clusternodes')) note(world, since, uid);
  });
}

function note(world: World, since: Since, uid: string): void {
  const nowMs = world.scheduler.nowMs();
  const cluster = (world.store.list('clusters') as readonly Cluster[]).find((one) => one.metadata.uid === uid);
  const keep = (map: Map<string, number>, holds: boolean): void => {
    if (!holds) map.delete(uid);
    else if (!map.has(uid)) map.set(uid, nowMs);
  };
  keep(since.ableMs, cluster !== undefined && isManagerAble(world, cluster));
  keep(since.manyMs, cluster !== undefined && areTooMany(world, cluster));
}

function judgeReplacement(world: World, since: Since, { object, previous, writer }: Commit, inFlightMs: number): void {
  const [node, old] = [object as ClusterNode, previous as ClusterNode | undefined];
  if (old === undefined || node.spec.incarnation === old.spec.incarnation) return;
  const { name, namespace = '' } = node.metadata;
  if (node.spec.incarnation !== old.spec.incarnation + 1 || node.spec.host !== undefined)
    violate(world, `R4: ${name} goes from incarnation ${old.spec.incarnation} to ${node.spec.incarnation}, held by ${node.spec.host}`);
  const cluster = world.store.get('clusters', namespace, node.spec.cluster) as Cluster | undefined;
  if (cluster?.status?.availableAt === undefined || cluster.metadata.uid !== node.spec.clusterUid) return;
  const isPrimary = cluster.status.primary === name;
  if (!isDead(old) && !(isVouched(old) && !isPrimary)) violate(world, `R1: ${writer} replaces ${name} without proof`);
  const forMs = (map: ReadonlyMap<string, number>): number => world.scheduler.nowMs() - (map.get(cluster.metadata.uid) ?? Infinity);
  const isServer = writer.startsWith('server');
  if (isServer && !isPrimary && forMs(since.ableMs) > inFlightMs)
    violate(world, `R2: ${writer} replaces the worker ${name}, whose manager could`);
  if (!isServer && writer !== 'person' && isPrimary) violate(world, `R2: ${writer} replaces the primary ${name}`);
  if (forMs(since.manyMs) > inFlightMs) violate(world, `R3: ${writer} replaces ${name} though too many are dead`);
  world.coverage.note(isServer ? 'Replaced by a server' : 'Replaced by a manager', []);
}

/** Proven by its host or a person. */
export function isDead({ metadata, spec, status }: ClusterNode): boolean {
  const machine = status?.infrastructure;
  if (machine?.phase === 'Gone' && machine.incarnation === spec.incarnation) return true;
  return metadata.annotations?.[ANNOTATION_CONFIRM_DEAD] === String(spec.incarnation);
}

function isVouched({ metadata, spec }: ClusterNode): boolean {
  return metadata.annotations?.[ANNOTATION_VOUCHED_DEAD]?.startsWith(`${spec.incarnation}.`) === true;
}

function isGoing({ metadata, spec }: ClusterNode): boolean {
  return metadata.deletionTimestamp !== undefined || spec.retired === true;
}

function membersOf(world: World, { metadata, status }: Cluster): readonly ClusterNode[] {
  const nodes = world.store.list('clusternodes') as readonly ClusterNode[];
  return nodes.filter((node) => node.spec.clusterUid === metadata.uid && node.spec.attempt === status?.attempt && !isGoing(node));
}

/** Nothing that is written speaks against it. */
function isManagerAble(world: World, cluster: Cluster): boolean {
  const primary = membersOf(world, cluster).find((node) => node.metadata.name === cluster.status?.primary);
  if (primary === undefined || isDead(primary) || cluster.status?.nodes?.[primary.metadata.name]?.ready === false) return false;
  const { agent, infrastructure: machine } = primary.status ?? {};
  if (agent?.incarnation !== primary.spec.incarnation || machine?.incarnation !== primary.spec.incarnation) return false;
  return ['Joined', 'Ready'].includes(agent.phase ?? '') && machine.phase === 'Running' && machine.reason === undefined;
}

function areTooMany(world: World, cluster: Cluster): boolean {
  const config = world.store.list('serverconfigs')[0] as ServerConfig | undefined;
  const percent = cluster.spec.nodeHealthCheck?.maxUnhealthyPercent ?? config?.spec.nodeHealthCheck?.maxUnhealthyPercent ?? 100;
  const members = membersOf(world, cluster);
  return members.filter((node) => isDead(node) || isVouched(node)).length * 100 > percent * members.length;
}
