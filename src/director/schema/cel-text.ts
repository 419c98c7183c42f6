/**
 * CEL's functions over texts: the standard ones, the strings extension and Kubernetes' regex library (`find`, `findAll`).
 *
 * Positions and lengths count code points. Patterns run on re2js through pattern.ts; one given as a literal is compiled with the rule, and
 * refuses it when it does not compile.
 *
 * I1: every function spends steps in proportion to the text that it reads or makes.
 */

import { method } from './cel-functions.ts';
import type { Overload } from './cel-functions.ts';
import { BOOL, INT, STRING, listOf } from './cel-types.ts';
import { CelFailure, spendFor } from './cel-values.ts';
import type { Env } from './cel-values.ts';
import { codePoints } from './json-values.ts';
import { compilePattern } from './pattern.ts';
import type { Pattern } from './pattern.ts';

/** What Go's unicode.IsSpace takes for white space; JS's trim differs in U+0085 and U+FEFF. */
const SPACE = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

const TEXTS = listOf(STRING);

export const TEXT: readonly Overload[] = [
  method('contains', [STRING, STRING], BOOL, (env, text: string, part: string) => (spendFor(env, text.length), text.includes(part))),
  method('startsWith', [STRING, STRING], BOOL, (_env, text: string, part: string) => text.startsWith(part)),
  method('endsWith', [STRING, STRING], BOOL, (_env, text: string, part: string) => text.endsWith(part)),
  method(
    'matches',
    [STRING, STRING],
    BOOL,
    (env, text: string, source: string) => (spendForMatch(env, text, source), patternOf(source).test(text)),
  ),
  method('find', [STRING, STRING], STRING, (env, text: string, source: string) => {
    spendForMatch(env, text, source);
    return patternOf(source).findAll(text, 1)[0] ?? '';
  }),
  method('findAll', [STRING, STRING], TEXTS, (env, text: string, source: string) => findAll(env, text, source, -1)),
  method('findAll', [STRING, STRING, INT], TEXTS, findAll),
  method('charAt', [STRING, INT], STRING, (env, text: string, at: number) => {
    const points = pointsOf(env, text);
    return points[position(at, points.length)] ?? '';
  }),
  method('indexOf', [STRING, STRING], INT, (env, text: string, part: string) => indexOf(env, text, part, 0)),
  method('indexOf', [STRING, STRING, INT], INT, indexOf),
  method('lastIndexOf', [STRING, STRING], INT, (env, text: string, part: string) => lastIndexOf(env, text, part, undefined)),
  method('lastIndexOf', [STRING, STRING, INT], INT, lastIndexOf),
  method('substring', [STRING, INT], STRING, (env, text: string, from: number) => substring(env, text, from, undefined)),
  method('substring', [STRING, INT, INT], STRING, substring),
  method('lowerAscii', [STRING], STRING, (env, text: string) => changeCase(env, text, /[A-Z]+/g, (part) => part.toLowerCase())),
  method('upperAscii', [STRING], STRING, (env, text: string) => changeCase(env, text, /[a-z]+/g, (part) => part.toUpperCase())),
  method('trim', [STRING], STRING, trim),
  method('split', [STRING, STRING], TEXTS, (env, text: string, separator: string) => split(env, text, separator, -1)),
  method('split', [STRING, STRING, INT], TEXTS, split),
  method('replace', [STRING, STRING, STRING], STRING, (env, text: string, from: string, to: string) => replace(env, text, from, to, -1)),
  method('replace', [STRING, STRING, STRING, INT], STRING, replace),
  method('join', [TEXTS], STRING, (env, texts: string[]) => join(env, texts, '')),
  method('join', [TEXTS, STRING], STRING, join),
];

function replace(env: Env, text: string, from: string, to: string, limit: number): string {
  spendFor(env, text.length);
  const parts = from === '' ? ['', ...Array.from(text)] : text.split(from);
  if (from === '') parts.push('');
  const most = limit < 0 ? parts.length - 1 : Math.min(limit, parts.length - 1);
  spendFor(env, most * to.length);
  const changed = parts.slice(0, most + 1).join(to);
  return most === parts.length - 1 ? changed : `${changed}${from}${parts.slice(most + 1).join(from)}`;
}

const recent = new Map<string, Pattern>();

/** The compiled pattern of `source`; the most recent are kept. */
function patternOf(source: string): Pattern {
  const known = recent.get(source);
  if (known !== undefined) return known;
  const result = compilePattern(source);
  if (!result.ok) throw new CelFailure(`the pattern ${result.why}`);
  if (recent.size >= 256) recent.delete(recent.keys().next().value ?? '');
  recent.set(source, result.pattern);
  return result.pattern;
}

/** Matching takes time in proportion to the text and, at worst, to the pattern. */
function spendForMatch(env: Env, text: string, source: string): void {
  spendFor(env, text.length * (1 + (source.length >>> 3)));
}

function findAll(env: Env, text: string, source: string, limit: number): string[] {
  spendForMatch(env, text, source);
  return patternOf(source).findAll(text, limit);
}

/** The text by code points: itself where each is one code unit. */
function pointsOf(env: Env, text: string): string | readonly string[] {
  spendFor(env, text.length);
  return /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;
}

function piece(points: string | readonly string[], from: number, to: number): string {
  return typeof points === 'string' ? points.slice(from, to) : points.slice(from, to).join('');
}

function position(at: number, length: number): number {
  if (at >= 0 && at <= length) return at;
  throw new CelFailure(`index out of range: ${at}`);
}

function indexOf(env: Env, text: string, part: string, from: number): number {
  const points = pointsOf(env, text);
  if (part === '') return position(from, points.length);
  if (from !== 0 || points.length > 0) position(from, points.length - (from === 0 ? 0 : 1));
  const start = piece(points, 0, from).length;
  const found = text.indexOf(part, start);
  return found < 0 ? -1 : codePoints(text.slice(0, found));
}

function lastIndexOf(env: Env, text: string, part: string, from: number | undefined): number {
  const points = pointsOf(env, text);
  if (part === '') return from ?? points.length;
  if (from !== undefined) position(from, points.length - 1);
  const found = from === undefined ? text.lastIndexOf(part) : text.lastIndexOf(part, piece(points, 0, from).length);
  return found < 0 ? -1 : codePoints(text.slice(0, found));
}

function substring(env: Env, text: string, from: number, to: number | undefined): string {
  const points = pointsOf(env, text);
  const end = position(to ?? points.length, points.length);
  if (from > end) throw new CelFailure(`invalid substring range: start ${from}, end ${end}`);
  return piece(points, position(from, points.length), end);
}

function changeCase(env: Env, text: string, letters: RegExp, change: (part: string) => string): string {
  spendFor(env, text.length);
  return text.replace(letters, change);
}

function trim(env: Env, text: string): string {
  spendFor(env, text.length);
  let from = 0;
  let to = text.length;
  while (from < to && SPACE.test(text.charAt(from))) from++;
  while (to > from && SPACE.test(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

function split(env: Env, text: string, separator: string, limit: number): string[] {
  spendFor(env, 16 * text.length);
  if (limit === 0) return [];
  if (limit === 1) return [text];
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  if (limit < 0 || parts.length <= limit) return parts;
  return [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

function join(env: Env, texts: readonly string[], separator: string): string {
  spendFor(
    env,
    texts.reduce((sum, text) => sum + text.length + separator.length, 16),
  );
  return texts.join(separator);
}
