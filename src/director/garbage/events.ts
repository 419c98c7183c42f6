/**
 * Events die after an hour.
 *
 * I1: an event that was repeated lives from its last time.
 */

import { isJsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { StoredEntity } from '../../ports/store.ts';
import type { Engine } from '../api/engine.ts';
import { metadataOf, textOf } from '../api/metadata.ts';
import { deleteAll } from './collect.ts';

/** When each state of an event was last true, in ms since 1970; judged once. */
const lastSeenMs = new WeakMap<StoredEntity, number>();

export async function sweepEvents(engine: Engine, signal: AbortSignal): Promise<void> {
  const type = engine.registry.findKind('v1', 'Event');
  if (type === undefined) return;
  const oldestMs = engine.clock.nowMs() - LIMITS.eventTtlMs;
  const expired = engine.store.list(type.group, type.plural).filter((event) => seenMs(event) < oldestMs);
  await deleteAll(engine, type, expired, undefined, signal);
}

function seenMs(event: StoredEntity): number {
  const known = lastSeenMs.get(event);
  if (known !== undefined) return known;
  const object = event.object();
  const { series, lastTimestamp, eventTime, firstTimestamp } = object;
  const repeated = series !== undefined && isJsonObject(series) ? series['lastObservedTime'] : undefined;
  const times = [repeated, lastTimestamp, eventTime, firstTimestamp, metadataOf(object)['creationTimestamp']].map((one) =>
    Date.parse(textOf(one)),
  );
  const seen = Math.max(0, ...times.filter((one) => Number.isFinite(one)));
  lastSeenMs.set(event, seen);
  return seen;
}
