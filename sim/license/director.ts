/**
 * The director as far as a site's license goes: contract, clock, keys, serials, and what may be wrong with each.
 */

import { hash32 } from '../../src/base/ring.ts';
import type { LicenseStatement } from '../../src/model/license-statement.ts';
import { DAY_MS } from './rules.ts';

export const CLUSTER_UID = 'cluster-1';

/** License time at the true time 0. */
export const BIRTH_MS = Date.UTC(2026, 0, 1);

/** A signed statement. `statement` is what it claims; the signature is of what was signed. */
export interface Token {
  readonly statement: LicenseStatement;
  readonly key: string;
  readonly signature: number;
}

export type Answer = { readonly ok: true; readonly token: Token } | { readonly ok: false; readonly message: string };

export interface SimDirector {
  readonly rate: number;
  /** How wrong its wall clock is, in license ms. */
  wrongMs: number;
  serial: number;
  key: string;
  readonly keys: Set<string>;
  license: LicenseStatement['license'] | undefined;
  /** True time at which each serial was signed. */
  readonly signedAtMs: Map<number, number>;
  readonly issued: Token[];
}

export function createDirector(rate: number, license: LicenseStatement['license']): SimDirector {
  return {
    rate,
    wrongMs: 0,
    serial: 100,
    key: 'key-1',
    keys: new Set(['key-1']),
    license,
    signedAtMs: new Map(),
    issued: [],
  };
}

/** License time by the director's own clock. */
export function directorNowMs(director: SimDirector, nowMs: number): number {
  return BIRTH_MS + nowMs * director.rate + director.wrongMs;
}

export function sign(director: SimDirector, siteUid: string, nowMs: number): Answer {
  if (director.license === undefined) return { ok: false, message: 'No license is assigned to this site.' };
  director.serial++;
  const licenseMs = directorNowMs(director, nowMs);
  const statement: LicenseStatement = {
    iss: 'outrigger',
    typ: 'universal-license',
    serial: director.serial,
    licenseMs,
    trustedMs: BIRTH_MS + (licenseMs - BIRTH_MS) / director.rate,
    rate: director.rate,
    site: { namespace: 'demo', name: 'harbor', uid: siteUid },
    clusterUid: CLUSTER_UID,
    license: director.license,
  };
  director.signedAtMs.set(statement.serial, nowMs);
  const token = seal(statement, director.key);
  director.issued.push(token);
  return { ok: true, token };
}

/** What a shell does before it hands a statement to the machine. */
export function isGenuine(director: SimDirector, token: Token): boolean {
  return director.keys.has(token.key) && seal(token.statement, token.key).signature === token.signature;
}

/** A copy that promises more, under the signature of the original. */
export function tamper(token: Token): Token {
  const { statement } = token;
  const license = { ...statement.license, endMs: statement.license.endMs + 1000 * DAY_MS };
  return { ...token, statement: { ...statement, serial: statement.serial + 1_000_000, license } };
}

/** Signed well, but by a key that our CA never vouched for. */
export function forge(token: Token): Token {
  return seal({ ...token.statement, serial: token.statement.serial + 1_000_000 }, 'key-of-somebody');
}

function seal(statement: LicenseStatement, key: string): Token {
  return { statement, key, signature: hash32(`${key} ${JSON.stringify(statement)}`) };
}
