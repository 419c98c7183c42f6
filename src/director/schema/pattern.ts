/**
 * Regular expressions that users write: `pattern` in schemas, `matches`, `find` and `findAll` in CEL. The only door to re2js.
 *
 * I1: no user's pattern ever reaches RegExp. re2js matches in time linear in the text, so a pattern cannot stop the director.
 * I2: a pattern is compiled when the schema is, and one that does not compile refuses the schema.
 */

import { RE2JS } from 're2js';
import { LIMITS } from '../../model/limits.ts';

export interface Pattern {
  readonly source: string;
  /** True when some part of `text` matches, as JSON schema and CEL have it; anchor with ^ and $ for the whole. */
  test(text: string): boolean;
  /** The matching parts of `text`, leftmost first, at most `limit` of them (all when negative). */
  findAll(text: string, limit: number): string[];
}

export type PatternResult = { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly why: string };

/** Compiles `source`. Lookaround and back-references are not RE2 and are refused with a sentence. */
export function compilePattern(source: string): PatternResult {
  if (source.length > LIMITS.patternChars) return { ok: false, why: `is longer than ${LIMITS.patternChars} characters` };
  try {
    const compiled = RE2JS.compile(source);
    return { ok: true, pattern: { source, test: (text) => compiled.test(text), findAll: (text, limit) => findAll(compiled, text, limit) } };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return { ok: false, why: `is not a regular expression that RE2 knows: ${why}` };
  }
}

function findAll(compiled: RE2JS, text: string, limit: number): string[] {
  const found: string[] = [];
  const matcher = compiled.matcher(text);
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}
