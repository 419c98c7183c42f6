/**
 * One set-up at a time: a lock file in `.cache/`, held by a process that is known by its pid and start time.
 *
 * I1: the lock appears whole, by link(2), which exactly one process can do.
 * I2: a lock whose process is gone (or whose pid is somebody else's by now) is taken over; taking over is itself guarded, because two who
 *     both see a stale lock must not both remove it: the second would remove the first one's new lock.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, SetupError, say } from './machine.mjs';

const WAIT_MS = 20 * 60_000;
const POLL_MS = 200;
/** Taking over lasts a few milliseconds; a guard older than this was left by a crash. */
const GUARD_STALE_MS = 10_000;

/**
 * Runs `work` while holding the lock; waits for another set-up that is still alive.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} [path] where the lock lies
 * @returns {Promise<T>}
 */
export async function withLock(work, path = join(ROOT, '.cache', 'setup.lock')) {
  await acquire(path);
  const release = () => rmSync(path, { force: true });
  process.on('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** @param {string} path */
async function acquire(path) {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw explained(error, path);
  }
  const deadline = Date.now() + WAIT_MS;
  let told = false;
  while (!tryCreate(path)) {
    const holder = readHolder(path);
    if (holder === undefined || !isAlive(holder)) {
      takeOver(path);
    } else if (!told) {
      say(`another set-up is running here (process ${holder.pid}); waiting for it.`);
      told = true;
    }
    if (Date.now() > deadline) {
      throw new SetupError(`Another set-up (process ${holder?.pid}) has held ${path} for too long; stop it, then try again.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * @param {string} path
 * @returns {boolean} whether the lock is ours now
 */
function tryCreate(path) {
  const aside = `${path}.${process.pid}`;
  try {
    writeFileSync(aside, JSON.stringify({ pid: process.pid, startTicks: startTicks(process.pid) }));
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw explained(error, path);
  } finally {
    rmSync(aside, { force: true });
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? '';
}

/**
 * @param {unknown} error
 * @param {string} path
 * @returns {unknown} a sentence for what a person can mend, else the error itself
 */
function explained(error, path) {
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(codeOf(error))) {
    return new SetupError(
      `Cannot write to ${dirname(path)} as this user; run as the owner of the checkout, or clone it into a folder of your own.`,
    );
  }
  if (codeOf(error) === 'ENOSPC') return new SetupError(`The disk of ${dirname(path)} is full; free about 1 GB, then try again.`);
  return error;
}

/**
 * @param {string} path
 * @returns {{ pid: number, startTicks: string } | undefined} undefined when there is no readable holder
 */
function readHolder(path) {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8'));
    return typeof holder.pid === 'number' ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function takeOver(path) {
  const guard = `${path}.takeover`;
  try {
    writeFileSync(guard, String(process.pid), { flag: 'wx' });
  } catch {
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > GUARD_STALE_MS) rmSync(guard, { force: true });
    return;
  }
  try {
    const holder = readHolder(path);
    if (holder !== undefined && isAlive(holder)) return;
    const aside = `${path}.${process.pid}.stale`;
    renameSync(path, aside);
    rmSync(aside, { force: true });
    say('took over from a set-up that ended before it was done.');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  } finally {
    rmSync(guard, { force: true });
  }
}

/** @param {{ pid: number, startTicks: string }} holder */
function isAlive(holder) {
  const ticks = startTicks(holder.pid);
  return ticks !== '' && ticks === holder.startTicks;
}

/**
 * When a process started, in clock ticks since boot; empty when there is no such process. A pid alone may belong to another by now.
 * @param {number} pid
 */
export function startTicks(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
