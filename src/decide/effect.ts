/**
 * What an extension server (and the manager, for workers) may do to the world: writes of entities, each guarded by the uid and revision
 * that it was decided on. A closed union; `requestOf` (request.ts) turns each into one call of the API.
 *
 * I1: an effect that changes an existing entity names the uid and resourceVersion of the state that it was decided on.
 * I2: an effect that destroys, or gives up what guards against destruction, is marked so (`isDestructive`) and is decided on a live view only.
 * I3: a deletion names its license: the committed, irrevocable fact under which it happens.
 */

import { unreachable } from '../base/assert.ts';
import type { ClusterNodeSpec } from '../model/cluster-node.ts';
import type { EventReason } from '../model/event-reason.ts';
import type { JsonObject } from '../model/json.ts';
import type { NewEntity, ObjectMeta } from '../model/resource.ts';

/** The state of an entity that an effect was decided on. */
export interface Guard {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Under which fact a node is destroyed (design: license to destroy). */
export type License =
  /** The owner has a deletionTimestamp. */
  | 'OwnerDeleted'
  /** The owner's status.abandonedAttempt covers the node's attempt. */
  | 'AttemptAbandoned'
  /** The node's own spec.retired. */
  | 'Retired'
  /** The owner, by uid, is gone. A uid never comes back. */
  | 'OwnerGone';

/** One entry of VirtualDataCenter.status.reservations. `node` and `generation` say for which creation it was made. */
export interface Reservation {
  readonly cluster: string;
  readonly node: string;
  readonly generation: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** VirtualDataCenter.status.reserved. */
export interface ReservedSums {
  readonly nodes: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

export type Effect =
  /** Merge patch of metadata.finalizers to the whole list given. */
  | { readonly kind: 'SetClusterFinalizer'; readonly on: Guard; readonly finalizers: readonly string[] }
  | { readonly kind: 'DropClusterFinalizer'; readonly on: Guard; readonly finalizers: readonly string[] }
  /** Merge patch of the status subresource: null removes a field, lists are whole. */
  | { readonly kind: 'PatchClusterStatus'; readonly on: Guard; readonly status: JsonObject }
  /** Its name is derived from the owner, the attempt and the index, so a second creation is refused (AlreadyExists, which is as good). */
  | { readonly kind: 'CreateNode'; readonly namespace: string; readonly node: NewEntity<ClusterNodeSpec> }
  | { readonly kind: 'RetireNode'; readonly on: Guard }
  /** One write: the incarnation given, and no host. */
  | { readonly kind: 'RaiseIncarnation'; readonly on: Guard; readonly incarnation: number }
  /** Says of this life of a node, by annotation, that it is over: its host is proven dead. */
  | { readonly kind: 'ConfirmNodeDead'; readonly on: Guard; readonly incarnation: number }
  /** Says of this life of a worker, by annotation, that it is over: the manager that bears `term` vouches for it. */
  | { readonly kind: 'VouchNodeDead'; readonly on: Guard; readonly incarnation: number; readonly term: number }
  | { readonly kind: 'DeleteNode'; readonly on: Guard; readonly license: License }
  /** Of a node that no host holds, or (`forced`) of one whose host cannot be reached. */
  | { readonly kind: 'DropNodeFinalizer'; readonly on: Guard; readonly finalizers: readonly string[]; readonly forced: boolean }
  | {
      readonly kind: 'Reserve';
      readonly on: Guard;
      readonly reservations: Readonly<Record<string, Reservation>>;
      readonly reserved: ReservedSums;
    }
  | { readonly kind: 'Unreserve'; readonly on: Guard; readonly keys: readonly string[]; readonly reserved: ReservedSums }
  /** Merge patch of the status of a Site: takes the plug of a cluster away that cannot do it itself. */
  | { readonly kind: 'ReleaseSite'; readonly on: Guard; readonly status: JsonObject }
  | EventEffect;

/** An Event for people; losing it never matters. */
export interface EventEffect {
  readonly kind: 'RecordEvent';
  readonly about: {
    readonly kind: 'Cluster' | 'ClusterNode' | 'VirtualDataCenter';
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
}

export type EffectKind = Effect['kind'];
/** An effect that is a write of one of our own kinds. */
export type WriteEffect = Exclude<Effect, EventEffect>;

export const EFFECT_KINDS = [
  'SetClusterFinalizer',
  'DropClusterFinalizer',
  'PatchClusterStatus',
  'CreateNode',
  'RetireNode',
  'RaiseIncarnation',
  'ConfirmNodeDead',
  'VouchNodeDead',
  'DeleteNode',
  'DropNodeFinalizer',
  'Reserve',
  'Unreserve',
  'ReleaseSite',
  'RecordEvent',
] as const satisfies readonly EffectKind[];

/** The guard for `entity` as it was read. */
export function guardOf(entity: { readonly metadata: ObjectMeta }): Guard {
  const { namespace, name, uid, resourceVersion } = entity.metadata;
  return { namespace: namespace ?? '', name, uid, resourceVersion };
}

/** Whether the effect takes something away that cannot be given back; a cached view never licenses it. */
export function isDestructive(effect: Effect): boolean {
  switch (effect.kind) {
    case 'DropClusterFinalizer':
    case 'RetireNode':
    case 'RaiseIncarnation':
    case 'ConfirmNodeDead':
    case 'VouchNodeDead':
    case 'DeleteNode':
    case 'DropNodeFinalizer':
    case 'Unreserve':
    case 'ReleaseSite':
      return true;
    case 'PatchClusterStatus':
      return 'abandonedAttempt' in effect.status;
    case 'SetClusterFinalizer':
    case 'CreateNode':
    case 'Reserve':
    case 'RecordEvent':
      return false;
    default:
      return unreachable(effect, 'effect');
  }
}
