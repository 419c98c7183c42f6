/**
 * Parses CEL expressions. The only door to the CEL library, of which the parser is used; types are checked and rules compiled by our own
 * cel-compile.ts, for the reasons in docs/decisions/0003-schema-and-cel.md.
 *
 * I1: length, number of nodes and depth of an expression are bounded before anything walks its syntax tree.
 */

import { Environment } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import { LIMITS } from '../../model/limits.ts';

/** A node of the syntax tree: `op` says what it is, `args` holds its parts; macros (`all`, `has`, ...) are plain calls here. */
export type CelNode = ASTNode;

export type ParsedCel = { readonly ok: true; readonly root: CelNode } | { readonly ok: false; readonly why: string };

const parser = new Environment({
  enableOptionalTypes: true,
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: LIMITS.celSyntaxNodes, maxDepth: LIMITS.celDepth },
});

/** The syntax tree of `source`, or why it has none. */
export function parseCel(source: string): ParsedCel {
  if (source.length > LIMITS.celExpressionChars) return { ok: false, why: `is longer than ${LIMITS.celExpressionChars} characters` };
  try {
    return { ok: true, root: parser.parse(source).ast };
  } catch (error) {
    return { ok: false, why: summaryOf(error) };
  }
}

/** The first line of the library's message: the rest repeats the expression with a marker. */
function summaryOf(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  return `syntax error: ${line}`;
}
