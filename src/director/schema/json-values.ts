/**
 * What the walkers need to know about plain JSON values: equality, copies, canonical text, and bounds on values that no schema describes.
 *
 * Objects come from JSON.parse, so `__proto__` and `constructor` may be own keys like any other; nothing here reads an inherited property.
 *
 * I1: every recursion stops at `LIMITS.jsonDepth`, so neither deep nor circular values can exhaust the stack.
 * I2: a number that JSON cannot carry (NaN, infinite) is found before it would silently become null.
 */

import { assert } from '../../base/assert.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Json, JsonObject } from '../../model/json.ts';

/** Same JSON value, whatever the order of keys. Beyond the depth limit nothing is equal. */
export function deepEqual(a: Json | undefined, b: Json | undefined, depth = 0): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || depth > LIMITS.jsonDepth) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i], depth + 1)) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  let keys = 0;
  for (const key in a) {
    if (!Object.hasOwn(b, key) || !deepEqual(a[key], b[key], depth + 1)) return false;
    keys++;
  }
  return keys === Object.keys(b).length;
}

/** A copy that shares nothing with `value`. */
export function deepCopy(value: Json, depth = 0): Json {
  if (typeof value !== 'object' || value === null) return value;
  assert(depth <= LIMITS.jsonDepth, 'a value to copy is nested at most LIMITS.jsonDepth levels deep');
  if (Array.isArray(value)) return value.map((item) => deepCopy(item, depth + 1));
  const copy: JsonObject = {};
  for (const key in value) setOwn(copy, key, deepCopy(value[key] as Json, depth + 1));
  return copy;
}

/** `object[key] = value`, also for `__proto__`. */
export function setOwn(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

/**
 * Reads property `name` of JSON objects. Names that every object inherits (`constructor`, `toString`, ...) are looked up as own
 * properties only; for all others a plain read is the same and much faster.
 */
export function readerOf(name: string): (object: JsonObject) => Json | undefined {
  if (name in Object.prototype) return (object) => (Object.hasOwn(object, name) ? object[name] : undefined);
  return (object) => object[name];
}

/** One text per JSON value: equal values have equal texts, different values different ones. */
export function canonicalText(value: Json, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (depth > LIMITS.jsonDepth) return '"too deep"';
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item, depth + 1)).join(',')}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key] as Json, depth + 1)}`).join(',')}}`;
}

/** Why a value that no schema describes cannot be stored, or undefined. */
export function unstorable(value: Json, depth: number): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'must be a number that JSON can carry';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > LIMITS.jsonDepth) return `must not be nested deeper than ${LIMITS.jsonDepth} levels`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const why = unstorable(item, depth + 1);
      if (why !== undefined) return why;
    }
    return undefined;
  }
  for (const key in value) {
    const why = unstorable(value[key] as Json, depth + 1);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The length of `text` in code points, which is what schemas and CEL count. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(i + 1);
    if (next >= 0xdc00 && next <= 0xdfff) {
      count--;
      i++;
    }
  }
  return count;
}
