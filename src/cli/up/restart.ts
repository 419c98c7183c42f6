/**
 * When a part that ended is started again, and when it is given up: pure arithmetic over what was seen of it.
 *
 * I1: the first restart comes within a second.
 * I2: a part that was ready once is never given up; one that never was is given up after `TRIES_BEFORE_READY` starts, or at once when its
 *     exit code says that trying again cannot help (usage, refused).
 */

import { backoffMs } from '../../base/backoff.ts';
import type { ProcessExit } from '../../ports/processes.ts';

export interface PartHistory {
  /** Ends in a row, each soon after the start. */
  readonly failures: number;
  readonly wasReady: boolean;
}

export type RestartDecision =
  | { readonly action: 'restart'; readonly afterMs: number; readonly history: PartHistory }
  | { readonly action: 'giveUp' };

export const FRESH_PART: PartHistory = { failures: 0, wasReady: false };

const TRIES_BEFORE_READY = 3;
/** A part that ran this long starts its back-off anew. */
const RESET_AFTER_MS = 30_000;
const BACKOFF = { baseMs: 200, capMs: 5_000, jitter: 0.2 };
const HOPELESS_EXIT_CODES: readonly (number | null)[] = [2, 3];

export function afterEnd(
  history: PartHistory,
  end: { readonly exit: ProcessExit; readonly ranMs: number; readonly ready: boolean },
  dice: number,
): RestartDecision {
  const wasReady = history.wasReady || end.ready;
  const failures = end.ranMs >= RESET_AFTER_MS ? 1 : history.failures + 1;
  if (!wasReady && (failures >= TRIES_BEFORE_READY || HOPELESS_EXIT_CODES.includes(end.exit.exitCode))) return { action: 'giveUp' };
  return { action: 'restart', afterMs: backoffMs(BACKOFF, failures, dice), history: { failures, wasReady } };
}

/** `was ended by SIGKILL`, `ended with exit code 1`. */
export function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `ended with exit code ${exit.exitCode ?? 'unknown'}` : `was ended by ${exit.signal}`;
}
