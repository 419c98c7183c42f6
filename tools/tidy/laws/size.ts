/**
 * Laws of size: a file, a function and a folder stay small enough to be read in one go.
 *
 * Callbacks handed straight to node:test (describe, test, it and the hooks) are not functions in this sense: they are the page a suite is written on.
 */
import { lineAt, ts, walk } from '../tree.ts';
import type { Finding, Law, Tree, TreeFile } from '../tree.ts';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;
/** `src/director/store/cache.ts` is three parts below `src`. */
const MAX_PARTS_BELOW_SRC = 3;
const TEST_CALLS = new Set(['describe', 'suite', 'test', 'it', 'before', 'after', 'beforeEach', 'afterEach']);

export const fileLength: Law = {
  name: 'file-length',
  perFile: true,
  judge: (tree) =>
    tree.code.flatMap((file) => {
      const lines = file.text.split('\n').length - 1;
      if (lines <= MAX_FILE_LINES) return [];
      return [
        { law: 'file-length', path: file.path, line: lines, says: `${lines} lines; at most ${MAX_FILE_LINES}: split it by what it does` },
      ];
    }),
};

export const functionLength: Law = {
  name: 'function-length',
  perFile: true,
  judge: (tree) => tree.code.flatMap(longFunctions),
};

export const folderDepth: Law = {
  name: 'folder-depth',
  perFile: true,
  judge: (tree: Tree) =>
    tree.code
      .filter((file) => file.path.startsWith('src/') && file.path.split('/').length - 1 > MAX_PARTS_BELOW_SRC)
      .map((file) => ({ law: 'folder-depth', path: file.path, line: 1, says: `deeper than ${MAX_PARTS_BELOW_SRC} parts below src` })),
};

function longFunctions(file: TreeFile): Finding[] {
  const findings: Finding[] = [];
  const source = file.syntax();
  walk(source, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined || isTestCallback(node)) return;
    const from = lineAt(file.text, node.getStart(source));
    const lines = lineAt(file.text, node.getEnd()) - from + 1;
    if (lines <= MAX_FUNCTION_LINES) return;
    findings.push({
      law: 'function-length',
      path: file.path,
      line: from,
      says: `a function of ${lines} lines; at most ${MAX_FUNCTION_LINES}`,
    });
  });
  return findings;
}

function isTestCallback(node: ts.Node): boolean {
  const call = node.parent;
  if (call === undefined || !ts.isCallExpression(call)) return false;
  let callee: ts.Expression = call.expression;
  while (ts.isPropertyAccessExpression(callee)) callee = callee.name.text === 'test' ? callee.name : callee.expression;
  return ts.isIdentifier(callee) && TEST_CALLS.has(callee.text);
}
