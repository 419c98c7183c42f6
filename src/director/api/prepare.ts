/**
 * From what a client sent to what may be stored: metadata rules, pruning, defaults, validation, generation, bytes.
 *
 * I1: what is stored has passed the schema of its kind as it is now, whatever way it came in.
 * I2: a write that changes nothing is found here, so that it costs no revision.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { StoredEntity } from '../../ports/store.ts';
import { canonicalEntityBytes, resourceVersionOffset } from '../schema/canonical-entity.ts';
import { deepEqual } from '../schema/json-values.ts';
import type { WriteOptions } from './engine.ts';
import { finalizersOf, isDeleting, keptMetadata, metadataOf, metadataProblems, textOf } from './metadata.ts';
import { kindSubjectOf } from './resource-type.ts';
import type { ResourceType } from './resource-type.ts';
import { accepted, badRequest, causeOf, invalid, tooLarge } from './status.ts';
import type { Cause, Outcome, Refused } from './status.ts';

/** Fields that do not count as the spec. */
const NOT_SPEC = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** The object as it would be stored, apiVersion, kind and metadata first. */
export function assembled(type: ResourceType, metadata: JsonObject, content: JsonObject): JsonObject {
  const object: JsonObject = { apiVersion: type.apiVersion, kind: type.kind, metadata };
  for (const field in content) {
    if (field === 'apiVersion' || field === 'kind' || field === 'metadata') continue;
    object[field] = content[field] as Json;
  }
  return object;
}

/** Prunes and fills in defaults, in place. */
export function shape(type: ResourceType, object: JsonObject, options: WriteOptions): Refused | undefined {
  for (const field of type.schema.prune(object)) options.unknown.add(field);
  if (options.validation === 'Strict' && options.unknown.size > 0) return strictRefusal(type, unknownFields(options));
  type.schema.default(object);
  return undefined;
}

export function judge(type: ResourceType, object: JsonObject, old: JsonObject | undefined): Refused | undefined {
  const metadata = metadataOf(object);
  const problems: Cause[] = metadataProblems(type, metadata, old === undefined ? undefined : metadataOf(old));
  problems.push(...type.schema.validate(object, old).map(causeOf));
  return problems.length === 0 ? undefined : invalid(kindSubjectOf(type, textOf(metadata['name'])), problems);
}

/** The unknown fields as sentences. */
export function unknownFields({ unknown }: WriteOptions): string[] {
  return Array.from(unknown, (field) => `unknown field ${JSON.stringify(field)}`);
}

export function strictRefusal(type: ResourceType, problems: readonly string[]): Refused {
  const what = `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}`;
  return badRequest(`${what}: strict decoding error: ${problems.join(', ')}`);
}

/** Moves plain texts into their base64 field, for kinds that have such a pair (Secret). */
export function foldBase64Input(type: ResourceType, object: JsonObject): void {
  const trait = type.base64Input;
  if (trait === undefined) return;
  const plain = object[trait.from];
  if (plain === undefined || !isJsonObject(plain)) return;
  const into = object[trait.into];
  const merged: JsonObject = isJsonObject(into) ? { ...into } : {};
  for (const key in plain) {
    const value = plain[key];
    if (typeof value !== 'string') return;
    merged[key] = Buffer.from(value, 'utf8').toString('base64');
  }
  delete object[trait.from];
  object[trait.into] = merged;
}

/**
 * The next state of an existing object, before schema and admission. `given` is what it should become; only the part that the subresource
 * owns is taken from it.
 */
export function nextState(type: ResourceType, old: JsonObject, given: JsonObject, subresource: string): Outcome<JsonObject> {
  const metadata = keptMetadata(type, metadataOf(old), metadataOf(given));
  if (!metadata.ok) return metadata;
  if (subresource === 'status') {
    const object: JsonObject = { ...old, metadata: withoutRevision(metadataOf(old)) };
    if (given['status'] === undefined) delete object['status'];
    else object['status'] = given['status'];
    return accepted(object);
  }
  const object = assembled(type, metadata.value, given);
  if (type.hasStatus) {
    if (old['status'] === undefined) delete object['status'];
    else object['status'] = old['status'];
  }
  foldBase64Input(type, object);
  if (type.cleanupFinalizer !== undefined) keepCleanupFinalizer(type.cleanupFinalizer, old, object);
  return accepted(object);
}

function withoutRevision(metadata: JsonObject): JsonObject {
  const { resourceVersion: _, ...rest } = metadata;
  return rest;
}

/** Only the garbage collector takes the cleanup finalizer off; it does so by `dropCleanupFinalizer`. */
function keepCleanupFinalizer(finalizer: string, old: JsonObject, object: JsonObject): void {
  if (!isDeleting(old) || !finalizersOf(old).includes(finalizer) || finalizersOf(object).includes(finalizer)) return;
  const metadata = metadataOf(object);
  metadata['finalizers'] = [...finalizersOf(object), finalizer];
}

/** Sets `metadata.generation`; call it after pruning and defaulting. */
export function countGeneration(type: ResourceType, old: JsonObject, object: JsonObject): void {
  if (!type.generation) return;
  const metadata = metadataOf(object);
  const before = metadataOf(old)['generation'];
  const number = typeof before === 'number' ? before : 1;
  metadata['generation'] = sameSpec(type, old, object) ? number : number + 1;
}

function sameSpec(type: ResourceType, old: JsonObject, object: JsonObject): boolean {
  const counts = (field: string): boolean => !NOT_SPEC.has(field) || (field === 'status' && !type.hasStatus);
  for (const field in object) if (counts(field) && !deepEqual(object[field], old[field])) return false;
  for (const field in old) if (counts(field) && object[field] === undefined) return false;
  return true;
}

/** True when `body` is what is stored already: equal entities have equal canonical bytes, but for the revision that is spliced in. */
export function unchanged(current: StoredEntity, body: Buffer): boolean {
  const { bytes, revision } = current;
  const spliced = `"resourceVersion":"${revision}",`.length;
  if (bytes.length !== body.length + spliced) return false;
  const offset = resourceVersionOffset(body);
  return bytes.compare(body, 0, offset, 0, offset) === 0 && bytes.compare(body, offset, body.length, offset + spliced) === 0;
}

/** The bytes to store: without resourceVersion, the head as the store wants it. Refused when they are too many. */
export function encode(object: JsonObject): Outcome<Buffer> {
  const bytes = canonicalEntityBytes(object);
  if (bytes.length <= LIMITS.objectBytes) return accepted(bytes);
  return tooLarge(`the object would take ${bytes.length} bytes; at most ${LIMITS.objectBytes} are stored`);
}
