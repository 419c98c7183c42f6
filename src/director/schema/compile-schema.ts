/**
 * compileSchema: an openAPIV3Schema, once, into the functions that each write runs through: prune, default, validate.
 *
 * The order on a write is that of apiextensions.k8s.io/v1: prune, then default, then validate (structure first; rules only when the
 * structure is right, because they read values by their types).
 *
 * I1: a schema that compiles cannot fail later: its patterns and rules are compiled here, and its defaults are valid and lose nothing.
 * I2: an object that needs no change and passes costs no allocation; the empty answer is always the same array.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import { compileRules, startRules } from './cel-rules.ts';
import type { RunRules } from './cel-rules.ts';
import { compileDefaults } from './defaulting.ts';
import { deepCopy } from './json-values.ts';
import { finish, forbidden, invalid, problemLine } from './problem.ts';
import type { FieldProblem, Found } from './problem.ts';
import { compilePrune } from './prune.ts';
import type { SchemaNode } from './schema-node.ts';
import { readStructural } from './structural.ts';
import { compileValidate } from './validate.ts';
import type { Check } from './validate.ts';

export interface CompiledSchema {
  /** Drops unknown fields in place; the answer names them (`spec.foo`), in the order of the object. */
  readonly prune: (object: JsonObject) => readonly string[];
  /** Fills in defaults in place. */
  readonly default: (object: JsonObject) => void;
  /** What is wrong with `object`; with `old`, as an update of it (transition rules run, what did not change is forgiven). */
  readonly validate: (object: JsonObject, old?: JsonObject) => readonly FieldProblem[];
}

export type CompileResult =
  | { readonly ok: true; readonly compiled: CompiledSchema }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const NOTHING: readonly never[] = Object.freeze([]);

/** Compiles `schema`. Problems are named from `at`, for example `spec.versions[0].schema.openAPIV3Schema`. */
export function compileSchema(schema: JsonObject, at = 'openAPIV3Schema'): CompileResult {
  const { root, problems: found } = readStructural(schema, at);
  const problems = [...found];
  if (problems.length > 0) return { ok: false, problems: finish(problems) };
  judgeDefaults(root, problems);
  const rules = compileRules(root, problems);
  if (problems.length > 0) return { ok: false, problems: finish(problems) };
  return { ok: true, compiled: assemble(root, rules) };
}

function assemble(root: SchemaNode, rules: RunRules | null): CompiledSchema {
  const prune = compilePrune(root);
  const fill = compileDefaults(root);
  const check = compileValidate(root);
  // Answers are copies, and nothing here calls back: so the lists that collect can be kept from call to call.
  const dropped: string[] = [];
  const found: Found[] = [];
  return {
    prune: (object) => {
      dropped.length = 0;
      prune?.(object, dropped);
      return dropped.length === 0 ? NOTHING : dropped.map((path) => (path.startsWith('.') ? path.slice(1) : path));
    },
    default: (object) => fill?.(object),
    validate: (object, old) => validate(check, rules, object, old, found),
  };
}

function validate(
  check: Check,
  rules: RunRules | null,
  object: JsonObject,
  old: JsonObject | undefined,
  found: Found[],
): readonly FieldProblem[] {
  found.length = 0;
  check(object, undefined, found);
  if (found.length > 0 && old !== undefined) {
    // Only now is the old object worth looking at: what it already had is forgiven.
    found.length = 0;
    check(object, old, found);
  }
  if (found.length > 0) return finish(found);
  if (rules === null) return NOTHING;
  const run = startRules();
  rules(object, old, run);
  return run.found.length === 0 ? NOTHING : finish(run.found);
}

/** Each default must be a value that its own schema accepts, as it will be once nested defaults are filled in. */
function judgeDefaults(node: SchemaNode, problems: Found[]): void {
  if (node.defaultValue !== undefined) judgeDefault(node, node.defaultValue, problems);
  for (const child of node.properties.values()) judgeDefaults(child, problems);
  if (node.items !== undefined) judgeDefaults(node.items, problems);
  if (node.additional !== undefined && node.additional !== true) judgeDefaults(node.additional, problems);
}

function judgeDefault(node: SchemaNode, standard: Json, problems: Found[]): void {
  const at = `${node.at}.default`;
  const value = deepCopy(standard);
  const dropped: string[] = [];
  compilePrune(node)?.(value, dropped);
  for (const path of dropped)
    problems.push({ ...forbidden(`holds the field ${path.replace(/^\./, '')}, which the schema does not have`), path: at });
  compileDefaults(node)?.(value);
  const found: Found[] = [];
  compileValidate(node)(value, undefined, found);
  for (const one of finish(found)) problems.push({ ...invalid(standard, `must be valid itself: ${problemLine(one)}`), path: at });
}
