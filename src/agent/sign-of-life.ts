/**
 * Shows this machine's host that the agent lives: replaces a small file each second, from the same event loop that does all of its work.
 *
 * I1: an agent that hangs or is stopped replaces nothing; one that works is never a second late for more than its own stalls.
 * I2: it is not worth a flush to disk, and a disk that refuses stops nothing: the host also looks whether the agent does any I/O.
 */

import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import { SIGN_OF_LIFE } from '../model/sign-of-life.ts';
import type { AgentDeps } from './deps.ts';

/** Until the signal aborts. */
export async function showLife({ dir, clock, files, log }: AgentDeps, signal: AbortSignal): Promise<void> {
  let wasRefused = false;
  for (let beat = 1; !signal.aborted; beat++) {
    try {
      files.writeText(`${dir}/${SIGN_OF_LIFE}`, `${clock.monotonicMs()} ${beat}\n`, 0o644);
      wasRefused = false;
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      if (!wasRefused) log.warn('The sign of life cannot be written.', { error: cause });
      wasRefused = true;
    }
    await clock.sleep(LIMITS.signOfLifeMs, signal).catch(() => undefined);
  }
}
