/**
 * What a write changes: the fields in which two states of an object differ, as paths.
 *
 * I1: `changedOutside` names a field exactly when the states differ somewhere that is not allowed; an empty object counts as an absent one.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';

/** What the director itself changes with a write. */
const DIRECTORS_OWN: ReadonlySet<string> = new Set(['metadata.resourceVersion', 'metadata.generation', 'metadata.managedFields']);

/** The first field that differs and is neither one of `allowed` (dotted paths; all below them is allowed too) nor the director's own. */
export function changedOutside(old: JsonObject, next: JsonObject, allowed: ReadonlySet<string>): string | undefined {
  return differ(old, next, '', (path) => allowed.has(path) || DIRECTORS_OWN.has(path));
}

/** Do both hold the same JSON, whatever the order of keys? */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => sameJson(item, b[at]));
  if (!isJsonObject(a ?? null) || !isJsonObject(b ?? null)) return false;
  return differ(a as JsonObject, b as JsonObject, '', () => false) === undefined;
}

function differ(old: JsonObject, next: JsonObject, prefix: string, isAllowed: (path: string) => boolean): string | undefined {
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    // A key with a dot in it could spell an allowed path that it is not.
    if (!key.includes('.') && isAllowed(path)) continue;
    const found = differAt(old[key], next[key], path, isAllowed);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * An object that comes or goes as a whole is compared with an empty one, so that allowed fields within it stay allowed; an empty one that comes
 * or goes changes nothing that anybody owns.
 */
function differAt(old: Json | undefined, next: Json | undefined, path: string, isAllowed: (path: string) => boolean): string | undefined {
  if (old === next) return undefined;
  if (isObjectOrAbsent(old) && isObjectOrAbsent(next)) return differ(old ?? {}, next ?? {}, path, isAllowed);
  return Array.isArray(old) && Array.isArray(next) && sameJson(old, next) ? undefined : path;
}

function isObjectOrAbsent(value: Json | undefined): value is JsonObject | undefined {
  return value === undefined || isJsonObject(value);
}
