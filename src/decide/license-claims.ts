/**
 * Reads what came from outside as a LicenseStatement or LicenseRecord: every field is there, of its type and within reason, or a sentence says what is wrong.
 *
 * I1: nothing is guessed, and nothing unknown is carried on: what is returned has the fields of the type and no others.
 */

import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { readSeatUse } from './license-ledger.ts';
import type { SeatCount, SeatLicense } from './seat-use.ts';
import type { LicenseRecord, LicenseStatement } from '../model/license-statement.ts';

/** Times up to the year 9999. */
const TIME_MAX_MS = 253_402_300_799_000;
const DURATION_MAX_MS = 400 * 24 * 3600 * 1000;
/** A day of license time takes at least 100 ms (setting `day`). */
const RATE_MAX = 864_000;
const TEXT_MAX = 253;
const TOKEN_MAX = 16 * 1024;

/** The first thing that was found wrong. */
interface Reading {
  wrong: string | undefined;
}

/** The claims of a token, as data; or a sentence. */
export function readStatement(claims: unknown): LicenseStatement | string {
  return reading('The license statement', (on) => statementOf(on, claims));
}

/** What another node sent of its record; or a sentence. Says nothing of the signature. */
export function readRecord(body: unknown): LicenseRecord | string {
  return reading('The license record', (on) => {
    const record = objectAt(on, { record: body }, 'record');
    const since = objectAt(on, record, 'since');
    return {
      token: textAt(on, record, 'token', TOKEN_MAX),
      statement: statementOf(on, record['statement']),
      since: {
        ranMs: numberAt(on, since, 'ranMs', 0, TIME_MAX_MS),
        bootId: textAt(on, since, 'bootId', 64),
        bootMs: numberAt(on, since, 'bootMs', 0, TIME_MAX_MS),
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
  const license = isJsonObject(body['license']) ? readSeatLicense(body['license']) : undefined;
  return { use, users, ...(license === undefined ? {} : { license }) };
}

function readSeatLicense({ uid, serial }: JsonObject): SeatLicense | undefined {
  if (typeof uid !== 'string' || uid === '' || uid.length > TEXT_MAX || typeof serial !== 'number') return undefined;
  return Number.isSafeInteger(serial) && serial > 0 ? { uid, serial } : undefined;
}

function statementOf(on: Reading, body: unknown): LicenseStatement {
  const claims = objectAt(on, { claims: body }, 'claims');
  const [site, license] = [objectAt(on, claims, 'site'), objectAt(on, claims, 'license')];
  return {
    iss: oneOf(on, claims, 'iss', ['outrigger']),
    typ: oneOf(on, claims, 'typ', ['universal-license']),
    serial: wholeAt(on, claims, 'serial', 1, Number.MAX_SAFE_INTEGER),
    ...(claims['nonce'] === undefined ? {} : { nonce: textAt(on, claims, 'nonce') }),
    licenseMs: numberAt(on, claims, 'licenseMs', 0, TIME_MAX_MS),
    trustedMs: numberAt(on, claims, 'trustedMs', 0, TIME_MAX_MS),
    rate: numberAt(on, claims, 'rate', 1, RATE_MAX),
    site: { namespace: textAt(on, site, 'namespace'), name: textAt(on, site, 'name'), uid: textAt(on, site, 'uid') },
    clusterUid: textAt(on, claims, 'clusterUid'),
    license: {
      name: textAt(on, license, 'name'),
      uid: textAt(on, license, 'uid'),
      edition: textAt(on, license, 'edition'),
      seats: wholeAt(on, license, 'seats', 0, Number.MAX_SAFE_INTEGER),
      model: oneOf(on, license, 'model', ['Named', 'Concurrent']),
      startMs: numberAt(on, license, 'startMs', 0, TIME_MAX_MS),
      endMs: numberAt(on, license, 'endMs', 0, TIME_MAX_MS),
      syncPeriodMs: numberAt(on, license, 'syncPeriodMs', 1, DURATION_MAX_MS),
      syncGraceMs: numberAt(on, license, 'syncGraceMs', 0, DURATION_MAX_MS),
      contractGraceMs: numberAt(on, license, 'contractGraceMs', 0, DURATION_MAX_MS),
      onExpiry: oneOf(on, license, 'onExpiry', ['RefuseNewSessions']),
      peakReset: wholeAt(on, license, 'peakReset', 0, Number.MAX_SAFE_INTEGER),
    },
  };
}

/** Where something is wrong, what is read of it is of no use, and is dropped as a whole. */
function reading<T>(what: string, read: (on: Reading) => T): T | string {
  const on: Reading = { wrong: undefined };
  const value = read(on);
  return on.wrong === undefined ? value : `${what} ${on.wrong}; it was not used.`;
}

function objectAt(on: Reading, of: Readonly<Record<string, unknown>>, name: string): JsonObject {
  const value = of[name];
  if (isJsonObject(value)) return value;
  on.wrong ??= `lacks the object "${name}"`;
  return {};
}

function textAt(on: Reading, of: JsonObject, name: string, maxChars = TEXT_MAX): string {
  const value = of[name];
  if (typeof value === 'string' && value !== '' && value.length <= maxChars) return value;
  on.wrong ??= `lacks the text "${name}", or it is too long`;
  return '';
}

function numberAt(on: Reading, of: JsonObject, name: string, min: number, max: number): number {
  const value = of[name];
  if (typeof value === 'number' && value >= min && value <= max) return value;
  on.wrong ??= `lacks the number "${name}", or it is not between ${min} and ${max}`;
  return min;
}

function wholeAt(on: Reading, of: JsonObject, name: string, min: number, max: number): number {
  const value = numberAt(on, of, name, min, max);
  if (!Number.isSafeInteger(value)) on.wrong ??= `has a "${name}" that is no whole number`;
  return value;
}

function oneOf<T extends string>(on: Reading, of: JsonObject, name: string, choices: readonly [T, ...T[]]): T {
  const found = choices.find((choice) => choice === of[name]);
  if (found === undefined) on.wrong ??= `has a "${name}" that is not ${choices.join(' or ')}`;
  return found ?? choices[0];
}
