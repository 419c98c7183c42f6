/**
 * What set-up knows of the machine and the checkout: where things are, whether this machine can run Outrigger at all, and how failure is told.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const MODULES = join(ROOT, 'node_modules');
const OLDEST_NODE = 18;
const OLDEST_NPM = 8;

/** A failure that a person can do something about: told as its sentence, without a stack. */
export class SetupError extends Error {
  /**
   * @param {string} message a sentence: what failed, why, what to do
   * @param {number} exitCode 1 failed, 2 used wrongly
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @param {string} text */
export function say(text) {
  console.log(`setup: ${text}`);
}

/** The pinned Node 24 of this checkout, whether it is there or not. */
export function node24Path() {
  return join(MODULES, `node-linux-${process.arch}`, 'bin', 'node');
}

export function isRoot() {
  return process.getuid?.() === 0;
}

/** Refuses a machine that cannot run Outrigger, before anything is downloaded to it. */
export function checkMachine() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    throw new SetupError(
      `Node ${process.versions.node} is too old to install packages with; install Node ${OLDEST_NODE} or newer (Outrigger brings its own Node 24).`,
    );
  }
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw new SetupError(
      `Outrigger runs on Linux, x64 or arm64; this is ${process.platform} ${process.arch}. Use a Linux machine, a virtual machine or a container.`,
    );
  }
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  if (report.header?.glibcVersionRuntime === undefined) {
    throw new SetupError(
      'This Linux has no glibc (Alpine?); the pinned Node and PostgreSQL need it. Use a Debian, Ubuntu, Fedora or SUSE based system.',
    );
  }
}

/**
 * How npm is called: by the npm that called us, else the one in the PATH.
 * @returns {{ command: string, args: string[] }}
 */
export function findNpm() {
  const caller = process.env['npm_execpath'];
  const npm =
    caller !== undefined && basename(caller) === 'npm-cli.js' && existsSync(caller)
      ? { command: process.execPath, args: [caller] }
      : { command: 'npm', args: [] };
  const version = spawnSync(npm.command, [...npm.args, '--version'], { encoding: 'utf8', timeout: 60_000 });
  if (version.error !== undefined || version.status !== 0) {
    throw new SetupError('npm was not found; install it (it comes with Node; on Debian: apt-get install npm), then try again.');
  }
  if (Number(version.stdout.trim().split('.')[0]) < OLDEST_NPM) {
    throw new SetupError(`npm ${version.stdout.trim()} is too old for the lock file; run: npm install -g npm@10`);
  }
  return npm;
}
