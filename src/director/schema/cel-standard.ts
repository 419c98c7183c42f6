/**
 * CEL's standard functions and operators over numbers, texts, bytes and collections, with the list functions of Kubernetes' CEL library.
 *
 * Semantics follow the CEL specification (cel-spec v0.25) and Kubernetes' `lists` library; the conformance suite of cel-spec is run
 * against them in the tests.
 *
 * I1: int results are exact or fail (see cel-values.ts); a number that is not whole never comes out as int.
 */

import { fn, method } from './cel-functions.ts';
import type { Overload } from './cel-functions.ts';
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, LIST, MAP, STRING, TIMESTAMP, TYPE, listOf } from './cel-types.ts';
import type { CelType } from './cel-types.ts';
import { CelDuration, CelFailure, CelTypeName, celEquals, compareValues, exactInt } from './cel-values.ts';
import { isMap, kindOf, mapGet, mapKeys, mapSize, spend, spendFor } from './cel-values.ts';
import type { CelTimestamp, Env } from './cel-values.ts';
import { codePoints } from './json-values.ts';

const NUMBERS: readonly CelType[] = [INT, DOUBLE];
const ORDERED: readonly CelType[] = [BOOL, STRING, BYTES, TIMESTAMP, DURATION];

function sameAsFirst(args: readonly CelType[]): CelType {
  const [first] = args;
  return first ?? DYN;
}

function itemOfFirst(args: readonly CelType[]): CelType {
  const [first] = args;
  return first?.kind === 'list' ? first.item : DYN;
}

const arithmetic: readonly Overload[] = [
  fn('+', [INT, INT], INT, (_env, a: number, b: number) => exactInt(a + b)),
  fn('-', [INT, INT], INT, (_env, a: number, b: number) => exactInt(a - b)),
  fn('*', [INT, INT], INT, (_env, a: number, b: number) => exactInt(a * b)),
  fn('/', [INT, INT], INT, (_env, a: number, b: number) => exactInt(Math.trunc(a / nonZero(b, 'division by zero')))),
  fn('%', [INT, INT], INT, (_env, a: number, b: number) => exactInt(a % nonZero(b, 'modulus by zero'))),
  fn('-_', [INT], INT, (_env, a: number) => exactInt(-a)),
  fn('+', [DOUBLE, DOUBLE], DOUBLE, (_env, a: number, b: number) => a + b),
  fn('-', [DOUBLE, DOUBLE], DOUBLE, (_env, a: number, b: number) => a - b),
  fn('*', [DOUBLE, DOUBLE], DOUBLE, (_env, a: number, b: number) => a * b),
  fn('/', [DOUBLE, DOUBLE], DOUBLE, (_env, a: number, b: number) => a / b),
  fn('-_', [DOUBLE], DOUBLE, (_env, a: number) => -a),
  fn('!_', [BOOL], BOOL, (_env, a: boolean) => !a),
  fn('+', [STRING, STRING], STRING, concatenate),
  fn('+', [BYTES, BYTES], BYTES, (env, a: Uint8Array, b: Uint8Array) => (spendFor(env, a.length + b.length), Buffer.concat([a, b]))),
  fn('+', [LIST, LIST], sameAsFirst, (env, a: unknown[], b: unknown[]) => (spend(env, a.length + b.length), [...a, ...b])),
];

const order: readonly Overload[] = (['<', '<=', '>', '>='] as const).flatMap((operator) => {
  const holds = { '<': (c: number) => c < 0, '<=': (c: number) => c <= 0, '>': (c: number) => c > 0, '>=': (c: number) => c >= 0 }[
    operator
  ];
  const compare = (env: Env, a: unknown, b: unknown): boolean => holds(compareValues(env, a, b));
  const numeric = {
    '<': (_env: Env, a: number, b: number) => a < b,
    '<=': (_env: Env, a: number, b: number) => a <= b,
    '>': (_env: Env, a: number, b: number) => a > b,
    '>=': (_env: Env, a: number, b: number) => a >= b,
  }[operator];
  const mixed = NUMBERS.flatMap((left) => NUMBERS.map((right) => fn(operator, [left, right], BOOL, numeric)));
  return [...mixed, ...ORDERED.map((type) => fn(operator, [type, type], BOOL, compare))];
});

const sizes: readonly Overload[] = (
  [
    [STRING, (_env: Env, value: string) => codePoints(value)],
    [BYTES, (_env: Env, value: Uint8Array) => value.length],
    [LIST, (_env: Env, value: unknown[]) => value.length],
    [MAP, (env: Env, value: object) => (spendFor(env, 16), mapSize(value))],
  ] as const
).flatMap(([type, call]) => [fn('size', [type], INT, call as Overload['call']), method('size', [type], INT, call as Overload['call'])]);

