/**
 * This director's copy of the store: the entities, the newest history, and everyone who is told of changes.
 *
 * Taking in changes and telling of them is one synchronous step, so whoever reads the copy and then subscribes, without awaiting in between,
 * misses nothing.
 *
 * I1: what is announced is what the copy holds.
 * I2: a subscription is live exactly when its position is what was announced.
 * I3: a copy that was replaced (another era, or fallen behind what history holds) ends all subscriptions.
 */

import { assert } from '../../base/assert.ts';
import type {
  Change,
  EntityKey,
  Era,
  EventSink,
  StoredEntity,
  StoreEvent,
  StoreHead,
  Subscription,
  SubscriptionEnd,
  WatchScope,
} from '../../ports/store.ts';
import { rowKey } from './entity-cache.ts';
import type { EntityCache } from './entity-cache.ts';
import { FanOut } from './fan-out.ts';
import { tableName } from './key.ts';
import type { RecentHistory } from './recent-history.ts';
import { StoreSubscription } from './subscription.ts';
import type { SubscriptionHost } from './subscription.ts';
import { RevisionWaiters } from './waiters.ts';

/** A copy as loaded, before it takes the place of the old one. */
export interface LoadedCopy {
  readonly head: StoreHead;
  readonly cache: EntityCache;
  readonly recent: RecentHistory;
}

export class Replica implements SubscriptionHost {
  readonly waiters = new RevisionWaiters();
  readonly #fanOut = new FanOut();
  readonly #subscriptions = new Set<StoreSubscription>();
  readonly #ahead = new Set<StoreSubscription>();
  readonly #startPump: (subscription: StoreSubscription) => void;
  #copy: LoadedCopy;
  #compacted: number;
  #announced: number;

  constructor(copy: LoadedCopy, startPump: (subscription: StoreSubscription) => void) {
    this.#copy = copy;
    this.#compacted = copy.head.compacted;
    this.#announced = copy.head.revision;
    this.#startPump = startPump;
  }

  get era(): Era {
    return this.#copy.head.era;
  }

  get revision(): number {
    return this.#copy.cache.revision;
  }

  get recent(): RecentHistory {
    return this.#copy.recent;
  }

  get compacted(): number {
    return this.#compacted;
  }

  announced(): number {
    return this.#announced;
  }

  get(key: EntityKey): StoredEntity | undefined {
    return this.#copy.cache.get(key);
  }

  list(group: string, resource: string, namespace?: string): StoredEntity[] {
    return this.#copy.cache.list(group, resource, namespace);
  }

  count(group: string, resource: string, namespace?: string): number {
    return this.#copy.cache.count(group, resource, namespace);
  }

  /** Entities of a resource as they were at `revision`, which recent history must still reach. Keyed by namespace and name. */
  statesAt(group: string, resource: string, revision: number): Map<string, StoredEntity | undefined> {
    return this.#copy.recent.statesAt(tableName(group, resource), revision, (entity) => rowKey(entity.key));
  }

  /** History is gone up to here. */
  noteCompacted(revision: number): void {
    if (revision > this.#compacted) this.#compacted = revision;
  }

  /** Takes in the changes that follow the copy's revision, tells everyone, and returns what was made of them. */
  apply(changes: readonly Change[]): StoreEvent[] {
    const events: StoreEvent[] = [];
    for (const change of changes) {
      const event = this.#copy.cache.apply(change);
      this.#copy.recent.push(event);
      events.push(event);
    }
    this.#fanOut.dispatch(events);
    this.#announce();
    return events;
  }

  /** Puts another copy in the place of this one. Ends all subscriptions. */
  replace(copy: LoadedCopy, reason: SubscriptionEnd): void {
    assert(copy.head.revision >= this.revision, 'a copy is replaced by a younger one');
    this.endAll(reason);
    this.#copy = copy;
    this.#compacted = copy.head.compacted;
    this.#announce();
  }

  subscribe(scope: WatchScope, fromRevision: number, sink: EventSink): Subscription | 'expired' {
    assert(scope.name === undefined || scope.namespace !== undefined, 'a scope with a name has a namespace');
    if (fromRevision < this.#compacted) return 'expired';
    const subscription = new StoreSubscription(this, scope, fromRevision, sink);
    this.#subscriptions.add(subscription);
    // While changes are being told, what is announced trails the copy: a newcomer then is replayed to.
    if (fromRevision === this.#announced && this.#announced === this.revision) this.#goLive(subscription);
    else this.replay(subscription);
    return subscription;
  }

  /** To be called by a pump when the subscription has all that was announced. */
  caughtUp(subscription: StoreSubscription): void {
    assert(subscription.state === 'behind' && subscription.revision() === this.#announced, 'what goes live has caught up');
    this.#goLive(subscription);
  }

  endAll(reason: SubscriptionEnd): void {
    for (const subscription of Array.from(this.#subscriptions)) subscription.end(reason);
  }

  // SubscriptionHost

  leave(subscription: StoreSubscription): void {
    this.#fanOut.remove(subscription);
  }

  replay(subscription: StoreSubscription): void {
    if (subscription.revision() > this.#announced) this.#ahead.add(subscription);
    else this.#startPump(subscription);
  }

  forget(subscription: StoreSubscription): void {
    this.#subscriptions.delete(subscription);
    this.#ahead.delete(subscription);
  }

  #goLive(subscription: StoreSubscription): void {
    subscription.goLive();
    this.#fanOut.add(subscription);
  }

  #announce(): void {
    this.#announced = this.revision;
    for (const subscription of this.#ahead) {
      if (subscription.revision() > this.#announced) continue;
      this.#ahead.delete(subscription);
      this.#startPump(subscription);
    }
    this.waiters.reached(this.#announced);
  }
}
