/**
 * The moments of a license that follow from its statement, and what holds between them. Specification: docs/internals/universal-license.md.
 *
 * L5: sync grace is counted from the moment the sync was due, never from a failure.
 * L6: Expired goes before ContractGrace, that before SyncGrace, that before Active; a contract that has not begun is Inactive.
 */

import { LICENSE_WARNING_DAYS } from '../model/license-statement.ts';
import type { LicenseState, LicenseStatement } from '../model/license-statement.ts';

const DAY_MS = 86_400_000;

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
