/**
 * Law of invariants: what a file of src/decide promises in its head comment (`I1: …`), a test names.
 *
 * The test must import that very file and bear the number in the name of a test, so that a promise without proof, and a proof without
 * its promise, both show. Checkers of the simulator count: they judge every run.
 */
import { posix } from 'node:path';
import { headComment, ts, walk } from '../tree.ts';
import type { Finding, Law, TreeFile } from '../tree.ts';

const PROVES = /^(?:tests|sim)\//;

export const invariants: Law = {
  name: 'invariants',
  perFile: false,
  judge: (tree) => {
    const proofs = tree.code.filter((file) => PROVES.test(file.path));
    return tree.code.filter((file) => file.path.startsWith('src/decide/')).flatMap((file) => unproved(file, proofs));
  },
};

function unproved(file: TreeFile, proofs: readonly TreeFile[]): Finding[] {
  const promised = new Set([...headComment(file).matchAll(/\bI(\d+)\b/g)].map((match) => `I${match[1]}`));
  if (promised.size === 0) return [];
  const importers = proofs.filter((proof) => imports(proof, file.path));
  const named = new Set(importers.flatMap((proof) => [...numbersInStrings(proof)]));
  const where = importers.length === 0 ? `no test imports ${file.path}` : `looked in ${importers.map((one) => one.path).join(', ')}`;
  return [...promised]
    .filter((number) => !named.has(number))
    .map((number) => ({ law: 'invariants', path: file.path, line: 1, says: `${number} is named by no test (${where})` }));
}

function imports(proof: TreeFile, path: string): boolean {
  return proof.syntax().statements.some((statement) => {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) return false;
    return posix.normalize(posix.join(posix.dirname(proof.path), statement.moduleSpecifier.text)) === path;
  });
}

function numbersInStrings(proof: TreeFile): Set<string> {
  const numbers = new Set<string>();
  walk(proof.syntax(), (node) => {
    if (!ts.isStringLiteralLike(node) && !ts.isTemplateHead(node) && !ts.isTemplateMiddleOrTemplateTail(node)) return;
    for (const match of node.text.matchAll(/\bI(\d+)\b/g)) numbers.add(`I${match[1]}`);
  });
  return numbers;
}
