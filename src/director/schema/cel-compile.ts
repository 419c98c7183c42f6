/**
 * Compiles a CEL expression into a closure over plain JSON, and checks its types on the way.
 *
 * One pass over the syntax tree gives each node its type and its code. The code reads the entity as it is (no conversion, no copies),
 * which makes a rule such as `self.a >= oldSelf.a` a few property reads.
 *
 * I1: what can be known to be wrong when the rule is written is refused then: unknown fields, variables and functions, types that do not
 *     fit, literal patterns that do not compile.
 * I2: `&&`, `||`, all and exists absorb failures as CEL defines, but never the end of the budget.
 */

import { CelRefusal, has, index, optionalIndex, optionalSelect, select } from './cel-access.ts';
import { parseCel } from './cel.ts';
import type { CelNode } from './cel.ts';
import { FunctionTable } from './cel-functions.ts';
import type { Expr } from './cel-functions.ts';
import { bind, condition, loop, mapOptional } from './cel-macros.ts';
import type { Bound } from './cel-macros.ts';
import { OPTIONAL, optionalFallback } from './cel-optional.ts';
import { STANDARD, isIn } from './cel-standard.ts';
import { TEXT } from './cel-text.ts';
import { TIME } from './cel-time.ts';
import { BOOL, BYTES, DOUBLE, DYN, INT, NULL, STRING, TYPE, comparable, fit, join, listOf, mapOf, typeText } from './cel-types.ts';
import type { CelType } from './cel-types.ts';
import { CelFailure, CelTypeName, celEquals, spend } from './cel-values.ts';
import type { Env } from './cel-values.ts';
import { compilePattern } from './pattern.ts';

export interface CompiledCel {
  readonly type: CelType;
  /** Runs the expression; spends its steps. Fails by CelFailure or CelBudgetSpent. */
  readonly run: (env: Env) => unknown;
  /** Variables that it names. */
  readonly uses: ReadonlySet<string>;
}

export type CelResult = { readonly ok: true; readonly compiled: CompiledCel } | { readonly ok: false; readonly why: string };

interface Scope {
  /** Innermost first. */
  readonly variables: ReadonlyMap<string, Expr>;
  readonly depth: number;
  readonly uses: Set<string>;
}

const FUNCTIONS = new FunctionTable([...STANDARD, ...TEXT, ...TIME, ...OPTIONAL]);
const LOOPS = new Set(['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter']);
const NAMESPACES = new Set(['cel', 'optional', 'sets']);
const PATTERNED = new Set(['matches', 'find', 'findAll']);
const TYPE_NAMES = ['int', 'double', 'string', 'bool', 'bytes', 'list', 'map', 'null_type', 'type', 'optional_type'];
const DOTTED_TYPE_NAMES = ['google.protobuf.Timestamp', 'google.protobuf.Duration'];

/** Compiles `source`, in which `self` and, where given, `oldSelf` have these types. */
export function compileCel(source: string, self: CelType, oldSelf: CelType | undefined): CelResult {
  const parsed = parseCel(source);
  if (!parsed.ok) return parsed;
  const uses = new Set<string>();
  const variables = new Map<string, Expr>([['self', { type: self, cost: 1, run: (env) => env.self }]]);
  if (oldSelf !== undefined) variables.set('oldSelf', { type: oldSelf, cost: 1, run: (env) => env.oldSelf });
  try {
    const { type, run, cost } = compile(parsed.root, { variables, depth: 0, uses });
    const charged = (env: Env): unknown => {
      spend(env, cost);
      return run(env);
    };
    return { ok: true, compiled: { type, run: charged, uses } };
  } catch (error) {
    if (error instanceof CelRefusal) return { ok: false, why: error.message };
    throw error;
  }
}

function compile(node: CelNode, scope: Scope): Expr {
  switch (node.op) {
    case 'value':
      return literal(node.args, node.input.slice(node.start, node.end));
    case 'id':
      return identifier(node.args, scope);
    case '.':
      return dottedTypeName(node) ?? select(compile(node.args[0], scope), node.args[1]);
    case '.?':
      return optionalSelect(compile(node.args[0], scope), node.args[1]);
    case '[]':
      return index(compile(node.args[0], scope), compile(node.args[1], scope));
    case '[?]':
      return optionalIndex(compile(node.args[0], scope), compile(node.args[1], scope));
    case 'call':
      return call(node.args[0], node.args[1], scope);
    case 'rcall':
      return methodCall(node.args[0], node.args[1], node.args[2], scope);
    case 'list':
      return listLiteral(node.args.map((one) => compile(one, scope)));
    case 'map':
      return mapLiteral(node.args.map(([key, value]) => [compile(key, scope), compile(value, scope)] as const));
    case '?:':
      return ternary(compile(node.args[0], scope), compile(node.args[1], scope), compile(node.args[2], scope));
    case '&&':
    case '||':
      return logical(node.op, compile(node.args[0], scope), compile(node.args[1], scope));
    case '!_':
    case '-_':
      return resolved(FUNCTIONS.resolve(node.op, false, [compile(node.args, scope)]));
    default:
      return binary(node.op, compile(node.args[0], scope), compile(node.args[1], scope));
  }
}

