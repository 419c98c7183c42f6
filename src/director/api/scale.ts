/**
 * The `scale` subresource: one number of an object, as autoscaling/v1 Scale, whatever the kind calls it.
 *
 * Writing it is an update of the main resource, so all its rules hold.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import { metadataOf, textOf } from './metadata.ts';
import { applyTo } from './patch.ts';
import type { Patch } from './patch.ts';
import { kindSubjectOf, subjectOf, valueAt } from './resource-type.ts';
import type { ResourceType, ScalePaths } from './resource-type.ts';
import { accepted, badRequest, conflict, invalid, modified } from './status.ts';
import type { Outcome } from './status.ts';

const METADATA_FIELDS = ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'];

/** The Scale of `object`. */
export function scaleOf(paths: ScalePaths, object: JsonObject): JsonObject {
  const metadata = metadataOf(object);
  const kept: JsonObject = {};
  for (const field of METADATA_FIELDS) if (metadata[field] !== undefined) kept[field] = metadata[field];
  const selector = paths.selector === undefined ? undefined : valueAt(object, paths.selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: kept,
    spec: { replicas: countOf(valueAt(object, paths.spec)) },
    status: { replicas: countOf(valueAt(object, paths.status)), ...(typeof selector === 'string' ? { selector } : {}) },
  };
}

/** `object` with the number of replicas that the Scale asks for. `object` is not changed. */
export function withScale(type: ResourceType, paths: ScalePaths, object: JsonObject, scale: JsonObject): Outcome<JsonObject> {
  const name = textOf(metadataOf(object)['name']);
  const given = metadataOf(scale);
  const claimed = textOf(given['name']);
  if (claimed !== '' && claimed !== name)
    return badRequest(`the name of the object (${claimed}) does not match the name on the URL (${name})`);
  const revision = textOf(given['resourceVersion']);
  if (revision !== '' && revision !== metadataOf(object)['resourceVersion']) return modified(subjectOf(type, name));
  const uid = textOf(given['uid']);
  if (uid !== '' && uid !== metadataOf(object)['uid']) {
    return conflict(
      subjectOf(type, name),
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${textOf(metadataOf(object)['uid'])}`,
    );
  }
  const spec = scale['spec'] ?? {};
  const replicas = isJsonObject(spec) ? (spec['replicas'] ?? 0) : null;
  if (typeof replicas !== 'number' || !Number.isSafeInteger(replicas) || replicas < 0) {
    const message = `Invalid value: ${JSON.stringify(replicas)}: must be a whole number of at least 0`;
    return invalid(kindSubjectOf(type, name), [{ reason: 'FieldValueInvalid', message, field: 'spec.replicas' }]);
  }
  return accepted(withValueAt(object, paths.spec, replicas));
}

/** The Scale after `patch`, put into the object. */
export function patchedScale(type: ResourceType, paths: ScalePaths, object: JsonObject, patch: Patch): Outcome<JsonObject> {
  const next = applyTo(scaleOf(paths, object), patch);
  return next.ok ? withScale(type, paths, object, next.value) : next;
}

function countOf(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function withValueAt(object: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [first, ...rest] = path;
  if (first === undefined) return object;
  const below = object[first];
  return {
    ...object,
    [first]: rest.length === 0 ? value : withValueAt(isJsonObject(below ?? null) ? (below as JsonObject) : {}, rest, value),
  };
}
