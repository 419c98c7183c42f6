/**
 * Compaction: forgetting superseded states that are older than what watches may resume from.
 *
 * Age is measured by this director itself: it notes which revision the store had when, on the machine's own steady clock, and lets go what has been
 * history for long enough since then. So no clock jump, here or at the database, can shorten history; a director that just started waits.
 *
 * I1: what is forgotten was superseded at least `historyMinMs` ago.
 * I2: tombstones are never forgotten (the backend keeps them).
 */

import { LIMITS } from '../../model/limits.ts';

export interface Mark {
  readonly atMs: number;
  readonly revision: number;
}

/** Notes are taken this often, so history is kept up to this much longer than promised. */
export const MARK_INTERVAL_MS = 30_000;

/** Adds the note of now, and drops those that a younger one of sufficient age replaces. */
export function addMark(marks: readonly Mark[], mark: Mark): Mark[] {
  const next = [...marks, mark];
  const old = next.findLastIndex((other) => mark.atMs - other.atMs >= LIMITS.historyMinMs);
  return old > 0 ? next.slice(old) : next;
}

/** Up to where history may be forgotten now; undefined: nothing is old enough. */
export function compactableThrough(marks: readonly Mark[], nowMs: number): number | undefined {
  return marks.findLast((mark) => nowMs - mark.atMs >= LIMITS.historyMinMs)?.revision;
}
