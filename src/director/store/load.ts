/**
 * Making this director's copy: a snapshot of all entities, and the newest history before it.
 *
 * I1: cache and recent history meet: the history ends at exactly the snapshot's revision.
 */

import { LIMITS } from '../../model/limits.ts';
import type { StoreBackend, StoreHead } from '../../ports/store.ts';
import { EntityCache } from './entity-cache.ts';
import { RecentHistory } from './recent-history.ts';
import type { HistoryBounds } from './recent-history.ts';
import { replayedEvent } from './replay.ts';
import type { LoadedCopy } from './replica.ts';
import { FOLLOW_PAGE } from './tuning.ts';

/** How much history is kept in memory, and how much of it is read back at a start. */
export interface RecentTuning extends HistoryBounds {
  readonly preload: number;
}

export const RECENT: RecentTuning = { events: LIMITS.recentEvents, bytes: LIMITS.recentBytes, preload: LIMITS.recentPreload };

export async function loadCopy(backend: StoreBackend, tuning: RecentTuning, signal: AbortSignal): Promise<LoadedCopy> {
  await backend.open(signal);
  const cache = new EntityCache(0);
  const head = await backend.snapshot((row) => cache.load(row), signal);
  cache.loaded(head.revision);
  return { head, cache, recent: await loadRecent(backend, head, tuning, signal) };
}

async function loadRecent(backend: StoreBackend, head: StoreHead, tuning: RecentTuning, signal: AbortSignal): Promise<RecentHistory> {
  const from = Math.max(head.compacted, head.revision - tuning.preload);
  const recent = new RecentHistory(from, tuning);
  let at = from;
  while (at < head.revision) {
    const page = await backend.replay(undefined, at, head.revision, FOLLOW_PAGE, signal);
    // Compacted meanwhile: then there is no history to begin with, which only costs resuming watches a way to the database.
    if (page === 'expired') return new RecentHistory(head.revision, tuning);
    for (const change of page.changes) recent.push(replayedEvent(change));
    at = page.through;
  }
  return recent;
}
