/**
 * x-kubernetes-validations: compiles the rules of a schema, and runs them over an object and, on update, the one it replaces.
 *
 * As in Kubernetes: a rule that names oldSelf is a transition rule, skipped where there is no old value (optionalOldSelf makes the old
 * value optional instead); old values are found by name, by map key, and in lists of type map by their keys; rules are not run on null.
 *
 * I1: a rule that cannot be compiled, is not a bool, or names oldSelf where no old value can be found, refuses the schema.
 * I2: all rules of one write share one budget of steps; when it is spent the write is refused, whatever the rules would have said.
 * I3: a rule that cannot be decided (a missing key, an overflow) refuses the write, as in Kubernetes.
 * I4: like validate.ts, a failing rule without oldSelf is forgiven where the value did not change.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import { admit } from './cel-access.ts';
import { compileCel } from './cel-compile.ts';
import type { CompiledCel } from './cel-compile.ts';
import { bareType, readFieldPath } from './cel-schema.ts';
import type { PathStep } from './cel-schema.ts';
import { optionalOf, typeText } from './cel-types.ts';
import type { CelType } from './cel-types.ts';
import { CelBudgetSpent, CelFailure, CelOptional, OPTIONAL_NONE } from './cel-values.ts';
import type { Env } from './cel-values.ts';
import { deepEqual, readerOf } from './json-values.ts';
import { correlate } from './list-map.ts';
import { forbidden, invalid, invalidWhole, prefix, required, segmentOf, shown } from './problem.ts';
import type { Found } from './problem.ts';
import type { RuleSource, SchemaNode } from './schema-node.ts';

/** Runs the rules of a node and all below it. `old` is undefined where there is none. */
export type RunRules = (value: Json, old: Json | undefined, run: RuleRun) => void;

/** One write: what was found, and what is left of the budget. */
export interface RuleRun {
  readonly found: Found[];
  readonly env: Env;
}

interface Rule {
  readonly source: RuleSource;
  readonly test: CompiledCel;
  readonly message: CompiledCel | undefined;
  readonly path: readonly PathStep[];
  readonly transition: boolean;
}

export function startRules(): RuleRun {
  return { found: [], env: { self: undefined, oldSelf: undefined, steps: LIMITS.celStepsPerWrite, slots: [] } };
}

/** The rules of `node` and below, or null when there are none. Problems of the rules themselves go to `problems`. */
export function compileRules(node: SchemaNode, problems: Found[], correlatable = true): RunRules | null {
  const own = ownRules(node, problems, correlatable);
  const below = [
    fieldRules(node, problems, correlatable),
    valueRules(node, problems, correlatable),
    itemRules(node, problems, correlatable),
  ];
  const all = [own, ...below].filter((one) => one !== null);
  if (all.length === 0) return null;
  return (value, old, run) => {
    if (value === null) return;
    const was = old === null ? undefined : old;
    for (const rules of all) rules(value, was, run);
  };
}

function fieldRules(node: SchemaNode, problems: Found[], correlatable: boolean): RunRules | null {
  const fields = [...node.properties].flatMap(([name, child]) => {
    const rules = compileRules(child, problems, correlatable);
    return rules === null ? [] : [{ rules, read: readerOf(name), segment: segmentOf(name) }];
  });
  if (fields.length === 0) return null;
  return (value, old, run) => {
    if (!isJsonObject(value)) return;
    const oldObject = isJsonObject(old) ? old : undefined;
    for (const { rules, read, segment } of fields) {
      const field = read(value);
      if (field === undefined) continue;
      const before = run.found.length;
      rules(field, oldObject === undefined ? undefined : read(oldObject), run);
      if (run.found.length !== before) prefix(run.found, before, segment);
    }
  };
}

function valueRules(node: SchemaNode, problems: Found[], correlatable: boolean): RunRules | null {
  const rules = node.additional === undefined || node.additional === true ? null : compileRules(node.additional, problems, correlatable);
  if (rules === null) return null;
  return (value, old, run) => {
    if (!isJsonObject(value)) return;
    for (const key in value) {
      const was = isJsonObject(old) && Object.hasOwn(old, key) ? old[key] : undefined;
      const before = run.found.length;
      rules(value[key] as Json, was, run);
      if (run.found.length !== before) prefix(run.found, before, segmentOf(key));
    }
  };
}

function itemRules(node: SchemaNode, problems: Found[], correlatable: boolean): RunRules | null {
  const byKeys = node.listType === 'map';
  const rules = node.items === undefined ? null : compileRules(node.items, problems, correlatable && byKeys);
  if (rules === null) return null;
  const oldItems = byKeys ? correlate(node.listMapKeys) : null;
  return (value, old, run) => {
    if (!Array.isArray(value)) return;
    const oldItemOf = oldItems !== null && Array.isArray(old) ? oldItems(old) : undefined;
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as Json;
      const before = run.found.length;
      rules(item, oldItemOf?.(item), run);
      if (run.found.length !== before) prefix(run.found, before, `[${i}]`);
    }
  };
}

