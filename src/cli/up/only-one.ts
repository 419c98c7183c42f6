/**
 * One `outrigger up` a data folder.
 *
 * I1: two ups of one machine never hold the same folder at the same time; one that was killed hinders nobody.
 */

import { Fault } from '../../model/fault.ts';
import type { Files } from '../../ports/files.ts';
import type { NameLocks } from '../../ports/name-lock.ts';
import type { Processes } from '../../ports/processes.ts';
import { UP_PART, readRunMark, removeRunMark, writeRunMark } from '../data-folder.ts';
import type { DataPaths } from '../data-folder.ts';
import { shellWord } from './summary.ts';

export interface FolderDeps {
  readonly files: Files;
  readonly processes: Processes;
  readonly locks: NameLocks;
  /** How a person calls this very program. */
  readonly ownCommand: string;
}

/** Takes the folder, which must exist; the function returned gives it back. Throws `Fault` AlreadyRunning, which names the pid of who has it. */
export async function takeFolder({ files, processes, locks, ownCommand }: FolderDeps, paths: DataPaths): Promise<() => void> {
  const held = await locks.hold(locks.nameOfFolder(paths.root));
  if (held === undefined) {
    const holder = readRunMark(files, paths, UP_PART);
    const pid = holder === undefined ? '' : ` with pid ${holder.pid}`;
    const [look, stop] = ['status', 'down'].map((verb) => `${ownCommand} ${verb} --data ${shellWord(paths.root)}`);
    throw new Fault(
      'AlreadyRunning',
      `An outrigger up${pid} already runs in ${paths.root}. Look at it with "${look}", stop it with "${stop}", or choose another folder with --data.`,
    );
  }
  writeRunMark(files, paths, UP_PART, processes.self());
  return () => {
    removeRunMark(files, paths, UP_PART);
    held.release();
  };
}
