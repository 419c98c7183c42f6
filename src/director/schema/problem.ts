/**
 * What is wrong with a field, in the words and reasons of a Kubernetes `Status`.
 *
 * `path: message` is the line that people read (`spec.workers: Invalid value: 9: must be at most 8`); `reason`, `message` and `path` are
 * the cause's `reason`, `message` and `field`. Reasons are those of k8s.io/apimachinery field errors.
 *
 * I1: a message never holds more than `LIMITS.problemValueChars` of the offending value, and a report never more than
 *     `LIMITS.problemsPerObject` problems: an answer stays readable however large the body was.
 * I2: paths are built only when something is wrong: checks report relative to their own node, and each parent puts its segment in front.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Json } from '../../model/json.ts';

export type ProblemReason =
  | 'FieldValueInvalid'
  | 'FieldValueTypeInvalid'
  | 'FieldValueRequired'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueForbidden';

/** One problem. `path` is the field as a person writes it (`spec.services[0].name`), empty for the whole object. */
export interface FieldProblem {
  readonly path: string;
  readonly reason: ProblemReason;
  readonly message: string;
}

/** A problem whose path is still relative to the node that found it: ``, `.name` or `[0]`, and what follows. */
export interface Found {
  path: string;
  readonly reason: ProblemReason;
  readonly message: string;
}

/** The line for people: path and message. */
export function problemLine(problem: FieldProblem): string {
  return problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`;
}

/** The segment of property `name`: `.name`, or `[name]` when it holds dots, slashes or the like. */
export function segmentOf(name: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(name) ? `.${name}` : `[${name}]`;
}

/** Puts `segment` in front of all problems from index `from` on. */
export function prefix(found: Found[], from: number, segment: string): void {
  for (let i = from; i < found.length; i++) {
    const one = found[i];
    if (one !== undefined) one.path = segment + one.path;
  }
}

/** Finished problems: paths without the leading dot, at most as many as the limit allows. */
export function finish(found: readonly Found[]): readonly FieldProblem[] {
  const kept = found.slice(0, LIMITS.problemsPerObject);
  return kept.map(({ path, reason, message }) => ({ path: path.startsWith('.') ? path.slice(1) : path, reason, message }));
}

/** `value` as it stands in a message: JSON, cut at the limit. */
export function shown(value: Json | undefined): string {
  if (value === undefined) return 'null';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, LIMITS.problemValueChars + 1)) : jsonText(value);
  return text.length <= LIMITS.problemValueChars ? text : `${text.slice(0, LIMITS.problemValueChars)}…`;
}

export function invalid(value: Json | undefined, says: string): Found {
  return { path: '', reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${says}` };
}

/** As Kubernetes does for objects and lists: the value itself is left out. */
export function invalidWhole(says: string): Found {
  return { path: '', reason: 'FieldValueInvalid', message: `Invalid value: ${says}` };
}

export function wrongType(value: Json | undefined, wanted: string): Found {
  const is = JSON.stringify(typeName(value));
  return { path: '', reason: 'FieldValueTypeInvalid', message: `Invalid value: ${is}: must be of type ${wanted}: ${is}` };
}

export function required(says = ''): Found {
  return { path: '', reason: 'FieldValueRequired', message: says === '' ? 'Required value' : `Required value: ${says}` };
}

export function notSupported(value: Json, supported: readonly Json[]): Found {
  const list = supported.map((one) => shown(one)).join(', ');
  return { path: '', reason: 'FieldValueNotSupported', message: `Unsupported value: ${shown(value)}: supported values: ${list}` };
}

export function duplicate(value: Json): Found {
  return { path: '', reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(value)}` };
}

export function tooLong(max: number): Found {
  return { path: '', reason: 'FieldValueTooLong', message: `Too long: may not be more than ${max} characters` };
}

export function tooMany(is: number, max: number): Found {
  return { path: '', reason: 'FieldValueTooMany', message: `Too many: ${is}: must have at most ${max} items` };
}

export function forbidden(says: string): Found {
  return { path: '', reason: 'FieldValueForbidden', message: `Forbidden: ${says}` };
}

/** The JSON type of `value`, by the names that schemas use. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function jsonText(value: Json): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    // Circular or too deep to print: the message matters more than the value.
    return `a value of type ${typeName(value)}`;
  }
}
