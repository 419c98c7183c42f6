/**
 * The static types of CEL expressions, and which of them fit where.
 *
 * Types come from the schema, so a rule that names a field which does not exist, or compares a number with a text, is refused when the CRD
 * is written and not when somebody's cluster is.
 *
 * Two kinds differ from the CEL specification's own: `object` (fields of a schema, where CEL has messages) and `nullable` (a value of a
 * type or null, where CEL has wrapper types). uint does not exist: JSON has none.
 */

export type ScalarKind = 'null' | 'bool' | 'int' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration' | 'type' | 'dyn';

export interface CelField {
  /** The name in JSON; the name in CEL may be escaped. */
  readonly name: string;
  readonly type: CelType;
}

export type CelType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'list'; readonly item: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'object'; readonly name: string; readonly fields: ReadonlyMap<string, CelField> }
  | { readonly kind: 'optional'; readonly value: CelType }
  | { readonly kind: 'nullable'; readonly of: CelType };

export const NULL: CelType = { kind: 'null' };
export const BOOL: CelType = { kind: 'bool' };
export const INT: CelType = { kind: 'int' };
export const DOUBLE: CelType = { kind: 'double' };
export const STRING: CelType = { kind: 'string' };
export const BYTES: CelType = { kind: 'bytes' };
export const TIMESTAMP: CelType = { kind: 'timestamp' };
export const DURATION: CelType = { kind: 'duration' };
export const TYPE: CelType = { kind: 'type' };
export const DYN: CelType = { kind: 'dyn' };

export function listOf(item: CelType): CelType {
  return { kind: 'list', item };
}

export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: 'map', key, value };
}

export function optionalOf(value: CelType): CelType {
  return { kind: 'optional', value };
}

export const LIST = listOf(DYN);
export const MAP = mapOf(DYN, DYN);

/** How an argument fits a parameter: always, only if its value turns out right, or never. */
export type Fit = 'yes' | 'maybe' | 'no';

/** Whether a value of type `from` may stand where `to` is wanted. */
export function fit(from: CelType, to: CelType): Fit {
  if (to.kind === 'dyn') return 'yes';
  if (from.kind === 'dyn') return 'maybe';
  if (from.kind === 'nullable') {
    if (to.kind === 'nullable') return fit(from.of, to.of);
    return fit(from.of, to) === 'no' && to.kind !== 'null' ? 'no' : 'maybe';
  }
  if (to.kind === 'nullable') return from.kind === 'null' ? 'yes' : fit(from, to.of);
  if (from.kind === 'list' && to.kind === 'list') return fit(from.item, to.item);
  if (from.kind === 'optional' && to.kind === 'optional') return fit(from.value, to.value);
  if (from.kind === 'map' && to.kind === 'map') return both(fit(from.key, to.key), fit(from.value, to.value));
  if (from.kind === 'object' && to.kind === 'object') return from.fields === to.fields ? 'yes' : 'no';
  return from.kind === to.kind ? 'yes' : 'no';
}

function both(a: Fit, b: Fit): Fit {
  if (a === 'no' || b === 'no') return 'no';
  return a === 'maybe' || b === 'maybe' ? 'maybe' : 'yes';
}

/** Whether `a == b` can ever be true; what it cannot be is refused as a mistake. */
export function comparable(a: CelType, b: CelType): boolean {
  if (a.kind === 'null' || b.kind === 'null') {
    const other = a.kind === 'null' ? b : a;
    return ['null', 'dyn', 'nullable', 'object', 'timestamp', 'duration', 'optional'].includes(other.kind);
  }
  return fit(a, b) !== 'no' || fit(b, a) !== 'no';
}

/** The one type of two branches or list items, or undefined when they have none in common. */
export function join(a: CelType, b: CelType): CelType | undefined {
  if (fit(a, b) === 'yes') return b;
  if (fit(b, a) === 'yes') return a;
  if (a.kind === 'null') return nullable(b);
  if (b.kind === 'null') return nullable(a);
  if (a.kind === 'nullable' || b.kind === 'nullable') {
    const of = join(a.kind === 'nullable' ? a.of : a, b.kind === 'nullable' ? b.of : b);
    return of === undefined ? undefined : nullable(of);
  }
  if (a.kind === 'list' && b.kind === 'list') return wrapped(join(a.item, b.item), listOf);
  if (a.kind === 'optional' && b.kind === 'optional') return wrapped(join(a.value, b.value), optionalOf);
  if (a.kind === 'map' && b.kind === 'map') {
    const key = join(a.key, b.key);
    const value = join(a.value, b.value);
    return key === undefined || value === undefined ? undefined : mapOf(key, value);
  }
  return undefined;
}

export function nullable(of: CelType): CelType {
  return of.kind === 'nullable' || of.kind === 'dyn' || of.kind === 'null' ? of : { kind: 'nullable', of };
}

function wrapped(type: CelType | undefined, wrap: (type: CelType) => CelType): CelType | undefined {
  return type === undefined ? undefined : wrap(type);
}

/** `type` for people. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeText(type.item)})`;
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'optional':
      return `optional(${typeText(type.value)})`;
    case 'nullable':
      return `${typeText(type.of)} or null`;
    case 'object':
      return type.name;
    default:
      return type.kind;
  }
}
