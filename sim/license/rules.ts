/**
 * The rules of the universal license as a person would count them on a calendar: written apart from the product's code, to judge it.
 */

import type { LicenseState, LicenseStatement } from '../../src/model/license-statement.ts';

export const DAY_MS = 86_400_000;

/** What is true of `statement` at license time `atMs`. */
export function stateByRules({ licenseMs, license }: LicenseStatement, atMs: number): LicenseState {
  const hasBegun = atMs >= license.startMs;
  const isContractOver = atMs >= license.endMs;
  const overdueMs = atMs - (licenseMs + license.syncPeriodMs);
  const isGraceOver = overdueMs >= license.syncGraceMs || atMs - license.endMs >= license.contractGraceMs;
  if (!hasBegun) return 'Inactive';
  if (isGraceOver) return 'Expired';
  if (isContractOver) return 'ContractGrace';
  return overdueMs >= 0 ? 'SyncGrace' : 'Active';
}

/** The deadline that people should know of at `atMs`; undefined: none. */
export function deadlineByRules(statement: LicenseStatement, atMs: number): number | undefined {
  const { licenseMs, license } = statement;
  const bySync = licenseMs + license.syncPeriodMs + license.syncGraceMs;
  const byContract = license.endMs + license.contractGraceMs;
  const isOverdue = atMs >= licenseMs + license.syncPeriodMs;
  const state = stateByRules(statement, atMs);
  if (state === 'Active') return license.endMs;
  if (state === 'SyncGrace' || state === 'ContractGrace') return isOverdue ? Math.min(bySync, byContract) : byContract;
  return undefined;
}

/** The threshold that `leftMs` has passed; undefined: none yet. */
export function thresholdOf(leftMs: number): number | undefined {
  if (leftMs <= DAY_MS) return 1;
  if (leftMs <= 3 * DAY_MS) return 3;
  if (leftMs <= 7 * DAY_MS) return 7;
  return leftMs <= 14 * DAY_MS ? 14 : undefined;
}
