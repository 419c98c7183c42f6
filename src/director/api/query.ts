/**
 * The query of a request: parsed, and read into the options that the verbs understand.
 *
 * Options that we do not know are ignored, as the reference does (clients send `fieldManager`, `pretty`, `timeout`); options that we know
 * and cannot read are refused.
 */

import { accepted, badRequest, refused } from './status.ts';
import type { Outcome } from './status.ts';

export type Query = ReadonlyMap<string, string>;

const NO_QUERY: Query = new Map();

export function parseQuery(text: string): Outcome<Query> {
  if (text === '') return accepted(NO_QUERY);
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const mark = pair.indexOf('=');
    const name = decode(mark < 0 ? pair : pair.slice(0, mark));
    const value = mark < 0 ? '' : decode(pair.slice(mark + 1));
    if (name === undefined || value === undefined)
      return badRequest('the query of the request holds a % that is not followed by UTF-8 in hexadecimal digits');
    // The first of several counts, as net/url's Get has it.
    if (!query.has(name)) query.set(name, value);
  }
  return accepted(query);
}

function decode(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

export function isTrue(query: Query, name: string): boolean {
  const value = query.get(name);
  return value === 'true' || value === '1';
}

/** A revision as clients send it: undefined when absent or empty. */
export function revisionOption(query: Query): Outcome<number | undefined> {
  const text = query.get('resourceVersion');
  if (text === undefined || text === '') return accepted(undefined);
  const revision = revisionNumber(text);
  return revision === undefined
    ? badRequest(`invalid resource version ${JSON.stringify(text)}: it must be a decimal number of at most 2^53`)
    : accepted(revision);
}

/** The number that `text` is, when it is a revision. */
export function revisionNumber(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** A whole number of at least 0; undefined when absent or empty. */
export function countOption(query: Query, name: string): Outcome<number | undefined> {
  const text = query.get(name);
  if (text === undefined || text === '') return accepted(undefined);
  return /^[0-9]{1,9}$/.test(text)
    ? accepted(Number(text))
    : badRequest(`${name} must be a whole number of at least 0, not ${JSON.stringify(text)}`);
}

/** `dryRun=All`, or not; anything else is refused. */
export function dryRunOption(query: Query): Outcome<boolean> {
  const text = query.get('dryRun');
  if (text === undefined || text === '') return accepted(false);
  if (text === 'All') return accepted(true);
  return refused(400, 'BadRequest', `dryRun: Unsupported value: ${JSON.stringify(text)}: supported values: "All"`);
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What becomes of unknown fields: refused, dropped with a warning (the default, as in Kubernetes), or dropped. */
export function fieldValidationOption(query: Query): Outcome<FieldValidation> {
  const text = query.get('fieldValidation');
  if (text === undefined || text === '') return accepted('Warn');
  if (text === 'Strict' || text === 'Warn' || text === 'Ignore') return accepted(text);
  return badRequest(`fieldValidation: Unsupported value: ${JSON.stringify(text)}: supported values: "Ignore", "Strict", "Warn"`);
}
