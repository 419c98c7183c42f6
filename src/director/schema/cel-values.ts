/**
 * Values while a CEL rule runs, their equality and order, and the budget that bounds the run.
 *
 * Rules run on the entity's JSON as it is, without converting it first: objects and maps are plain objects, lists are arrays, int and
 * double are both JS numbers (the static type says which is meant; where it is unknown, a whole number counts as int). Maps that a rule
 * makes itself are `Map`s. Only what JSON has no form for has a class of its own.
 *
 * I1: int arithmetic that leaves the range which JS numbers carry exactly (53 bits) fails, it never rounds.
 * I2: every loop, and every function whose work grows with its input, spends steps; a run out of steps ends at once, whatever `||` and
 *     `&&` surround it.
 */

import { isJsonObject } from '../../model/json.ts';
import { isDate, isDateTime } from './formats.ts';

/** Texts beyond this length cost steps to compare. */
const LONG = 64;

/** A rule that cannot be decided: no such key, division by zero, wrong type, ... Absorbed by `||` and `&&` as CEL has it. */
export class CelFailure extends Error {
  override readonly name = 'CelFailure';
}

/** The write has used up its steps. Never absorbed. */
export class CelBudgetSpent extends Error {
  override readonly name = 'CelBudgetSpent';
}

/** What an expression sees while it runs. `slots` holds the variables of macros. */
export interface Env {
  self: unknown;
  oldSelf: unknown;
  steps: number;
  readonly slots: unknown[];
}

export function spend(env: Env, steps: number): void {
  env.steps -= steps;
  if (env.steps < 0) throw new CelBudgetSpent('out of steps');
}

/** Steps for work on `units` characters or items. */
export function spendFor(env: Env, units: number): void {
  spend(env, units >>> 4);
}

/** An instant, as nanoseconds since 1970-01-01T00:00:00Z; read from its text only when that is not enough to compare it. */
export class CelTimestamp {
  readonly #text: string | undefined;
  #ns: bigint | undefined;

  constructor(at: bigint | string) {
    this.#text = typeof at === 'string' ? at : undefined;
    if (typeof at === 'bigint') this.#ns = withinYears(at);
  }

  get ns(): bigint {
    this.#ns ??= withinYears(nanosecondsOf(this.#text ?? ''));
    return this.#ns;
  }

  equals(other: CelTimestamp): boolean {
    return (this.#text !== undefined && this.#text === other.#text) || this.ns === other.ns;
  }
}

function withinYears(ns: bigint): bigint {
  if (ns < -62135596800000000000n || ns > 253402300799999999999n) throw new CelFailure('timestamp out of range');
  return ns;
}

function nanosecondsOf(text: string): bigint {
  if (isDate(text)) return nanosecondsOf(`${text}T00:00:00Z`);
  const whole = isDateTime(text) ? Date.parse(text.toUpperCase().replace(/\.\d+/, '')) : Number.NaN;
  if (Number.isNaN(whole)) throw new CelFailure(`${JSON.stringify(text.slice(0, 64))} is not a timestamp`);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

export class CelDuration {
  readonly ns: bigint;

  constructor(ns: bigint) {
    if (ns > 9223372036854775807n || ns < -9223372036854775808n) throw new CelFailure('duration out of range');
    this.ns = ns;
  }
}

export class CelOptional {
  /** Undefined: none. */
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

export const OPTIONAL_NONE = new CelOptional(undefined);

export class CelTypeName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The CEL kind of a value, by what it is now. */
export function kindOf(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'double';
    case 'string':
      return 'string';
    default:
      return objectKindOf(value);
  }
}

function objectKindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value instanceof CelTimestamp) return 'timestamp';
  if (value instanceof CelDuration) return 'duration';
  if (value instanceof CelOptional) return 'optional';
  if (value instanceof CelTypeName) return 'type';
  if (value instanceof Uint8Array) return 'bytes';
  return 'map';
}

/** CEL equality: by value, deep, never failing; NaN equals nothing. */
export function celEquals(env: Env, a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && a.length > LONG) spendFor(env, a.length);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(env, a, b);
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.equals(b);
  if (a instanceof CelDuration) return b instanceof CelDuration && a.ns === b.ns;
  if (a instanceof CelTypeName) return b instanceof CelTypeName && a.name === b.name;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (a instanceof CelOptional) return b instanceof CelOptional && equalOptionals(env, a, b);
  return kindOf(b) === 'map' && equalMaps(env, a, b);
}

function equalLists(env: Env, a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  spend(env, a.length);
  for (let i = 0; i < a.length; i++) if (!celEquals(env, a[i], b[i])) return false;
  return true;
}

function equalOptionals(env: Env, a: CelOptional, b: CelOptional): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return celEquals(env, a.value, b.value);
}

function equalMaps(env: Env, a: object, b: object): boolean {
  const keys = mapKeys(a);
  if (keys.length !== mapSize(b)) return false;
  spend(env, keys.length);
  for (const key of keys) {
    const other = mapGet(b, key);
    if (other === undefined || !celEquals(env, mapGet(a, key), other)) return false;
  }
  return true;
}

export function mapKeys(map: object): unknown[] {
  return map instanceof Map ? [...map.keys()] : Object.keys(map);
}

export function mapSize(map: object): number {
  if (map instanceof Map) return map.size;
  let size = 0;
  for (const _ in map) size++;
  return size;
}

/** The value under `key`, undefined when there is none. */
export function mapGet(map: object, key: unknown): unknown {
  if (map instanceof Map) return map.get(key);
  return typeof key === 'string' && Object.hasOwn(map, key) ? (map as Record<string, unknown>)[key] : undefined;
}

export function isMap(value: unknown): value is object {
  return value instanceof Map || (isJsonObject(value) && kindOf(value) === 'map');
}

/** Order by code points, as CEL has it; JS would order by UTF-16 code units. */
export function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xIsSurrogate = x >= 0xd800 && x <= 0xdfff;
    const yIsSurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xIsSurrogate !== yIsSurrogate) return xIsSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Negative, zero or positive; both values are of one ordered kind. */
export function compareValues(env: Env, a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length > LONG) spendFor(env, a.length);
    return compareText(a, b);
  }
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return compareBig(a.ns, b.ns);
  if (a instanceof CelDuration && b instanceof CelDuration) return compareBig(a.ns, b.ns);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return Number(a) - Number(b);
}

function compareBig(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `value` if it is an int that JS carries exactly. */
export function exactInt(value: number): number {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  throw new CelFailure('integer overflow: beyond 53 bits');
}
