/**
 * When an extension server may take work up, judged by what is true: by its own beats, and by what the others' Leases did since it woke.
 *
 * S1: it takes nothing up while its last beat is longer ago than its Lease lasts: the others have taken over.
 * S2: after it woke from that long a pause it takes nothing up before each other Lease was renewed or has run out since: what it knew of them is void.
 *     Judged of those whose copy was current at the first look; a copy that catches up later shows the dead as changed, which costs one Lease's time.
 */

import { DEFAULT_SHARING } from '../src/decide/sharding.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

/** Clocks run up to 0.5 % apart. */
const CLOCKS = 0.01;

/** A server looked around. `isCurrent`: at what is true now. */
export function noteBeat(world: World, server: string, isCurrent: boolean): void {
  const nowMs = world.scheduler.nowMs();
  const known = world.beats.get(server);
  if (known === undefined) {
    world.beats.set(server, { atMs: nowMs, wokeMs: undefined, leases: new Map() });
    return;
  }
  if (nowMs - known.atMs > DEFAULT_SHARING.leaseMs * (1 + CLOCKS)) {
    known.wokeMs = isCurrent ? nowMs : undefined;
    known.leases = new Map(world.leases);
  }
  known.atMs = nowMs;
}

/** It begins to work on `key`. */
export function judgeTakeUp(world: World, server: string, key: string): void {
  const known = world.beats.get(server);
  const nowMs = world.scheduler.nowMs();
  const agoMs = nowMs - (known?.atMs ?? -Infinity);
  if (agoMs > DEFAULT_SHARING.leaseMs * (1 + CLOCKS)) violate(world, `S1: ${server} takes ${key} up ${agoMs} ms after its last beat`);
  if (known?.wokeMs === undefined || nowMs - known.wokeMs >= DEFAULT_SHARING.leaseMs * (1 - CLOCKS)) return;
  const unknown = [...world.leases].filter(([other, revision]) => other !== server && known.leases.get(other) === revision);
  if (unknown.length > 0) violate(world, `S2: ${server} woke and takes ${key} up before it knows whether ${unknown[0]?.[0]} lives`);
}
