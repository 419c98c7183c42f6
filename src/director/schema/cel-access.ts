/**
 * Reading into values: fields, map entries, list items, their optional forms, and `has`.
 *
 * I1: a field that the schema does not have refuses the rule, also inside of `has`, which would otherwise be false for ever.
 * I2: what is read from JSON is checked to be of its static type (one `typeof`), because the old object may have been stored under another
 *     schema; a mismatch fails the rule instead of calculating with it.
 * I3: inherited properties are never read.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import { DYN, INT, STRING, BOOL, fit, optionalOf, typeText } from './cel-types.ts';
import type { CelType } from './cel-types.ts';
import type { Expr } from './cel-functions.ts';
import { parseDuration } from './cel-time.ts';
import { CelDuration, CelFailure, CelOptional, CelTimestamp, OPTIONAL_NONE, isMap, kindOf, mapGet } from './cel-values.ts';
import type { Env } from './cel-values.ts';
import { readerOf } from './json-values.ts';

/** Thrown while a rule is compiled; its message is the reason that people see. */
export class CelRefusal extends Error {
  override readonly name = 'CelRefusal';
}

/** Looks into a value: undefined when there is nothing. Fails when the value has no parts. */
type Look = (value: unknown, env: Env) => unknown;

interface Part {
  readonly type: CelType;
  readonly look: Look;
  readonly name: (env: Env) => string;
  readonly cost: number;
}

/** `operand.name`. */
export function select(operand: Expr, name: string): Expr {
  if (operand.type.kind === 'optional') return optionalSelect(operand, name);
  return required(operand, fieldOf(operand.type, name));
}

/** `operand.?name`: none when it is absent. */
export function optionalSelect(operand: Expr, name: string): Expr {
  return optional(operand, fieldOf(unwrapped(operand.type), name));
}

/** `has(operand.name)`. */
export function has(operand: Expr, name: string): Expr {
  const { look } = fieldOf(unwrapped(operand.type), name);
  const { run } = operand;
  const cost = operand.cost + 1;
  if (operand.type.kind !== 'optional') return { type: BOOL, cost, run: (env) => look(run(env), env) !== undefined };
  return {
    type: BOOL,
    cost,
    run: (env) => {
      const { value } = run(env) as CelOptional;
      return value !== undefined && look(value, env) !== undefined;
    },
  };
}

/** `operand[index]`. */
export function index(operand: Expr, at: Expr): Expr {
  if (operand.type.kind === 'optional') return optionalIndex(operand, at);
  return required(operand, entryOf(operand.type, at));
}

/** `operand[?index]`. */
export function optionalIndex(operand: Expr, at: Expr): Expr {
  return optional(operand, entryOf(unwrapped(operand.type), at));
}

function unwrapped(type: CelType): CelType {
  return type.kind === 'optional' ? type.value : type;
}

function required(operand: Expr, part: Part): Expr {
  const { run } = operand;
  const { look, name } = part;
  return {
    type: part.type,
    cost: operand.cost + part.cost,
    run: (env) => {
      const found = look(run(env), env);
      if (found === undefined) throw new CelFailure(`no such key: ${name(env)}`);
      return found;
    },
  };
}

function optional(operand: Expr, part: Part): Expr {
  const { run } = operand;
  const { look } = part;
  const chained = operand.type.kind === 'optional';
  return {
    type: optionalOf(part.type),
    cost: operand.cost + part.cost,
    run: (env) => {
      const held = run(env);
      const value = chained ? (held as CelOptional).value : held;
      const found = value === undefined ? undefined : look(value, env);
      return found === undefined ? OPTIONAL_NONE : new CelOptional(found);
    },
  };
}

function fieldOf(type: CelType, name: string): Part {
  const named = (): string => name;
  switch (type.kind) {
    case 'object': {
      const field = type.fields.get(name);
      if (field === undefined) throw new CelRefusal(noSuchField(type.name, name, [...type.fields.keys()]));
      return { type: field.type, look: lookAtField(field.name, field.type), name: named, cost: 1 };
    }
    case 'map':
      if (fit(STRING, type.key) === 'no') throw new CelRefusal(`a ${typeText(type)} has no key ${name}`);
      return { type: type.value, look: (value) => keyed(value, name), name: named, cost: 1 };
    case 'dyn':
      return { type: DYN, look: (value) => keyed(value, name), name: named, cost: 1 };
    case 'nullable':
      return fieldOf(type.of, name);
    default:
      throw new CelRefusal(`a ${typeText(type)} has no fields, so there is no ${name} in it`);
  }
}

