/**
 * Bootstrap tokens that nobody can use any more are cleared away, so that they do not pile up.
 *
 * A used token is kept as long as an unused one: within that time its bearer may ask again for the certificate that it lost on the way.
 *
 * Links and sessions of the console go once they have expired.
 *
 * I1: only Secrets of these types go, and only when their expiry is past (of tokens: by the grace).
 */

import { isFault } from '../../model/fault.ts';
import { isTokenSecretName, readTokenFields } from '../../model/bootstrap-token.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import { isOverConsoleSecret } from './console-session.ts';
import { secretData, text } from './stored-object.ts';

/** How long an expired token stays. */
const GRACE_MS = LIMITS.bootstrapTokenTtlMs;
const SWEEP_EVERY_MS = 10 * 60 * 1000;

export interface SweepParts {
  readonly store: EntityStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs until the signal aborts. */
export async function sweepTokensForever(parts: SweepParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await parts.clock.sleep(SWEEP_EVERY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await sweepTokens(parts, signal);
    } catch (error) {
      if (!isFault(error)) throw error;
      parts.log.debug('Expired bootstrap tokens were not swept; another try follows.', { error });
    }
  }
}

/** How many went. */
export async function sweepTokens({ store, clock }: SweepParts, signal: AbortSignal): Promise<number> {
  const nowMs = clock.nowMs();
  const expired = store
    .list('', 'secrets')
    .filter((secret) => (isTokenSecretName(secret.key.name) && isLongExpired(secret, nowMs)) || isOverConsoleSecret(secret, nowMs));
  let gone = 0;
  for (const { key, uid, revision } of expired) {
    const outcome = await store.write({ op: 'delete', key, uid, ifRevision: revision }, signal);
    if (outcome.ok) gone++;
  }
  return gone;
}

function isLongExpired(secret: StoredEntity, nowMs: number): boolean {
  const object = secret.object();
  const token = readTokenFields(text(object['type']), secretData(object));
  return token !== undefined && Date.parse(token.expiresAt) + GRACE_MS < nowMs;
}
