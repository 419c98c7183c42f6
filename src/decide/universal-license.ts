/**
 * The universal license at a moment: which state it is in, what that means, and what is said about it.
 *
 * A pure function of the newest signed statement and license time, so that the keeper, the proxy that enforces it, the portal and the
 * console never differ. Specification: docs/internals/universal-license.md.
 *
 * L7: no grace refuses anything; Expired, and Inactive (nothing came yet, or nothing has begun), refuse new sessions and nothing else.
 */

import type { LicenseRecord, LicenseState } from '../model/license-statement.ts';
import { bannerOf } from './license-banner.ts';
import type { Severity, SyncTrouble } from './license-banner.ts';
import { approachAt, momentsOf, stateAt, thresholdAt } from './license-moments.ts';
import type { LicenseMoments } from './license-moments.ts';

const DAY_MS = 86_400_000;

/** What holds at a moment. All times are license times in ms since 1970. */
export interface LicenseView {
  readonly state: LicenseState;
  readonly severity: Severity;
  /** A sentence or two for people: what holds, for how long, what to do. */
  readonly message: string;
  readonly refusesNewSessions: boolean;
  /** When this state began. */
  readonly sinceMs?: number;
  /** When it ends if nothing happens. */
  readonly untilMs?: number;
  /** When new sessions will be refused if no sync succeeds any more. */
  readonly expiresMs?: number;
  /** Days, rounded up, until the deadline that people are warned of: the contract's end while Active, else when the grace is over. */
  readonly daysLeft?: number;
  /** When the next sync is (or was) due. */
  readonly dueMs?: number;
  /** The threshold of LICENSE_WARNING_DAYS that has been passed; absent: more than the largest is left, or nothing is counted down. */
  readonly warnAtDays?: number;
}

/** What holds at license time `licenseMs` (ignored without a record). `trouble`: for the words alone; it changes nothing that holds. */
export function viewLicense(record: LicenseRecord | undefined, licenseMs: number, trouble?: SyncTrouble): LicenseView {
  if (record === undefined) return { state: 'Inactive', refusesNewSessions: true, ...bannerOf({ state: 'Inactive', trouble }) };
  const moments = momentsOf(record.statement);
  const state = stateAt(moments, licenseMs);
  const span = spanOf(state, moments, licenseMs);
  const approach = approachAt(moments, licenseMs);
  const daysLeft = approach === undefined ? undefined : Math.ceil((approach.atMs - licenseMs) / DAY_MS);
  const warnAtDays = approach === undefined ? undefined : thresholdAt(approach, licenseMs);
  const facts = { state, moments, licenseMs, license: record.statement.license.name, daysLeft, approach: approach?.to, trouble };
  return {
    state,
    ...bannerOf(facts),
    refusesNewSessions: state === 'Expired' || state === 'Inactive',
    ...span,
    expiresMs: moments.expiresMs,
    dueMs: moments.dueMs,
    ...(daysLeft === undefined ? {} : { daysLeft }),
    ...(warnAtDays === undefined ? {} : { warnAtDays }),
  };
}

function spanOf(state: LicenseState, moments: LicenseMoments, licenseMs: number): Pick<LicenseView, 'sinceMs' | 'untilMs'> {
  const { startMs, endMs, dueMs, expiresMs } = moments;
  switch (state) {
    case 'Inactive':
      return { untilMs: startMs };
    case 'Active':
      return { sinceMs: startMs, untilMs: Math.min(dueMs, endMs) };
    case 'SyncGrace':
      return { sinceMs: Math.max(dueMs, startMs), untilMs: Math.min(endMs, expiresMs) };
    case 'ContractGrace':
      return { sinceMs: endMs, untilMs: licenseMs >= dueMs ? expiresMs : moments.contractGraceEndMs };
    case 'Expired':
      return { sinceMs: Math.max(expiresMs, startMs) };
  }
}
