/**
 * The tree that the laws look at: which files the repository holds, their text, and their syntax where they have one.
 *
 * Files are listed by git (tracked and new, not ignored), so that a law can neither miss a file nor trip over what is built.
 * This is the only door to the TypeScript 6 parser: TypeScript 7, which checks types here, has no stable parser to call.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript-6';

export { ts };

/** One file of the tree. `path` is relative to the root, with forward slashes. */
export interface TreeFile {
  readonly path: string;
  readonly text: string;
  readonly isCode: boolean;
  /** Parsed on first use; only for code. */
  readonly syntax: () => ts.SourceFile;
}

export interface Tree {
  readonly root: string;
  readonly files: readonly TreeFile[];
  readonly code: readonly TreeFile[];
}

/** What a law found: the law's name, the place, and a sentence that says what to do. */
export interface Finding {
  readonly law: string;
  readonly path: string;
  readonly line: number;
  readonly says: string;
}

/** A law reads the tree and answers with what breaks it. `perFile` laws can be judged by one file alone (the commit hook runs those). */
export interface Law {
  readonly name: string;
  readonly perFile: boolean;
  readonly judge: (tree: Tree) => readonly Finding[];
}

const CODE = /\.(?:[cm]?ts|[cm]?js|tsx|jsx)$/;
const TEXT =
  /(?:\.(?:[cm]?ts|[cm]?js|tsx|jsx|md|json|jsonc|ya?ml|sh|txt|sql|service|css|html|npmrc)|^\.ci\/run|^\.githooks\/[\w-]+|\.gitignore)$/;
/** Bigger files are data, not text that people wrote. */
const MAX_TEXT_BYTES = 2 * 1024 * 1024;

/** Paths that git knows or would add, sorted; ignored and deleted ones left out. Reading is safe in a folder of another user's too. */
export function listFiles(root: string): string[] {
  const out = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const paths = new Set(out.split('\0').filter((path) => path !== ''));
  return [...paths].filter((path) => existsSync(join(root, path))).sort();
}

export function isCodePath(path: string): boolean {
  return CODE.test(path);
}

/** Reads the given paths (all of the repository's when none are given) into a tree. */
export function readTree(root: string, paths: readonly string[] = listFiles(root)): Tree {
  const files = paths.filter((path) => TEXT.test(path) && isReadable(join(root, path))).map((path) => treeFile(root, path));
  return { root, files, code: files.filter((file) => file.isCode) };
}

function isReadable(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.isFile() && stat.size <= MAX_TEXT_BYTES;
}

function treeFile(root: string, path: string): TreeFile {
  const text = readFileSync(join(root, path), 'utf8');
  let parsed: ts.SourceFile | undefined;
  const syntax = (): ts.SourceFile => (parsed ??= ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, scriptKind(path)));
  return { path, text, isCode: isCodePath(path), syntax };
}

function scriptKind(path: string): ts.ScriptKind {
  if (/\.[jt]sx$/.test(path)) return ts.ScriptKind.TSX;
  return path.endsWith('js') ? ts.ScriptKind.JS : ts.ScriptKind.TS;
}

/** Line number, from 1, of a position in a file. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let index = text.indexOf('\n'); index !== -1 && index < position; index = text.indexOf('\n', index + 1)) line += 1;
  return line;
}

/** Calls `visit` for the node and all that is below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** The comment that opens a file (after `#!`), with its marks; empty when the file opens with anything else. */
export function headComment(file: TreeFile): string {
  const shebang = /^#![^\n]*\n/.exec(file.text)?.[0].length ?? 0;
  const body = file.text.slice(shebang);
  const ranges = ts.getLeadingCommentRanges(body, 0) ?? [];
  const first = ranges[0];
  if (first === undefined || body.slice(0, first.pos).trim() !== '') return '';
  const parts: string[] = [];
  let end = first.pos;
  for (const range of ranges) {
    const together = body.slice(end, range.pos).split('\n').length <= 2;
    if (!together) break;
    parts.push(body.slice(range.pos, range.end));
    end = range.end;
    if (range.kind === ts.SyntaxKind.MultiLineCommentTrivia) break;
  }
  return parts.join('\n');
}
