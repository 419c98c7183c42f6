/**
 * The orphan guard: after a layer that starts processes, none of them may be left.
 *
 * A process belongs to the run when its OUTRIGGER_DATA, its working folder or its command line points into the run's temporary folder
 * (PostgreSQL does not carry our variables, but works in its data folder).
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Orphan {
  readonly pid: number;
  readonly command: string;
}

/** What is on its way out when the last test ends gets this long. */
const GRACE_MS = 10_000;
const POLL_MS = 100;

/** Processes that still belong to the run after a short grace, killed so that the next layer starts clean. Linux only, by /proc. */
export async function killOrphans(runFolder: string): Promise<readonly Orphan[]> {
  const deadline = performance.now() + GRACE_MS;
  let found = findOrphans(runFolder);
  while (found.length > 0 && performance.now() < deadline) {
    await sleep(POLL_MS);
    found = findOrphans(runFolder);
  }
  for (const { pid } of found) tryKill(pid);
  return found;
}

export function findOrphans(runFolder: string): Orphan[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
      const environment = read(`/proc/${name}/environ`).split('\0');
      const isOurs =
        environment.some((line) => line.startsWith(`OUTRIGGER_DATA=${runFolder}/`)) ||
        link(`/proc/${name}/cwd`).startsWith(`${runFolder}/`) ||
        command.includes(`${runFolder}/`);
      const isGone = /^State:\s+Z/m.test(read(`/proc/${name}/status`));
      return isOurs && !isGone ? [{ pid: Number(name), command: command.slice(0, 200) }] : [];
    });
}

/** Empty for what is gone or not ours to read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
