/**
 * The patches that are accepted: JSON merge patch (RFC 7386), JSON patch (RFC 6902), and for the kinds of Kubernetes itself the strategic merge
 * patch. Door to `rfc6902`.
 *
 * I1: a merge patch shares what it does not touch with the object it was applied to, and changes nothing of that object.
 * I2: what a patch may cost is bounded: operations, copied values, and the comparison of a `test`.
 * I3: no path reaches an object's prototype.
 */

import { applyPatch, Pointer } from 'rfc6902';
import type { Operation } from 'rfc6902';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import { deepEqual } from '../schema/json-values.ts';
import { accepted, badRequest, refused } from './status.ts';
import type { Outcome } from './status.ts';
import { strategicallyMerged } from './strategic-patch.ts';
import type { ListMerge } from './strategic-patch.ts';

export type Patch =
  | { readonly kind: 'merge'; readonly patch: JsonObject }
  | { readonly kind: 'strategic'; readonly patch: JsonObject; readonly lists: ListMerge }
  | { readonly kind: 'json'; readonly operations: readonly Operation[] };

const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
const INHERITED = new Set(['__proto__', 'constructor', 'prototype']);

/** Checks the form of a patch, once, before it is applied (possibly several times, to ever newer states). */
export function readPatch(kind: Patch['kind'], body: Json, lists: ListMerge = {}): Outcome<Patch> {
  if (kind !== 'json') {
    if (!isJsonObject(body)) return badRequest('a merge patch must be a JSON object');
    return accepted(kind === 'merge' ? { kind, patch: body } : { kind, patch: body, lists });
  }
  if (!Array.isArray(body)) return badRequest('a JSON patch must be a list of operations');
  if (body.length > LIMITS.jsonPatchOperations) {
    return refused(
      413,
      'RequestEntityTooLarge',
      `a JSON patch may hold at most ${LIMITS.jsonPatchOperations} operations, this one has ${body.length}`,
    );
  }
  for (const [i, operation] of body.entries()) {
    const problem = operationProblem(operation);
    if (problem !== undefined) return badRequest(`operation ${i} of the JSON patch ${problem}`);
  }
  return accepted({ kind, operations: body as unknown as Operation[] });
}

function operationProblem(operation: Json): string | undefined {
  if (!isJsonObject(operation)) return 'must be an object';
  const { op, path, from } = operation;
  if (typeof op !== 'string' || !OPERATIONS.has(op))
    return `has op ${JSON.stringify(op ?? null)}; supported: add, remove, replace, move, copy, test`;
  const bad = pointerProblem(path);
  if (bad !== undefined) return `has a path that ${bad}`;
  if (op === 'move' || op === 'copy') {
    const wrong = pointerProblem(from);
    if (wrong !== undefined) return `has a from that ${wrong}`;
  } else if (op !== 'remove' && !Object.hasOwn(operation, 'value')) return 'has no value';
  return undefined;
}

function pointerProblem(pointer: Json | undefined): string | undefined {
  if (typeof pointer !== 'string') return 'is not a text';
  if (pointer === '') return 'names the whole object, which cannot be replaced by a patch';
  if (!pointer.startsWith('/')) return 'does not begin with a slash';
  const bad = pointer.split('/').find((part) => INHERITED.has(part));
  return bad === undefined ? undefined : `holds ${bad}, which no field may be called in a patch`;
}

/** `object` with the patch applied. For a JSON patch `object` is changed and must be the caller's own. */
export function applyTo(object: JsonObject, patch: Patch): Outcome<JsonObject> {
  switch (patch.kind) {
    case 'merge':
      return accepted(merged(object, patch.patch));
    case 'strategic':
      return strategicallyMerged(object, patch.patch, patch.lists);
    case 'json':
      return applyOperations(object, patch.operations);
  }
}

/** RFC 7386: null removes, objects are merged, everything else replaces. Keys are safe: readJson refused `__proto__`. */
export function merged(target: Json | undefined, patch: JsonObject): JsonObject {
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const key in patch) {
    const value = patch[key] as Json;
    if (value === null) delete result[key];
    else if (isJsonObject(value)) result[key] = merged(Object.hasOwn(result, key) ? result[key] : undefined, value);
    else result[key] = value;
  }
  return result;
}

function applyOperations(object: JsonObject, operations: readonly Operation[]): Outcome<JsonObject> {
  let copiedBytes = 0;
  for (const [i, operation] of operations.entries()) {
    if (operation.op === 'test') {
      const found = Pointer.fromJSON(operation.path).evaluate(object).value as Json | undefined;
      if (found !== undefined && deepEqual(found, operation.value as Json)) continue;
      return failed(`operation ${i} of the JSON patch: the test of ${operation.path} failed`);
    }
    if (operation.op === 'copy') {
      const source = Pointer.fromJSON(operation.from).evaluate(object).value as Json | undefined;
      copiedBytes += source === undefined ? 0 : JSON.stringify(source).length;
      if (copiedBytes > LIMITS.objectBytes)
        return refused(413, 'RequestEntityTooLarge', `the copies of the JSON patch exceed ${LIMITS.objectBytes} bytes`);
    }
    const [error] = applyPatch(object, [operation]);
    if (error) return failed(`operation ${i} of the JSON patch (${operation.op} ${operation.path}): ${error.message}`);
  }
  if (nestedDeeper(object, LIMITS.jsonDepth)) return failed(`the JSON patch nests the object deeper than ${LIMITS.jsonDepth} levels`);
  return accepted(object);
}

function failed(message: string): Outcome<never> {
  return refused(422, 'Invalid', message);
}

function nestedDeeper(value: Json, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  return Object.values(value).some((one) => nestedDeeper(one, left - 1));
}
