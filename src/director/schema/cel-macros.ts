/**
 * CEL's macros: all, exists, exists_one, map, filter, cel.bind, optMap and optFlatMap.
 *
 * I1: each turn of a loop spends the steps of its body, so nested loops cannot outrun the budget.
 * I2: all and exists decide in spite of items that fail, when another item decides it; as CEL has it.
 */

import { admit, CelRefusal } from './cel-access.ts';
import type { Expr } from './cel-functions.ts';
import { itemsOf } from './cel-standard.ts';
import { BOOL, DYN, fit, listOf, optionalOf, typeText } from './cel-types.ts';
import type { CelType } from './cel-types.ts';
import { CelFailure, OPTIONAL_NONE, CelOptional, kindOf, spend } from './cel-values.ts';
import type { Env } from './cel-values.ts';

/** A variable of a macro: where it lives while the rule runs. */
export interface Bound {
  readonly slot: number;
  readonly body: (type: CelType) => Expr;
}

/** What a loop goes through: the range, and the type of its variable. */
interface Range {
  readonly items: (env: Env) => readonly unknown[];
  readonly type: CelType;
  readonly admitted: (value: unknown) => unknown;
  readonly cost: number;
}

export function loop(name: string, over: Expr, bound: Bound, filter: Bound | undefined): Expr {
  const range = rangeOf(over, name);
  switch (name) {
    case 'all':
      return quantifier(range, bound, false, `all(...)`);
    case 'exists':
      return quantifier(range, bound, true, `exists(...)`);
    case 'exists_one':
    case 'existsOne':
      return existsOne(range, bound, `${name}(...)`);
    case 'filter':
      return filterItems(range, bound);
    default:
      return mapItems(range, bound, filter);
  }
}

/** An expression as a condition: always true or false, or it fails. */
export function condition(expr: Expr, where: string): (env: Env) => boolean {
  const { run } = expr;
  if (expr.type.kind === 'bool') return run as (env: Env) => boolean;
  if (fit(expr.type, BOOL) === 'no') throw new CelRefusal(`${where} wants a bool, not a ${typeText(expr.type)}`);
  return (env) => {
    const value = run(env);
    if (typeof value === 'boolean') return value;
    throw new CelFailure(`${where} wants a bool, not a ${kindOf(value)}`);
  };
}

/** `cel.bind(variable, value, body)`. */
export function bind(value: Expr, bound: Bound): Expr {
  const body = bound.body(value.type);
  const { slot } = bound;
  return {
    type: body.type,
    cost: 1 + value.cost + body.cost,
    run: (env) => {
      env.slots[slot] = value.run(env);
      return body.run(env);
    },
  };
}

/** `optional.optMap(variable, body)`; `flat`: the body is itself optional. */
export function mapOptional(over: Expr, bound: Bound, flat: boolean): Expr {
  if (over.type.kind !== 'optional') throw new CelRefusal(`optMap is for optional values, not for a ${typeText(over.type)}`);
  const body = bound.body(over.type.value);
  if (flat && body.type.kind !== 'optional') throw new CelRefusal(`optFlatMap wants an optional, not a ${typeText(body.type)}`);
  const { slot } = bound;
  return {
    type: flat ? body.type : optionalOf(body.type),
    cost: 1 + over.cost + body.cost,
    run: (env) => {
      const { value } = over.run(env) as CelOptional;
      if (value === undefined) return OPTIONAL_NONE;
      env.slots[slot] = value;
      const result = body.run(env);
      return flat ? result : new CelOptional(result);
    },
  };
}

function rangeOf(over: Expr, name: string): Range {
  const { run } = over;
  const type = over.type.kind === 'nullable' ? over.type.of : over.type;
  const cost = over.cost + 1;
  const items = (env: Env): readonly unknown[] => itemsOf(run(env));
  if (type.kind === 'list') return { items, type: type.item, admitted: admit(type.item), cost };
  if (type.kind === 'map') return { items, type: type.key, admitted: (value) => value, cost };
  if (type.kind === 'dyn') return { items, type: DYN, admitted: (value) => value, cost };
  throw new CelRefusal(`${name} goes through a list or the keys of a map, not through a ${typeText(over.type)}`);
}

function quantifier(range: Range, bound: Bound, decides: boolean, where: string): Expr {
  const body = bound.body(range.type);
  const holds = condition(body, where);
  const { slot } = bound;
  const turn = 1 + body.cost;
  return {
    type: BOOL,
    cost: range.cost,
    run: (env) => {
      let failure: CelFailure | undefined;
      for (const item of range.items(env)) {
        spend(env, turn);
        try {
          env.slots[slot] = range.admitted(item);
          if (holds(env) === decides) return decides;
        } catch (error) {
          if (!(error instanceof CelFailure)) throw error;
          failure = error;
        }
      }
      if (failure !== undefined) throw failure;
      return !decides;
    },
  };
}

function existsOne(range: Range, bound: Bound, where: string): Expr {
  const body = bound.body(range.type);
  const holds = condition(body, where);
  const { slot } = bound;
  return {
    type: BOOL,
    cost: range.cost,
    run: (env) => {
      let count = 0;
      for (const item of range.items(env)) {
        spend(env, 1 + body.cost);
        env.slots[slot] = range.admitted(item);
        if (holds(env)) count++;
      }
      return count === 1;
    },
  };
}

function filterItems(range: Range, bound: Bound): Expr {
  const body = bound.body(range.type);
  const holds = condition(body, 'filter(...)');
  const { slot } = bound;
  return {
    type: listOf(range.type),
    cost: range.cost,
    run: (env) => {
      const kept: unknown[] = [];
      for (const item of range.items(env)) {
        spend(env, 1 + body.cost);
        const value = range.admitted(item);
        env.slots[slot] = value;
        if (holds(env)) kept.push(value);
      }
      return kept;
    },
  };
}

function mapItems(range: Range, bound: Bound, filter: Bound | undefined): Expr {
  const body = bound.body(range.type);
  const kept = filter?.body(range.type);
  const holds = kept === undefined ? undefined : condition(kept, 'map(...)');
  const { slot } = bound;
  const turn = 1 + body.cost + (kept?.cost ?? 0);
  return {
    type: listOf(body.type),
    cost: range.cost,
    run: (env) => {
      const made: unknown[] = [];
      for (const item of range.items(env)) {
        spend(env, turn);
        env.slots[slot] = range.admitted(item);
        if (holds === undefined || holds(env)) made.push(body.run(env));
      }
      return made;
    },
  };
}
