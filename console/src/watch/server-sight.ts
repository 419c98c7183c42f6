/**
 * How many extension servers live, judged as they judge each other: by own observation of their Leases. Pure.
 *
 * I1: what was not looked at for as long as a Lease lasts (a tab asleep, a director away) proves nothing: the observation begins anew.
 */

import { isSettled, liveServers, NO_LEASES, observeLeases } from '../../../src/decide/sharding.ts';
import type { LeaseMemory } from '../../../src/decide/sharding.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';
import type { LiveSet } from './live-set.ts';

const AWAY_MS = 3_000;

export interface ServerSight {
  readonly memory: LeaseMemory;
  readonly lookedMs: number;
  /** How many live; undefined: not known (yet). */
  readonly count: number | undefined;
}

export const NO_SIGHT: ServerSight = { memory: NO_LEASES, lookedMs: Number.NEGATIVE_INFINITY, count: undefined };

/** `nowMs`: of any one clock. */
export function lookAtServers(sight: ServerSight, { objects, contact, complete }: LiveSet<Lease>, nowMs: number): ServerSight {
  if (contact.state !== 'live' || !complete) return NO_SIGHT;
  const known = nowMs - sight.lookedMs >= AWAY_MS ? NO_LEASES : sight.memory;
  const memory = observeLeases(known, [...objects.values()], nowMs);
  return { memory, lookedMs: nowMs, count: isSettled(memory, nowMs) ? liveServers(memory, nowMs).length : undefined };
}
