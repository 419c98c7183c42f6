/**
 * What a host daemon does: which nodes it claims, and what it owes to each node that it knows.
 *
 * Time plays no part. A cached view may lag: whatever starts or stops a machine is decided again on a live one (`readLive`).
 *
 * I1: claims never exceed the host's capacity or its free slots, and only nodes of a VirtualDataCenter that names this host are claimed; none that waits
 *     for a joined machine.
 * I2: a cordoned host claims nothing; what it has goes on.
 * I3: absence is never a command: a node that the director does not know, or knows only as an earlier life or as another host's, is `unclaimed` and
 *     goes on running.
 * I4: a machine is stopped only for its tombstone, for `retired`, or for a higher incarnation, read live; because a person discarded it while it is
 *     unclaimed on that same live view; or because that was begun already.
 * I5: machines are keyed by uid and incarnation: an older incarnation than the one that runs is never started, and of another uid nothing follows.
 * I6: a machine is started only when node and cluster, read live, both want it.
 * I7: a life of a node of which the director says that it ran here, and of which there is no record, is never started again: when nothing of it is left
 *     it is Gone, and where something is left a person decides.
 * I8: a host that was confirmed dead in this very boot claims nothing.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Host, UnclaimedReason } from '../model/host.ts';
import { FINALIZER_NODE } from '../model/labels.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import { isHostConfirmedDead } from './host-death.ts';
import { machineOf } from './node-facts.ts';

/** Most processes named in a sentence. */
const PIDS_SHOWN = 8;

/** What the host has written down of a node. */
export interface HeldNode {
  readonly nodeUid: string;
  readonly incarnation: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly phase: 'Preparing' | 'Running' | 'Stopping';
}

export interface ClaimView {
  readonly host: Host;
  /** Which boot of this machine it is. */
  readonly bootId: string;
  readonly virtualDataCenters: readonly VirtualDataCenter[];
  readonly nodes: readonly ClusterNode[];
  readonly held: readonly HeldNode[];
  readonly freeSlots: number;
}

/** Nodes to claim now, oldest first. Each claim is a compare-and-swap; one that is lost frees what it took at the next look. */
export function claimsOf(view: ClaimView): readonly ClusterNode[] {
  const { host } = view;
  const own = reclaims(view);
  if (isHostConfirmedDead(host, view.bootId)) return [];
  if (host.spec.cordoned || host.metadata.deletionTimestamp !== undefined) return own;
  const promised = view.nodes.filter(
    (node) => node.spec.host === host.metadata.name && !view.held.some((held) => held.nodeUid === node.metadata.uid),
  );
  const used = [...view.held, ...promised.map((node) => node.spec.resources)];
  let slots = Math.min(view.freeSlots - promised.length, host.spec.capacity.nodes - used.length);
  let cpuMillis = host.spec.capacity.cpuMillis - sum(used.map((one) => one.cpuMillis));
  let memoryMiB = host.spec.capacity.memoryMiB - sum(used.map((one) => one.memoryMiB));
  const claims: ClusterNode[] = [...own];
  for (const node of view.nodes.filter((one) => isClaimable(view, one) && !own.includes(one)).toSorted(byAge)) {
    const { resources } = node.spec;
    if (slots < 1 || resources.cpuMillis > cpuMillis || resources.memoryMiB > memoryMiB) continue;
    claims.push(node);
    slots -= 1;
    cpuMillis -= resources.cpuMillis;
    memoryMiB -= resources.memoryMiB;
  }
  return claims;
}

/** What runs here and is claimed by nobody: a director that was restored from an older copy does not know of the claim. It takes nothing anew. */
function reclaims(view: ClaimView): readonly ClusterNode[] {
  const runsHere = (node: ClusterNode): boolean =>
    view.held.some((held) => held.nodeUid === node.metadata.uid && held.incarnation === node.spec.incarnation);
  return view.nodes.filter((node) => runsHere(node) && isClaimable(view, node));
}

function isClaimable(view: ClaimView, node: ClusterNode): boolean {
  const { metadata, spec } = node;
  if (spec.host !== undefined || spec.retired === true || metadata.deletionTimestamp !== undefined) return false;
  if (spec.machine === 'Joined') return false;
  if (metadata.finalizers?.includes(FINALIZER_NODE) !== true) return false;
  const home = view.virtualDataCenters.find(
    (vdc) => vdc.metadata.namespace === metadata.namespace && vdc.metadata.name === spec.virtualDataCenter,
  );
  if (home === undefined || !home.spec.hosts.includes(view.host.metadata.name)) return false;
  return view.host.spec.drivers.includes(home.spec.nodeDriver) && home.spec.nodeDriver === 'process';
}

