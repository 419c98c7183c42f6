/**
 * Law of the five words: revision (the store's order), generation (the spec's version), term (the primary's epoch), incarnation
 * (which life of a node) and era (which life of the store) are never swapped.
 *
 * All five are numbers, so the type checker lets one stand for another. This law reads names: a name that ends in one of the words
 * must not be given, or compared with, a name that ends in another; and there is no sixth word for them.
 */
import { lineAt, ts, walk } from '../tree.ts';
import type { Finding, Law, TreeFile } from '../tree.ts';

const WORDS = new Set(['revision', 'generation', 'term', 'incarnation', 'era']);
/** Kubernetes' own name for a revision. */
const SYNONYMS: Readonly<Record<string, string>> = { resourceversion: 'revision' };
const FOREIGN = /^(?!.*(?:unix|epoch(?:Ms|Seconds|Time|Day)))(?:.*[a-z0-9])?(?:epoch|Epoch|EPOCH)(?![a-z])/;
const PASSES_THROUGH = new Set(['Number', 'BigInt', 'String', 'parseInt']);
const COMPARISONS = new Set([
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.LessThanEqualsToken,
  ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken,
]);

export const fiveWords: Law = {
  name: 'five-words',
  perFile: true,
  judge: (tree) => tree.code.flatMap(swaps),
};

function swaps(file: TreeFile): Finding[] {
  const findings: Finding[] = [];
  walk(file.syntax(), (node) => {
    const says = foreignWord(node) ?? swapped(node);
    if (says !== undefined) findings.push({ law: 'five-words', path: file.path, line: lineAt(file.text, node.getStart()), says });
  });
  return findings;
}

function foreignWord(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node) || !FOREIGN.test(node.text)) return undefined;
  return `"${node.text}": say term (of a primary) or era (of the store)`;
}

function swapped(node: ts.Node): string | undefined {
  const pair = pairOf(node);
  if (pair === undefined) return undefined;
  const [left, right] = [wordOf(pair[0]), wordOf(pair[1])];
  if (left === undefined || right === undefined || left === right) return undefined;
  return `"${pair[0].getText()}" is a ${left}, "${pair[1].getText()}" is a ${right}: they are never swapped`;
}

function pairOf(node: ts.Node): readonly [ts.Node, ts.Node] | undefined {
  if (ts.isPropertyAssignment(node)) return [node.name, node.initializer];
  if (ts.isVariableDeclaration(node) && node.initializer !== undefined) return [node.name, node.initializer];
  if (ts.isBindingElement(node) && node.propertyName !== undefined) return [node.name, node.propertyName];
  if (ts.isBinaryExpression(node) && COMPARISONS.has(node.operatorToken.kind)) return [node.left, node.right];
  return undefined;
}

function wordOf(node: ts.Node): string | undefined {
  if (ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node) || ts.isAsExpression(node)) return wordOf(node.expression);
  if (ts.isPropertyAccessExpression(node)) return wordOf(node.name);
  if (ts.isCallExpression(node)) {
    const argument = node.arguments[0];
    return argument !== undefined && PASSES_THROUGH.has(node.expression.getText()) ? wordOf(argument) : undefined;
  }
  if (!ts.isIdentifier(node) && !ts.isStringLiteral(node)) return undefined;
  if (ts.isStringLiteral(node) && !ts.isPropertyAssignment(node.parent)) return undefined;
  const synonym = SYNONYMS[node.text.toLowerCase()];
  if (synonym !== undefined) return synonym;
  const last = node.text
    .split(/(?=[A-Z][a-z])|[_\W]/)
    .at(-1)
    ?.toLowerCase();
  return last !== undefined && WORDS.has(last) ? last : undefined;
}
