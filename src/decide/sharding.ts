/**
 * Who of the extension servers works on what: rendezvous hashing over the servers that are seen to live.
 *
 * Sharing only spares double work; two servers on one entity lose a compare-and-swap and nothing else.
 *
 * I1: a server is alive while its Lease was seen to change within the time that the Lease itself promises (spec.leaseDurationSeconds), on the
 *     observer's own clock; its time stamps are never read. So servers that obey different settings for a moment agree on who lives.
 * I2: a Lease that is gone, or that names no holder, is a server that stopped: dead at once.
 * I3: every observer that sees the same servers alive names the same owner.
 * I4: work that has been due for `overdueMs` is anybody's.
 * I5: a server counts itself alive only while its own Lease was confirmed within its time, counted from when the renewal was *sent*: one that cannot
 *     reach the director has nothing to do there, and an answer that lay unread through a pause confirms nothing.
 * I6: a server that begins shows its Lease only when it knows of every other one whether its server lives: it would take the dead for living, and
 *     what the others leave to it would wait for as long.
 * I7: a server that has not looked for as long as its Lease lasts was paused or hung: the others took over, and all that it believed is void. It works
 *     on nothing until it has joined anew, by I6.
 * I8: with sharing off, everything is everybody's.
 * I9: what nothing happened to is looked at again within `resyncMs`, spread out, and several at a time: each waking costs more than a look.
 */

import { ownerOf } from '../base/ring.ts';
import type { Lease } from '../model/core-kinds.ts';
import { DEFAULT_SERVER_CONFIG } from '../model/server-config.ts';
import type { ServerConfigSpec } from '../model/server-config.ts';

/** Label value (`app.kubernetes.io/component`) and name prefix of the Leases of extension servers, in `outrigger-system`. */
export const EXTENSION_LEASE_PREFIX = 'extension-';

export function extensionLeaseName(server: string): string {
  return `${EXTENSION_LEASE_PREFIX}${server}`;
}

export interface SharingRules {
  /** False: every server works on everything. */
  readonly shared: boolean;
  readonly renewMs: number;
  readonly leaseMs: number;
  readonly overdueMs: number;
  readonly concurrency: number;
  readonly resyncMs: number;
  /** A look that failed is repeated after this, doubling up to the cap. */
  readonly retryMs: number;
  readonly retryCapMs: number;
  /** A Lease seen unchanged for so long belongs to nobody any more. */
  readonly leaseSweepMs: number;
}

const DEFAULTS = DEFAULT_SERVER_CONFIG as Required<ServerConfigSpec>;

/** What a ServerConfig says of sharing; one that was stored before these fields existed lacks them. */
export function sharingRules(config: Partial<ServerConfigSpec>): SharingRules {
  return {
    shared: config.sharing !== 'Off',
    renewMs: config.leaseRenewMilliseconds ?? DEFAULTS.leaseRenewMilliseconds,
    leaseMs: (config.leaseSeconds ?? DEFAULTS.leaseSeconds) * 1000,
    overdueMs: (config.overdueSeconds ?? DEFAULTS.overdueSeconds) * 1000,
    concurrency: config.concurrency ?? DEFAULTS.concurrency,
    resyncMs: (config.resyncSeconds ?? DEFAULTS.resyncSeconds) * 1000,
    retryMs: config.lookRetryMilliseconds ?? DEFAULTS.lookRetryMilliseconds,
    retryCapMs: (config.lookRetryCapSeconds ?? DEFAULTS.lookRetryCapSeconds) * 1000,
    leaseSweepMs: (config.leaseSweepSeconds ?? DEFAULTS.leaseSweepSeconds) * 1000,
  };
}

export const DEFAULT_SHARING: SharingRules = sharingRules(DEFAULTS);

interface SeenLease {
  readonly revision: string;
  /** When (own monotonic clock) that revision was first seen. */
  readonly sinceMs: number;
  /** Whether the Lease was ever seen to change. */
  readonly changed: boolean;
  /** How long it lasts by its own word. */
  readonly leaseMs: number;
}

/** By server. */
export type LeaseMemory = ReadonlyMap<string, SeenLease>;

export const NO_LEASES: LeaseMemory = new Map();

/** A Lease that promises more than any ServerConfig may say was not written by an extension server. */
const LONGEST_LEASE_SECONDS = 300;

/** The memory after seeing `leases`: all of them (a cache or a list). Leases of others than extension servers are left out. */
export function observeLeases(memory: LeaseMemory, leases: readonly Lease[], monotonicMs: number): LeaseMemory {
  const next = new Map<string, SeenLease>();
  for (const lease of leases) {
    if (!lease.metadata.name.startsWith(EXTENSION_LEASE_PREFIX) || (lease.spec.holderIdentity ?? '') === '') continue;
    const server = lease.metadata.name.slice(EXTENSION_LEASE_PREFIX.length);
    const revision = lease.metadata.resourceVersion;
    const old = memory.get(server);
    const leaseMs = Math.min(lease.spec.leaseDurationSeconds ?? DEFAULTS.leaseSeconds, LONGEST_LEASE_SECONDS) * 1000;
    next.set(server, old?.revision === revision ? old : { revision, sinceMs: monotonicMs, changed: old !== undefined, leaseMs });
  }
  return next;
}

