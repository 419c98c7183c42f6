/**
 * Taking in what was read back from history.
 */

import type { HistoryChange, StoreEvent } from '../../ports/store.ts';
import type { Replica } from './replica.ts';

/** Applies the changes that follow the copy without a gap; what comes after a gap (another era's) is left. Returns their events. */
export function applyFollowed(replica: Replica, changes: readonly HistoryChange[]): StoreEvent[] {
  const gap = changes.findIndex((change, i) => change.revision !== replica.revision + 1 + i);
  return replica.apply(gap === -1 ? changes : changes.slice(0, gap));
}
