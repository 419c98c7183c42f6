/**
 * Small repositories that are broken on purpose: each guard must fail on one and name what is wrong.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';

export const HOME = join(import.meta.dirname, '..', '..');

const CONFIGS = [
  '.dependency-cruiser.cjs',
  '.oxlintrc.json',
  '.oxfmtrc.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'knip.json',
  'package.json',
  '.gitignore',
];

/** Opens a file as the law asks; canaries for other laws start with it. */
export const HEAD = '/** A file of a canary: it is here to be judged. */\n';

export interface Canary {
  readonly folder: string;
  readonly write: (files: Readonly<Record<string, string>>) => void;
}

/** A repository in a temporary folder with these files; gone when the test ends. */
export function canary(context: TestContext, files: Readonly<Record<string, string>>): Canary {
  const folder = mkdtempSync(join(tmpdir(), 'canary-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync('git', ['init', '-q', folder]);
  const write = (more: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };
  write(files);
  return { folder, write };
}

/** The same with the configuration of this repository and its packages, for the tools that read them. */
export function configuredCanary(context: TestContext, files: Readonly<Record<string, string>>): Canary {
  const made = canary(context, {});
  for (const config of CONFIGS) copyFileSync(join(HOME, config), join(made.folder, config));
  symlinkSync(join(HOME, 'node_modules'), join(made.folder, 'node_modules'));
  made.write(files);
  return made;
}

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program of this repository (`tools/…`), or one by its full path, in a canary; both streams together. */
export function runTool(
  canaryFolder: string,
  tool: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve(HOME, tool), ...args], {
    cwd: canaryFolder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  return { code: status, output: stdout + stderr };
}
