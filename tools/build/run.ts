/**
 * `npm run build`: compiles src to dist for publishing, because Node refuses to strip types below node_modules; and builds the console.
 *
 *     node tools/build/run.ts [--root FOLDER] [console]
 *
 * I1: dist holds what src holds and nothing else: it is built aside and put in place whole.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildConsole } from './console.ts';

const HOME = join(import.meta.dirname, '..', '..');

function build(root: string): number {
  const aside = join(root, `dist.${process.pid}`);
  const target = join(root, 'dist');
  try {
    const tsc = join(HOME, 'node_modules', '.bin', 'tsc');
    const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', aside], { cwd: root, stdio: 'inherit' });
    if (status !== 0) return 1;
    // What is not TypeScript (a shell shim, SQL) goes along as it is.
    cpSync(join(root, 'src'), aside, { recursive: true, filter: (path) => !/\.[cm]?tsx?$/.test(path) });
    rmSync(target, { recursive: true, force: true });
    renameSync(aside, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  const modules = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js')).length;
  console.log(`build: ${modules} modules in ${target}`);
  return modules > 0 ? 0 : 1;
}

const at = process.argv.indexOf('--root');
const root = at === -1 ? HOME : (process.argv[at + 1] ?? HOME);
const built = process.argv.at(-1) === 'console' ? 0 : build(root);
process.exitCode = built === 0 && existsSync(join(root, 'console')) ? buildConsole(root) : built;