function literal(value: unknown, source: string): Expr {
  const constant = (type: CelType, held: string | number | boolean | null): Expr => ({ type, cost: 1, literal: held, run: () => held });
  if (value === null) return constant(NULL, null);
  switch (typeof value) {
    case 'boolean':
      return constant(BOOL, value);
    case 'string':
      return constant(STRING, value);
    case 'number':
      return constant(DOUBLE, value);
    case 'bigint': {
      const whole = Number(value);
      if (!Number.isSafeInteger(whole)) throw new CelRefusal(`the integer ${value} is beyond the 53 bits that are exact here`);
      return constant(INT, whole);
    }
    default:
      // The parser keeps only the low byte of what is not ASCII.
      if (value instanceof Uint8Array && /[^\x20-\x7e\s]/.test(source))
        throw new CelRefusal('write bytes that are not ASCII as \\x.. in b"..."');
      if (value instanceof Uint8Array) return { type: BYTES, cost: 1, run: () => value };
      throw new CelRefusal('unsigned integers (1u) are not supported: JSON has none');
  }
}

function identifier(name: string, scope: Scope): Expr {
  const variable = scope.variables.get(name);
  if (variable !== undefined) {
    scope.uses.add(name);
    return variable;
  }
  if (TYPE_NAMES.includes(name)) return typeConstant(name);
  const hint = name === 'oldSelf' ? ': a rule cannot see the old value here, because it cannot be told which one it was' : '';
  throw new CelRefusal(`there is no variable ${name}${hint}`);
}

function typeConstant(name: string): Expr {
  const held = new CelTypeName(name);
  return { type: TYPE, cost: 1, run: () => held };
}

function dottedTypeName(node: CelNode): Expr | undefined {
  const name = dotted(node);
  return name !== undefined && DOTTED_TYPE_NAMES.includes(name) ? typeConstant(name) : undefined;
}

function dotted(node: CelNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const left = dotted(node.args[0]);
  return left === undefined ? undefined : `${left}.${node.args[1]}`;
}

function resolved(result: Expr | string): Expr {
  if (typeof result === 'string') throw new CelRefusal(result);
  return result;
}

function call(name: string, args: readonly CelNode[], scope: Scope): Expr {
  if (name !== 'has') {
    const values = args.map((one) => compile(one, scope));
    const [only] = values;
    const whole = resolved(FUNCTIONS.resolve(name, false, values));
    // Only the static type tells 1.0 from 1.
    return name === 'type' && only?.type.kind === 'double' ? { ...whole, run: typeConstant('double').run } : whole;
  }
  const [field, ...rest] = args;
  if (field === undefined || rest.length > 0 || (field.op !== '.' && field.op !== '.?'))
    throw new CelRefusal('has(...) wants one field, as in has(self.name)');
  return has(compile(field.args[0], scope), field.args[1]);
}

function methodCall(name: string, receiver: CelNode, args: readonly CelNode[], scope: Scope): Expr {
  if (receiver.op === 'id' && NAMESPACES.has(receiver.args) && !scope.variables.has(receiver.args)) {
    if (receiver.args === 'cel' && name === 'bind') return bindMacro(args, scope);
    const values = args.map((one) => compile(one, scope));
    return resolved(FUNCTIONS.resolve(`${receiver.args}.${name}`, false, values));
  }
  const over = compile(receiver, scope);
  if (LOOPS.has(name)) return loopMacro(name, over, args, scope);
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2)
    return mapOptional(over, bound(args, 1, scope), name === 'optFlatMap');
  const values = args.map((one) => compile(one, scope));
  const [first] = values;
  if (PATTERNED.has(name) && typeof first?.literal === 'string') {
    const pattern = compilePattern(first.literal);
    if (!pattern.ok) throw new CelRefusal(`the pattern ${JSON.stringify(first.literal)} ${pattern.why}`);
  }
  if ((name === 'or' || name === 'orValue') && first !== undefined && values.length === 1) return optionalFallback(name, over, first);
  return resolved(FUNCTIONS.resolve(name, true, [over, ...values]));
}

function loopMacro(name: string, over: Expr, args: readonly CelNode[], scope: Scope): Expr {
  const most = name === 'map' ? 3 : 2;
  if (args.length < 2 || args.length > most) throw new CelRefusal(`${name}(...) wants a variable and an expression`);
  const withFilter = args.length === 3;
  return loop(name, over, bound(args, args.length - 1, scope), withFilter ? bound(args, 1, scope) : undefined);
}