function byAge(a: ClusterNode, b: ClusterNode): number {
  const [first, second] = [a, b].map((node) => `${node.metadata.creationTimestamp} ${node.metadata.namespace ?? ''}/${node.metadata.name}`);
  return (first ?? '') < (second ?? '') ? -1 : 1;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** Why a machine is stopped: a fact that is committed and never taken back; or a person's word about a machine that is nobody's. */
export type StopReason = 'Deleted' | 'Retired' | 'HigherIncarnation' | 'Discarded';

export type Duty =
  /** Nothing, or nothing any more. */
  | { readonly do: 'nothing' }
  /** It is to run as recorded. */
  | { readonly do: 'run' }
  /** This view may lag: read the node live and decide again. */
  | { readonly do: 'readLive' }
  /** Take a slot, prepare its folder, start its agent; after `startRefusal` said that nothing stands against it. */
  | { readonly do: 'start' }
  /** Stop all that lives of the recorded incarnation, remove its folder, forget it; then decide again. */
  | { readonly do: 'stop'; readonly why: StopReason }
  /** It ran here, and there is no record of it: look at what is left, and say it (`lostMachine`). */
  | { readonly do: 'sayLost' }
  /** End what may be left of it, then drop our finalizer, so that the object can go. */
  | { readonly do: 'release' }
  /** It runs here and is not one of the director's. It goes on; say so. */
  | { readonly do: 'unclaimed'; readonly why: UnclaimedReason };

export interface DutyView {
  /** Name of this host. */
  readonly host: string;
  readonly live: boolean;
  /** The ClusterNode as seen; undefined when the director has none of that uid. */
  readonly node: ClusterNode | undefined;
  readonly held: HeldNode | undefined;
  /** On a live view without the node: the director showed the tombstone of this uid. */
  readonly buried?: boolean;
  /** On a live view: a person has this uid stopped here (ANNOTATION_DISCARD). */
  readonly discarded?: boolean;
}

/** What the host owes to one node. `node` and `held`, where both are there, have the same uid. */
export function dutyOf(view: DutyView): Duty {
  const { node, held } = view;
  if (held === undefined) return node === undefined ? { do: 'nothing' } : dutyToNew(view, node);
  if (held.phase === 'Stopping') return { do: 'stop', why: stopReason(view, held) ?? 'Deleted' };
  const why = stopReason(view, held);
  if (why !== undefined) return view.live ? { do: 'stop', why } : { do: 'readLive' };
  const stray = strayReason(view, held);
  if (stray !== undefined) return view.live ? dutyToStray(view, stray) : { do: 'readLive' };
  if (held.phase === 'Preparing') return view.live ? { do: 'start' } : { do: 'readLive' };
  return { do: 'run' };
}

/** Why a node that is held here is not one of the director's, by this view. */
function strayReason({ node, host }: DutyView, held: HeldNode): UnclaimedReason | undefined {
  if (node === undefined) return 'Unknown';
  if (node.spec.incarnation < held.incarnation) return 'OlderIncarnation';
  return node.spec.host === undefined || node.spec.host === host ? undefined : 'HeldElsewhere';
}

function dutyToStray(view: DutyView, why: UnclaimedReason): Duty {
  if (view.node === undefined && view.buried === true) return { do: 'stop', why: 'Deleted' };
  return view.discarded === true ? { do: 'stop', why: 'Discarded' } : { do: 'unclaimed', why };
}

function stopReason(view: DutyView, held: HeldNode): StopReason | undefined {
  const { node } = view;
  if (node === undefined || node.spec.incarnation < held.incarnation) return undefined;
  if (node.metadata.deletionTimestamp !== undefined) return 'Deleted';
  if (node.spec.incarnation > held.incarnation) return 'HigherIncarnation';
  return node.spec.retired === true ? 'Retired' : undefined;
}

function dutyToNew(view: DutyView, node: ClusterNode): Duty {
  if (node.spec.host !== view.host) return { do: 'nothing' };
  if (node.metadata.deletionTimestamp !== undefined) {
    if (node.metadata.finalizers?.includes(FINALIZER_NODE) !== true) return { do: 'nothing' };
    return view.live ? { do: 'release' } : { do: 'readLive' };
  }
  const said = machineOf(node)?.phase;
  if (node.spec.retired === true || said === 'Gone') return { do: 'nothing' };
  if (!view.live) return { do: 'readLive' };
  return { do: said === undefined || said === 'Claimed' ? 'start' : 'sayLost' };
}

/** What is left here of a node without a record. */
export interface Remains {
  /** Processes that bear its mark. */
  readonly pids: readonly number[];
  /** Its folder, when it is there. */
  readonly folder: string | undefined;
}

export type LostMachine =
  | { readonly phase: 'Gone'; readonly message: string }
  | { readonly phase: 'Failed'; readonly reason: 'RecordLost'; readonly message: string };

/** What a host says of a life that ran here and of which it has no record (I7). */
export function lostMachine(host: string, node: ClusterNode, { pids, folder }: Remains): LostMachine {
  const { name, namespace = 'default' } = node.metadata;
  const lost = `Host ${host} has lost its record of incarnation ${node.spec.incarnation} of ${name}`;
  if (pids.length === 0 && folder === undefined) return { phase: 'Gone', message: `${lost}, and nothing of it is left there: it is over.` };
  const processes = pids.length === 0 ? [] : [`its processes ${pids.slice(0, PIDS_SHOWN).join(', ')} still live`];
  const left = [...processes, ...(folder === undefined ? [] : [`its folder ${folder} still lies there`])].join(' and ');
  const message = `${lost}, but ${left}. It starts and stops nothing of it. Bring the host's records back (its store folder), or replace the node: outrigger node confirm-dead ${name} -n ${namespace}.`;
  return { phase: 'Failed', reason: 'RecordLost', message };
}

/** Why a machine must not be started now, as a sentence; undefined when node and cluster, both read live, want it. */
export function startRefusal(host: string, node: ClusterNode, cluster: Cluster | undefined): string | undefined {
  const { spec, metadata } = node;
  if (metadata.deletionTimestamp !== undefined || spec.retired === true) return `${metadata.name} is to go`;
  if (spec.host !== host) return `${metadata.name} is held by ${spec.host ?? 'nobody'}`;
  if (metadata.finalizers?.includes(FINALIZER_NODE) !== true) return `${metadata.name} has lost its finalizer`;
  if (cluster === undefined || cluster.metadata.uid !== spec.clusterUid) return `its cluster ${spec.cluster} is gone`;
  if (cluster.metadata.deletionTimestamp !== undefined) return `its cluster ${spec.cluster} is being deleted`;
  if ((cluster.status?.abandonedAttempt ?? 0) >= spec.attempt) return `attempt ${spec.attempt} of ${spec.cluster} was abandoned`;
  return undefined;
}
