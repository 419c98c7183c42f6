/**
 * The console: built when it is missing or older than what it is made from, never otherwise.
 *
 * I1: "older" is judged by content: the stamp in console/dist is the hash of everything that goes into a build.
 * I2: a console that cannot be built keeps nobody from the rest; it is said, and the director says it too.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { ROOT, node24Path, say } from './machine.mjs';

export const STAMP_FILE = '.stamp';
const BUILD_TIMEOUT_MS = 120_000;
/** What the console imports, besides its own files and packages. */
const SOURCES = ['console/src', 'console/public', 'src/base', 'src/model', 'src/decide'];
const FILES = ['console/index.html', 'console/vite.config.ts', 'console/tsconfig.json', 'tools/build/console.ts', 'package-lock.json'];

/**
 * @param {string} root of a checkout
 * @returns {string} of what a build is made from
 */
export function consoleStamp(root) {
  const hash = createHash('sha256');
  for (const path of [...FILES, ...SOURCES.flatMap((folder) => filesBelow(root, folder))]) {
    hash.update(`${path}\0`).update(existsSync(join(root, path)) ? readFileSync(join(root, path)) : '');
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]} sorted, relative to the root
 */
function filesBelow(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(root, `${folder}/${entry.name}`) : [`${folder}/${entry.name}`]))
    .sort();
}

function isCurrent() {
  const stamp = join(ROOT, 'console', 'dist', STAMP_FILE);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === consoleStamp(ROOT);
}

/** Builds the console where there is one to build, and it is not built as it is. */
export async function ensureConsole() {
  if (!existsSync(join(ROOT, 'console', 'vite.config.ts')) || isCurrent()) return;
  try {
    await withLock(async () => {
      if (isCurrent()) return;
      say('building the console (some seconds).');
      const { status } = spawnSync(node24Path(), [join(ROOT, 'tools', 'build', 'console.ts')], {
        stdio: 'inherit',
        timeout: BUILD_TIMEOUT_MS,
      });
      if (status !== 0) say('the console could not be built; everything else goes on without it.');
    });
  } catch (error) {
    say(`the console could not be built (${error instanceof Error ? error.message : String(error)}); everything else goes on without it.`);
  }
}