function noSuchField(type: string, name: string, known: readonly string[]): string {
  const list = known.length === 0 ? 'it has no fields' : `it has ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', ...' : ''}`;
  return `there is no field ${name} in ${type}: ${list}`;
}

function lookAtField(name: string, type: CelType): Look {
  const read = readerOf(name);
  const admitted = admit(type);
  return (value) => {
    if (typeof value !== 'object' || value === null) throw new CelFailure(`no such key: ${name} (in a value of type ${kindOf(value)})`);
    const found = read(value as JsonObject);
    return found === undefined ? undefined : admitted(found);
  };
}

function keyed(value: unknown, key: unknown): unknown {
  if (isMap(value)) return mapGet(value, key);
  throw new CelFailure(`no such key: ${String(key)} (in a value of type ${kindOf(value)})`);
}

function entryOf(type: CelType, at: Expr): Part {
  const { run, cost } = at;
  const name = (env: Env): string => shownKey(run(env));
  const look: Look = (value, env) => entry(value, run(env));
  switch (type.kind) {
    case 'list':
      if (fit(at.type, INT) === 'no') throw new CelRefusal(`a list is indexed by int, not by ${typeText(at.type)}`);
      return { type: type.item, look, name, cost: cost + 1 };
    case 'map':
      if (fit(at.type, type.key) === 'no')
        throw new CelRefusal(`a ${typeText(type)} is indexed by ${typeText(type.key)}, not by ${typeText(at.type)}`);
      return { type: type.value, look, name, cost: cost + 1 };
    case 'dyn':
      return { type: DYN, look, name, cost: cost + 1 };
    case 'nullable':
      return entryOf(type.of, at);
    default:
      throw new CelRefusal(`a ${typeText(type)} cannot be indexed`);
  }
}

function entry(value: unknown, key: unknown): unknown {
  if (!Array.isArray(value)) return keyed(value, key);
  if (typeof key !== 'number' || !Number.isInteger(key)) throw new CelFailure(`a list is indexed by int, not by ${kindOf(key)}`);
  return value[key];
}

function shownKey(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : kindOf(key);
}

/** Makes values of `type` out of JSON, or fails when the JSON is of another type. Values that are made already pass. */
export function admit(type: CelType): (value: unknown) => unknown {
  switch (type.kind) {
    case 'int':
    case 'double':
      return (value) => (typeof value === 'number' ? value : mismatch(value, type));
    case 'string':
      return (value) => (typeof value === 'string' ? value : mismatch(value, type));
    case 'bool':
      return (value) => (typeof value === 'boolean' ? value : mismatch(value, type));
    case 'timestamp':
      return (value) => (typeof value === 'string' ? new CelTimestamp(value) : made(value, CelTimestamp, type));
    case 'duration':
      return (value) => (typeof value === 'string' ? (parseDuration(value) ?? mismatch(value, type)) : made(value, CelDuration, type));
    case 'bytes':
      return (value) => (typeof value === 'string' ? Buffer.from(value, 'base64') : made(value, Uint8Array, type));
    case 'list':
      return admitList(type);
    case 'map':
      return admitMap(type);
    case 'object':
      return (value) => (isJsonObject(value) ? value : mismatch(value, type));
    case 'nullable': {
      const admitted = admit(type.of);
      return (value) => (value === null ? null : admitted(value));
    }
    default:
      return (value) => value;
  }
}

function admitList(type: CelType & { kind: 'list' }): (value: unknown) => unknown {
  const item = isConverted(type.item) ? admit(type.item) : null;
  return (value) => {
    if (!Array.isArray(value)) return mismatch(value, type);
    return item === null ? value : value.map((one) => item(one));
  };
}

function admitMap(type: CelType & { kind: 'map' }): (value: unknown) => unknown {
  const entryValue = isConverted(type.value) ? admit(type.value) : null;
  return (value) => {
    if (value instanceof Map) return value;
    if (!isJsonObject(value)) return mismatch(value, type);
    return entryValue === null ? value : new Map(Object.entries(value).map(([key, one]) => [key, entryValue(one)]));
  };
}

/** True for types whose values are something else than their JSON. */
function isConverted(type: CelType): boolean {
  if (type.kind === 'list') return isConverted(type.item);
  if (type.kind === 'map') return isConverted(type.value);
  if (type.kind === 'nullable') return isConverted(type.of);
  return type.kind === 'timestamp' || type.kind === 'duration' || type.kind === 'bytes';
}

function made(value: unknown, wanted: new (ns: never) => unknown, type: CelType): unknown {
  return value instanceof wanted ? value : mismatch(value, type);
}

function mismatch(value: unknown, type: CelType): never {
  throw new CelFailure(`a ${typeText(type)} was expected, but the value is of type ${kindOf(value)}`);
}
