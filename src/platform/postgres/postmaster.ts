/**
 * The running server of a data folder: found by its own pid file, and only believed after a look at the process.
 *
 * `postmaster.pid` (docs: "Database File Layout"): pid, data folder, start time, port, socket folder, address, shared memory, status. A pid there says
 * little: after a crash or a reboot it may be anybody's. A server of PostgreSQL works in its data folder, so the process's working folder tells.
 *
 * I1: a process is taken for the server of a folder only if it works in that folder and is the one that the pid file names.
 * I2: a pid file is removed only when nobody at all works in the folder, and somebody else, or a zombie, has the pid; then the server itself would
 *     refuse to start.
 */

import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessId } from '../../ports/processes.ts';
import { allPids, processIdOf, statOf } from '../process-id.ts';

export interface Postmaster {
  readonly process: ProcessId;
  readonly port: number;
  readonly socketFolder: string;
}

/** The living server of `dataFolder`; undefined when there is none (yet). */
export function findPostmaster(dataFolder: string): Postmaster | undefined {
  const lines = readLines(join(dataFolder, 'postmaster.pid'));
  if (lines === undefined) return undefined;
  const [pid, , , port, socketFolder] = lines;
  const process = processIdOf(Number(pid));
  if (process === undefined || !worksIn(process.pid, dataFolder)) return undefined;
  if (port === undefined || socketFolder === undefined || socketFolder === '') return undefined;
  return { process, port: Number(port), socketFolder };
}

/**
 * Makes room for a new server where a crash left a pid file whose pid is now somebody else's, or a zombie's (a killed server that nobody has
 * reaped yet); and the same for the lock of its socket.
 */
export function clearStaleLocks(dataFolder: string, socketFolder: string, port: number): void {
  const files = [join(dataFolder, 'postmaster.pid'), join(socketFolder, `.s.PGSQL.${port}.lock`)];
  for (const file of files) {
    const pid = Number(readLines(file)?.[0]);
    // Of a pid that nobody has, the server itself finds out.
    if (statOf(pid) !== undefined && !anybodyIn(dataFolder)) rmSync(file, { force: true });
  }
}

/** True while any process, such as what an ended server left behind, works in the folder. */
export function anybodyIn(dataFolder: string): boolean {
  return allPids().some((pid) => worksIn(pid, dataFolder) && processIdOf(pid) !== undefined);
}

function worksIn(pid: number, dataFolder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataFolder);
  } catch {
    return false;
  }
}

function readLines(file: string): string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return undefined;
  }
}