const conversions: readonly Overload[] = [
  fn('dyn', [DYN], DYN, (_env, value: unknown) => value),
  fn('type', [DYN], TYPE, (_env, value: unknown) => new CelTypeName(typeNameOf(value))),
  fn('bool', [BOOL], BOOL, (_env, value: boolean) => value),
  fn('bool', [STRING], BOOL, (_env, value: string) => textToBool(value)),
  fn('int', [INT], INT, (_env, value: number) => value),
  fn('int', [DOUBLE], INT, (_env, value: number) => exactInt(Math.trunc(value))),
  fn('int', [STRING], INT, (_env, value: string) => textToInt(value)),
  fn('int', [TIMESTAMP], INT, (_env, value: CelTimestamp) => Number(floorDivide(value.ns, 1_000_000_000n))),
  fn('int', [DURATION], INT, (_env, value: CelDuration) => Number(value.ns / 1_000_000_000n)),
  fn('double', [DOUBLE], DOUBLE, (_env, value: number) => value),
  fn('double', [INT], DOUBLE, (_env, value: number) => value),
  fn('double', [STRING], DOUBLE, (_env, value: string) => textToDouble(value)),
  fn('string', [STRING], STRING, (_env, value: string) => value),
  fn('string', [BOOL], STRING, (_env, value: boolean) => String(value)),
  fn('string', [INT], STRING, (_env, value: number) => String(value)),
  fn('string', [DOUBLE], STRING, (_env, value: number) => doubleText(value)),
  fn('string', [BYTES], STRING, (_env, value: Uint8Array) => bytesToText(value)),
  fn('bytes', [BYTES], BYTES, (_env, value: Uint8Array) => value),
  fn('bytes', [STRING], BYTES, (env, value: string) => (spendFor(env, value.length), new TextEncoder().encode(value))),
];

const lists: readonly Overload[] = [
  method(
    'sum',
    [listOf(INT)],
    INT,
    (env, list: number[]) => (spend(env, list.length), list.reduce((sum, item) => exactInt(sum + item), 0)),
  ),
  method('sum', [listOf(DOUBLE)], DOUBLE, (env, list: number[]) => (spend(env, list.length), list.reduce((sum, item) => sum + item, 0))),
  method('sum', [listOf(DURATION)], DURATION, (env, list: CelDuration[]) => {
    spend(env, list.length);
    return new CelDuration(list.reduce((sum, item) => sum + item.ns, 0n));
  }),
  ...[...NUMBERS, ...ORDERED].flatMap((type) => [
    method('min', [listOf(type)], itemOfFirst, (env, list: unknown[]) => extreme(env, list, -1)),
    method('max', [listOf(type)], itemOfFirst, (env, list: unknown[]) => extreme(env, list, 1)),
    method('isSorted', [listOf(type)], BOOL, (env, list: unknown[]) => {
      spend(env, list.length);
      return list.every((item, i) => i === 0 || compareValues(env, list[i - 1], item) <= 0);
    }),
  ]),
  method('indexOf', [LIST, DYN], INT, (env, list: unknown[], wanted: unknown) => {
    spend(env, list.length);
    return list.findIndex((item) => celEquals(env, item, wanted));
  }),
  method('lastIndexOf', [LIST, DYN], INT, (env, list: unknown[], wanted: unknown) => {
    spend(env, list.length);
    return list.findLastIndex((item) => celEquals(env, item, wanted));
  }),
  fn('sets.contains', [LIST, LIST], BOOL, (env, list: unknown[], others: unknown[]) => others.every((one) => isIn(env, one, list))),
  fn('sets.intersects', [LIST, LIST], BOOL, (env, list: unknown[], others: unknown[]) => others.some((one) => isIn(env, one, list))),
  fn('sets.equivalent', [LIST, LIST], BOOL, (env, list: unknown[], others: unknown[]) => {
    return others.every((one) => isIn(env, one, list)) && list.every((one) => isIn(env, one, others));
  }),
];

export const STANDARD: readonly Overload[] = [...arithmetic, ...order, ...sizes, ...conversions, ...lists];

/** `value in collection`: an item of a list, a key of a map. */
export function isIn(env: Env, value: unknown, collection: unknown): boolean {
  if (Array.isArray(collection)) {
    spend(env, collection.length);
    return collection.some((item) => celEquals(env, value, item));
  }
  if (isMap(collection)) return mapGet(collection, value) !== undefined;
  throw new CelFailure(`no such overload: ${kindOf(value)} in ${kindOf(collection)}`);
}

/** The items that a macro goes through: those of a list, the keys of a map. */
export function itemsOf(collection: unknown): readonly unknown[] {
  if (Array.isArray(collection)) return collection;
  if (isMap(collection)) return mapKeys(collection);
  throw new CelFailure(`a value of type ${kindOf(collection)} has no items`);
}

function typeNameOf(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'null') return 'null_type';
  if (kind === 'timestamp') return 'google.protobuf.Timestamp';
  return kind === 'duration' ? 'google.protobuf.Duration' : kind === 'optional' ? 'optional_type' : kind;
}

function nonZero(value: number, otherwise: string): number {
  if (value === 0) throw new CelFailure(otherwise);
  return value;
}

function concatenate(env: Env, a: string, b: string): string {
  spendFor(env, a.length + b.length);
  return a + b;
}

function extreme(env: Env, list: readonly unknown[], sign: 1 | -1): unknown {
  if (list.length === 0) throw new CelFailure(`${sign === 1 ? 'max' : 'min'} called on an empty list`);
  spend(env, list.length);
  return list.reduce((best, item) => (compareValues(env, item, best) * sign > 0 ? item : best));
}

function textToBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw new CelFailure('type conversion error from string to bool');
}

function textToInt(text: string): number {
  if (!/^[-+]?\d{1,20}$/.test(text)) throw new CelFailure('type conversion error from string to int');
  return exactInt(Number(text));
}

function textToDouble(text: string): number {
  const special = { inf: Infinity, '+inf': Infinity, '-inf': -Infinity, infinity: Infinity, '-infinity': -Infinity, nan: NaN }[
    text.toLowerCase()
  ];
  if (special !== undefined) return special;
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) throw new CelFailure('type conversion error from string to double');
  return Number(text);
}

function doubleText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function bytesToText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CelFailure('invalid UTF-8 in bytes, cannot convert to string');
  }
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
