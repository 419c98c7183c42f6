/**
 * The commit hook: format and the laws of one file, on the staged content of the files in this commit.
 *
 * I1: it judges what will be committed (the index), never what else lies in the working folder, and changes nothing.
 * I2: it blocks a commit only for a finding; when it cannot judge (tools missing, git unwilling) it lets the commit pass and says so.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tidy } from '../tidy/main.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FORMATTED = /\.(?:[cm]?[jt]s|json)$/;
const MAX_BYTES = 64 * 1024 * 1024;

function git(args: readonly string[]): Buffer {
  const { status, stdout } = spawnSync('git', args, { cwd: ROOT, maxBuffer: MAX_BYTES });
  if (status !== 0) throw new Error(`git ${args[0]} failed`);
  return stdout;
}

/** Lays the staged content of the commit's files out in `folder`. */
function layOut(folder: string): string[] {
  const names = git(['diff', '--cached', '--name-only', '--diff-filter=ACMR', '-z']).toString('utf8').split('\0');
  const paths = names.filter((name) => name !== '');
  for (const path of paths) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), git(['show', `:${path}`]));
  }
  return paths;
}

function judge(folder: string): string[] {
  const paths = layOut(folder);
  if (paths.length === 0) return [];
  const complaints = tidy(folder, paths).findings.map((one) => `${one.path}:${one.line} ${one.law}: ${one.says}`);
  for (const config of ['.oxfmtrc.json', '.gitignore']) {
    if (existsSync(join(ROOT, config))) copyFileSync(join(ROOT, config), join(folder, config));
  }
  const formatted = paths.filter((path) => FORMATTED.test(path));
  if (formatted.length === 0) return complaints;
  const oxfmt = join(ROOT, 'node_modules', '.bin', 'oxfmt');
  const listed = spawnSync(process.execPath, [oxfmt, '--list-different', '--no-error-on-unmatched-pattern', ...formatted], {
    cwd: folder,
    encoding: 'utf8',
  });
  const unformatted = listed.stdout.split('\n').filter((path) => path !== '');
  return [...complaints, ...unformatted.map((path) => `${path} is not formatted: npx oxfmt ${path}, then git add it again`)];
}

function main(): number {
  const folder = mkdtempSync(join(tmpdir(), 'ot-hook-'));
  try {
    const complaints = judge(folder);
    for (const complaint of complaints) console.error(complaint);
    return complaints.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`The commit hook could not judge (${(error as Error).message}); the commit goes on.`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = main();
