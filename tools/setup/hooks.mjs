/**
 * The commit hook: switched on in a checkout that has chosen none itself.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './machine.mjs';

/** Points git at .githooks when nothing is set. Never fails: a hook is a courtesy, `npm run check` is the law. */
export function installHooks() {
  if (process.env['CI'] !== undefined || !existsSync(join(ROOT, '.git'))) return;
  const set = spawnSync('git', ['config', '--get', 'core.hooksPath'], { cwd: ROOT, encoding: 'utf8' });
  // 1: not set. Anything else: set already, or git is missing or unwilling.
  if (set.status !== 1) return;
  spawnSync('git', ['config', 'core.hooksPath', '.githooks'], { cwd: ROOT, stdio: 'ignore' });
}