function ownRules(node: SchemaNode, problems: Found[], correlatable: boolean): RunRules | null {
  if (node.rules.length === 0) return null;
  const self = bareType(node);
  if (self === undefined) {
    problems.push({ ...forbidden('rules need a type to be checked against'), path: `${node.at}.x-kubernetes-validations` });
    return null;
  }
  const rules = node.rules.flatMap((source) => compileRule(source, node, self, correlatable, problems));
  const admitted = admit(self);
  return (value, old, run) => {
    for (const rule of rules) {
      if (rule.transition && old === undefined) continue;
      if (run.env.steps < 0) return;
      judge(rule, value, old, run, admitted);
    }
  };
}

function compileRule(source: RuleSource, node: SchemaNode, self: CelType, correlatable: boolean, problems: Found[]): readonly Rule[] {
  const before = problems.length;
  const problem = (field: string, found: Found): void => void problems.push({ ...found, path: `${source.at}.${field}` });
  if (source.optionalOldSelf && !correlatable) problem('optionalOldSelf', forbidden('no old value can be found for items of this list'));
  const oldSelf = !correlatable ? undefined : source.optionalOldSelf ? optionalOf(self) : self;
  const test = compileCel(source.rule, self, oldSelf);
  if (!test.ok) problem('rule', invalid(source.rule, test.why));
  else if (test.compiled.type.kind !== 'bool' && test.compiled.type.kind !== 'dyn') {
    problem('rule', invalid(source.rule, `must be a bool, but is a ${typeText(test.compiled.type)}`));
  }
  const message = source.messageExpression === undefined ? undefined : compileCel(source.messageExpression, self, oldSelf);
  if (message !== undefined && !message.ok) problem('messageExpression', invalid(source.messageExpression, message.why));
  else if (message?.ok === true && message.compiled.type.kind !== 'string' && message.compiled.type.kind !== 'dyn') {
    problem('messageExpression', invalid(source.messageExpression, `must be a string, but is a ${typeText(message.compiled.type)}`));
  }
  const path = source.fieldPath === undefined ? [] : readFieldPath(source.fieldPath, node);
  if (typeof path === 'string') problem('fieldPath', invalid(source.fieldPath, path));
  if (problems.length !== before || !test.ok || typeof path === 'string') return [];
  const transition =
    !source.optionalOldSelf && (test.compiled.uses.has('oldSelf') || (message?.ok === true && message.compiled.uses.has('oldSelf')));
  return [{ source, test: test.compiled, message: message?.ok === true ? message.compiled : undefined, path, transition }];
}

function judge(rule: Rule, value: Json, old: Json | undefined, run: RuleRun, admitted: (value: unknown) => unknown): void {
  const { env, found } = run;
  let failure = '';
  try {
    env.self = admitted(value);
    env.oldSelf = oldValue(rule, old, admitted);
    const holds = rule.test.run(env);
    if (holds === true) return;
    if (holds !== false) failure = 'the rule is not a bool';
  } catch (error) {
    if (error instanceof CelBudgetSpent) {
      found.push(
        forbidden(
          `the rules of this object take too much work, at: ${rule.source.message ?? rule.source.rule}; make lists and maps smaller`,
        ),
      );
      return;
    }
    if (!(error instanceof CelFailure)) throw error;
    failure = error.message;
  }
  if (!rule.transition && old !== undefined && deepEqual(value, old)) return;
  found.push(
    refusal(rule, value, failure === '' ? messageOf(rule, env) : `${failure} evaluating rule: ${rule.source.message ?? rule.source.rule}`),
  );
}

function oldValue(rule: Rule, old: Json | undefined, admitted: (value: unknown) => unknown): unknown {
  if (!rule.source.optionalOldSelf) return old === undefined ? undefined : admitted(old);
  return old === undefined ? OPTIONAL_NONE : new CelOptional(admitted(old));
}

function messageOf(rule: Rule, env: Env): string {
  const standard = rule.source.message ?? `failed rule: ${rule.source.rule}`;
  if (rule.message === undefined) return standard;
  try {
    const made = rule.message.run(env);
    return typeof made === 'string' && made.trim() !== '' && !made.includes('\n')
      ? made.trim().slice(0, 4 * LIMITS.problemValueChars)
      : standard;
  } catch (error) {
    if (error instanceof CelFailure || error instanceof CelBudgetSpent) return standard;
    throw error;
  }
}

function refusal(rule: Rule, value: Json, says: string): Found {
  const path = rule.path.map((step) => step.segment).join('');
  const field = rule.path.reduce<Json | undefined>((at, step) => (isJsonObject(at) ? readerOf(step.name)(at) : undefined), value);
  switch (rule.source.reason) {
    case 'FieldValueRequired':
      return { ...required(says), path };
    case 'FieldValueForbidden':
      return { ...forbidden(says), path };
    case 'FieldValueDuplicate':
      return { path, reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(field)}: ${says}` };
    default: {
      const scalar = field !== undefined && (typeof field !== 'object' || field === null);
      return { ...(scalar ? invalid(field, says) : invalidWhole(says)), path };
    }
  }
}
