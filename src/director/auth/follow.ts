/**
 * Keeps something in step with one resource of the store.
 *
 * The store tells its subscribers in the same step in which its copy changes, so an index that is built this way is as fresh as a read of the
 * copy. When the store begins another life, the subscription ends, and everything is read anew.
 *
 * I1: `reset` comes first, and again whenever events were missed; `changed` tells every change after it, in order.
 */

import { assert } from '../../base/assert.ts';
import type { EntityStore, StoredEntity, StoreEvent } from '../../ports/store.ts';

export interface Follower {
  reset(all: readonly StoredEntity[]): void;
  changed(event: StoreEvent): void;
}

/** Returns how to stop. */
export function follow(store: EntityStore, group: string, resource: string, follower: Follower): () => void {
  let close: (() => void) | undefined;
  let stopped = false;
  const start = (): void => {
    if (stopped) return;
    const revision = store.revision();
    follower.reset(store.list(group, resource));
    const subscription = store.subscribe({ group, resource }, revision, {
      events: (batch) => {
        for (const event of batch) follower.changed(event);
      },
      // The copy is replaced after its subscribers were told, within the same step.
      end: (reason) => {
        if (reason !== 'closed') queueMicrotask(start);
      },
    });
    assert(subscription !== 'expired', 'history holds the revision that the copy is at');
    close = () => subscription.close();
  };
  start();
  return () => {
    stopped = true;
    close?.();
  };
}
