/**
 * watch: what happens after a revision, as a stream of lines, for as long as both sides like.
 *
 * I1: no event is lost or repeated between what the client said it knows and what it is sent; when that cannot be kept, 410 and the end.
 * I2: a client that reads slowly costs a position in history, not memory: its subscription pauses at a bound and goes on when it has read.
 *     One that reads nothing for long is cut off.
 * I3: all watches end when the server stops, cleanly, so that clients resume elsewhere.
 * I4: events of a kind with `gatherMs` are gathered that long at most after the write before them, and leave in order: what comes alone
 *     leaves at once, and a bookmark, an error and the end leave after what was gathered.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HttpStream } from '../../ports/http.ts';
import type { EntityStore, EventSink, StoredEntity, StoreEvent, Subscription, SubscriptionEnd } from '../../ports/store.ts';
import type { Selection } from './selection.ts';
import { expired, tooOld } from './status.ts';
import type { Refused } from './status.ts';
import { renderBatch, renderBookmark, renderError, renderInitial } from './watch-render.ts';
import type { Rendering } from './watch-render.ts';

export interface WatchStart {
  readonly rendering: Rendering;
  readonly selection: Selection;
  /** States to begin with, as of `revision`; undefined: none, only what comes after `revision`. */
  readonly initial: readonly StoredEntity[] | undefined;
  readonly revision: number;
  readonly bookmarks: boolean;
  /** Say when the initial states are through. */
  readonly endInitial: boolean;
  /** Undefined: as long as the server likes. */
  readonly timeoutMs: number | undefined;
}

export interface WatchHub {
  /** Returns how to end it, for when the peer has gone. */
  start(stream: HttpStream, start: WatchStart): () => void;
  count(): number;
  /** Ends all. */
  close(): void;
}

const TICK_MS = 500;
/** Gathered events never hold more than this; a write of this size costs nothing worth saving. */
const GATHERED_BYTES = 64 * 1024;

export function createWatchHub(store: EntityStore, clock: Clock, dice: () => number): WatchHub {
  const watches = new Set<Watch>();
  let closed = false;
  const timer = setInterval(() => {
    const nowMs = clock.monotonicMs();
    for (const watch of watches) watch.tick(nowMs);
  }, TICK_MS);
  timer.unref();
  return {
    start: (stream, start) => {
      if (closed) {
        stream.end();
        return () => undefined;
      }
      // As the reference: not all watches that began together end together.
      const lifetimeMs = start.timeoutMs ?? LIMITS.watchMaxMs * (0.5 + dice() / 2);
      const watch = new Watch({ store, clock }, stream, start, lifetimeMs, () => watches.delete(watch));
      watches.add(watch);
      watch.begin();
      return () => watch.finish();
    },
    count: () => watches.size,
    close: () => {
      closed = true;
      clearInterval(timer);
      for (const watch of watches) watch.finish();
    },
  };
}

interface WatchDeps {
  readonly store: EntityStore;
  readonly clock: Clock;
}

