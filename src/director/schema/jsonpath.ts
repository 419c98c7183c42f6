/**
 * The JSONPath of kubectl's columns and of the scale subresource, compiled.
 *
 * Served: `.name` (with `\.` for a dot in a name), `['name']`, `[0]`, `[-1]`, `[1:3]`, `[*]`, `.*` and filters such as
 * `[?(@.type=="Ready")]` with ==, !=, <, <=, >, >= or a bare path. Recursive descent (`..`) and unions are refused.
 *
 * I1: a path that does not parse is refused when the CRD is written, with a sentence.
 * I2: looking never fails: what is not there gives no result. Inherited properties are never seen.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { readerOf } from './json-values.ts';

export interface JsonPath {
  /** All that the path finds in `value`, in order. */
  readonly find: (value: Json) => readonly Json[];
  /** The names of a path that is nothing but names (`.spec.workers`); undefined for any other. */
  readonly names: readonly string[] | undefined;
}

export type JsonPathResult = { readonly ok: true; readonly path: JsonPath } | { readonly ok: false; readonly why: string };

type Step = (value: Json, out: Json[]) => void;

interface Parsed {
  readonly step: Step;
  readonly name?: string;
  readonly end: number;
}

const MAX_CHARS = 1024;
const FILTER =
  /^\[\?\(\s*@((?:\.[\w-]+|\['[^']*'\]|\["[^"]*"\])*)\s*(?:(==|!=|<=|>=|<|>)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?|true|false|null)\s*)?\)\]/;

/** Compiles `source`; a leading `$` and surrounding braces are allowed, as kubectl has them. */
export function compileJsonPath(source: string): JsonPathResult {
  if (source.length > MAX_CHARS) return refuse(source.slice(0, 64), `is longer than ${MAX_CHARS} characters`);
  const text = source
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '');
  const steps: Step[] = [];
  const names: string[] = [];
  for (let at = 0; at < text.length;) {
    const parsed = parseStep(text, at);
    if (typeof parsed === 'string') return refuse(source, parsed);
    steps.push(parsed.step);
    if (parsed.name !== undefined) names.push(parsed.name);
    at = parsed.end;
  }
  if (steps.length === 0) return refuse(source, 'names nothing');
  const find = (value: Json): readonly Json[] => steps.reduce<Json[]>((found, step) => through(found, step), [value]);
  return { ok: true, path: { find, names: names.length === steps.length ? names : undefined } };
}

function refuse(source: string, why: string): JsonPathResult {
  return {
    ok: false,
    why: `the path ${JSON.stringify(source)} ${why}; write it as in .status.phase or .status.conditions[?(@.type=="Ready")].status`,
  };
}

function through(values: readonly Json[], step: Step): Json[] {
  const out: Json[] = [];
  for (const value of values) step(value, out);
  return out;
}

function parseStep(text: string, at: number): Parsed | string {
  if (text.startsWith('..', at)) return 'uses "..", which is not supported';
  if (text[at] === '.' && text[at + 1] === '*') return { step: each, end: at + 2 };
  if (text[at] === '.' && text[at + 1] === '[') return parseBracket(text, at + 1);
  if (text[at] === '.') return parseName(text, at + 1);
  if (text[at] === '[') return parseBracket(text, at);
  return at === 0 ? parseName(text, 0) : `goes on with ${JSON.stringify(text.slice(at, at + 10))}, which cannot be read`;
}

function parseName(text: string, from: number): Parsed | string {
  const raw = /^(?:\\.|[^.[\]()\s\\])+/.exec(text.slice(from))?.[0];
  if (raw === undefined) return `has no name at position ${from}`;
  return { ...nameStep(raw.replace(/\\(.)/g, '$1')), end: from + raw.length };
}

function nameStep(name: string): { step: Step; name: string } {
  const read = readerOf(name);
  const step: Step = (value, out) => {
    if (!isJsonObject(value)) return;
    const found = read(value);
    if (found !== undefined) out.push(found);
  };
  return { step, name };
}

function parseBracket(text: string, at: number): Parsed | string {
  const rest = text.slice(at);
  if (rest.startsWith('[?')) return parseFilter(rest, at);
  if (rest.startsWith('[*]')) return { step: each, end: at + 3 };
  const name = /^\['([^']*)'\]|^\["([^"]*)"\]/.exec(rest);
  if (name !== null) return { ...nameStep(name[1] ?? name[2] ?? ''), end: at + name[0].length };
  const index = /^\[(-?\d{1,9})\]/.exec(rest);
  if (index !== null) return { step: itemStep(Number(index[1])), end: at + index[0].length };
  const slice = /^\[(-?\d{0,9}):(-?\d{0,9})\]/.exec(rest);
  if (slice === null) return `has brackets that cannot be read: ${JSON.stringify(rest.slice(0, 20))}`;
  const [from, to] = [slice[1] ?? '', slice[2] ?? ''];
  return { step: sliceStep(from === '' ? 0 : Number(from), to === '' ? undefined : Number(to)), end: at + slice[0].length };
}

function each(value: Json, out: Json[]): void {
  if (Array.isArray(value)) for (const item of value) out.push(item);
  else if (isJsonObject(value)) for (const key of Object.keys(value).sort()) out.push(value[key] as Json);
}

function itemStep(index: number): Step {
  return (value, out) => {
    const item = Array.isArray(value) ? value.at(index) : undefined;
    if (item !== undefined) out.push(item);
  };
}

function sliceStep(from: number, to: number | undefined): Step {
  return (value, out) => {
    if (Array.isArray(value)) for (const item of value.slice(from, to)) out.push(item);
  };
}

function parseFilter(rest: string, at: number): Parsed | string {
  const match = FILTER.exec(rest);
  if (match === null) return `has a filter that cannot be read: ${JSON.stringify(rest.slice(0, 40))}`;
  const [all, left = '', operator, right = ''] = match;
  const inner = left === '' ? undefined : compileJsonPath(left);
  if (inner?.ok === false) return `has a filter that cannot be read: ${JSON.stringify(left)}`;
  const find = inner?.path.find ?? ((value: Json): readonly Json[] => [value]);
  const holds = operator === undefined ? undefined : comparison(operator, literalOf(right));
  const step: Step = (value, out) => {
    const items = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
    for (const item of items) {
      const found = find(item)[0];
      if (found !== undefined && (holds === undefined || holds(found))) out.push(item);
    }
  };
  return { step, end: at + all.length };
}

function literalOf(text: string): Json {
  if (text.startsWith("'") || text.startsWith('"')) return text.slice(1, -1).replace(/\\(.)/g, '$1');
  return JSON.parse(text) as Json;
}

/** Values of different types are never equal and have no order. */
function comparison(operator: string, right: Json): (left: Json) => boolean {
  switch (operator) {
    case '==':
      return (left) => left === right;
    case '!=':
      return (left) => left !== right;
    default:
      return (left) => typeof left === typeof right && left !== null && right !== null && inOrder(operator, left, right);
  }
}

function inOrder(operator: string, left: Exclude<Json, null>, right: Exclude<Json, null>): boolean {
  if (operator === '<') return left < right;
  if (operator === '<=') return left <= right;
  return operator === '>' ? left > right : left >= right;
}

/** The value at a path of names only, undefined when it is not there: what the scale subresource reads. */
export function valueAt(object: JsonObject, names: readonly string[]): Json | undefined {
  return names.reduce<Json | undefined>((at, name) => (isJsonObject(at) ? readerOf(name)(at) : undefined), object);
}
