/**
 * Node health: which workers have been ill for longer than spec.nodeHealthCheck allows, by the manager's own observation; and whether so many nodes are
 * ill that nothing may be replaced at all.
 *
 * The manager keeps a `HealthMemory` by calling `watchHealth` each second while a node is not well, and asks `overdueNodes` of it. What it then writes is
 * a vouch (repair.ts), which names term and incarnation: a proof that replaces a worker, and nothing else.
 *
 * I1: time counts only while this observer runs: of the time between two looks at most LIMITS.healthCountedMs.
 * I2: of a node that is not heard it counts only while another member or a director is heard, all the while: a look at which nobody else is heard begins
 *     it anew. So does any sign of life of a node that is not heard, also one that only a director saw (its Lease changed); and while that Lease holds by what it says of itself, the
 *     node is not overdue, however little the check allows. Nor is it before a director has said lately, of this very node, what it saw: after an
 *     outage of the directors the node may be the one that they heard first.
 * I3: a node that answers is alive: one whose agent is silent while what it runs answers is its host's to restart (node-level HA), never replaced for it.
 * I4: a node that says itself that it is not ready is not held to it while what runs is being changed, which has a deadline of its own, nor while the
 *     primary is not ready either: what fails everywhere is no machine's fault.
 * I5: the primary is never judged here, nor a node that no machine has taken yet, nor one that is leaving.
 * I6: above maxUnhealthyPercent of the members nothing is replaced, whatever the proof. Unhealthy: proven dead, ill for too long, or replaced and not
 *     ready yet.
 * I7: a new incarnation, and another illness, begin anew.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { LIMITS } from '../model/limits.ts';
import { DEFAULT_SERVER_CONFIG } from '../model/server-config.ts';
import type { ServerConfigSpec } from '../model/server-config.ts';
import { agentOf, deathOf, isLeaving, isLost, isReady, vouchedTerm } from './node-facts.ts';
import type { Standing } from './presence.ts';

/** Startup: never ready in this incarnation. NotReady: it says so, or its host does. Unknown: neither it nor anything that it runs is heard. */
export type Illness = 'Startup' | 'NotReady' | 'Unknown';

export type HealthCheck = Required<ServerConfigSpec>['nodeHealthCheck'];

/** What an observer sees at one look. `nodes`: the members, with their newest words. */
export interface HealthSight {
  /** Name of the observer's own node, the primary. */
  readonly self: string;
  readonly monotonicMs: number;
  readonly nodes: readonly ClusterNode[];
  /** How the other members stand, by name (presence.ts). */
  readonly standings: ReadonlyMap<string, Standing>;
  /** A director has answered lately. */
  readonly directorHeard: boolean;
  /** What runs is being changed. */
  readonly changing: boolean;
  /** Of nodes that were asked about: uid → the Lease by which a director sees them. */
  readonly leases: ReadonlyMap<string, SeenLease>;
  /** Uids of nodes of which a director has said lately whether it sees a Lease, and which. */
  readonly answered: ReadonlySet<string>;
}

export interface SeenLease {
  readonly revision: string;
  /** How long it says that it holds. */
  readonly ttlMs: number;
}

interface Ill {
  readonly incarnation: number;
  readonly illness: Illness;
  readonly countedMs: number;
  readonly lease: SeenLease | undefined;
  /** At the last look a director had said lately what it sees of the node. */
  readonly isAnswered: boolean;
}

export interface HealthMemory {
  /** Monotonic ms of the last look. */
  readonly atMs: number | undefined;
  /** Ill nodes, by uid. */
  readonly ill: ReadonlyMap<string, Ill>;
}

export const NO_HEALTH: HealthMemory = { atMs: undefined, ill: new Map() };

/** The limits that hold for a cluster: its own, else the ServerConfig's. */
export function healthCheckOf({ spec }: Pick<Cluster, 'spec'>, config: ServerConfigSpec): HealthCheck {
  const own = Object.fromEntries(Object.entries(spec.nodeHealthCheck ?? {}).filter(([, value]) => value !== undefined));
  return { ...DEFAULT_SERVER_CONFIG.nodeHealthCheck, ...config.nodeHealthCheck, ...own };
}

/** The memory after one more look. */
export function watchHealth(memory: HealthMemory, sight: HealthSight): HealthMemory {
  const passedMs = Math.max(0, sight.monotonicMs - (memory.atMs ?? sight.monotonicMs));
  const countedMs = Math.min(passedMs, LIMITS.healthCountedMs);
  const ill = new Map<string, Ill>();
  for (const node of sight.nodes) {
    const illness = illnessOf(node, sight);
    if (illness === undefined) continue;
    const { uid } = node.metadata;
    const { incarnation } = node.spec;
    const known = memory.ill.get(uid);
    const lease = sight.leases.get(uid) ?? known?.lease;
    const goesOn = known?.incarnation === incarnation && known.illness === illness && isSureStill(node, illness, sight, known, lease);
    ill.set(uid, { incarnation, illness, countedMs: goesOn ? known.countedMs + countedMs : 0, lease, isAnswered: sight.answered.has(uid) });
  }
  return { atMs: sight.monotonicMs, ill };
}

