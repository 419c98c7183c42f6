/**
 * Strategic merge patch, for the kinds of Kubernetes itself: `kubectl apply` and `edit` send it for every kind that they know by heart, and for no
 * other.
 *
 * It is a merge patch in which some lists are merged: by a key (owners by uid) or as sets (finalizers). Which ones, the kind says (`listMerge`).
 * Directives are those of k8s.io/apimachinery/pkg/util/strategicpatch: `$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`.
 *
 * I1: neither the object nor the patch is changed.
 * I2: no directive is ever stored: one that is not understood refuses the patch.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { deepEqual } from '../schema/json-values.ts';
import { accepted, badRequest } from './status.ts';
import type { Outcome } from './status.ts';

/** Lists that are merged, by their dotted path: the key of their items, or '' for lists of scalars. All others are replaced. */
export type ListMerge = Readonly<Record<string, string>>;

const PATCH = '$patch';
const RETAIN = '$retainKeys';
const ORDER = '$setElementOrder/';
const REMOVE = '$deleteFromPrimitiveList/';

/** Thrown within this file only. */
class NotUnderstood extends Error {}

export function strategicallyMerged(target: JsonObject, patch: JsonObject, lists: ListMerge): Outcome<JsonObject> {
  try {
    return accepted(mergedMap(target, patch, '', lists) ?? {});
  } catch (error) {
    if (error instanceof NotUnderstood) return badRequest(`the strategic merge patch is not understood: ${error.message}`);
    throw error;
  }
}

/** Undefined: `$patch: delete`, the map goes. */
function mergedMap(target: Json | undefined, patch: JsonObject, path: string, lists: ListMerge): JsonObject | undefined {
  const directive = patch[PATCH];
  if (directive === 'delete') return undefined;
  if (directive !== undefined && directive !== 'replace' && directive !== 'merge')
    throw new NotUnderstood(`${PATCH} is ${JSON.stringify(directive)}`);
  const result: JsonObject = target === undefined || !isJsonObject(target) || directive === 'replace' ? {} : { ...target };
  retain(result, patch);
  for (const key in patch) {
    if (key === PATCH || key === RETAIN || key.startsWith(ORDER) || key.startsWith(REMOVE)) continue;
    if (key.startsWith('$')) throw new NotUnderstood(`there is no directive ${JSON.stringify(key)}`);
    const next = mergedField(Object.hasOwn(result, key) ? result[key] : undefined, patch[key] as Json, join(path, key), lists);
    if (next === undefined) delete result[key];
    else result[key] = next;
  }
  for (const key in patch) arrange(result, patch, key, path, lists);
  return result;
}

/** Undefined: the field goes. */
function mergedField(target: Json | undefined, patch: Json, path: string, lists: ListMerge): Json | undefined {
  if (patch === null) return undefined;
  if (isJsonObject(patch)) return mergedMap(target, patch, path, lists);
  const key = lists[path];
  if (!Array.isArray(patch) || key === undefined) return patch;
  const before = Array.isArray(target) ? target : [];
  return key === '' ? mergedSet(before, patch) : mergedList(before, patch, key, path, lists);
}

function mergedSet(target: readonly Json[], patch: readonly Json[]): Json[] {
  return [...target, ...patch.filter((one, i) => !target.includes(one) && patch.indexOf(one) === i)];
}

function mergedList(target: readonly Json[], patch: readonly Json[], key: string, path: string, lists: ListMerge): Json[] {
  const items = patch.map((item) => {
    if (isJsonObject(item)) return item;
    throw new NotUnderstood(`an item of ${path} is no object`);
  });
  const replaces = items.some((item) => item[PATCH] === 'replace' && item[key] === undefined);
  const result: Json[] = replaces ? [] : [...target];
  for (const item of items) {
    if (item[PATCH] === 'replace' && item[key] === undefined) continue;
    const identity = item[key];
    if (identity === undefined) throw new NotUnderstood(`an item of ${path} has no ${key}`);
    const at = result.findIndex((one) => isJsonObject(one) && deepEqual(one[key], identity));
    const next = mergedMap(at < 0 ? undefined : result[at], item, path, lists);
    if (next === undefined) {
      if (at >= 0) result.splice(at, 1);
    } else if (at < 0) result.push(next);
    else result[at] = next;
  }
  return result;
}

function retain(result: JsonObject, patch: JsonObject): void {
  const kept = patch[RETAIN];
  if (kept === undefined) return;
  if (!Array.isArray(kept)) throw new NotUnderstood(`${RETAIN} is no list`);
  for (const key in result) if (!kept.includes(key)) delete result[key];
}

/** Directives about a list beside them: what leaves it, and in which order the rest stands. */
function arrange(result: JsonObject, patch: JsonObject, directive: string, path: string, lists: ListMerge): void {
  const prefix = [REMOVE, ORDER].find((one) => directive.startsWith(one));
  if (prefix === undefined) return;
  const field = directive.slice(prefix.length);
  const given = patch[directive];
  const list = Object.hasOwn(result, field) ? result[field] : undefined;
  if (!Array.isArray(given)) throw new NotUnderstood(`${directive} is no list`);
  if (!Array.isArray(list)) return;
  if (prefix === REMOVE) result[field] = list.filter((one) => !given.includes(one));
  else result[field] = ordered(list, given, lists[join(path, field)] ?? '');
}

/** Items that `order` names stand in its order; the others keep their place behind the item that they followed. */
function ordered(list: readonly Json[], order: readonly Json[], key: string): Json[] {
  const identity = (item: Json): string => JSON.stringify(key !== '' && isJsonObject(item) ? (item[key] ?? null) : item);
  const wanted = order.map(identity);
  const named = list
    .filter((item) => wanted.includes(identity(item)))
    .sort((a, b) => wanted.indexOf(identity(a)) - wanted.indexOf(identity(b)));
  const result = [...named];
  for (const [i, item] of list.entries()) {
    if (wanted.includes(identity(item))) continue;
    const before = list[i - 1];
    const at = before === undefined ? 0 : result.findIndex((one) => identity(one) === identity(before)) + 1;
    result.splice(at, 0, item);
  }
  return result;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
