/**
 * Who of the extension servers works on what: rendezvous hashing over the servers that are seen to live.
 *
 * Sharing only spares double work; two servers on one entity lose a compare-and-swap and nothing else.
 *
 * I1: a server is alive while its Lease was seen to change within LIMITS.extensionLeaseTtlMs of the observer's own clock; its time stamps are never read.
 * I2: a Lease that is gone, or that names no holder, is a server that stopped: dead at once.
 * I3: every observer that sees the same servers alive names the same owner.
 * I4: work that has been due for LIMITS.overdueWorkMs is anybody's.
 * I5: a server counts itself alive only while its own lease was confirmed within the ttl: one that cannot reach the director has nothing to do there.
 * I6: a server that begins shows its Lease only when it knows of every other one whether its server lives: it would take the dead for living, and
 *     what the others leave to it would wait for as long.
 */

import { ownerOf } from '../base/ring.ts';
import type { Lease } from '../model/core-kinds.ts';
import { LIMITS } from '../model/limits.ts';

/** Label value (`app.kubernetes.io/component`) and name prefix of the Leases of extension servers, in `outrigger-system`. */
export const EXTENSION_LEASE_PREFIX = 'extension-';

export function extensionLeaseName(server: string): string {
  return `${EXTENSION_LEASE_PREFIX}${server}`;
}

/** By server: the revision of its Lease seen last, when (own monotonic clock) that was first seen, and whether it was ever seen to change. */
export type LeaseMemory = ReadonlyMap<string, { readonly revision: string; readonly sinceMs: number; readonly changed: boolean }>;

export const NO_LEASES: LeaseMemory = new Map();

/** The memory after seeing `leases`: all of them (a cache or a list). Leases of others than extension servers are left out. */
export function observeLeases(memory: LeaseMemory, leases: readonly Lease[], monotonicMs: number): LeaseMemory {
  const next = new Map<string, { revision: string; sinceMs: number; changed: boolean }>();
  for (const lease of leases) {
    if (!lease.metadata.name.startsWith(EXTENSION_LEASE_PREFIX) || (lease.spec.holderIdentity ?? '') === '') continue;
    const server = lease.metadata.name.slice(EXTENSION_LEASE_PREFIX.length);
    const revision = lease.metadata.resourceVersion;
    const old = memory.get(server);
    next.set(server, old?.revision === revision ? old : { revision, sinceMs: monotonicMs, changed: old !== undefined });
  }
  return next;
}

/** The servers that live, sorted. */
export function liveServers(memory: LeaseMemory, monotonicMs: number): string[] {
  const live = [...memory].filter(([, seen]) => monotonicMs - seen.sinceMs < LIMITS.extensionLeaseTtlMs);
  return live.map(([server]) => server).sort();
}

/** Whether of every Lease in the memory it is known whether its server lives. */
export function isSettled(memory: LeaseMemory, monotonicMs: number): boolean {
  return [...memory.values()].every(({ changed, sinceMs }) => changed || monotonicMs - sinceMs >= LIMITS.extensionLeaseTtlMs);
}

/**
 * Whether `self` works on `key` now. `dueMs`: for how long work on it has been due and not done, by own observation (0: none is due).
 */
export function isMine(memory: LeaseMemory, self: string, key: string, dueMs: number, monotonicMs: number): boolean {
  const live = liveServers(memory, monotonicMs);
  if (!live.includes(self)) return false;
  return dueMs >= LIMITS.overdueWorkMs || ownerOf(key, live) === self;
}
