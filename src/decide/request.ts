/**
 * Turns an effect into the one API call that carries it out, so that every shell (extension server, manager, simulator) acts alike.
 *
 * I1: a call that changes an existing entity bears its uid and resourceVersion as preconditions.
 * I2: an effect is one call; nothing is half of it.
 */

import { unreachable } from '../base/assert.ts';
import { CLUSTER_NODES, CLUSTERS, SITES, VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { CoreEvent, ResourceAddress } from '../model/core-kinds.ts';
import type { JsonObject } from '../model/json.ts';
import { ANNOTATION_CONFIRM_DEAD, ANNOTATION_VOUCHED_DEAD } from '../model/labels.ts';
import { API_GROUP, API_VERSION, GROUP_VERSION } from '../model/resource.ts';
import type { EventEffect, Guard, WriteEffect } from './effect.ts';

/** The shapes of `EntityApi`'s writes (src/ports/api.ts). */
export type ApiRequest =
  | { readonly verb: 'create'; readonly address: ResourceAddress; readonly namespace: string; readonly object: object }
  | {
      readonly verb: 'mergePatch';
      readonly address: ResourceAddress;
      readonly namespace: string;
      readonly name: string;
      readonly patch: JsonObject;
      readonly subresource?: 'status';
    }
  | {
      readonly verb: 'delete';
      readonly address: ResourceAddress;
      readonly namespace: string;
      readonly name: string;
      readonly preconditions: { readonly uid: string; readonly resourceVersion: string };
    };

/** The call that carries `effect` out. */
export function requestOf(effect: WriteEffect): ApiRequest {
  switch (effect.kind) {
    case 'SetClusterFinalizer':
    case 'DropClusterFinalizer':
      return patch(CLUSTERS, effect.on, { metadata: { finalizers: [...effect.finalizers] } });
    case 'PatchClusterStatus':
      return { ...patch(CLUSTERS, effect.on, { status: effect.status }), subresource: 'status' };
    case 'CreateNode':
      return { verb: 'create', address: CLUSTER_NODES, namespace: effect.namespace, object: effect.node };
    case 'RetireNode':
      return patch(CLUSTER_NODES, effect.on, { spec: { retired: true } });
    case 'RaiseIncarnation':
      return patch(CLUSTER_NODES, effect.on, { spec: { incarnation: effect.incarnation, host: null } });
    case 'ConfirmNodeDead':
      return patch(CLUSTER_NODES, effect.on, { metadata: { annotations: { [ANNOTATION_CONFIRM_DEAD]: String(effect.incarnation) } } });
    case 'VouchNodeDead':
      return patch(CLUSTER_NODES, effect.on, {
        metadata: { annotations: { [ANNOTATION_VOUCHED_DEAD]: `${effect.incarnation}.${effect.term}` } },
      });
    case 'DeleteNode':
      return {
        verb: 'delete',
        address: CLUSTER_NODES,
        namespace: effect.on.namespace,
        name: effect.on.name,
        preconditions: { uid: effect.on.uid, resourceVersion: effect.on.resourceVersion },
      };
    case 'DropNodeFinalizer':
      return patch(CLUSTER_NODES, effect.on, { metadata: { finalizers: [...effect.finalizers] } });
    case 'Reserve':
      return {
        ...patch(VIRTUAL_DATA_CENTERS, effect.on, {
          status: {
            reservations: Object.fromEntries(Object.entries(effect.reservations).map(([key, entry]) => [key, { ...entry }])),
            reserved: { ...effect.reserved },
          },
        }),
        subresource: 'status',
      };
    case 'Unreserve':
      return {
        ...patch(VIRTUAL_DATA_CENTERS, effect.on, {
          status: { reservations: Object.fromEntries(effect.keys.map((key) => [key, null])), reserved: { ...effect.reserved } },
        }),
        subresource: 'status',
      };
    case 'ReleaseSite':
      return { ...patch(SITES, effect.on, { status: effect.status }), subresource: 'status' };
    default:
      return unreachable(effect, 'effect');
  }
}

/** The Event as it is created. `component` names the writer, `name` must be unique in the namespace, `now` is RFC 3339. */
export function eventOf(
  effect: EventEffect,
  component: string,
  name: string,
  now: string,
): Omit<CoreEvent, 'metadata'> & { metadata: object } {
  const { about } = effect;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: about.namespace },
    involvedObject: { apiVersion: GROUP_VERSION, kind: about.kind, namespace: about.namespace, name: about.name, uid: about.uid },
    type: effect.type,
    reason: effect.reason,
    message: effect.message,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component },
  };
}

function patch(address: ResourceAddress, on: Guard, body: JsonObject): Extract<ApiRequest, { verb: 'mergePatch' }> {
  const metadata = { ...(body['metadata'] as JsonObject | undefined), uid: on.uid, resourceVersion: on.resourceVersion };
  return {
    verb: 'mergePatch',
    address,
    namespace: on.namespace,
    name: on.name,
    patch: { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: address.kind, ...body, metadata },
  };
}
