/**
 * Law of purity: thinking has no clock, no chance, no waiting and no world.
 *
 * Time, state and events come in as values, so that the simulator can replay any run from one seed. Also here: settings reach
 * the code through one table, so nobody but the composition roots and the platform reads the environment.
 */
import { lineAt, ts, walk } from '../tree.ts';
import type { Finding, Law, TreeFile } from '../tree.ts';

const PURE = /^src\/(?:base|model|decide)\//;
const READS_ENVIRONMENT = /^src\/(?:platform|main)\//;
const WORLD = new Set([
  'performance',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Promise',
  'fetch',
  'console',
  'crypto',
  'globalThis',
  'require',
]);

export const purity: Law = {
  name: 'purity',
  perFile: true,
  judge: (tree) => tree.code.filter((file) => PURE.test(file.path)).flatMap(impurities),
};

export const environmentDoor: Law = {
  name: 'environment-door',
  perFile: true,
  judge: (tree) =>
    tree.code
      .filter((file) => file.path.startsWith('src/') && !READS_ENVIRONMENT.test(file.path))
      .flatMap((file) => {
        const findings: Finding[] = [];
        walk(file.syntax(), (node) => {
          if (!ts.isPropertyAccessExpression(node) || node.getText() !== 'process.env') return;
          const says = 'reads process.env: settings come in from src/main, by the table in src/model/settings.ts';
          findings.push({ law: 'environment-door', path: file.path, line: lineAt(file.text, node.getStart()), says });
        });
        return findings;
      }),
};

function impurities(file: TreeFile): Finding[] {
  const findings: Finding[] = [];
  const own = declaredNames(file);
  walk(file.syntax(), (node) => {
    const what = impurity(node, own);
    if (what === undefined) return;
    findings.push({
      law: 'purity',
      path: file.path,
      line: lineAt(file.text, node.getStart()),
      says: `${what} in pure code: take it in as a value`,
    });
  });
  return findings;
}

function impurity(node: ts.Node, own: ReadonlySet<string>): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isAwaitExpression(node)) return 'await';
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return 'import()';
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText().replace(/\s+/g, '');
    return text === 'Date.now' || text === 'Math.random' ? text : undefined;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) return 'new Date()';
  if (ts.isCallExpression(node) && node.expression.getText() === 'Date') return 'Date()';
  if (ts.isIdentifier(node) && WORLD.has(node.text) && !own.has(node.text) && isUse(node)) return node.text;
  return undefined;
}

/** Names bound in the file itself: a parameter called `process` is not Node's. */
function declaredNames(file: TreeFile): ReadonlySet<string> {
  const own = new Set<string>();
  walk(file.syntax(), (node) => {
    const binds = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node) || ts.isImportSpecifier(node);
    const named = binds || ts.isFunctionDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node);
    if (named && node.name !== undefined && ts.isIdentifier(node.name)) own.add(node.name.text);
  });
  return own;
}

/** False for the name after a dot, a key of an object and the name of a member: those are words, not uses. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (ts.isQualifiedName(parent) && parent.right === node) return false;
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isMethodDeclaration(parent);
  return !(isMember && parent.name === node);
}
