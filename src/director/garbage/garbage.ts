/**
 * The garbage collector: dependents of deleted owners, content of deleted namespaces, objects of deleted definitions, old events.
 *
 * Every director runs one. Each deletion is guarded by uid and revision and safe to repeat, so two that sweep at once only do the same work twice.
 *
 * I1: a deletion here makes it look at once; a deletion anywhere is found within the period.
 * I2: a failing store or a failing sweep is tried again; it never stops the director.
 */

import { isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Engine } from '../api/engine.ts';
import { sweepDefinitions } from './definitions.ts';
import { sweepEvents } from './events.ts';
import { sweepNamespaces } from './namespaces.ts';
import { sweepOwners } from './owners.ts';

export interface Garbage {
  /** There may be work. */
  hint(): void;
  /** Runs until the signal aborts. */
  run(): Promise<void>;
}

/** Known tombstones; more than this and they are asked for again. */
const KNOWN_TOMBSTONES = 10_000;
/** At most this share of the time is spent sweeping, so that a large store leaves room for its clients. */
const IDLE_SHARE = 9;
/** While something is pending (finalizers of others) it is looked at with this gap, doubling up to the period. */
const PENDING_GAP_MS = 250;

export function createGarbage(engine: Engine, signal: AbortSignal): Garbage {
  const bell: Bell = { rung: true, ring: undefined };
  return {
    hint: () => {
      bell.rung = true;
      bell.ring?.();
    },
    run: () => sweepForever(engine, bell, signal),
  };
}

interface Bell {
  /** Somebody rang since the last sweep began. */
  rung: boolean;
  /** Ends the wait that is under way. */
  ring: (() => void) | undefined;
}

async function sweepForever(engine: Engine, bell: Bell, signal: AbortSignal): Promise<void> {
  const { clock } = engine;
  const gone = new Map<string, boolean>();
  let eventsMs = Number.NEGATIVE_INFINITY;
  let pendingGapMs = PENDING_GAP_MS;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    bell.rung = false;
    const withEvents = startedMs - eventsMs > LIMITS.eventSweepMs;
    if (withEvents) eventsMs = startedMs;
    const pending = await sweep(engine, gone, withEvents, signal);
    if (gone.size > KNOWN_TOMBSTONES) gone.clear();
    const restMs = LIMITS.garbageGapMs + IDLE_SHARE * (clock.monotonicMs() - startedMs);
    await clock.sleep(Math.min(restMs, LIMITS.garbagePeriodMs), signal).catch(() => undefined);
    if (!bell.rung) await rest(pending ? pendingGapMs : LIMITS.garbagePeriodMs, bell, clock, signal);
    pendingGapMs = pending ? Math.min(pendingGapMs * 2, LIMITS.garbagePeriodMs) : PENDING_GAP_MS;
  }
}

/** Waits `ms`, or until the bell rings, or the signal aborts. */
async function rest(ms: number, bell: Bell, clock: Clock, signal: AbortSignal): Promise<void> {
  const rung = new AbortController();
  bell.ring = () => rung.abort();
  await clock.sleep(ms, AbortSignal.any([signal, rung.signal])).catch(() => undefined);
  bell.ring = undefined;
}

async function sweep(engine: Engine, gone: Map<string, boolean>, withEvents: boolean, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.store.fresh(signal);
    if (withEvents) await sweepEvents(engine, signal);
    const owners = await sweepOwners(engine, gone, signal);
    const namespaces = await sweepNamespaces(engine, signal);
    const definitions = await sweepDefinitions(engine, signal);
    return owners.pending || namespaces.pending || definitions.pending;
  } catch (error) {
    if (!isFault(error)) throw error;
    if (!signal.aborted) engine.log.debug('The garbage collector could not reach the store; it tries again.', { fault: error.code });
    return true;
  }
}
