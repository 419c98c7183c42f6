/**
 * Workers up and down: shared by the extension servers (before Available) and the manager (after), whoever has the right.
 *
 * Up: reserve, then create. Down: retire the highest, let it drain, delete, and drop its reservation once it is gone.
 *
 * I1: a node is created only under a reservation made for this very creation.
 * I2: a node is deleted only when its `retired: true` was read, and it has drained, or had its time to.
 * I3: the lowest missing index comes first, the highest surplus index goes first; index 0 is never surplus, and goes only when a person retired
 *     or deleted it.
 * I4: an index whose node is leaving is not created anew before that node is gone.
 * I5: a reservation outlives its node.
 * I6: a node that a person took back is no surplus under the spec that it was taken back under.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode, ClusterNodeSpec } from '../model/cluster-node.ts';
import {
  ANNOTATION_ADOPTED_GENERATION,
  FINALIZER_NODE,
  LABEL_ATTEMPT,
  LABEL_CLUSTER,
  LABEL_CLUSTER_UID,
  LABEL_ROLE,
  LABEL_VDC,
  nodeName,
} from '../model/labels.ts';
import { GROUP_VERSION } from '../model/resource.ts';
import type { NewEntity } from '../model/resource.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { letNodeGo, NOTHING_TO_LET_GO, together } from './let-go.ts';
import type { LetGo } from './let-go.ts';
import { licensed } from './license.ts';
import { agentOf, isLeaving, isLost, isUnclaimed } from './node-facts.ts';
import { seenMs } from './observation.ts';
import { droppableKeys, reserve, unreserve, wantedEntries } from './reservation.ts';

export type MissingResult =
  | { readonly state: 'Complete' }
  | { readonly state: 'Act'; readonly effects: readonly Effect[]; readonly message: string }
  | { readonly state: 'Leaving'; readonly message: string }
  | { readonly state: 'NoDataCenter'; readonly message: string }
  | { readonly state: 'Exceeded'; readonly message: string };

/** What the manager does about workers. Only for a cluster that was available and is not being deleted. */
export function decideScale(view: ClusterView): Decision {
  const { cluster } = view;
  const attempt = cluster.status?.attempt ?? 0;
  if (cluster.status?.availableAt === undefined || cluster.metadata.deletionTimestamp !== undefined)
    return { effects: [], needsLive: false, watching: [] };
  const missing = missingNodes(view, attempt, indexesOf(cluster.spec.workers));
  const surplus = surplusNodes(view, attempt);
  const effects = [...(missing.state === 'Act' ? missing.effects : []), ...surplus.effects, ...surplusReservations(view, attempt)];
  return licensed(view, {
    effects,
    needsLive: false,
    watching: surplus.watching,
    ...(surplus.requeueAfterMs === undefined ? {} : { requeueAfterMs: surplus.requeueAfterMs }),
  });
}

/** 1 … workers. */
export function indexesOf(workers: number): number[] {
  return Array.from({ length: workers }, (_, index) => index + 1);
}

/** Reserves and creates what is missing of `indexes`. */
export function missingNodes(view: ClusterView, attempt: number, indexes: readonly number[]): MissingResult {
  const here = new Map(view.nodes.filter((node) => node.spec.attempt === attempt).map((node) => [node.spec.index, node]));
  const leaving = indexes.map((index) => here.get(index)).find((node) => node !== undefined && isLeaving(node));
  const missing = indexes.filter((index) => !here.has(index));
  if (missing.length === 0) {
    return leaving === undefined
      ? { state: 'Complete' }
      : { state: 'Leaving', message: `${leaving.metadata.name} is leaving; a new one follows when it is gone` };
  }
  const vdc = view.virtualDataCenter;
  if (vdc === undefined) return { state: 'NoDataCenter', message: noDataCenter(view) };
  const reserved = reserve(vdc, wantedEntries(view.cluster, attempt, missing));
  if (reserved.state === 'Exceeded') return { state: 'Exceeded', message: reserved.message };
  if (reserved.state === 'Needed') return { state: 'Act', effects: [reserved.effect], message: 'reserves capacity' };
  const effects = missing.map((index): Effect => createNode(view, attempt, index));
  return {
    state: 'Act',
    effects,
    message: `creates ${missing.map((index) => nodeName(view.cluster.metadata.name, attempt, index)).join(', ')}`,
  };
}

