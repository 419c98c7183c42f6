/**
 * The life of a ServiceAccount's token: whose it is, and when another one is asked for.
 *
 * I1: what a token says is read and not verified: that is the director's. One that cannot be read is used as it is and never renewed.
 * I2: due at two thirds of its life, like a certificate. Of one that was got by this process the life is counted from when it came, by own running
 *     time; of one that was found in a file only its time stamps tell.
 */

import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';

export interface TokenLife {
  readonly namespace: string;
  /** Of the ServiceAccount. */
  readonly name: string;
  /** Wall clock of whoever signed it, ms since 1970. */
  readonly issuedMs: number;
  readonly expiresMs: number;
}

const SUBJECT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const RENEW_AT = 2 / 3;

/** Undefined: it is not the token of a ServiceAccount, or does not say when it ends. */
export function tokenLifeOf(token: string): TokenLife | undefined {
  const claims = claimsOf(token);
  if (claims === undefined || !isJsonObject(claims)) return undefined;
  const { sub, iat, exp } = claims;
  const [, namespace, name] = SUBJECT.exec(typeof sub === 'string' ? sub : '') ?? [];
  if (namespace === undefined || name === undefined || typeof iat !== 'number' || typeof exp !== 'number' || exp <= iat) return undefined;
  return { namespace, name, issuedMs: iat * 1000, expiresMs: exp * 1000 };
}

function claimsOf(token: string): Json | undefined {
  const [, payload = '', signature] = token.split('.');
  if (signature === undefined || !/^[\w-]+$/.test(payload)) return undefined;
  try {
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as Json;
  } catch {
    return undefined;
  }
}

/** `heldMs`: running time since this process got it by asking; undefined: it was found. `nowMs`: wall clock. */
export function isTokenDue({ issuedMs, expiresMs }: TokenLife, nowMs: number, heldMs: number | undefined): boolean {
  return (heldMs ?? nowMs - issuedMs) >= (expiresMs - issuedMs) * RENEW_AT;
}

/** How long the next one shall live: as long as this one. Whole seconds. */
export function lifetimeSeconds({ issuedMs, expiresMs }: TokenLife): number {
  return Math.round((expiresMs - issuedMs) / 1000);
}
