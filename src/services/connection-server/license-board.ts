/**
 * The license as a connection server shows it. It refuses nothing by it: the front door does (docs/decisions/0012-sites-tunnel-license.md).
 *
 * I1: of two licenses the one with the higher serial holds; a lower one is refused.
 * I2: with an authority nothing is taken that it does not vouch for; without one, nothing is called verified.
 */

import { readStatement } from '../../decide/license-claims.ts';
import { licenseNowMs, startedNow } from '../../decide/license-clock.ts';
import type { BootReading } from '../../decide/license-clock.ts';
import { viewLicense } from '../../decide/universal-license.ts';
import type { ConnectionServerLicense } from '../../model/connection-server.ts';
import type { LicenseRecord } from '../../model/license-statement.ts';
import { LIMITS } from '../../model/limits.ts';
import type { LicenseTokenRead, ReadLicenseToken } from '../../ports/license-token.ts';

export type LicenseTaken =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: 'OlderLicense' | 'LicenseUntrusted'; readonly message: string };

export interface LicenseBoard {
  put(token: string, now: BootReading): LicenseTaken;
  show(now: BootReading): ConnectionServerLicense | undefined;
  remove(): void;
  /** 0 without a license. */
  serial(): number;
}

/** `authority`: PEM of the CA, when somebody named one. */
export function createLicenseBoard(readToken: ReadLicenseToken, authority: string | undefined): LicenseBoard {
  let record: LicenseRecord | undefined;
  return {
    put: (token, now) => {
      const read = authority === undefined ? readUnverified(token) : readToken(token, authority);
      if (!read.ok) return { ok: false, code: 'LicenseUntrusted', message: read.why };
      const held = record?.statement.serial ?? 0;
      const { serial } = read.statement;
      if (serial < held)
        return {
          ok: false,
          code: 'OlderLicense',
          message: `This license has the serial ${serial}, and the one with ${held} is here already; it was kept.`,
        };
      // The same one delivered again does not begin anew.
      if (serial > held) record = { token, statement: read.statement, since: startedNow(now) };
      return { ok: true };
    },
    show: (now) => (record === undefined ? undefined : shown(record, now, authority !== undefined)),
    remove: () => void (record = undefined),
    serial: () => record?.statement.serial ?? 0,
  };
}

function shown(record: LicenseRecord, now: BootReading, verified: boolean): ConnectionServerLicense {
  const { state, message } = viewLicense(record, licenseNowMs(record, now));
  return { serial: record.statement.serial, state, message, verified, token: record.token };
}

function readUnverified(token: string): LicenseTokenRead {
  const parts = token.split('.');
  if (parts.length !== 3 || token.length > LIMITS.licenseTokenChars)
    return { ok: false, why: 'The token is not a signed statement (three parts joined by dots); it was cut short or is something else.' };
  const statement = readStatement(jsonOf(parts[1] ?? ''));
  return typeof statement === 'string' ? { ok: false, why: statement } : { ok: true, statement };
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
