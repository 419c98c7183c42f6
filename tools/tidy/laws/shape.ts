/**
 * Laws of shape: how a module opens, what it exports and what it is called.
 */
import { basename } from 'node:path';
import { headComment, lineAt, ts } from '../tree.ts';
import type { Finding, Law, TreeFile } from '../tree.ts';

/** Configuration files, and the reporter: their readers ask for a default export. */
const NEEDS_DEFAULT = /(?:\.config\.[cm]?[jt]s|^\.[\w-]+\.[cm]?js|^tools\/test\/reporter\.ts)$/;
const NO_NAMES = new Set(['util', 'utils', 'utilities', 'helper', 'helpers', 'misc', 'common']);
/** A head comment shorter than this says nothing (comment marks included). */
const MIN_HEAD_CHARS = 24;

export const headComments: Law = {
  name: 'head-comment',
  perFile: true,
  judge: (tree) =>
    tree.code.flatMap((file) => {
      const head = headComment(file);
      if (head.length >= MIN_HEAD_CHARS && !/^\/[/*]+\s*(?:oxlint|eslint|@ts)-/.test(head)) return [];
      return [{ law: 'head-comment', path: file.path, line: 1, says: 'opens without a comment that says what the file is and why' }];
    }),
};

export const defaultExports: Law = {
  name: 'default-export',
  perFile: true,
  judge: (tree) => tree.code.filter((file) => !NEEDS_DEFAULT.test(file.path)).flatMap(findDefaultExports),
};

export const barrels: Law = {
  name: 'barrel',
  perFile: true,
  judge: (tree) => tree.code.flatMap(findBarrel),
};

export const names: Law = {
  name: 'no-utils',
  perFile: true,
  judge: (tree) =>
    tree.code.flatMap((file) => {
      const part = file.path.split('/').find((piece) => NO_NAMES.has(piece.replace(/\..*$/, '').toLowerCase()));
      if (part === undefined) return [];
      return [
        { law: 'no-utils', path: file.path, line: 1, says: `"${part}" says nothing about what is inside: name it after what it does` },
      ];
    }),
};

/** A test that never runs proves nothing, and one that runs alone hides the others. */
export const noSkippedTests: Law = {
  name: 'no-skipped-tests',
  perFile: true,
  judge: (tree) =>
    tree.code
      .filter((file) => file.path.endsWith('.test.ts'))
      .flatMap((file) =>
        [...file.text.matchAll(/\b(?:test|it|describe|suite)\.(skip|only|todo)\b|\{\s*(skip|only|todo):\s*true/g)].map((match) => ({
          law: 'no-skipped-tests',
          path: file.path,
          line: lineAt(file.text, match.index),
          says: `"${match[1] ?? match[2]}" leaves tests out`,
        })),
      ),
};

function findDefaultExports(file: TreeFile): Finding[] {
  const isDefault = (statement: ts.Statement): boolean =>
    ts.isExportAssignment(statement) ||
    (ts.canHaveModifiers(statement) && (ts.getModifiers(statement) ?? []).some((one) => one.kind === ts.SyntaxKind.DefaultKeyword)) ||
    (ts.isExportDeclaration(statement) &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause) &&
      statement.exportClause.elements.some((element) => element.name.text === 'default'));
  return file
    .syntax()
    .statements.filter(isDefault)
    .map((statement) => ({
      law: 'default-export',
      path: file.path,
      line: lineAt(file.text, statement.getStart()),
      says: 'a default export: export it by name, so that it is called the same everywhere',
    }));
}

function findBarrel(file: TreeFile): Finding[] {
  const finding = (line: number, says: string): Finding => ({ law: 'barrel', path: file.path, line, says });
  if (/^index\.[cm]?[jt]s$/.test(basename(file.path))) return [finding(1, 'an index file: import from the file that holds it')];
  const { statements } = file.syntax();
  const reExports = statements.filter((one) => ts.isExportDeclaration(one)).filter((one) => one.moduleSpecifier !== undefined);
  const star = reExports.find((one) => one.exportClause === undefined);
  if (star !== undefined) return [finding(lineAt(file.text, star.getStart()), '"export *" hides where things come from')];
  const only = reExports.length > 0 && statements.every((one) => ts.isExportDeclaration(one) || ts.isImportDeclaration(one));
  return only ? [finding(1, 'does nothing but re-export: import from the file that holds it')] : [];
}
