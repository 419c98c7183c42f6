/**
 * Pumps: what brings a subscription that is behind up to date, from recent history or from the database.
 *
 * I1: a subscription has at most one pump.
 * I2: between two pieces other work gets its turn, so a long replay neither blocks the director nor floods a socket that drains.
 * I3: a pump ends when its subscription is live, paused or over; trouble with the database only delays it.
 */

import { backoffMs } from '../../base/backoff.ts';
import { isFault } from '../../model/fault.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { ReplayChange, StoreBackend, StoredEntity, StoreEvent } from '../../ports/store.ts';
import { deletedEvent, makeEntity, writtenEvent } from './entity.ts';
import { inScope, PIECE } from './fan-out.ts';
import { tableName } from './key.ts';
import type { Replica } from './replica.ts';
import type { StoreSubscription } from './subscription.ts';
import { STORE_BACKOFF } from './tuning.ts';

export interface PumpDeps {
  readonly backend: StoreBackend;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Aborts when the store closes. */
  readonly signal: AbortSignal;
  readonly replica: () => Replica;
}

/** The event of a change that was read back from the database. */
export function replayedEvent(change: ReplayChange): StoreEvent {
  const previous = previousOf(change);
  if (change.body !== undefined) return writtenEvent(change, change.body, previous);
  // A deletion stands on the state before it, which compaction keeps for as long as the deletion can be replayed.
  return deletedEvent(change.revision, previous as StoredEntity);
}

function previousOf(change: ReplayChange): StoredEntity | undefined {
  if (change.previous === undefined || change.previousBody === undefined) return undefined;
  return makeEntity({ key: change.key, uid: change.uid, revision: change.previous }, change.previousBody);
}

/** Returns what starts the pump of a subscription, unless it has one. */
export function makePumps(deps: PumpDeps): (subscription: StoreSubscription) => void {
  const active = new Set<StoreSubscription>();
  return (subscription) => {
    if (active.has(subscription)) return;
    active.add(subscription);
    // Whoever resumes a subscription right after its pump saw the pause must find the pump gone: so it leaves the set in the same turn.
    pump(deps, subscription, () => active.delete(subscription)).catch((error: unknown) => {
      if (!deps.signal.aborted) throw error;
    });
  };
}

async function pump(deps: PumpDeps, subscription: StoreSubscription, onEnd: () => void): Promise<void> {
  let failures = 0;
  try {
    while (subscription.state === 'behind') {
      // Never from within the call that made it fall behind.
      await deps.clock.sleep(0, deps.signal);
      if (subscription.state !== 'behind') return;
      failures = await tryStep(deps, subscription, failures);
    }
  } finally {
    onEnd();
  }
}

/** One step; returns how many have failed in a row. */
async function tryStep(deps: PumpDeps, subscription: StoreSubscription, failures: number): Promise<number> {
  try {
    await step(deps, subscription);
    return 0;
  } catch (error) {
    if (!isFault(error)) throw error;
    deps.log.warn('A watch that resumes waits for the database.', { fault: error.code, reason: error.message });
    await deps.clock.sleep(backoffMs(STORE_BACKOFF, failures + 1, deps.random.float()), deps.signal);
    return failures + 1;
  }
}

async function step(deps: PumpDeps, subscription: StoreSubscription): Promise<void> {
  const replica = deps.replica();
  const from = subscription.revision();
  if (from < replica.recent.floor) {
    await stepFromDatabase(deps, subscription, from);
    return;
  }
  const { group, resource } = subscription.scope;
  const events = replica.recent.since(tableName(group, resource), from, PIECE);
  const through = events.length < PIECE ? replica.announced() : (events.at(-1) as StoreEvent).entity.revision;
  handOver(subscription, events, through);
  if (subscription.state === 'behind' && subscription.revision() === replica.announced()) replica.caughtUp(subscription);
}

async function stepFromDatabase(deps: PumpDeps, subscription: StoreSubscription, from: number): Promise<void> {
  const { group, resource } = subscription.scope;
  const through = deps.replica().announced();
  const page = await deps.backend.replay({ group, resource }, from, through, PIECE, deps.signal);
  if (subscription.state !== 'behind') return;
  if (page === 'expired') {
    subscription.end('expired');
    return;
  }
  handOver(subscription, page.changes.map(replayedEvent), page.through);
}

function handOver(subscription: StoreSubscription, events: readonly StoreEvent[], through: number): void {
  subscription.deliver(events.filter((event) => inScope(subscription.scope, event)));
  if (subscription.state === 'behind') subscription.advance(through);
}
