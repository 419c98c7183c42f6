/**
 * Eras: judging what a caller claims to have seen, and where a new era begins.
 *
 * I1: a new era begins above every revision that an honest store with a sane clock can have served before.
 * I2: nobody can drive the revision out of range by claiming to have seen an absurd one.
 * I3: claims open few eras: each one ends every watch and makes every director load anew, and any node's certificate may claim.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Era, EraSighting } from '../../ports/store.ts';

/** Revisions a second that an era's beginning leaves room for: far more than any store commits. */
const REVISIONS_PER_SECOND = 2 ** 20;
/** How wrong the clocks of honest machines may be. */
const CLOCK_TOLERANCE_MS = 366 * 24 * 3600 * 1000;
/** So many restores, promotions and migrations may have passed this store by; more is a lie, and would use up the numbers. */
const ERA_JUMP_MAX = 1_000;

/** Where an era begins at `nowMs`: above `revision`, so that even who saw that one is told that its history is gone. */
export function eraStart(revision: number, nowMs: number): number {
  return Math.max(revision + 1, Math.floor(nowMs / 1000) * REVISIONS_PER_SECOND);
}

export interface OurEra {
  readonly era: Era;
  readonly revision: number;
  readonly nowMs: number;
}

/** `opened` here means: one has to be opened. */
export function sightEra(ours: OurEra, seen: { readonly era: Era; readonly revision: number }): EraSighting {
  if (!Number.isSafeInteger(seen.era.number) || seen.era.number < 1 || seen.era.number > ours.era.number + ERA_JUMP_MAX)
    return 'implausible';
  if (!Number.isSafeInteger(seen.revision) || seen.revision < 0) return 'implausible';
  if (seen.revision > eraStart(ours.revision, ours.nowMs + CLOCK_TOLERANCE_MS)) return 'implausible';
  if (seen.era.number !== ours.era.number) return seen.era.number > ours.era.number ? 'opened' : 'known';
  if (seen.era.id !== ours.era.id) return 'foreign';
  return seen.revision > ours.revision ? 'opened' : 'known';
}

/** When claims opened an era, `nowMs` included, as of the last LIMITS.eraOpeningsWindowMs; undefined: they have opened enough of them. */
export function openedBy(openedMs: readonly number[], nowMs: number): readonly number[] | undefined {
  const recent = openedMs.filter((at) => nowMs - at < LIMITS.eraOpeningsWindowMs);
  return recent.length < LIMITS.eraOpenings ? [...recent, nowMs] : undefined;
}
