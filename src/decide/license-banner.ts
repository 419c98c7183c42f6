/**
 * What people read about the universal license: one severity and a sentence or two, the same in console, portal and status.
 *
 * Each sentence says what holds, how long, what happens then and what to do. Dates are license time (UTC).
 */

import type { LicenseState } from '../model/license-statement.ts';
import type { LicenseApproach, LicenseMoments } from './license-moments.ts';

export type Severity = 'Success' | 'Info' | 'Warning' | 'Danger';

export interface BannerFacts {
  readonly state: LicenseState;
  /** All but `state` are absent when no statement was ever received. */
  readonly moments?: LicenseMoments;
  readonly licenseMs?: number;
  readonly license?: string;
  readonly daysLeft?: number | undefined;
  readonly approach?: LicenseApproach['to'] | undefined;
}

export interface Banner {
  readonly severity: Severity;
  readonly message: string;
}

/** From this many days left on a grace is shown as Danger, and a contract's end as Warning. */
const DANGER_DAYS = 3;
const NOTICE_DAYS = 14;

const SYNC_ADVICE = 'let the primary reach a director (outrigger license status says what is missing); one successful sync ends the grace';
const RENEW_ADVICE = 'renew the contract with your provider; the next sync after that ends the grace';

export function bannerOf({ state, moments, license, daysLeft, approach }: BannerFacts): Banner {
  if (moments === undefined || license === undefined)
    return {
      severity: 'Warning',
      message:
        'No license has reached this site yet, so new sessions are refused. Assign a UniversalLicense to the site (spec.license) and pair it: the first sync follows within seconds.',
    };
  switch (state) {
    case 'Inactive':
      return { severity: 'Info', message: `License ${license} begins on ${dayOf(moments.startMs)}; until then new sessions are refused.` };
    case 'Active':
      return activeBanner(license, moments, daysLeft ?? Infinity);
    case 'SyncGrace':
    case 'ContractGrace':
      return graceBanner(state, license, moments, daysLeft ?? 0, approach);
    case 'Expired':
      return expiredBanner(license, moments);
  }
}

function activeBanner(license: string, moments: LicenseMoments, daysLeft: number): Banner {
  if (daysLeft > NOTICE_DAYS)
    return { severity: 'Success', message: `License ${license} is active; the contract runs until ${dayOf(moments.endMs)}.` };
  const then = moments.contractGraceEndMs > moments.endMs ? 'then contract grace begins' : 'then new sessions are refused';
  return {
    severity: 'Warning',
    message: `License ${license} is active; its contract ends in ${daysText(daysLeft)}, on ${dayOf(moments.endMs)}: ${then}. Renew the contract with your provider.`,
  };
}

function graceBanner(
  state: 'SyncGrace' | 'ContractGrace',
  license: string,
  moments: LicenseMoments,
  daysLeft: number,
  approach: LicenseApproach['to'] | undefined,
): Banner {
  const what =
    state === 'SyncGrace'
      ? `License ${license} could not be synced since ${dayOf(moments.dueMs)}`
      : `The contract of license ${license} ended on ${dayOf(moments.endMs)}`;
  const isSync = approach === 'SyncGraceEnd';
  const advice =
    state === 'ContractGrace' && isSync
      ? `${RENEW_ADVICE}; and the sync is overdue: ${SYNC_ADVICE}`
      : state === 'SyncGrace'
        ? SYNC_ADVICE
        : RENEW_ADVICE;
  return {
    severity: daysLeft <= DANGER_DAYS ? 'Danger' : 'Warning',
    message: `${what}; nothing is refused yet: ${daysText(daysLeft)} left, new sessions are refused from ${dayOf(isSync ? moments.syncGraceEndMs : moments.contractGraceEndMs)} on. What to do: ${advice}.`,
  };
}

function expiredBanner(license: string, moments: LicenseMoments): Banner {
  const bySync = moments.syncGraceEndMs < moments.contractGraceEndMs;
  const why = bySync
    ? `no sync succeeded since ${dayOf(moments.dueMs)} and the sync grace is over`
    : `its contract ended on ${dayOf(moments.endMs)} and the contract grace is over`;
  const what = bySync
    ? 'let the primary reach a director (outrigger license status says what is missing); one successful sync lets sessions in again'
    : 'renew the contract with your provider; the next sync after that lets sessions in again';
  return {
    severity: 'Danger',
    message: `License ${license} has expired: ${why}. New sessions are refused; running sessions and services go on. What to do: ${what}.`,
  };
}

function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}

/** A statement may name times that no calendar has. */
function dayOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'an unknown day' : date.toISOString().slice(0, 10);
}
