/**
 * Says when the director stops answering though its process lives, and when it answers again.
 *
 * A process that ends is said, and started again, by its supervisor; one that hangs (stopped, out of memory, a disk that waits) is not: nothing but a
 * person may decide that it is to be killed, so a person has to hear of it.
 *
 * I1: one line when it has been silent for SILENT_MS, one when it answers; nothing while it is being started.
 */

import { isFault } from '../../model/fault.ts';
import type { Clock } from '../../ports/clock.ts';
import { renderSeconds } from '../screen.ts';

export interface DirectorWatchDeps {
  readonly clock: Clock;
  /** Whether a process that was ready once lives now. */
  readonly isAlive: () => boolean;
  /** One real question; resolves when it was answered, whatever with. Throws `Fault`, or the signal's reason. */
  readonly ask: (signal: AbortSignal) => Promise<unknown>;
  readonly say: (sentence: string) => void;
  readonly logFile: string;
}

const EVERY_MS = 1_000;
const SILENT_MS = 5_000;

/** Until the signal aborts. */
export async function watchDirector(deps: DirectorWatchDeps, signal: AbortSignal): Promise<void> {
  const { clock, isAlive, say, logFile } = deps;
  let answeredMs = clock.monotonicMs();
  let isSilent = false;
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const answers = isAlive() && (await isAnswered(deps, signal));
    const nowMs = clock.monotonicMs();
    if (answers && isSilent) say(`Director answers again, after ${renderSeconds(nowMs - answeredMs)}`);
    if (!isAlive() || answers) {
      answeredMs = nowMs;
      isSilent = false;
    } else if (!isSilent && nowMs - answeredMs >= SILENT_MS && !signal.aborted) {
      isSilent = true;
      say(`Director has not answered for ${renderSeconds(nowMs - answeredMs)}, though its process lives; look into ${logFile}`);
    }
  }
}

async function isAnswered({ ask }: DirectorWatchDeps, signal: AbortSignal): Promise<boolean> {
  try {
    await ask(AbortSignal.any([signal, AbortSignal.timeout(SILENT_MS)]));
    return true;
  } catch (cause) {
    if (isFault(cause) || signal.aborted || (cause as Error).name === 'TimeoutError') return false;
    throw cause;
  }
}
