/**
 * Deletion of a Cluster, from every phase: nodes, then the plug of its Site, then reservations, then the finalizer.
 *
 * I1: the finalizer is dropped last: on a live view that shows no node and no reservation of the cluster.
 * I2: every pass brings it forward or waits for a host by name; nothing but a host that keeps a machine can hold it up, and force-delete skips that.
 * I3: nodes of every attempt go, whatever made them.
 * I4: what a director refuses for good (a rule, somebody's webhook) holds up nothing else: after a while a status comes last, and force goes on without giving
 *     back the capacity, which the sweep does when it can.
 * I5: a finalizer that others put on the Cluster is theirs: it is not dropped, and when nothing else is left the status names it.
 */

import type { Attempt } from '../model/attempt.ts';
import type { ClusterStatus } from '../model/cluster.ts';
import { FINALIZER_CLUSTER } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import { attemptsAfter, recordOf, statusPatch, timestamp } from './attempt.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { letGoLicensed } from './let-go.ts';
import { seenMs } from './observation.ts';
import { NO_EFFECTS, clusterEvent, soonest } from './outcome.ts';
import type { ConditionChange } from './phase.ts';
import { droppableKeys, unreserve } from './reservation.ts';
import { isForced, releasedByDeletion } from './site-release.ts';

/** Finalizers by which a garbage collector waits for what the object owns. */
const COLLECTORS: readonly string[] = ['foregroundDeletion', 'orphan'];

/** The next effects for a cluster with a deletionTimestamp. */
export function decideDeletion(view: ClusterView): Decision {
  const { cluster } = view;
  const finalizers = cluster.metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER_CLUSTER)) return { ...NO_EFFECTS, effects: heldByOthers(view, finalizers) };
  const gone = letGoLicensed(view, view.nodes);
  const patch = said(view, gone.waits);
  const isRefused = view.refusal !== undefined;
  const watching = isRefused ? [refusedKey(view)] : [];
  if (view.nodes.length > 0)
    return {
      effects: inOrder(view, patch, gone.effects),
      needsLive: false,
      watching: [...gone.watching, ...watching],
      ...soonest([gone.requeueAfterMs]),
    };
  if (!view.live) return { ...NO_EFFECTS, needsLive: true, watching };
  // One that was refused for good is left as it is: a deletion always ends.
  const released = isRefused ? [] : releasedByDeletion(view);
  if (released.length > 0) return { ...NO_EFFECTS, effects: [...patch, ...released] };
  const drop = isRefused && isForced(cluster.metadata.annotations) ? undefined : dropReservations(view);
  if (drop !== undefined) return { ...NO_EFFECTS, effects: inOrder(view, patch, [drop]), watching };
  const left = finalizers.filter((one) => one !== FINALIZER_CLUSTER);
  return {
    ...NO_EFFECTS,
    effects: [
      { kind: 'DropClusterFinalizer', on: guardOf(cluster), finalizers: left },
      clusterEvent(cluster, 'Normal', 'Deleted', 'Nothing of it is left.'),
    ],
  };
}

/** Our part is done. Without this the Cluster would say for ever that its nodes are being removed. */
function heldByOthers(view: ClusterView, finalizers: readonly string[]): readonly Effect[] {
  const others = finalizers.filter((one) => !COLLECTORS.includes(one));
  if (others.length === 0) return [];
  const { name, namespace = '' } = view.cluster.metadata;
  const drop = `kubectl -n ${namespace} patch cluster ${name} --type merge -p '{"metadata":{"finalizers":null}}'`;
  const message = `Nothing of it is left but the finalizer ${others.join(', ')}, which is not of Outrigger: whoever put it there takes it away; if they are gone for good: ${drop}`;
  const changes: readonly ConditionChange[] = [
    ['Ready', 'False', 'Deleting', message],
    ['Progressing', 'False', 'Deleting', message],
  ];
  return statusPatch(view, view.cluster.status ?? {}, changes, undefined);
}

/** What was refused may be the saying or the doing; so after a while of saying it, doing comes first. */
function inOrder(view: ClusterView, said: readonly Effect[], done: readonly Effect[]): readonly Effect[] {
  const isSaidEnough = view.refusal !== undefined && seenMs(view.seen, refusedKey(view), view.monotonicMs) >= LIMITS.orphanSeenMs;
  return isSaidEnough ? [...done, ...said] : [...said, ...done];
}

function refusedKey({ cluster }: ClusterView): string {
  return `refused/${cluster.metadata.uid}`;
}

function dropReservations(view: ClusterView): Effect | undefined {
  const vdc = view.virtualDataCenter;
  if (vdc === undefined) return undefined;
  return unreserve(vdc, droppableKeys(vdc, view.cluster, [], new Set()));
}

function said(view: ClusterView, waits: readonly string[]): readonly Effect[] {
  const status: ClusterStatus = view.cluster.status ?? {};
  const { name, namespace = '' } = view.cluster.metadata;
  const force = `kubectl -n ${namespace} annotate cluster ${name} outrigger.dev/force-delete=true`;
  const held =
    waits.length === 0
      ? ''
      : ` Waits: ${waits.join('; ')}. If such a machine is off for good: outrigger host confirm-dead, for all that ran there; or, for this cluster: ${force}`;
  const refused = view.refusal === undefined ? '' : ` The director refused: ${view.refusal}. To go on without it: ${force}`;
  const message = `Nodes, pods and reservations are being removed.${held}${refused}`;
  const changes: readonly ConditionChange[] = [
    ['Ready', 'False', 'Deleting', message],
    ['Progressing', 'True', 'Deleting', message],
  ];
  const record = recordOf(status, status.attempt ?? 0);
  const next =
    record === undefined || record.outcome !== undefined ? status : { ...status, attempts: attemptsAfter(status, ended(view, record)) };
  return statusPatch(view, next, changes, undefined);
}

function ended(view: ClusterView, record: Attempt): Attempt {
  const { waitingFor: _, ...rest } = record;
  return { ...rest, outcome: 'Deleted', endedAt: timestamp(view.nowMs) };
}
