/**
 * Compiles the keywords that judge a value: enum, bounds, lengths, pattern, format, counts, uniqueness, allOf, anyOf, oneOf and not.
 *
 * Each keyword applies to values of its own type and lets all others pass, as JSON schema has it; the type itself is judged by the walker
 * (validate.ts).
 *
 * I1: nothing is allocated for a value that passes (anyOf, oneOf and not aside, which have to try).
 * I2: the cost is linear in the value: uniqueness uses a set of canonical texts beyond a few items, patterns run on re2js.
 */

import { present } from '../../base/assert.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { NUMBER_FORMATS, STRING_FORMATS } from './formats.ts';
import { canonicalText, codePoints, deepEqual, readerOf } from './json-values.ts';
import { duplicate, invalid, invalidWhole, notSupported, prefix, required, segmentOf, tooLong, tooMany, wrongType } from './problem.ts';
import type { Found } from './problem.ts';
import type { Checks, Nested } from './schema-node.ts';

/** Adds what is wrong with `value`, with paths relative to it. */
export type ValueCheck = (value: Json, found: Found[]) => void;

/** Lists up to this long are compared pair by pair, without a set. */
const FEW = 12;

/** All of `checks` as one function, or null when there is nothing to check. */
export function compileChecks(checks: Checks): ValueCheck | null {
  const all = [
    enumCheck(checks),
    ...numberChecks(checks),
    ...stringChecks(checks),
    ...arrayChecks(checks),
    ...objectChecks(checks),
    ...checks.allOf.map((one) => compileNested(one)),
    alternativesCheck(checks.anyOf, (matching) => matching > 0, 'must validate at least one schema (anyOf)'),
    alternativesCheck(checks.oneOf, (matching) => matching === 1, 'must validate one and only one schema (oneOf)'),
    notCheck(checks),
  ].filter((one) => one !== null);
  return sequence(all);
}

function sequence(all: readonly ValueCheck[]): ValueCheck | null {
  const [first, second] = all;
  if (first === undefined || second === undefined) return first ?? null;
  return (value, found) => {
    for (const check of all) check(value, found);
  };
}

function enumCheck(checks: Checks): ValueCheck | null {
  const allowed = checks.enum;
  if (allowed === undefined) return null;
  const scalars = new Set<Json>(allowed.filter((one) => typeof one !== 'object' || one === null));
  const composites = allowed.filter((one) => typeof one === 'object' && one !== null);
  return (value, found) => {
    if (scalars.has(value) || composites.some((one) => deepEqual(one, value))) return;
    found.push(notSupported(value, allowed));
  };
}

function* numberChecks(checks: Checks): Generator<ValueCheck> {
  const { minimum, maximum, multipleOf } = checks;
  if (minimum !== undefined) {
    const [fails, says] = checks.exclusiveMinimum
      ? [(value: number): boolean => value <= minimum, `must be greater than ${minimum}`]
      : [(value: number): boolean => value < minimum, `must be at least ${minimum}`];
    yield numberCheck(fails, says);
  }
  if (maximum !== undefined) {
    const [fails, says] = checks.exclusiveMaximum
      ? [(value: number): boolean => value >= maximum, `must be less than ${maximum}`]
      : [(value: number): boolean => value > maximum, `must be at most ${maximum}`];
    yield numberCheck(fails, says);
  }
  if (multipleOf !== undefined) yield numberCheck((value) => !isMultiple(value, multipleOf), `must be a multiple of ${multipleOf}`);
  const range = checks.format === undefined ? undefined : NUMBER_FORMATS.get(checks.format);
  if (range !== undefined) {
    yield numberCheck((value) => value < range.min || value > range.max, `must be an ${checks.format}: from ${range.min} to ${range.max}`);
  }
}

function numberCheck(fails: (value: number) => boolean, says: string): ValueCheck {
  return (value, found) => {
    if (typeof value === 'number' && fails(value)) found.push(invalid(value, says));
  };
}