interface Live {
  readonly servers: readonly string[];
  /** It holds from then on, until then (monotonic). */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** By the memory that it follows from, which never changes: at a start it is asked for with each of ten thousand keys. */
const live = new WeakMap<LeaseMemory, Live>();

/** The servers that live, sorted. */
export function liveServers(memory: LeaseMemory, monotonicMs: number): readonly string[] {
  const known = live.get(memory);
  if (known !== undefined && known.fromMs <= monotonicMs && monotonicMs < known.untilMs) return known.servers;
  const servers: string[] = [];
  let untilMs = Infinity;
  for (const [server, { sinceMs, leaseMs }] of memory) {
    if (monotonicMs - sinceMs >= leaseMs) continue;
    servers.push(server);
    untilMs = Math.min(untilMs, sinceMs + leaseMs);
  }
  servers.sort();
  live.set(memory, { servers, fromMs: monotonicMs, untilMs });
  return servers;
}

/** Whether of every Lease in the memory it is known whether its server lives. */
export function isSettled(memory: LeaseMemory, monotonicMs: number): boolean {
  return [...memory.values()].every(({ changed, sinceMs, leaseMs }) => changed || monotonicMs - sinceMs >= leaseMs);
}

/**
 * Whether `self` works on `key` now. `dueMs`: for how long work on it has been due and not done, by own observation (0: none is due).
 */
export function isMine(
  memory: LeaseMemory,
  self: string,
  key: string,
  dueMs: number,
  monotonicMs: number,
  rules: Pick<SharingRules, 'shared' | 'overdueMs'> = DEFAULT_SHARING,
): boolean {
  if (!rules.shared) return true;
  const servers = liveServers(memory, monotonicMs);
  if (!servers.includes(self)) return false;
  return dueMs >= rules.overdueMs || ownerOf(key, servers) === self;
}

/** How a server stands among the others, by its own clock. */
export interface Standing {
  readonly leases: LeaseMemory;
  /** When it looked last. */
  readonly lookedMs: number;
  /** When the newest renewal that was confirmed was sent; undefined: it has not joined, or lost its place. */
  readonly shownMs: number | undefined;
  /** It does not know yet who else lives, so it must not show itself. */
  readonly joining: boolean;
}

export function newStanding(monotonicMs: number): Standing {
  return { leases: NO_LEASES, lookedMs: monotonicMs, shownMs: undefined, joining: true };
}

/** Whether it has not looked for so long that the others must have taken over (I7). */
export function wasAway(standing: Standing, monotonicMs: number, { leaseMs }: SharingRules): boolean {
  return monotonicMs - standing.lookedMs >= leaseMs;
}

/** The standing after a look at all Leases of a synced copy. */
export function lookAround(standing: Standing, leases: readonly Lease[], monotonicMs: number, rules: SharingRules): Standing {
  const away = wasAway(standing, monotonicMs, rules);
  // What changed during a pause may have changed at its beginning: of nobody is it known any more whether he lives, so nothing is remembered.
  const seen = observeLeases(away ? NO_LEASES : standing.leases, leases, monotonicMs);
  const joining = away || (standing.joining && !isSettled(seen, monotonicMs));
  return { leases: seen, lookedMs: monotonicMs, shownMs: away ? undefined : standing.shownMs, joining };
}

/** The standing after a renewal that was sent at `sentMs` was confirmed: it counts only when nothing was lost meanwhile. */
export function confirmed(standing: Standing, sentMs: number, monotonicMs: number, rules: SharingRules): Standing {
  const isLate = standing.joining || wasAway(standing, monotonicMs, rules) || monotonicMs - sentMs >= rules.leaseMs;
  return isLate ? standing : { ...standing, shownMs: sentMs };
}

/** As `isMine`, for a server that also judges itself (I5, I7). */
export function mayWork(standing: Standing, self: string, key: string, dueMs: number, monotonicMs: number, rules: SharingRules): boolean {
  if (!rules.shared) return true;
  const { shownMs, leases } = standing;
  if (shownMs === undefined || monotonicMs - shownMs >= rules.leaseMs || wasAway(standing, monotonicMs, rules)) return false;
  return isMine(leases, self, key, dueMs, monotonicMs, rules);
}

/** Whether a key that was `before`'s and is this server's now was taken over: from one that lives it came because this server joined. */
export function isTakenOver(before: string | undefined, live: readonly string[]): boolean {
  return before !== undefined && !live.includes(before);
}

/** Looks that nothing asks for begin at multiples of this. */
const RESYNC_TICK_MS = 250;

/**
 * When (monotonic ms) a cluster is looked at again that nothing happened to (I9). All are looked at when a server starts (`isFirst`); were they looked at
 * again all at once, it would be so for ever. `dice`: 0 to 1.
 */
export function nextResyncMs(nowMs: number, resyncMs: number, isFirst: boolean, dice: number): number {
  const dueMs = nowMs + resyncMs * (isFirst ? dice : 0.9 + 0.1 * dice);
  return Math.max(nowMs, Math.floor(dueMs / RESYNC_TICK_MS) * RESYNC_TICK_MS);
}
