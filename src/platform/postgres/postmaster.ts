/**
 * The running server of a data folder: found by its own pid file, and only believed after a look at the process.
 *
 * `postmaster.pid` (docs: "Database File Layout"): pid, data folder, start time, port, socket folder, address, shared memory, status. A pid there says
 * little: after a crash or a reboot it may be anybody's. A server of PostgreSQL works in its data folder, so the process's working folder tells.
 *
 * I1: a process is taken for the server of a folder only if it works in that folder and is the one that the pid file names.
 * I2: a pid file is removed only when nobody at all works in the folder, and somebody else has the pid; then the server itself would refuse to start.
 */

import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessId } from '../../ports/processes.ts';
import { allPids, processIdOf } from '../process-id.ts';

export interface Postmaster {
  readonly process: ProcessId;
  readonly port: number;
  readonly socketFolder: string;
}

/** The living server of `dataFolder`; undefined when there is none (yet). */
export function findPostmaster(dataFolder: string): Postmaster | undefined {
  const lines = readPidFile(dataFolder);
  if (lines === undefined) return undefined;
  const [pid, , , port, socketFolder] = lines;
  const process = processIdOf(Number(pid));
  if (process === undefined || !worksIn(process.pid, dataFolder)) return undefined;
  if (port === undefined || socketFolder === undefined || socketFolder === '') return undefined;
  return { process, port: Number(port), socketFolder };
}

/** Makes room for a new server where a crash left a pid file whose pid is now somebody else's. */
export function clearStalePidFile(dataFolder: string): void {
  const lines = readPidFile(dataFolder);
  if (lines === undefined || processIdOf(Number(lines[0])) === undefined) return;
  if (anybodyIn(dataFolder)) return;
  rmSync(join(dataFolder, 'postmaster.pid'), { force: true });
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

function readPidFile(dataFolder: string): string[] | undefined {
  try {
    return readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
}
