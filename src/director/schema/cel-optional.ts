/**
 * CEL's optional values: `optional.of`, `optional.none`, `hasValue`, `value`, `or` and `orValue`.
 *
 * I1: what stands behind `or` and `orValue` runs only when there is no value.
 */

import { CelRefusal } from './cel-access.ts';
import { fn, method } from './cel-functions.ts';
import type { Expr, Overload } from './cel-functions.ts';
import { BOOL, DYN, join, optionalOf, typeText } from './cel-types.ts';
import type { CelType } from './cel-types.ts';
import { CelFailure, CelOptional, OPTIONAL_NONE, isMap, mapSize } from './cel-values.ts';

const ANY = optionalOf(DYN);

function optionalOfFirst(args: readonly CelType[]): CelType {
  return optionalOf(args[0] ?? DYN);
}

function valueOfFirst(args: readonly CelType[]): CelType {
  const [first] = args;
  return first?.kind === 'optional' ? first.value : DYN;
}

export const OPTIONAL: readonly Overload[] = [
  fn('optional.of', [DYN], optionalOfFirst, (_env, value: unknown) => new CelOptional(value)),
  fn('optional.none', [], ANY, () => OPTIONAL_NONE),
  fn('optional.ofNonZeroValue', [DYN], optionalOfFirst, (_env, value: unknown) => (isZero(value) ? OPTIONAL_NONE : new CelOptional(value))),
  method('hasValue', [ANY], BOOL, (_env, held: CelOptional) => held.value !== undefined),
  method('value', [ANY], valueOfFirst, (_env, held: CelOptional) => {
    if (held.value === undefined) throw new CelFailure('optional.none() has no value');
    return held.value;
  }),
];

/** `receiver.or(other)` and `receiver.orValue(other)`. */
export function optionalFallback(name: 'or' | 'orValue', receiver: Expr, other: Expr): Expr {
  if (receiver.type.kind !== 'optional') throw new CelRefusal(`${name} is for optional values, not for a ${typeText(receiver.type)}`);
  const flat = name === 'or';
  if (flat && other.type.kind !== 'optional') throw new CelRefusal(`or wants an optional, not a ${typeText(other.type)}`);
  const { value: held } = receiver.type;
  const type = flat ? join(receiver.type, other.type) : join(held, other.type);
  if (type === undefined) throw new CelRefusal(`${name} wants a ${typeText(held)}, not a ${typeText(other.type)}`);
  return {
    type,
    cost: 1 + receiver.cost + other.cost,
    run: (env) => {
      const own = receiver.run(env) as CelOptional;
      if (own.value === undefined) return other.run(env);
      return flat ? own : own.value;
    },
  };
}

function isZero(value: unknown): boolean {
  if (value === null || value === 0 || value === '' || value === false) return true;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return isMap(value) && mapSize(value) === 0;
}
