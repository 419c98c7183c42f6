/**
 * `outrigger down`: asks a running up to stop, or stops what a killed one left behind.
 *
 * I1: after it nothing of the folder lives, whoever started it.
 */

import { Fault } from '../../model/fault.ts';
import type { ExitCode } from '../../model/fault.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { UpDeps } from './deps.ts';
import { takeFolder } from './only-one.ts';
import { stopEverything } from './stop.ts';
import { shellWord } from './summary.ts';

const STOP_DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 50;

export async function runDown(deps: UpDeps, up: ProcessId | undefined, forced: AbortSignal): Promise<ExitCode> {
  if (up !== undefined && deps.processes.isAlive(up)) await stopUp(deps, up, forced);
  const giveBack = await takeFolder(deps, deps.paths);
  await stopEverything(deps, forced);
  giveBack();
  const again = `${deps.ownCommand} up --data ${shellWord(deps.paths.root)}`;
  deps.screen.line(`Nothing of ${deps.paths.root} runs any more. Everything is kept; start it again with "${again}".`);
  return 0;
}

async function stopUp(deps: UpDeps, up: ProcessId, forced: AbortSignal): Promise<void> {
  deps.screen.line(`Stopping outrigger up with pid ${up.pid}`);
  deps.processes.signalOne(up, 'SIGTERM');
  const untilMs = deps.clock.monotonicMs() + STOP_DEADLINE_MS;
  while (deps.processes.isAlive(up)) {
    if (deps.clock.monotonicMs() > untilMs) {
      throw new Fault(
        'DeadlineExceeded',
        `The outrigger up with pid ${up.pid} has not ended within ${STOP_DEADLINE_MS / 1000} s; kill it and try again.`,
      );
    }
    await deps.clock.sleep(LOOK_EVERY_MS, forced);
  }
}
