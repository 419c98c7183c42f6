/**
 * Reads the keywords of one schema node: the right JSON type, a sensible value, or a problem that names the place.
 *
 * I1: a keyword that is not understood refuses the schema; nothing is silently without effect (except an unknown `format`, as the
 *     OpenAPI specification and Kubernetes have it, and documentation).
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { compilePattern } from './pattern.ts';
import type { Pattern } from './pattern.ts';
import { forbidden, invalid, notSupported, required, wrongType } from './problem.ts';
import type { Found, ProblemReason } from './problem.ts';
import { unstorable } from './json-values.ts';
import type { RuleSource } from './schema-node.ts';

/** A node of the raw schema, where it stands, and where its problems go. */
export interface Reading {
  readonly raw: JsonObject;
  readonly at: string;
  readonly problems: Found[];
}

const DOCUMENTATION = ['title', 'description', 'example', 'externalDocs'];
const CHECKING = [
  'enum minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format minItems maxItems uniqueItems',
  'minProperties maxProperties required allOf anyOf oneOf not properties items type',
].flatMap((names) => names.split(' '));
const EXTENSIONS = [
  'preserve-unknown-fields',
  'embedded-resource',
  'int-or-string',
  'list-type',
  'list-map-keys',
  'map-type',
  'validations',
];
const NESTED = new Set(CHECKING);
const OUTSIDE = ['additionalProperties', 'default', 'nullable', ...EXTENSIONS.map((name) => `x-kubernetes-${name}`)];
const STRUCTURAL = new Set(CHECKING.concat(DOCUMENTATION, OUTSIDE));
const REASONS: readonly ProblemReason[] = ['FieldValueInvalid', 'FieldValueForbidden', 'FieldValueRequired', 'FieldValueDuplicate'];
const RULE_FIELDS = new Set(['rule', 'message', 'messageExpression', 'reason', 'fieldPath', 'optionalOldSelf']);

export function report(reading: Reading, keyword: string, found: Found): void {
  found.path = keyword === '' ? reading.at : `${reading.at}.${keyword}`;
  reading.problems.push(found);
}

/** Refuses keywords that have no meaning here. `nested`: below allOf, anyOf, oneOf or not. */
export function refuseUnknown(reading: Reading, nested: boolean): void {
  for (const keyword of Object.keys(reading.raw)) {
    if ((nested ? NESTED : STRUCTURAL).has(keyword)) continue;
    if (nested && STRUCTURAL.has(keyword)) report(reading, keyword, forbidden('must not be used below allOf, anyOf, oneOf or not'));
    else report(reading, keyword, forbidden('this keyword is not supported in a structural schema'));
  }
}

export function flag(reading: Reading, keyword: string): boolean {
  const value = reading.raw[keyword];
  if (value === undefined || typeof value === 'boolean') return value === true;
  report(reading, keyword, wrongType(value, 'boolean'));
  return false;
}

/** A length or count: a whole number from 0. */
export function count(reading: Reading, keyword: string): number | undefined {
  const value = number(reading, keyword);
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
  report(reading, keyword, invalid(value, 'must be a whole number of at least 0'));
  return undefined;
}

export function number(reading: Reading, keyword: string): number | undefined {
  const value = reading.raw[keyword];
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  report(reading, keyword, wrongType(value, 'number'));
  return undefined;
}

export function text(reading: Reading, keyword: string): string | undefined {
  const value = reading.raw[keyword];
  if (value === undefined || typeof value === 'string') return value;
  report(reading, keyword, wrongType(value, 'string'));
  return undefined;
}

export function texts(reading: Reading, keyword: string): readonly string[] {
  const value = reading.raw[keyword] ?? [];
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  report(reading, keyword, invalid(value, 'must be a list of strings'));
  return [];
}

export function pattern(reading: Reading): Pattern | undefined {
  const source = text(reading, 'pattern');
  if (source === undefined) return undefined;
  const result = compilePattern(source);
  if (result.ok) return result.pattern;
  report(reading, 'pattern', invalid(source, result.why));
  return undefined;
}

export function enumeration(reading: Reading): readonly Json[] | undefined {
  const value = reading.raw['enum'];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length > 0) return value;
  report(reading, 'enum', invalid(value, 'must be a list with at least one value'));
  return undefined;
}