/** Retires, drains and deletes nodes of the attempt that the spec does not ask for, and those that a person retired or deleted. */
export function surplusNodes(view: ClusterView, attempt: number): LetGo {
  const { workers } = view.cluster.spec;
  const mine = view.nodes.filter((node) => node.spec.attempt === attempt && node.spec.index > 0);
  const isSurplus = (node: ClusterNode): boolean => node.spec.index > workers && !isAdoptedUnder(view.cluster, node);
  const going = mine.filter((node) => isSurplus(node) || isLeaving(node)).sort((a, b) => b.spec.index - a.spec.index);
  return together(going.map((node) => letDrainedGo(view, node)));
}

/** Whoever took the node back knew this very spec: it goes only for a later one. */
function isAdoptedUnder({ metadata }: Cluster, node: ClusterNode): boolean {
  return node.metadata.annotations?.[ANNOTATION_ADOPTED_GENERATION] === String(metadata.generation ?? 0);
}

/** A primary that a person retired or deleted: it is let go as a worker is, and a new one follows. */
export function leavingPrimary(view: ClusterView, attempt: number): LetGo {
  const going = view.nodes.filter((node) => node.spec.attempt === attempt && node.spec.index === 0 && isLeaving(node));
  return together(going.map((node) => letDrainedGo(view, node)));
}

/** Drops entries of indexes that are not asked for and have no node. */
export function surplusReservations(view: ClusterView, attempt: number): readonly Effect[] {
  const vdc = view.virtualDataCenter;
  if (vdc === undefined) return [];
  const wanted = new Set(Object.keys(wantedEntries(view.cluster, attempt, [0, ...indexesOf(view.cluster.spec.workers)])));
  const drop = unreserve(vdc, droppableKeys(vdc, view.cluster, view.nodes, wanted));
  return drop === undefined ? [] : [drop];
}

export function noDataCenter(view: ClusterView): string {
  const { namespace } = view.cluster.metadata;
  return `VirtualDataCenter ${view.cluster.spec.virtualDataCenter} does not exist in namespace ${namespace}; create it, or create the cluster in another one`;
}

function createNode(view: ClusterView, attempt: number, index: number): Effect {
  return { kind: 'CreateNode', namespace: view.cluster.metadata.namespace ?? '', node: newNode(view.cluster, attempt, index) };
}

/** A node of `cluster` as it is made. */
export function newNode({ metadata, spec }: Cluster, attempt: number, index: number): NewEntity<ClusterNodeSpec> {
  const role = index === 0 ? 'Primary' : 'Worker';
  return {
    apiVersion: GROUP_VERSION,
    kind: 'ClusterNode',
    metadata: {
      name: nodeName(metadata.name, attempt, index),
      namespace: metadata.namespace ?? '',
      // Also where the machine is joined: its agent says that nothing of the node lives any more.
      finalizers: [FINALIZER_NODE],
      labels: {
        [LABEL_CLUSTER]: metadata.name,
        [LABEL_CLUSTER_UID]: metadata.uid,
        [LABEL_ATTEMPT]: String(attempt),
        [LABEL_ROLE]: role,
        [LABEL_VDC]: spec.virtualDataCenter,
      },
      ownerReferences: [{ apiVersion: GROUP_VERSION, kind: 'Cluster', name: metadata.name, uid: metadata.uid, controller: true }],
    },
    spec: {
      cluster: metadata.name,
      clusterUid: metadata.uid,
      virtualDataCenter: spec.virtualDataCenter,
      attempt,
      index,
      role,
      incarnation: 1,
      ...(spec.nodes === 'Joined' ? { machine: spec.nodes } : {}),
      resources: { ...spec.resources },
    },
  };
}

function letDrainedGo(view: ClusterView, node: ClusterNode): LetGo {
  if (node.metadata.deletionTimestamp !== undefined) return letNodeGo(view, node, 'Retired');
  if (node.spec.retired !== true) return { ...NOTHING_TO_LET_GO, effects: [{ kind: 'RetireNode', on: guardOf(node) }] };
  const key = `drain/${node.metadata.uid}`;
  const leftMs = view.config.drainSeconds * 1000 - seenMs(view.seen, key, view.monotonicMs);
  if (hasDrained(node) || leftMs <= 0) return { ...letNodeGo(view, node, 'Retired'), watching: [key] };
  return { effects: [], watching: [key], waits: [`${node.metadata.name} drains`], requeueAfterMs: leftMs };
}

function hasDrained(node: ClusterNode): boolean {
  const agent = agentOf(node);
  return isUnclaimed(node) || isLost(node) || agent === undefined || agent.phase === 'Stopped';
}
