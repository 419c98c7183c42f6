/**
 * Quota across objects: a ClusterNode needs its reservation in its VirtualDataCenter, and a VirtualDataCenter holds a bounded number of
 * clusters.
 *
 * The sums within a VirtualDataCenter are kept by its own CEL rules; here only what one object cannot know. A copy that is behind may let a
 * node pass whose reservation was just dropped: reservations are dropped after their node is gone, so nothing is taken twice.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import { reservationKey } from '../../model/labels.ts';
import { LIMITS } from '../../model/limits.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import { textOf } from '../api/metadata.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden } from '../api/status.ts';
import type { AdmissionRule } from './admission.ts';

type Reader = Pick<EntityStore, 'get' | 'list' | 'count'>;

/** A node is created only for capacity that was reserved for it. */
export function reservationRule(store: Reader): AdmissionRule {
  // Nodes of one cluster are mostly created on one state of it, which may be large.
  const known = new WeakMap<StoredEntity, JsonObject>();
  const reservationsOf = (owner: StoredEntity): JsonObject => {
    let reservations = known.get(owner);
    if (reservations === undefined) known.set(owner, (reservations = objectIn(objectIn(owner.object(), 'status'), 'reservations')));
    return reservations;
  };
  return ({ type, operation, namespace, name, next }) => {
    if (operation !== 'create' || type.group !== API_GROUP || type.plural !== 'clusternodes' || next === undefined) return undefined;
    const spec = objectIn(next, 'spec');
    const vdc = textOf(spec['virtualDataCenter']);
    const index = typeof spec['index'] === 'number' ? spec['index'] : -1;
    const key = reservationKey(textOf(spec['clusterUid']), index);
    const owner = store.get({ group: API_GROUP, resource: 'virtualdatacenters', namespace, name: vdc });
    if (owner === undefined) {
      return forbidden(
        subjectOf(type, name),
        `there is no VirtualDataCenter ${JSON.stringify(vdc)} in namespace ${namespace} (spec.virtualDataCenter)`,
      );
    }
    if (Object.hasOwn(reservationsOf(owner), key)) return undefined;
    return forbidden(
      subjectOf(type, name),
      `the VirtualDataCenter ${JSON.stringify(vdc)} has no reservation ${JSON.stringify(key)}; add it to its status.reservations first`,
    );
  };
}

/** Keeps a VirtualDataCenter's reservations one small object. */
export function clusterCountRule(store: Reader): AdmissionRule {
  const known = new WeakMap<StoredEntity, string>();
  const vdcOf = (entity: StoredEntity): string => {
    let vdc = known.get(entity);
    if (vdc === undefined) known.set(entity, (vdc = textOf(objectIn(entity.object(), 'spec')['virtualDataCenter'])));
    return vdc;
  };
  return ({ type, operation, namespace, name, next }) => {
    if (operation !== 'create' || type.group !== API_GROUP || type.plural !== 'clusters' || next === undefined) return undefined;
    const most = LIMITS.clustersPerVirtualDataCenter;
    // Counting one by one only where there can be too many.
    if (store.count(API_GROUP, 'clusters', namespace) < most) return undefined;
    const vdc = textOf(objectIn(next, 'spec')['virtualDataCenter']);
    const count = store.list(API_GROUP, 'clusters', namespace).filter((entity) => vdcOf(entity) === vdc).length;
    if (count < most) return undefined;
    return forbidden(
      subjectOf(type, name),
      `the VirtualDataCenter ${JSON.stringify(vdc)} holds ${count} clusters already; at most ${most} are allowed: use another one`,
    );
  };
}

function objectIn(object: JsonObject, field: string): JsonObject {
  const value = object[field];
  return value !== undefined && isJsonObject(value) ? value : {};
}
