/**
 * Functions and operators of CEL: how each overload is described, and which one a call means.
 *
 * A call whose argument types are known picks its overload when the rule is compiled. Where a type is only known as `dyn` (or may be
 * null), the choice is made when the rule runs, among the overloads that could fit.
 *
 * I1: a call that can fit no overload refuses the rule when it is compiled.
 */

import { fit, typeText } from './cel-types.ts';
import type { CelType } from './cel-types.ts';
import { CelFailure, kindOf, mapGet, mapKeys } from './cel-values.ts';
import type { CelOptional, Env } from './cel-values.ts';

/** A compiled expression: its type, its code, and the steps that one run costs (loops and big values cost more as they go). */
export interface Expr {
  readonly type: CelType;
  readonly run: (env: Env) => unknown;
  readonly cost: number;
  /** The value of a literal. */
  readonly literal?: string | number | boolean | null;
}

export interface Overload {
  /** `size`, or an operator such as `+`. */
  readonly name: string;
  /** Called as `first.name(rest)`; params still hold the receiver first. */
  readonly method: boolean;
  readonly params: readonly CelType[];
  readonly result: CelType | ((args: readonly CelType[]) => CelType);
  /** Takes the values in order, receiver first. */
  readonly call: (env: Env, a: never, b: never, c: never, d: never) => unknown;
}

type AnyCall = (env: Env, a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown;

/** Describes an overload that is called as `name(args)`. */
export function fn(name: string, params: readonly CelType[], result: Overload['result'], call: Overload['call']): Overload {
  return { name, method: false, params, result, call };
}

/** Describes an overload that is called as `receiver.name(args)`. */
export function method(name: string, params: readonly CelType[], result: Overload['result'], call: Overload['call']): Overload {
  return { name, method: true, params, result, call };
}

export class FunctionTable {
  readonly #byKey = new Map<string, Overload[]>();
  readonly #names = new Set<string>();

  constructor(overloads: readonly Overload[]) {
    for (const overload of overloads) {
      const key = keyOf(overload.name, overload.method, overload.params.length);
      const list = this.#byKey.get(key);
      if (list === undefined) this.#byKey.set(key, [overload]);
      else list.push(overload);
      this.#names.add(overload.name);
    }
  }

  /** The call `name(args)` (receiver first), or a sentence that says why there is none. */
  resolve(name: string, isMethod: boolean, args: readonly Expr[]): Expr | string {
    const known = this.#byKey.get(keyOf(name, isMethod, args.length)) ?? [];
    const candidates = known.filter((one) => one.params.every((param, i) => fit(typeAt(args, i), param) !== 'no'));
    const [first] = candidates;
    if (first === undefined) return this.#refusal(name, isMethod, args);
    const types = args.map((arg) => arg.type);
    const results = candidates.map((one) => (typeof one.result === 'function' ? one.result(types) : one.result));
    const [result] = results;
    const cost = 1 + args.reduce((sum, arg) => sum + arg.cost, 0);
    const sure = first.params.every((param, i) => fit(typeAt(args, i), param) === 'yes');
    if (sure) return { type: result ?? { kind: 'dyn' }, run: direct(first.call as AnyCall, args), cost };
    const same = results.every((one) => one === result);
    return { type: same && result !== undefined ? result : { kind: 'dyn' }, run: dispatch(name, candidates, args), cost };
  }

  #refusal(name: string, isMethod: boolean, args: readonly Expr[]): string {
    if (!this.#names.has(name)) return `there is no function ${name}`;
    const texts = args.map((arg) => typeText(arg.type));
    const call = isMethod ? `${texts[0] ?? ''}.${name}(${texts.slice(1).join(', ')})` : `${name}(${texts.join(', ')})`;
    return `no overload fits ${/^\w/.test(name) ? call : texts.length === 2 ? `${texts[0]} ${name} ${texts[1]}` : `${name}${texts[0]}`}`;
  }
}

function keyOf(name: string, isMethod: boolean, arity: number): string {
  return `${isMethod ? '.' : ''}${name}/${arity}`;
}

function typeAt(args: readonly Expr[], at: number): CelType {
  return args[at]?.type ?? { kind: 'dyn' };
}

function direct(call: AnyCall, args: readonly Expr[]): (env: Env) => unknown {
  const [a, b, c, d] = args.map((arg) => arg.run);
  if (a === undefined) return (env) => call(env);
  if (b === undefined) return (env) => call(env, a(env));
  if (c === undefined) return (env) => call(env, a(env), b(env));
  if (d === undefined) return (env) => call(env, a(env), b(env), c(env));
  return (env) => call(env, a(env), b(env), c(env), d(env));
}

function dispatch(name: string, candidates: readonly Overload[], args: readonly Expr[]): (env: Env) => unknown {
  return (env) => {
    const values = args.map((arg) => arg.run(env));
    for (const one of candidates) {
      if (one.params.every((param, i) => suits(values[i], param))) return (one.call as AnyCall)(env, ...values);
    }
    throw new CelFailure(`no such overload: ${name} of ${values.map((value) => kindOf(value)).join(', ')}`);
  };
}

/** Whether `value`, whose static type is not known, is one of `type`. A whole number passes for a double too: JSON does not tell. */
export function suits(value: unknown, type: CelType): boolean {
  switch (type.kind) {
    case 'dyn':
      return true;
    case 'nullable':
      return value === null || suits(value, type.of);
    case 'double':
      return typeof value === 'number';
    case 'list':
      return Array.isArray(value) && (type.item.kind === 'dyn' || value.every((item) => suits(item, type.item)));
    case 'map':
      return kindOf(value) === 'map' && (type.value.kind === 'dyn' || suitsMap(value as object, type.value));
    case 'object':
      return kindOf(value) === 'map';
    case 'optional':
      return (
        kindOf(value) === 'optional' && ((value as CelOptional).value === undefined || suits((value as CelOptional).value, type.value))
      );
    default:
      return kindOf(value) === type.kind;
  }
}

function suitsMap(map: object, type: CelType): boolean {
  return mapKeys(map).every((key) => suits(mapGet(map, key), type));
}
