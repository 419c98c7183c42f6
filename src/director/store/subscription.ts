/**
 * One subscription: its position, and whether events reach it as they happen or are replayed to it.
 *
 * States: `behind` (its pump replays), `live` (the fan-out tells it), `paused` (only the position is kept), `over`.
 *
 * I1: the position only rises, and every event in scope at or below it has been handed to the sink exactly once.
 * I2: after `over` the sink is never called again; `end` is called at most once and only by the store.
 */

import type { EventSink, StoreEvent, Subscription, SubscriptionEnd, WatchScope } from '../../ports/store.ts';
import { PIECE } from './fan-out.ts';
import type { Listener } from './fan-out.ts';

export interface SubscriptionHost {
  /** Up to where all live subscriptions have been told. */
  announced(): number;
  /** No more live: take it out of the fan-out. */
  leave(subscription: StoreSubscription): void;
  /** It is behind: start its pump, later. */
  replay(subscription: StoreSubscription): void;
  /** It is over: forget it. */
  forget(subscription: StoreSubscription): void;
}

type SubscriptionState = 'behind' | 'live' | 'paused' | 'over';

export class StoreSubscription implements Subscription, Listener {
  readonly scope: WatchScope;
  readonly #host: SubscriptionHost;
  readonly #sink: EventSink;
  #state: SubscriptionState = 'behind';
  #position: number;
  #delivering = false;

  constructor(host: SubscriptionHost, scope: WatchScope, position: number, sink: EventSink) {
    this.#host = host;
    this.scope = scope;
    this.#position = position;
    this.#sink = sink;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  revision(): number {
    return this.#state === 'live' && !this.#delivering ? this.#host.announced() : this.#position;
  }

  pause(): void {
    if (this.#state === 'over') return;
    this.#leave('paused');
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'behind';
    this.#host.replay(this);
  }

  close(): void {
    if (this.#state === 'over') return;
    this.#leave('over');
    this.#host.forget(this);
  }

  end(reason: SubscriptionEnd): void {
    if (this.#state === 'over') return;
    this.close();
    this.#sink.end(reason);
  }

  /** Its position has caught up with what was announced; from now on the fan-out tells it. */
  goLive(): void {
    this.#state = 'live';
  }

  /** Hands over events above its position, piece by piece, until it pauses or is over. */
  deliver(events: readonly StoreEvent[]): void {
    const state = this.#state;
    this.#delivering = true;
    for (let at = 0; at < events.length && this.#state === state; at += PIECE) {
      const piece = events.length <= PIECE ? events : events.slice(at, at + PIECE);
      this.#position = (piece.at(-1) as StoreEvent).entity.revision;
      this.#sink.events(piece);
    }
    this.#delivering = false;
  }

  /** Everything in scope up to `revision` has been handed over. */
  advance(revision: number): void {
    if (revision > this.#position) this.#position = revision;
  }

  #leave(next: 'paused' | 'over'): void {
    if (this.#state === 'live') {
      if (!this.#delivering) this.#position = this.#host.announced();
      this.#host.leave(this);
    }
    this.#state = next;
  }
}
