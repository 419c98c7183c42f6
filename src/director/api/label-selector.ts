/**
 * Label selectors: the grammar of k8s.io/apimachinery, compiled into one test of an entity's labels.
 *
 *   key   !key   key=value   key==value   key!=value   key in (a,b)   key notin (a,b)   key>1   key<1   joined by commas
 *
 * I1: what does not parse is refused; nothing is guessed.
 * I2: `!=` and `notin` also hold for entities without the key, as in Kubernetes.
 */

import { labelKeyProblem, labelValueProblem } from './names.ts';
import { accepted, badRequest } from './status.ts';
import type { Outcome } from './status.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelTest = (labels: Labels) => boolean;

type Operator = 'exists' | 'absent' | 'in' | 'notin' | 'above' | 'below';

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

const WORD = /^[^\s,()=!<>]+/;

/** The test; undefined when the selector is empty and everything passes. */
export function labelTest(selector: string | undefined): Outcome<LabelTest | undefined> {
  if (selector === undefined || selector.trim() === '') return accepted(undefined);
  const parsed = parseLabelSelector(selector);
  if (!parsed.ok) return parsed;
  const tests = parsed.value.map(testOf);
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return accepted(only);
  return accepted((labels) => tests.every((test) => test(labels)));
}

/** The requirements of a selector, all of which must hold. */
export function parseLabelSelector(selector: string): Outcome<readonly Requirement[]> {
  const requirements: Requirement[] = [];
  let rest = selector.trim();
  while (rest !== '') {
    const one = parseOne(rest);
    if (one === undefined)
      return badRequest(
        `unable to parse requirement: the label selector ${JSON.stringify(selector)} is not understood at ${JSON.stringify(rest)}`,
      );
    const problem = requirementProblem(one.requirement);
    if (problem !== undefined) return badRequest(`unable to parse requirement: ${problem}`);
    requirements.push(one.requirement);
    rest = one.rest;
    if (rest === '') break;
    if (!rest.startsWith(',')) return badRequest(`unable to parse requirement: expected a comma at ${JSON.stringify(rest)}`);
    rest = rest.slice(1).trim();
    if (rest === '') return badRequest(`unable to parse requirement: the label selector ${JSON.stringify(selector)} ends with a comma`);
  }
  return accepted(requirements);
}

interface One {
  readonly requirement: Requirement;
  readonly rest: string;
}

function parseOne(text: string): One | undefined {
  if (text.startsWith('!')) {
    const key = WORD.exec(text.slice(1).trim())?.[0];
    if (key === undefined) return undefined;
    return { requirement: { key, operator: 'absent', values: [] }, rest: text.slice(1).trim().slice(key.length).trim() };
  }
  const key = WORD.exec(text)?.[0];
  if (key === undefined) return undefined;
  const rest = text.slice(key.length).trim();
  if (rest === '' || rest.startsWith(',')) return { requirement: { key, operator: 'exists', values: [] }, rest };
  return parseComparison(key, rest) ?? parseSet(key, rest);
}

function parseComparison(key: string, text: string): One | undefined {
  const mark = /^(==|!=|=|>|<)/.exec(text)?.[0];
  if (mark === undefined) return undefined;
  const after = text.slice(mark.length).trim();
  const value = WORD.exec(after)?.[0] ?? '';
  const operator: Operator = mark === '!=' ? 'notin' : mark === '>' ? 'above' : mark === '<' ? 'below' : 'in';
  return { requirement: { key, operator, values: [value] }, rest: after.slice(value.length).trim() };
}

function parseSet(key: string, text: string): One | undefined {
  const match = /^(in|notin)\s*\(([^()]*)\)/.exec(text);
  if (match === null) return undefined;
  const values = (match[2] ?? '').split(',').map((value) => value.trim());
  const operator: Operator = match[1] === 'in' ? 'in' : 'notin';
  return { requirement: { key, operator, values }, rest: text.slice(match[0].length).trim() };
}

function requirementProblem({ key, operator, values }: Requirement): string | undefined {
  const bad = labelKeyProblem(key);
  if (bad !== undefined) return `the label key ${JSON.stringify(key)} is invalid: ${bad}`;
  for (const value of values) {
    if (operator === 'above' || operator === 'below') {
      if (!/^-?[0-9]{1,15}$/.test(value)) return `for > and < the value must be a whole number, not ${JSON.stringify(value)}`;
      continue;
    }
    const problem = labelValueProblem(value);
    if (problem !== undefined) return `the label value ${JSON.stringify(value)} is invalid: ${problem}`;
  }
  return undefined;
}

function testOf({ key, operator, values }: Requirement): LabelTest {
  const has = (labels: Labels): boolean => Object.hasOwn(labels, key);
  const [first = ''] = values;
  switch (operator) {
    case 'exists':
      return has;
    case 'absent':
      return (labels) => !has(labels);
    case 'above':
      return (labels) => has(labels) && numeric(labels[key]) > Number(first);
    case 'below':
      return (labels) => has(labels) && numeric(labels[key]) < Number(first);
    case 'in':
      return values.length === 1
        ? (labels) => labels[key] === first && has(labels)
        : (labels) => has(labels) && values.includes(labels[key] ?? '');
    case 'notin':
      return (labels) => !has(labels) || !values.includes(labels[key] ?? '');
  }
}

/** NaN compares false with everything, which is what a label that is no number should do. */
function numeric(value: string | undefined): number {
  return value !== undefined && /^-?[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
}
