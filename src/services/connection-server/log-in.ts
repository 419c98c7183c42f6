/**
 * Who may speak to a connection server: the site's account by HTTP Basic (RFC 7617).
 *
 * I1: how long a look takes says nothing about how much of a name or password was right: digests of equal length are compared to their end.
 * I2: an address that fails more often than `logInFailuresPerMinute` is refused until its minute is over, whatever it sends; who sends nothing
 *     has not failed. What is remembered of addresses is bounded.
 */

import { LIMITS } from '../../model/limits.ts';

export interface Account {
  readonly user: string;
  readonly password: string;
}

export type LogIn =
  | { readonly state: 'In' }
  | { readonly state: 'Needed' }
  | { readonly state: 'Wrong' }
  | { readonly state: 'TooMany'; readonly retryAfterSeconds: number };

export interface LogIns {
  check(authorization: string | undefined, address: string, nowMs: number): LogIn;
}

/** SHA-256, 64 hex digits. */
export type Digest = (text: string) => string;

const MINUTE_MS = 60_000;
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i;

interface Failures {
  readonly sinceMs: number;
  count: number;
}

export function createLogIns(account: Account, digest: Digest): LogIns {
  const failures = new Map<string, Failures>();
  const [user, password] = [digest(account.user), digest(account.password)];
  return {
    check: (authorization, address, nowMs) => {
      const known = failuresOf(failures, address, nowMs);
      if (known !== undefined && known.count >= LIMITS.logInFailuresPerMinute)
        return { state: 'TooMany', retryAfterSeconds: Math.max(1, Math.ceil((known.sinceMs + MINUTE_MS - nowMs) / 1000)) };
      if (authorization === undefined) return { state: 'Needed' };
      const shown = readBasic(authorization);
      const [userRight, passwordRight] = [same(digest(shown?.user ?? ''), user), same(digest(shown?.password ?? ''), password)];
      if (shown !== undefined && userRight && passwordRight) return { state: 'In' };
      noteFailure(failures, address, known, nowMs);
      return { state: 'Wrong' };
    },
  };
}

function failuresOf(failures: Map<string, Failures>, address: string, nowMs: number): Failures | undefined {
  const known = failures.get(address);
  if (known === undefined || nowMs - known.sinceMs < MINUTE_MS) return known;
  failures.delete(address);
  return undefined;
}

function noteFailure(failures: Map<string, Failures>, address: string, known: Failures | undefined, nowMs: number): void {
  if (known !== undefined) {
    known.count++;
    return;
  }
  failures.set(address, { sinceMs: nowMs, count: 1 });
  const [oldest] = failures.keys();
  if (failures.size > LIMITS.logInAddressesCounted && oldest !== undefined) failures.delete(oldest);
}

function readBasic(authorization: string): Account | undefined {
  if (authorization.length > LIMITS.authorizationBytes) return undefined;
  const encoded = BASIC.exec(authorization.trim())?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const at = text.indexOf(':');
  return at < 0 ? undefined : { user: text.slice(0, at), password: text.slice(at + 1) };
}

function same(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