/** Whole numbers are judged exactly; fractions allow for what binary fractions cannot say (0.3 is a multiple of 0.1). */
function isMultiple(value: number, factor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(factor)) return value % factor === 0;
  const quotient = value / factor;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient));
}

function* stringChecks(checks: Checks): Generator<ValueCheck> {
  const { minLength, maxLength, pattern } = checks;
  if (maxLength !== undefined) {
    yield (value, found) => {
      // A text has at most as many code points as code units, so most need no counting.
      if (typeof value === 'string' && value.length > maxLength && codePoints(value) > maxLength) found.push(tooLong(maxLength));
    };
  }
  if (minLength !== undefined && minLength > 0) {
    const says = `must be at least ${minLength} ${minLength === 1 ? 'character' : 'characters'} long`;
    yield stringCheck((value) => value.length >= 2 * minLength || codePoints(value) >= minLength, says);
  }
  if (pattern !== undefined) yield stringCheck((value) => pattern.test(value), `must match '${pattern.source}'`);
  const format = checks.format === undefined ? undefined : STRING_FORMATS.get(checks.format);
  if (format !== undefined) yield stringCheck(format.test, `must be ${format.says}`);
}

function stringCheck(passes: (value: string) => boolean, says: string): ValueCheck {
  return (value, found) => {
    if (typeof value === 'string' && !passes(value)) found.push(invalid(value, says));
  };
}

function* arrayChecks(checks: Checks): Generator<ValueCheck> {
  const { minItems, maxItems } = checks;
  if (minItems !== undefined) {
    yield (value, found) => {
      if (Array.isArray(value) && value.length < minItems) found.push(invalid(value.length, `must have at least ${minItems} items`));
    };
  }
  if (maxItems !== undefined) {
    yield (value, found) => {
      if (Array.isArray(value) && value.length > maxItems) found.push(tooMany(value.length, maxItems));
    };
  }
  if (checks.uniqueItems === true) yield setCheck;
}

/** Refuses an item that is there twice (x-kubernetes-list-type: set, uniqueItems). */
export function setCheck(value: Json, found: Found[]): void {
  if (!Array.isArray(value)) return;
  repeated(
    value,
    (item) => item,
    (item, at) => found.push({ ...duplicate(item), path: `[${at}]` }),
  );
}

/** Refuses items with the same keys (x-kubernetes-list-type: map). */
export function mapListCheck(keys: readonly string[]): ValueCheck {
  const readers = keys.map((key) => [key, readerOf(key)] as const);
  const only = readers.length === 1 ? present(readers[0], 'the key of a map list')[1] : undefined;
  const keyOf = (item: Json): Json | undefined => {
    if (!isJsonObject(item)) return undefined;
    return only === undefined ? readers.map(([, read]) => read(item) ?? null) : only(item);
  };
  return (value, found) => {
    if (!Array.isArray(value)) return;
    repeated(value, keyOf, (item, at) => {
      const own = isJsonObject(item) ? item : {};
      const shownKeys = Object.fromEntries(readers.map(([key, read]) => [key, read(own) ?? null]));
      found.push({ ...duplicate(shownKeys), path: `[${at}]` });
    });
  };
}

/** Calls `each` for every item whose key an earlier item has. Items without a key are left to other checks. */
function repeated(items: readonly Json[], keyOf: (item: Json) => Json | undefined, each: (item: Json, at: number) => void): void {
  if (items.length > FEW) return repeatedAmongMany(items, keyOf, each);
  for (let i = 1; i < items.length; i++) {
    const item = items[i] as Json;
    const key = keyOf(item);
    for (let j = 0; key !== undefined && j < i; j++) {
      if (!deepEqual(key, keyOf(items[j] as Json))) continue;
      each(item, i);
      break;
    }
  }
}

function repeatedAmongMany(items: readonly Json[], keyOf: (item: Json) => Json | undefined, each: (item: Json, at: number) => void): void {
  const seen = new Set<string>();
  for (const [at, item] of items.entries()) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const text = canonicalText(key);
    if (seen.has(text)) each(item, at);
    seen.add(text);
  }
}

