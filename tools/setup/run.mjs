/**
 * The one way in: sets the checkout up when that is needed, then carries out a command under the pinned Node 24.
 *
 *     node tools/setup/run.mjs setup|start|test|check|build|bench [ARGUMENT...]
 *
 * Plain JavaScript without a single package, because it runs first, on whatever Node the machine has (18 or newer).
 *
 * I1: a checkout whose packages agree with its lock file is never installed again, and needs no right to write.
 * I2: two set-ups in one checkout never run at once; one whose process is dead holds up nobody.
 * I3: whatever fails is told as a sentence that says what to do.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { installAptPackages } from './apt.mjs';
import { install } from './install.mjs';
import { ensureConsole } from './console.mjs';
import { ensureKubectl } from './kubectl.mjs';
import { installHooks } from './hooks.mjs';
import { MODULES, ROOT, SetupError, node24Path, say } from './machine.mjs';

/** @type {Readonly<Record<string, (args: string[]) => string[]>>} What each command runs under Node 24. */
const COMMANDS = {
  start: (args) => [join(ROOT, 'src', 'main', 'outrigger.ts'), 'up', ...args],
  test: (args) => [join(ROOT, 'tools', 'test', 'run.ts'), ...args],
  check: (args) => [join(ROOT, 'tools', 'check', 'run.ts'), ...args],
  build: (args) => [join(ROOT, 'tools', 'build', 'run.ts'), ...args],
  bench: benchScript,
};

/**
 * @param {string[]} args the bench's name, then its own arguments
 * @returns {string[]}
 */
function benchScript([name, ...args]) {
  if (name === undefined) throw new SetupError('Say which bench to run, for example: npm run bench -- director', 2);
  const found = [`${name}/main.ts`, `${name}/run.ts`, `${name}.ts`]
    .map((path) => join(ROOT, 'bench', path))
    .find((path) => existsSync(path));
  if (found === undefined) throw new SetupError(`There is no bench called "${name}"; the folders of bench/ are their names.`, 2);
  return [found, ...args];
}

/**
 * Becomes the script under Node 24 where this Node can (no process in between), else runs it with our terminal, passes signals on, and
 * answers with its exit code.
 * @param {string[]} script
 * @returns {Promise<number>}
 */
function runUnderNode24(script) {
  return new Promise((resolve, reject) => {
    const path = `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
    const env = { ...process.env, ...compileCache(), PATH: path };
    if (typeof process.execve === 'function') process.execve(node24Path(), [node24Path(), ...script], env);
    const child = spawn(node24Path(), script, { stdio: 'inherit', env });
    // A terminal sends Ctrl-C to the whole group already; sent twice it would read as "stop at once".
    process.on('SIGINT', () => {
      if (!process.stdin.isTTY) child.kill('SIGINT');
    });
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    process.on('SIGHUP', () => child.kill('SIGHUP'));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

/**
 * Node keeps what it compiles and strips of types, for all processes that are started from here: each then starts in half the time, with
 * 40 MB less. Where the checkout may not be written, each data folder has its own.
 * @returns {Record<string, string>}
 */
function compileCache() {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return {};
  try {
    accessSync(MODULES, constants.W_OK);
    return { NODE_COMPILE_CACHE: join(MODULES, '.cache', 'outrigger', 'compile') };
  } catch {
    return {};
  }
}

/**
 * @param {string[]} argv
 * @returns {Promise<number>}
 */
async function main([verb, ...args]) {
  if (verb === undefined || (verb !== 'setup' && COMMANDS[verb] === undefined)) {
    throw new SetupError(`Use: node tools/setup/run.mjs setup|${Object.keys(COMMANDS).join('|')} [ARGUMENT...]`, 2);
  }
  await install();
  installHooks();
  if (verb === 'start' || verb === 'test') await ensureConsole();
  if (verb === 'test') {
    installAptPackages();
    for (const minor of ['32', '35']) ensureKubectl(minor);
  }
  const command = COMMANDS[verb];
  if (command === undefined) {
    say('ready.');
    return 0;
  }
  return runUnderNode24(command(args));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = error.exitCode;
}
