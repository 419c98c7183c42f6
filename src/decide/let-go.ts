/**
 * Letting a node go: the one place where a deletion of a ClusterNode is decided.
 *
 * I1: a node is deleted only under a license: the owner's deletionTimestamp, status.abandonedAttempt at or above the node's attempt, the
 *     node's own `retired: true`, or an owner whose uid is gone; and the license is in the state that was read, not in a write of this pass.
 * I2: the finalizer of a node is dropped for its host only when no host holds it, or when a person forced it and the host had its time.
 * I3: a node whose machine may still run is waited for, for ever if need be; one whose death a person confirmed is taken from its host first (a higher
 *     incarnation, which that host obeys should it come back), and nobody holds it then.
 * I4: force always ends it: finalizers of others, which have no business on a node, go the same way.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { holderText, machineHolding } from '../model/joined-machine.ts';
import { ANNOTATION_FORCE_DELETE, FINALIZER_NODE } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import type { ClusterView } from './cluster-view.ts';
import { guardOf } from './effect.ts';
import type { Effect, License } from './effect.ts';
import { holdsNodeFinalizer, isConfirmedDead, isUnclaimed } from './node-facts.ts';
import { seenMs } from './observation.ts';

/** What letting nodes go asks for now, and what it waits for. */
export interface LetGo {
  readonly effects: readonly Effect[];
  readonly watching: readonly string[];
  /** Sentences about nodes that are held. */
  readonly waits: readonly string[];
  readonly requeueAfterMs?: number;
}

export const NOTHING_TO_LET_GO: LetGo = { effects: [], watching: [], waits: [] };

/** The fact under which `node` may be destroyed, as `cluster` and `node` were read; undefined: there is none. */
export function licenseFor(cluster: Cluster, node: ClusterNode): License | undefined {
  if (node.spec.clusterUid !== cluster.metadata.uid) return undefined;
  if (cluster.metadata.deletionTimestamp !== undefined) return 'OwnerDeleted';
  if ((cluster.status?.abandonedAttempt ?? 0) >= node.spec.attempt) return 'AttemptAbandoned';
  return node.spec.retired === true ? 'Retired' : undefined;
}

/** Lets every licensed one of `nodes` go. */
export function letGoLicensed(view: ClusterView, nodes: readonly ClusterNode[]): LetGo {
  const parts = nodes.map((node) => {
    const license = licenseFor(view.cluster, node);
    return license === undefined ? NOTHING_TO_LET_GO : letNodeGo(view, node, license);
  });
  return together(parts);
}

/** One node, under `license`. */
export function letNodeGo(
  view: Pick<ClusterView, 'monotonicMs' | 'seen'> & { readonly cluster?: Cluster },
  node: ClusterNode,
  license: License,
): LetGo {
  if (node.metadata.deletionTimestamp === undefined) {
    return { effects: [{ kind: 'DeleteNode', on: guardOf(node), license }], watching: [], waits: [] };
  }
  if (!holdsNodeFinalizer(node)) return heldByOthers(view, node);
  if (isUnclaimed(node)) return { effects: [dropFinalizer(node, false)], watching: [], waits: [] };
  return held(view, node);
}

export function together(parts: readonly LetGo[]): LetGo {
  const requeues = parts.flatMap((part) => (part.requeueAfterMs === undefined ? [] : [part.requeueAfterMs]));
  return {
    effects: parts.flatMap((part) => part.effects),
    watching: parts.flatMap((part) => part.watching),
    waits: parts.flatMap((part) => part.waits),
    ...(requeues.length === 0 ? {} : { requeueAfterMs: Math.min(...requeues) }),
  };
}

function held(view: Pick<ClusterView, 'monotonicMs' | 'seen'> & { readonly cluster?: Cluster }, node: ClusterNode): LetGo {
  if (isConfirmedDead(node)) return { ...NOTHING_TO_LET_GO, effects: takenFromHost(node) };
  return untilForced(view, node, `${holderText(node.spec.host)} has not yet let go of ${node.metadata.name}`, () => [
    dropFinalizer(node, true),
    leftBehind(node),
  ]);
}

function heldByOthers(view: Pick<ClusterView, 'monotonicMs' | 'seen'> & { readonly cluster?: Cluster }, node: ClusterNode): LetGo {
  const whose = (node.metadata.finalizers ?? []).join(', ');
  return untilForced(view, node, `${node.metadata.name} is held by the finalizer ${whose}, which is not of Outrigger`, () => [
    { kind: 'DropNodeFinalizer', on: guardOf(node), finalizers: [], forced: true },
  ]);
}

/** Waits, saying for what; when a person forced it, for LIMITS.forceDeleteGraceMs. */
function untilForced(
  view: Pick<ClusterView, 'monotonicMs' | 'seen'> & { readonly cluster?: Cluster },
  node: ClusterNode,
  wait: string,
  skip: () => readonly Effect[],
): LetGo {
  if (!isForced(view.cluster) && !isForced(node)) return { effects: [], watching: [], waits: [wait] };
  const key = `held/${node.metadata.uid}`;
  const leftMs = LIMITS.forceDeleteGraceMs - seenMs(view.seen, key, view.monotonicMs);
  if (leftMs > 0) return { effects: [], watching: [key], waits: [wait], requeueAfterMs: leftMs };
  return { effects: skip(), watching: [key], waits: [] };
}

/** By the very word: `no`, `False` and a slip of the pen force nothing. */
function isForced(entity: Cluster | ClusterNode | undefined): boolean {
  return entity?.metadata.annotations?.[ANNOTATION_FORCE_DELETE] === 'true';
}

function dropFinalizer(node: ClusterNode, forced: boolean): Effect {
  return {
    kind: 'DropNodeFinalizer',
    on: guardOf(node),
    finalizers: (node.metadata.finalizers ?? []).filter((one) => one !== FINALIZER_NODE),
    forced,
  };
}

function takenFromHost(node: ClusterNode): readonly Effect[] {
  const incarnation = node.spec.incarnation + 1;
  return [{ kind: 'RaiseIncarnation', on: guardOf(node), incarnation }];
}

function leftBehind(node: ClusterNode): Effect {
  const { namespace, name, uid } = node.metadata;
  const holder = holderText(node.spec.host);
  const message = `${name} was given up by force: ${holder} could not be asked, and its machine (uid ${uid}) may still run there; when that ${machineHolding(node.spec.host) === undefined ? 'host' : 'machine'} is back it is shown the deletion, and stops it.`;
  return {
    kind: 'RecordEvent',
    about: { kind: 'ClusterNode', namespace: namespace ?? '', name, uid },
    type: 'Warning',
    reason: 'NodeLeft',
    message,
  };
}