export function oneOfTexts<T extends string>(reading: Reading, keyword: string, allowed: readonly T[]): T | undefined {
  const value = reading.raw[keyword];
  if (value === undefined) return undefined;
  const known = allowed.find((one) => one === value);
  if (known === undefined) report(reading, keyword, notSupported(value, allowed));
  return known;
}

/** The default, undefined when there is none. Null counts only where the value may be null. */
export function defaultOf(reading: Reading): Json | undefined {
  const value = reading.raw['default'];
  if (value === undefined || (value === null && reading.raw['nullable'] !== true)) return undefined;
  const why = unstorable(value, 0);
  if (why === undefined) return value;
  report(reading, 'default', invalid(value, why));
  return undefined;
}

/** The schemas under `keyword` (properties), each with its own place. */
export function children(reading: Reading, keyword: string): readonly (readonly [string, Reading])[] {
  const value = reading.raw[keyword];
  if (value === undefined) return [];
  if (!isJsonObject(value)) {
    report(reading, keyword, wrongType(value, 'object'));
    return [];
  }
  const { problems } = reading;
  return Object.entries(value).flatMap(([name, raw]): (readonly [string, Reading])[] => {
    const at = `${reading.at}.${keyword}[${name}]`;
    if (name === '__proto__') problems.push({ ...forbidden('a field cannot have this name'), path: at });
    else if (isJsonObject(raw)) return [[name, { raw, at, problems }]];
    else problems.push({ ...wrongType(raw, 'object'), path: at });
    return [];
  });
}

/** The schema under `keyword` (items, not, additionalProperties). */
export function child(reading: Reading, keyword: string): Reading | undefined {
  const raw = reading.raw[keyword];
  if (raw === undefined) return undefined;
  if (isJsonObject(raw)) return { raw, at: `${reading.at}.${keyword}`, problems: reading.problems };
  report(reading, keyword, wrongType(raw, 'object'));
  return undefined;
}

/** The schemas in the list under `keyword` (allOf, anyOf, oneOf). */
export function alternatives(reading: Reading, keyword: string): readonly Reading[] {
  const value = reading.raw[keyword];
  if (value === undefined) return [];
  if (Array.isArray(value) && value.length > 0 && value.every((one) => isJsonObject(one))) {
    return value.map((raw, i) => ({ raw, at: `${reading.at}.${keyword}[${i}]`, problems: reading.problems }));
  }
  report(reading, keyword, invalid(value, 'must be a list with at least one schema'));
  return [];
}

/** x-kubernetes-validations. */
export function rulesOf(reading: Reading): readonly RuleSource[] {
  const keyword = 'x-kubernetes-validations';
  const value = reading.raw[keyword];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((one) => isJsonObject(one))) {
    report(reading, keyword, invalid(value, 'must be a list of rules'));
    return [];
  }
  return value.flatMap((raw, i) => rule({ raw, at: `${reading.at}.${keyword}[${i}]`, problems: reading.problems }));
}

function rule(reading: Reading): readonly RuleSource[] {
  for (const name of Object.keys(reading.raw)) {
    if (!RULE_FIELDS.has(name)) report(reading, name, forbidden('a rule has no such field'));
  }
  const expression = text(reading, 'rule')?.trim() ?? '';
  if (expression === '') {
    report(reading, 'rule', required('a CEL expression that must be true'));
    return [];
  }
  const message = text(reading, 'message');
  if (message !== undefined && (message.trim() === '' || message.includes('\n'))) {
    report(reading, 'message', invalid(message, 'must be one line that is not empty'));
  }
  if (message === undefined && expression.includes('\n'))
    report(reading, 'message', required('must be given when the rule has line breaks'));
  const messageExpression = text(reading, 'messageExpression');
  const fieldPath = text(reading, 'fieldPath');
  return [
    {
      at: reading.at,
      rule: expression,
      reason: oneOfTexts(reading, 'reason', REASONS) ?? 'FieldValueInvalid',
      optionalOldSelf: flag(reading, 'optionalOldSelf'),
      ...(message === undefined ? {} : { message }),
      ...(messageExpression === undefined ? {} : { messageExpression }),
      ...(fieldPath === undefined ? {} : { fieldPath }),
    },
  ];
}