function isSureStill(node: ClusterNode, illness: Illness, sight: HealthSight, known: Ill, lease: SeenLease | undefined): boolean {
  if (illness === 'NotReady') return true;
  const others = [...sight.standings].filter(([name]) => name !== node.metadata.name);
  const hearsSomebody = sight.directorHeard || others.some(([, standing]) => standing === 'Heard');
  if (illness === 'Startup') return hearsSomebody || sight.standings.get(node.metadata.name) === 'Heard';
  const showsLife = known.lease !== undefined && lease?.revision !== known.lease.revision;
  return hearsSomebody && !showsLife;
}

/** What is wrong with a worker; undefined: nothing that a replacement could mend. */
function illnessOf(node: ClusterNode, sight: HealthSight): Illness | undefined {
  const { name } = node.metadata;
  if (name === sight.self || isLeaving(node) || node.spec.host === undefined) return undefined;
  if (deathOf(node) !== undefined) return undefined;
  const agent = agentOf(node);
  const standing = sight.standings.get(name);
  if (agent === undefined || agent.phase === 'Joined') return 'Startup';
  if (standing === 'Down') return 'Unknown';
  if (standing === 'Silent') return undefined;
  const isHeldToIt = !sight.changing && isPrimaryReady(sight);
  return (isLost(node) || agent.phase !== 'Ready') && isHeldToIt ? 'NotReady' : undefined;
}

function isPrimaryReady({ nodes, self }: HealthSight): boolean {
  return nodes.some((node) => node.metadata.name === self && isReady(node));
}

/** Names of nodes that have been ill for longer than `check` allows, and of what. */
export function overdueNodes(memory: HealthMemory, nodes: readonly ClusterNode[], check: HealthCheck): ReadonlyMap<string, Illness> {
  const found = new Map<string, Illness>();
  for (const { metadata, spec } of nodes) {
    const ill = memory.ill.get(metadata.uid);
    if (ill?.incarnation !== spec.incarnation || (ill.illness === 'Unknown' && !ill.isAnswered)) continue;
    const holdsMs = ill.illness === 'Unknown' ? (ill.lease?.ttlMs ?? 0) : 0;
    if (ill.countedMs < Math.max(allowedMs(check, ill.illness), holdsMs)) continue;
    found.set(metadata.name, ill.illness);
  }
  return found;
}

/** Of which node a director is to be asked whether it sees a sign of life: those that nobody hears. Uids. */
export function toAskAbout(memory: HealthMemory): readonly string[] {
  return [...memory.ill].filter(([, { illness }]) => illness !== 'NotReady').map(([uid]) => uid);
}

export function allowedMs(check: HealthCheck, illness: Illness): number {
  const seconds = { Startup: check.startupSeconds, NotReady: check.notReadySeconds, Unknown: check.unknownSeconds }[illness];
  return (seconds ?? 0) * 1000;
}

/** Names of the unhealthy among `members` (I6). `overdue`: as far as the observer knows of any. */
export function unhealthyNodes(members: readonly ClusterNode[], overdue: ReadonlySet<string>): readonly string[] {
  const isUnhealthy = (node: ClusterNode): boolean =>
    deathOf(node) !== undefined ||
    vouchedTerm(node) !== undefined ||
    overdue.has(node.metadata.name) ||
    (node.spec.incarnation > 1 && !isReady(node) && agentOf(node)?.phase !== 'NotReady');
  return members.filter(isUnhealthy).map((node) => node.metadata.name);
}

/** Why nothing may be replaced, as a sentence; undefined: it may. */
export function tooManyUnhealthy(members: readonly ClusterNode[], overdue: ReadonlySet<string>, check: HealthCheck): string | undefined {
  const unhealthy = unhealthyNodes(members, overdue);
  const percent = check.maxUnhealthyPercent ?? 100;
  if (unhealthy.length * 100 <= percent * members.length) return undefined;
  const who = unhealthy.toSorted().join(', ');
  const rule = `nodeHealthCheck.maxUnhealthyPercent allows ${percent} %`;
  return `${unhealthy.length} of ${members.length} nodes are unhealthy (${who}) and ${rule}: none is replaced. See to the machines, or raise spec.nodeHealthCheck.maxUnhealthyPercent.`;
}