function* objectChecks(checks: Checks): Generator<ValueCheck> {
  const { minProperties, maxProperties } = checks;
  const names = checks.required.map((name) => [name, readerOf(name)] as const);
  if (names.length > 0) {
    yield (value, found) => {
      if (!isJsonObject(value)) return;
      for (const [name, read] of names) if (read(value) === undefined) found.push({ ...required(), path: segmentOf(name) });
    };
  }
  if (minProperties !== undefined) {
    yield (value, found) => {
      const size = isJsonObject(value) ? sizeOf(value) : minProperties;
      if (size < minProperties) found.push(invalid(size, `must have at least ${minProperties} properties`));
    };
  }
  if (maxProperties !== undefined) {
    yield (value, found) => {
      const size = isJsonObject(value) ? sizeOf(value) : 0;
      if (size > maxProperties) found.push(tooMany(size, maxProperties));
    };
  }
}

function sizeOf(object: JsonObject): number {
  let size = 0;
  for (const _ in object) size++;
  return size;
}

function compileNested(nested: Nested): ValueCheck | null {
  const own = compileChecks(nested.checks);
  const { type } = nested;
  const typed: ValueCheck | null =
    type === undefined
      ? null
      : (value, found) => {
          if (type === 'string' ? typeof value !== 'string' : !Number.isInteger(value)) found.push(wrongType(value, type));
        };
  const all = [typed, own, ...nestedProperties(nested), nestedItems(nested)].filter((one) => one !== null);
  return sequence(all);
}

function* nestedProperties(nested: Nested): Generator<ValueCheck> {
  for (const [name, one] of nested.properties) {
    const check = compileNested(one);
    const read = readerOf(name);
    if (check === null) continue;
    yield (value, found) => {
      const field = isJsonObject(value) ? read(value) : undefined;
      if (field === undefined) return;
      const before = found.length;
      check(field, found);
      if (found.length !== before) prefix(found, before, segmentOf(name));
    };
  }
}

function nestedItems(nested: Nested): ValueCheck | null {
  const check = nested.items === undefined ? null : compileNested(nested.items);
  if (check === null) return null;
  return (value, found) => {
    if (!Array.isArray(value)) return;
    for (const [at, item] of value.entries()) {
      const before = found.length;
      check(item, found);
      if (found.length !== before) prefix(found, before, `[${at}]`);
    }
  };
}

function alternativesCheck(nested: readonly Nested[], holds: (matching: number) => boolean, says: string): ValueCheck | null {
  if (nested.length === 0) return null;
  const checks = nested.map((one) => compileNested(one));
  return (value, found) => {
    let matching = 0;
    let closest: Found[] | undefined;
    for (const check of checks) {
      const tried: Found[] = [];
      check?.(value, tried);
      if (tried.length === 0) matching++;
      else if (closest === undefined || tried.length < closest.length) closest = tried;
    }
    if (!holds(matching)) found.push(refusal(value, matching > 0 ? `${says}, but validates ${matching}` : `${says}${explained(closest)}`));
  };
}

function explained(closest: readonly Found[] | undefined): string {
  if (closest === undefined) return '';
  const lines = closest.map((one) => (one.path === '' ? one.message : `${one.path.replace(/^\./, '')}: ${one.message}`));
  return `; the closest fails by: ${lines.join(', ')}`;
}

function notCheck(checks: Checks): ValueCheck | null {
  if (checks.not === undefined) return null;
  const check = compileNested(checks.not);
  return (value, found) => {
    const tried: Found[] = [];
    check?.(value, tried);
    if (tried.length === 0) found.push(refusal(value, 'must not validate the schema (not)'));
  };
}

function refusal(value: Json, says: string): Found {
  return typeof value === 'object' && value !== null ? invalidWhole(says) : invalid(value, says);
}
