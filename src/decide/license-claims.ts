/**
 * Reads what came from outside as a LicenseStatement or LicenseRecord: every field is there, of its type and within reason, or a sentence says what is wrong.
 *
 * I1: nothing is guessed, and nothing unknown is carried on: what is returned has the fields of the type and no others.
 */

import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { readSeatUse } from './license-ledger.ts';
import type { SeatCount } from './seat-use.ts';
import type { LicenseRecord, LicenseStatement } from '../model/license-statement.ts';

/** Times up to the year 9999. */
const TIME_MAX_MS = 253_402_300_799_000;
const DURATION_MAX_MS = 400 * 24 * 3600 * 1000;
/** A day of license time takes at least 100 ms (setting `day`). */
const RATE_MAX = 864_000;
const TEXT_MAX = 253;
const TOKEN_MAX = 16 * 1024;

class Wrong {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

/** The claims of a token, as data; or a sentence. */
export function readStatement(claims: unknown): LicenseStatement | string {
  return reading('The license statement', () => statementOf(claims));
}

/** What another node sent of its record; or a sentence. Says nothing of the signature. */
export function readRecord(body: unknown): LicenseRecord | string {
  return reading('The license record', () => {
    const record = objectAt({ record: body }, 'record');
    const since = objectAt(record, 'since');
    return {
      token: textAt(record, 'token', TOKEN_MAX),
      statement: statementOf(record['statement']),
      since: {
        ranMs: numberAt(since, 'ranMs', 0, TIME_MAX_MS),
        bootId: textAt(since, 'bootId', 64),
        bootMs: numberAt(since, 'bootMs', 0, TIME_MAX_MS),
      },
    };
  });
}

const USER = /^[0-9a-f]{16}$/;

/** What another node has counted; undefined: it is not that. */
export function readSeats(body: unknown): SeatCount | undefined {
  if (!isJsonObject(body) || !isJsonObject(body['use']) || !Array.isArray(body['users'])) return undefined;
  const use = readSeatUse(body['use']);
  const users = body['users'].filter((user): user is string => typeof user === 'string' && USER.test(user));
  if (use === undefined || users.length !== body['users'].length || users.length > LIMITS.seatsExchanged) return undefined;
  return { use, users };
}

function statementOf(body: unknown): LicenseStatement {
  const claims = objectAt({ claims: body }, 'claims');
  const [site, license] = [objectAt(claims, 'site'), objectAt(claims, 'license')];
  return {
    iss: oneOf(claims, 'iss', ['outrigger']),
    typ: oneOf(claims, 'typ', ['universal-license']),
    serial: wholeAt(claims, 'serial', 1, Number.MAX_SAFE_INTEGER),
    licenseMs: numberAt(claims, 'licenseMs', 0, TIME_MAX_MS),
    trustedMs: numberAt(claims, 'trustedMs', 0, TIME_MAX_MS),
    rate: numberAt(claims, 'rate', 1, RATE_MAX),
    site: { namespace: textAt(site, 'namespace'), name: textAt(site, 'name'), uid: textAt(site, 'uid') },
    clusterUid: textAt(claims, 'clusterUid'),
    license: {
      name: textAt(license, 'name'),
      uid: textAt(license, 'uid'),
      edition: textAt(license, 'edition'),
      seats: wholeAt(license, 'seats', 0, Number.MAX_SAFE_INTEGER),
      model: oneOf(license, 'model', ['Named', 'Concurrent']),
      startMs: numberAt(license, 'startMs', 0, TIME_MAX_MS),
      endMs: numberAt(license, 'endMs', 0, TIME_MAX_MS),
      syncPeriodMs: numberAt(license, 'syncPeriodMs', 1, DURATION_MAX_MS),
      syncGraceMs: numberAt(license, 'syncGraceMs', 0, DURATION_MAX_MS),
      contractGraceMs: numberAt(license, 'contractGraceMs', 0, DURATION_MAX_MS),
      onExpiry: oneOf(license, 'onExpiry', ['RefuseNewSessions']),
      peakReset: wholeAt(license, 'peakReset', 0, Number.MAX_SAFE_INTEGER),
    },
  };
}

function reading<T>(what: string, read: () => T): T | string {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Wrong) return `${what} ${cause.what}; it was not used.`;
    throw cause;
  }
}

function objectAt(of: JsonObject | { readonly [name: string]: unknown }, name: string): JsonObject {
  const value: unknown = of[name];
  if (isJsonObject(value)) return value;
  throw new Wrong(`lacks the object "${name}"`);
}

function textAt(of: JsonObject, name: string, maxChars = TEXT_MAX): string {
  const value = of[name];
  if (typeof value === 'string' && value !== '' && value.length <= maxChars) return value;
  throw new Wrong(`lacks the text "${name}", or it is too long`);
}

function numberAt(of: JsonObject, name: string, min: number, max: number): number {
  const value = of[name];
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new Wrong(`lacks the number "${name}", or it is not between ${min} and ${max}`);
}

function wholeAt(of: JsonObject, name: string, min: number, max: number): number {
  const value = numberAt(of, name, min, max);
  if (Number.isSafeInteger(value)) return value;
  throw new Wrong(`has a "${name}" that is no whole number`);
}

function oneOf<T extends string>(of: JsonObject, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === of[name]);
  if (found !== undefined) return found;
  throw new Wrong(`has a "${name}" that is not ${choices.join(' or ')}`);
}
