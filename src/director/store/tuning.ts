/**
 * Small numbers of the store that nobody should have to set. What bounds memory or time for its callers stands in src/model/limits.ts.
 */

import type { BackoffPolicy } from '../../base/backoff.ts';

/** Between tries while the database does not answer. An embedded PostgreSQL is back in 0.13 s, a promoted standby in 0.3 s. */
export const STORE_BACKOFF: BackoffPolicy = { baseMs: 25, capMs: 1_000, jitter: 0.5 };

/** Changes read at once while catching up. */
export const FOLLOW_PAGE = 1_000;

/** After another director's write came between, this many batches take the lock first instead of guessing the revision. */
export const CAREFUL_BATCHES = 8;

/** Refusals are confirmed against the counter this often before the lock is taken to settle them. */
export const CONFIRM_TRIES = 3;

/** Revisions forgotten in one statement, so that compaction never holds the disk for long. */
export const COMPACT_PAGE = 5_000;