function bindMacro(args: readonly CelNode[], scope: Scope): Expr {
  const value = args[1];
  if (value === undefined || args.length !== 3) throw new CelRefusal('cel.bind(...) wants a variable, its value and an expression');
  return bind(compile(value, scope), bound(args, 2, scope));
}

/** The variable that is the first of `args`, and the body that is the one at `at`. */
function bound(args: readonly CelNode[], at: number, scope: Scope): Bound {
  const [variable] = args;
  const body = args[at];
  if (variable?.op !== 'id' || body === undefined) throw new CelRefusal('a macro wants a plain name for its variable, as in all(x, x > 0)');
  const slot = scope.depth;
  const name = variable.args;
  return {
    slot,
    body: (type) => {
      const variables = new Map(scope.variables).set(name, { type, cost: 1, run: (env) => env.slots[slot] });
      return compile(body, { variables, depth: slot + 1, uses: scope.uses });
    },
  };
}

function listLiteral(items: readonly Expr[]): Expr {
  const item = common(
    items.map((one) => one.type),
    'the items of a list',
  );
  const runs = items.map((one) => one.run);
  const cost = items.reduce((sum, one) => sum + one.cost, 1);
  return { type: listOf(item), cost, run: (env) => runs.map((run) => run(env)) };
}

function mapLiteral(entries: readonly (readonly [Expr, Expr])[]): Expr {
  const key = common(
    entries.map(([one]) => one.type),
    'the keys of a map',
  );
  const value = common(
    entries.map(([, one]) => one.type),
    'the values of a map',
  );
  if (!['int', 'string', 'bool', 'dyn'].includes(key.kind)) throw new CelRefusal(`a ${typeText(key)} cannot be the key of a map`);
  const cost = entries.reduce((sum, [k, v]) => sum + k.cost + v.cost, 1);
  const run = (env: Env): unknown => {
    const made = new Map<unknown, unknown>();
    for (const [k, v] of entries) {
      const held = k.run(env);
      if (made.has(held)) throw new CelFailure(`the key ${String(held)} is there twice`);
      made.set(held, v.run(env));
    }
    return made;
  };
  return { type: mapOf(key, value), cost, run };
}

function common(types: readonly CelType[], what: string): CelType {
  const [first, ...rest] = types;
  if (first === undefined) return DYN;
  return rest.reduce((so, one) => {
    const both = join(so, one);
    if (both === undefined)
      throw new CelRefusal(`${what} must be of one type, not ${typeText(so)} and ${typeText(one)}; use dyn(...) to mix them`);
    return both;
  }, first);
}

function ternary(test: Expr, left: Expr, right: Expr): Expr {
  const holds = condition(test, 'the condition before ?');
  const type = common([left.type, right.type], 'the two branches of ?:');
  return {
    type,
    cost: 1 + test.cost + left.cost + right.cost,
    run: (env) => (holds(env) ? left.run(env) : right.run(env)),
  };
}

function logical(operator: '&&' | '||', left: Expr, right: Expr): Expr {
  const first = condition(left, operator);
  const second = condition(right, operator);
  const decides = operator === '||';
  const run = (env: Env): boolean => {
    let value: boolean;
    try {
      value = first(env);
    } catch (error) {
      if (error instanceof CelFailure && second(env) === decides) return decides;
      throw error;
    }
    return value === decides ? decides : second(env);
  };
  return { type: BOOL, cost: 1 + left.cost + right.cost, run };
}

function binary(operator: string, left: Expr, right: Expr): Expr {
  const cost = 1 + left.cost + right.cost;
  if (operator === '==' || operator === '!=') {
    if (!comparable(left.type, right.type)) throw new CelRefusal(`a ${typeText(left.type)} is never equal to a ${typeText(right.type)}`);
    const [a, b] = [left.run, right.run];
    return {
      type: BOOL,
      cost,
      run: operator === '==' ? (env) => celEquals(env, a(env), b(env)) : (env) => !celEquals(env, a(env), b(env)),
    };
  }
  if (operator === 'in') return membership(left, right, cost);
  if (operator === '/' && (left.type.kind === 'dyn' || right.type.kind === 'dyn')) {
    throw new CelRefusal('it cannot be told whether / divides ints or doubles here; use int(...) or double(...)');
  }
  return resolved(FUNCTIONS.resolve(operator, false, [left, right]));
}

function membership(left: Expr, right: Expr, cost: number): Expr {
  const { type } = right;
  const wanted = type.kind === 'list' ? type.item : type.kind === 'map' ? type.key : type.kind === 'dyn' ? DYN : undefined;
  if (wanted === undefined) throw new CelRefusal(`in wants a list or a map, not a ${typeText(type)}`);
  if (!comparable(left.type, wanted) && fit(left.type, wanted) === 'no')
    throw new CelRefusal(`a ${typeText(left.type)} is never in a ${typeText(type)}`);
  return { type: BOOL, cost, run: (env) => isIn(env, left.run(env), right.run(env)) };
}
