/**
 * Membership of the extension servers: shows by a Lease that this one lives, and watches the Leases of the others.
 *
 * I1: the Lease is renewed only while the loop makes progress, so that a server that hangs loses its work like one that died.
 * I2: a server that stops takes its Lease away, so that the others take over at once.
 * I3: who lives is judged by own observation (src/decide/sharding.ts), never by time stamps.
 * I4: it shows itself when it knows who else lives (src/decide/sharding.ts, I6).
 * I5: Leases of servers that are long dead are swept, guarded by the revision that was seen unchanged.
 */

import { backoffMs } from '../base/backoff.ts';
import { extensionLeaseName, isMine, isSettled, liveServers, NO_LEASES, observeLeases } from '../decide/sharding.ts';
import type { LeaseMemory } from '../decide/sharding.ts';
import { LEASES } from '../model/core-kinds.ts';
import type { Lease } from '../model/core-kinds.ts';
import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import { createInformer } from '../client/informer.ts';
import type { InformerDeps } from '../client/informer.ts';

export const EXTENSION_NAMESPACE = 'outrigger-system';
/** A Lease unchanged for this long belongs to nobody any more. */
const SWEEP_AFTER_MS = 10 * 60_000;
const LOOK_MS = 250;
const SETTLE_LOOK_MS = 50;
const RETRY = { baseMs: 200, capMs: LIMITS.extensionLeaseRenewMs, jitter: 0.5 };

export interface Membership {
  /** Whether this server works on `key`; `dueMs`: for how long work on it has been due and not done (0: none is). */
  mine(key: string, dueMs: number): boolean;
  /** Called whenever the set of living servers changed. */
  onChange(listener: (live: readonly string[]) => void): void;
  run(signal: AbortSignal): Promise<void>;
}

export function createMembership(deps: InformerDeps, server: string, progressing: () => boolean): Membership {
  const leases = createInformer<Lease>(deps, LEASES, { namespace: EXTENSION_NAMESPACE });
  const listeners: ((live: readonly string[]) => void)[] = [];
  let memory: LeaseMemory = NO_LEASES;
  let shown = '';

  const look = (): void => {
    memory = observeLeases(memory, [...leases.list()], deps.clock.monotonicMs());
    const live = liveServers(memory, deps.clock.monotonicMs());
    if (live.join() === shown) return;
    shown = live.join();
    deps.log.info(`Extension servers alive: ${shown === '' ? 'none' : shown}`);
    for (const listener of listeners) listener(live);
  };
  leases.onChange(look);

  return {
    mine: (key, dueMs) => isMine(memory, server, key, dueMs, deps.clock.monotonicMs()),
    onChange: (listener) => void listeners.push(listener),
    run: async (signal) => {
      await Promise.all([
        leases.run(signal),
        lookForever(deps, look, signal),
        untilSettled(deps, () => leases.synced() && isSettled(memory, deps.clock.monotonicMs()), signal).then(() =>
          renewForever(deps, server, progressing, signal),
        ),
        sweepForever(deps, () => [...leases.list()], signal),
      ]);
    },
  };
}

async function lookForever(deps: InformerDeps, look: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    look();
    await deps.clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

/** Leases that others renew are seen to change within a second, dead ones are known after the ttl: then this one may show its own. */
async function untilSettled(deps: InformerDeps, isSettledNow: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !isSettledNow()) await deps.clock.sleep(SETTLE_LOOK_MS, signal).catch(() => undefined);
}

async function renewForever(deps: InformerDeps, server: string, progressing: () => boolean, signal: AbortSignal): Promise<void> {
  let failures = 0;
  if (signal.aborted) return;
  while (!signal.aborted) {
    if (progressing()) failures = (await quietly(deps, () => renew(deps, server, signal))) ? 0 : failures + 1;
    else deps.log.warn('The loop makes no progress; the lease is not renewed, so that other servers take over.');
    const pauseMs = failures === 0 ? LIMITS.extensionLeaseRenewMs : backoffMs(RETRY, failures, deps.random.float());
    await deps.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
  const farewell = AbortSignal.timeout(2_000);
  await quietly(deps, () => deps.api.delete(LEASES, EXTENSION_NAMESPACE, extensionLeaseName(server), {}, farewell));
}

async function renew(deps: InformerDeps, server: string, signal: AbortSignal): Promise<unknown> {
  const name = extensionLeaseName(server);
  const renewTime = new Date(deps.clock.nowMs()).toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: server, leaseDurationSeconds: LIMITS.extensionLeaseTtlMs / 1000, renewTime };
  // An answer that comes later than the lease would expire is worth nothing.
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(LIMITS.extensionLeaseTtlMs)]);
  const patched = await deps.api.mergePatch(LEASES, EXTENSION_NAMESPACE, name, { spec }, bounded);
  if (patched.ok || patched.reason !== 'NotFound') return patched;
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: EXTENSION_NAMESPACE }, spec };
  return deps.api.create(LEASES, EXTENSION_NAMESPACE, lease, bounded);
}

async function sweepForever(deps: InformerDeps, list: () => Lease[], signal: AbortSignal): Promise<void> {
  let before = new Map<string, string>();
  while (!signal.aborted) {
    const extensions = list().filter((lease) => lease.metadata.name.startsWith(extensionLeaseName('')));
    for (const lease of extensions) {
      const { name, uid, resourceVersion } = lease.metadata;
      if (before.get(name) !== resourceVersion) continue;
      await quietly(deps, () => deps.api.delete(LEASES, EXTENSION_NAMESPACE, name, { uid, resourceVersion }, signal));
    }
    before = new Map(extensions.map((lease) => [lease.metadata.name, lease.metadata.resourceVersion]));
    await deps.clock.sleep(SWEEP_AFTER_MS, signal).catch(() => undefined);
  }
}

/** True: the call was answered `ok`. Failures of the world are logged and borne. */
async function quietly(deps: InformerDeps, call: () => Promise<unknown>): Promise<boolean> {
  try {
    const answer = (await call()) as { readonly ok?: boolean; readonly message?: string };
    if (answer.ok !== true) deps.log.warn(`A lease could not be written: ${answer.message ?? 'refused'}`);
    return answer.ok === true;
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.warn(`A lease could not be written: ${cause.message}`);
    return false;
  }
}
