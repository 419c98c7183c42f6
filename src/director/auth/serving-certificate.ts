/**
 * The certificate by which a director is known to its callers: made at start, in memory, and replaced at two thirds of its life without a restart.
 *
 * I1: a new certificate is handed over before the old one ends, as long as the process lives and the clock is right.
 * I2: a failed renewal is said and tried again; it never stops the director.
 */

import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { IssuedWithKey, StoreAuthority } from './authority.ts';

/** Names that each director answers to. */
const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];
/** The wall clock is looked at this often, because it may be set. */
const LOOK_EVERY_MS = 3600 * 1000;
const RETRY_AFTER_MS = 60 * 1000;

export interface ServingParts {
  readonly authority: StoreAuthority;
  readonly clock: Clock;
  readonly log: Log;
}

/** `extraNames`: host name, addresses and names of load balancers; repetitions are dropped. */
export function makeServingCertificate(authority: StoreAuthority, extraNames: readonly string[]): Promise<IssuedWithKey> {
  return authority.issueServing([...new Set([...LOCAL_NAMES, ...extraNames])]);
}

/** Runs until the signal aborts; `onRenewed` gets each new certificate (`server.setSecureContext`). */
export async function keepServingCertificate(
  parts: ServingParts,
  first: IssuedWithKey,
  extraNames: readonly string[],
  onRenewed: (next: IssuedWithKey) => void,
  signal: AbortSignal,
): Promise<void> {
  let current = first;
  while (!signal.aborted) {
    const dueMs = current.notBeforeMs + ((current.notAfterMs - current.notBeforeMs) * 2) / 3;
    const leftMs = dueMs - parts.clock.nowMs();
    if (leftMs <= 0) {
      const next = await renew(parts, extraNames);
      if (next !== undefined) onRenewed((current = next));
    }
    const waitMs = leftMs <= 0 ? RETRY_AFTER_MS : Math.min(leftMs, LOOK_EVERY_MS);
    await parts.clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

async function renew(parts: ServingParts, extraNames: readonly string[]): Promise<IssuedWithKey | undefined> {
  try {
    const next = await makeServingCertificate(parts.authority, extraNames);
    parts.log.info('Renewed the serving certificate.', { notAfter: new Date(next.notAfterMs).toISOString() });
    return next;
  } catch (error) {
    parts.log.error('The serving certificate could not be renewed; the old one goes on and another try follows in a minute.', { error });
    return undefined;
  }
}
