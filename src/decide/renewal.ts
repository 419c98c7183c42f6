/**
 * When a node or host asks for a new certificate, and when its host must give it a new token.
 *
 * I1: due at two thirds of the certificate's life by trusted time; that lags where a machine was off, so the director's word that a certificate
 *     is not valid makes it due as well.
 * I2: a wall clock alone never makes it due more often than once a day of running time: it may be years ahead.
 * I3: a certificate is revoked when it begins before the time that its node's entity names. That is the director's rule as well; what it issues after
 *     a revocation begins no earlier.
 */

import { LIMITS } from '../model/limits.ts';

/** Of a certificate: its beginning and end, ms since 1970. */
export interface Life {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface RenewalView {
  readonly life: Life;
  readonly trustedNowMs: number;
  /** Where there is no license, the wall clock is a hint; undefined: it is not asked. */
  readonly wallNowMs: number | undefined;
  /** Running time since the certificate was taken, as far as this process knows. */
  readonly heldMs: number;
  /** A director has refused this certificate. */
  readonly refused: boolean;
}

/** Share of a certificate's life after which it is renewed. */
const RENEW_AT = 2 / 3;
const WALL_CLOCK_GAP_MS = 24 * 3600 * 1000;

export function renewalDue(view: RenewalView): boolean {
  const dueMs = view.life.notBeforeMs + (view.life.notAfterMs - view.life.notBeforeMs) * RENEW_AT;
  if (view.refused || view.trustedNowMs >= dueMs) return true;
  return view.wallNowMs !== undefined && view.wallNowMs >= dueMs && view.heldMs >= WALL_CLOCK_GAP_MS;
}

/** When it was issued, by the director's clock. */
export function issuedMs({ notBeforeMs }: Pick<Life, 'notBeforeMs'>): number {
  return notBeforeMs + LIMITS.certificateBackdateMs;
}

/** `revokedBefore`: `ClusterNode.spec.revokedBefore`. Certificates count whole seconds. */
export function isRevoked({ notBeforeMs }: Pick<Life, 'notBeforeMs'>, revokedBefore: string | undefined): boolean {
  return revokedBefore !== undefined && notBeforeMs < Math.floor(Date.parse(revokedBefore) / 1000) * 1000;
}