/** One watch: first its initial states, then what the store tells. */
class Watch implements EventSink {
  readonly #store: EntityStore;
  readonly #clock: Clock;
  readonly #stream: HttpStream;
  readonly #start: WatchStart;
  readonly #initial: Iterator<readonly Buffer[]> | undefined;
  readonly #endsMs: number;
  readonly #onOver: () => void;
  #subscription: Subscription | undefined;
  /** Tables name their columns in the first event only. */
  #first: boolean;
  #over = false;
  #paused = false;
  #unsentEvents = 0;
  #stalledSinceMs: number | undefined;
  #bookmarkMs: number;
  /** What waits to be written together (I4), and the timer that does it. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #gatherTimer: NodeJS.Timeout | undefined;
  #wroteMs = -Infinity;

  constructor(deps: WatchDeps, stream: HttpStream, start: WatchStart, lifetimeMs: number, onOver: () => void) {
    const nowMs = deps.clock.monotonicMs();
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#stream = stream;
    this.#start = start;
    this.#initial = start.initial === undefined ? undefined : renderInitial(start.initial, start.rendering);
    this.#first = start.initial === undefined || start.initial.length === 0;
    this.#endsMs = nowMs + lifetimeMs;
    this.#bookmarkMs = nowMs + LIMITS.bookmarkIntervalMs;
    this.#onOver = onOver;
  }

  begin(): void {
    this.#stream.onDrain(() => this.#pump());
    this.#pump();
  }

  /** Called by the store: a batch of events in scope. */
  events(batch: readonly StoreEvent[]): void {
    const bytes = renderBatch(batch, this.#start.rendering, this.#first);
    if (bytes === undefined) return;
    this.#first = false;
    this.#unsentEvents += batch.length;
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (!this.#mayGather()) this.#release();
  }

  /** I4: whether what was gathered may wait a little for more. */
  #mayGather(): boolean {
    const { gatherMs } = this.#start.rendering.type;
    if (gatherMs === 0 || this.#gatheredBytes >= GATHERED_BYTES) return false;
    if (this.#gatherTimer !== undefined) return true;
    const waitMs = this.#wroteMs + gatherMs - this.#clock.monotonicMs();
    if (waitMs <= 0) return false;
    this.#gatherTimer = setTimeout(() => this.#release(), waitMs).unref();
    return true;
  }

  /** Writes what was gathered; pauses when the peer does not keep up. */
  #release(): void {
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    if (this.#gathered.length === 0 || this.#stream.closed()) return;
    const [first] = this.#gathered;
    const bytes = this.#gathered.length === 1 && first !== undefined ? first : Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#start.rendering.type.gatherMs > 0) this.#wroteMs = this.#clock.monotonicMs();
    if (this.#stream.write(bytes)) this.#unsentEvents = 0;
    if (this.#unsentEvents < LIMITS.watcherQueueEvents && this.#stream.unsentBytes() < LIMITS.watcherQueueBytes) return;
    this.#paused = true;
    this.#subscription?.pause();
  }

  /** Called by the store: nothing more will come. */
  end(reason: SubscriptionEnd): void {
    if (reason === 'expired') this.#fail(tooOld(this.#start.revision, this.#store.revision()));
    else if (reason === 'era') this.#fail(expired('the store has begun a new era; list again, then watch from there'));
    else this.finish();
  }

  tick(nowMs: number): void {
    const stream = this.#stream;
    if (stream.closed()) return this.finish();
    this.#stalledSinceMs = stream.unsentBytes() === 0 ? undefined : (this.#stalledSinceMs ?? nowMs);
    if (this.#stalledSinceMs !== undefined && nowMs - this.#stalledSinceMs > LIMITS.sendStallMs) {
      stream.destroy();
      return this.finish();
    }
    const isLast = nowMs >= this.#endsMs;
    if (this.#start.bookmarks && this.#subscription !== undefined && !this.#paused && (isLast || nowMs >= this.#bookmarkMs)) {
      this.#bookmarkMs = nowMs + LIMITS.bookmarkIntervalMs;
      this.#bookmark(this.#subscription.revision(), false);
    }
    if (isLast) this.finish();
  }

  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#subscription?.close();
    this.#release();
    if (!this.#stream.closed()) this.#stream.end();
    this.#onOver();
  }

  /** Goes on with what waits: the initial states, or the subscription that was paused. */
  #pump(): void {
    this.#unsentEvents = 0;
    this.#stalledSinceMs = undefined;
    if (this.#over) return;
    if (this.#subscription !== undefined) {
      if (this.#paused) this.#subscription.resume();
      this.#paused = false;
      return;
    }
    while (this.#initial !== undefined && !this.#stream.closed()) {
      const next = this.#initial.next();
      if (next.done === true) break;
      this.#first = false;
      let isFree = true;
      for (const piece of next.value) isFree = this.#stream.write(piece);
      if (!isFree) return;
    }
    this.#follow();
  }

  #follow(): void {
    const { endInitial, revision, rendering, selection } = this.#start;
    if (endInitial) this.#bookmark(revision, true);
    const { group, plural: resource } = rendering.type;
    const started = this.#store.subscribe({ group, resource, ...scopeOf(selection) }, revision, this);
    if (started === 'expired') this.#fail(tooOld(revision, this.#store.revision()));
    else this.#subscription = started;
  }

  #bookmark(revision: number, endsInitial: boolean): void {
    this.#release();
    this.#stream.write(renderBookmark(this.#start.rendering, revision, endsInitial, this.#first));
    this.#first = false;
  }

  #fail(refusal: Refused): void {
    if (this.#over) return;
    this.#release();
    if (!this.#stream.closed()) this.#stream.write(renderError(refusal));
    this.finish();
  }
}

function scopeOf({ namespace, name }: Selection): { readonly namespace?: string; readonly name?: string } {
  if (namespace === undefined) return {};
  return name === undefined ? { namespace } : { namespace, name };
}
