/**
 * The universal license at a moment: which state it is in, what that means, and what is said about it.
 *
 * A pure function of the newest signed statement and license time, so that the keeper, the proxy that enforces it, the portal and the
 * console never differ. Specification: docs/internals/universal-license.md.
 *
 * L5: sync grace is counted from the moment the sync was due, never from a failure; no failure changes a state, only time does.
 * L6: Expired goes before ContractGrace, that before SyncGrace, that before Active; a contract that has not begun is Inactive.
 * L7: no grace refuses anything; Expired, and Inactive (nothing came yet, or nothing has begun), refuse new sessions and nothing else.
 */

import { LICENSE_WARNING_DAYS } from '../model/license-statement.ts';
import type { LicenseRecord, LicenseState, LicenseStatement } from '../model/license-statement.ts';
import { bannerOf } from './license-banner.ts';
import type { Severity } from './license-banner.ts';

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

/** The moments that follow from a statement. License times in ms since 1970. */
export interface LicenseMoments {
  readonly startMs: number;
  readonly endMs: number;
  readonly dueMs: number;
  readonly syncGraceEndMs: number;
  readonly contractGraceEndMs: number;
  /** The earlier of the two ends of grace. */
  readonly expiresMs: number;
}

export function momentsOf({ licenseMs, license }: LicenseStatement): LicenseMoments {
  const dueMs = licenseMs + license.syncPeriodMs;
  const syncGraceEndMs = dueMs + license.syncGraceMs;
  const contractGraceEndMs = license.endMs + license.contractGraceMs;
  return {
    startMs: license.startMs,
    endMs: license.endMs,
    dueMs,
    syncGraceEndMs,
    contractGraceEndMs,
    expiresMs: Math.min(syncGraceEndMs, contractGraceEndMs),
  };
}

/** What holds at license time `licenseMs` (ignored without a record). */
export function viewLicense(record: LicenseRecord | undefined, licenseMs: number): LicenseView {
  if (record === undefined) return { state: 'Inactive', refusesNewSessions: true, ...bannerOf({ state: 'Inactive' }) };
  const moments = momentsOf(record.statement);
  const state = stateAt(moments, licenseMs);
  const span = spanOf(state, moments, licenseMs);
  const approach = approachAt(moments, licenseMs);
  const daysLeft = approach === undefined ? undefined : Math.ceil((approach.atMs - licenseMs) / DAY_MS);
  const warnAtDays = approach === undefined ? undefined : thresholdAt(approach, licenseMs);
  const facts = { state, moments, licenseMs, license: record.statement.license.name, daysLeft, approach: approach?.to };
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

export function stateAt(moments: LicenseMoments, licenseMs: number): LicenseState {
  if (licenseMs < moments.startMs) return 'Inactive';
  if (licenseMs >= moments.expiresMs) return 'Expired';
  if (licenseMs >= moments.endMs) return 'ContractGrace';
  if (licenseMs >= moments.dueMs) return 'SyncGrace';
  return 'Active';
}

/** What is drawing near: the deadline that people are warned of. */
export interface LicenseApproach {
  readonly to: 'ContractEnd' | 'SyncGraceEnd' | 'ContractGraceEnd';
  readonly atMs: number;
}

/**
 * The deadline that counts at `licenseMs`; undefined: none (not begun, or already expired). The end of sync grace counts only once the
 * sync is overdue: a site that syncs every day is not warned of what would be if it stopped.
 */
export function approachAt(moments: LicenseMoments, licenseMs: number): LicenseApproach | undefined {
  const isOverdue = licenseMs >= moments.dueMs;
  switch (stateAt(moments, licenseMs)) {
    case 'Inactive':
    case 'Expired':
      return undefined;
    case 'Active':
      return { to: 'ContractEnd', atMs: moments.endMs };
    case 'SyncGrace':
    case 'ContractGrace':
      if (isOverdue && moments.syncGraceEndMs < moments.contractGraceEndMs) return { to: 'SyncGraceEnd', atMs: moments.syncGraceEndMs };
      return { to: 'ContractGraceEnd', atMs: moments.contractGraceEndMs };
  }
}

/** The lowest of LICENSE_WARNING_DAYS that has been passed at `licenseMs`; undefined: none yet. */
export function thresholdAt(approach: LicenseApproach, licenseMs: number): number | undefined {
  const daysLeft = Math.ceil((approach.atMs - licenseMs) / DAY_MS);
  return LICENSE_WARNING_DAYS.findLast((days) => daysLeft <= days);
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
