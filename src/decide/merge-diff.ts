/**
 * The RFC 7386 merge patch that turns one JSON object into another.
 *
 * I1: applying the patch to `before` gives `after` (without undefined keys; `after` holds no null).
 * I2: equal objects give no patch.
 */

import { isSameValue } from '../base/canonical.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';

/** undefined: nothing differs. Lists are replaced whole. */
export function mergeDiff(before: object | undefined, after: object): JsonObject | undefined {
  const patch: JsonObject = {};
  const old = (before ?? {}) as Readonly<Record<string, unknown>>;
  const next = after as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const change = changeOf(old[key], next[key]);
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function changeOf(before: unknown, after: unknown): Json | undefined {
  if (before === after) return undefined;
  if (after === undefined) return before === undefined ? undefined : null;
  if (isJsonObject(before) && isJsonObject(after)) return mergeDiff(before, after);
  return before !== undefined && isSameValue(before, after) ? undefined : (after as Json);
}
