/**
 * What people read about the universal license: one severity and a sentence or two, the same in console, portal and status; and what somebody is told
 * who wants a session and can do nothing about licenses.
 *
 * Each sentence for operators says what holds, how long, what happens then and what to do. Dates are license time (UTC).
 *
 * I1: what to do follows the newest cause that is known, and is never an advice that the cause makes useless.
 */

import { clause } from '../base/clause.ts';
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
  /** Undefined: nothing is in the way of the sync, or nobody here knows. */
  readonly trouble?: SyncTrouble | undefined;
}

/** What keeps this cluster's license from being synced. */
export type SyncTrouble =
  /** The cluster names no site (any more). */
  | { readonly kind: 'NoSite' }
  /** It names one, and the pairing has not succeeded. */
  | { readonly kind: 'NotPaired' }
  /** Another node syncs; this one does not know how that goes. */
  | { readonly kind: 'Elsewhere' }
  | { readonly kind: 'ServicesMissing'; readonly services: readonly string[] }
  /** The last sync came to nothing: no answer, or none that can be used. */
  | { readonly kind: 'Failed'; readonly said: string }
  /** A director answered, and said no. */
  | { readonly kind: 'Refused'; readonly said: string };

export interface Banner {
  readonly severity: Severity;
  readonly message: string;
}

/** From this many days left on a grace is shown as Danger, and a contract's end as Warning. */
const DANGER_DAYS = 3;
const NOTICE_DAYS = 14;

const SAID_MAX = 300;

export function bannerOf({ state, moments, license, daysLeft, approach, trouble }: BannerFacts): Banner {
  if (moments === undefined || license === undefined)
    return {
      severity: 'Warning',
      message: `No license has reached this site yet, so new sessions are refused. ${
        trouble === undefined
          ? 'Assign a UniversalLicense to the site (spec.license) and pair it: the first sync follows within seconds.'
          : `What to do: ${syncAdvice(trouble)}.`
      }`,
    };
  switch (state) {
    case 'Inactive':
      return { severity: 'Info', message: `License ${license} begins on ${dayOf(moments.startMs)}; until then new sessions are refused.` };
    case 'Active':
      return activeBanner(license, moments, daysLeft ?? Infinity);
    case 'SyncGrace':
    case 'ContractGrace':
      return graceBanner({ state, license, moments, daysLeft: daysLeft ?? 0, approach, trouble });
    case 'Expired':
      return expiredBanner(license, moments, trouble);
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

interface GraceFacts {
  readonly state: 'SyncGrace' | 'ContractGrace';
  readonly license: string;
  readonly moments: LicenseMoments;
  readonly daysLeft: number;
  readonly approach: LicenseApproach['to'] | undefined;
  readonly trouble: SyncTrouble | undefined;
}

function graceBanner({ state, license, moments, daysLeft, approach, trouble }: GraceFacts): Banner {
  const what =
    state === 'SyncGrace'
      ? `License ${license} was not synced since ${dayOf(moments.dueMs)}${reasonOf(trouble)}`
      : `The contract of license ${license} ended on ${dayOf(moments.endMs)}`;
  const isSync = approach === 'SyncGraceEnd';
  const sync = `${syncAdvice(trouble)}; one successful sync ends the grace`;
  const renew = renewAdvice(trouble, 'ends the grace');
  const advice = state === 'SyncGrace' ? sync : isSync ? `renew the contract with your provider; and the sync is overdue: ${sync}` : renew;
  return {
    severity: daysLeft <= DANGER_DAYS ? 'Danger' : 'Warning',
    message: `${what}; nothing is refused yet: ${daysText(daysLeft)} left, new sessions are refused from ${dayOf(isSync ? moments.syncGraceEndMs : moments.contractGraceEndMs)} on. What to do: ${advice}.`,
  };
}

function expiredBanner(license: string, moments: LicenseMoments, trouble: SyncTrouble | undefined): Banner {
  const bySync = moments.syncGraceEndMs < moments.contractGraceEndMs;
  const why = bySync
    ? `no sync succeeded since ${dayOf(moments.dueMs)}${reasonOf(trouble)}, and the sync grace is over`
    : `its contract ended on ${dayOf(moments.endMs)} and the contract grace is over`;
  const what = bySync
    ? `${syncAdvice(trouble)}; one successful sync lets sessions in again`
    : renewAdvice(trouble, 'lets sessions in again');
  return {
    severity: 'Danger',
    message: `License ${license} has expired: ${why}. New sessions are refused; running sessions and services go on. What to do: ${what}.`,
  };
}

/** What must be done before a sync can succeed. */
function syncAdvice(trouble: SyncTrouble | undefined): string {
  switch (trouble?.kind) {
    case 'NoSite':
      return 'plug this cluster into a site again (spec.site of the Cluster) and pair it (outrigger site pair)';
    case 'NotPaired':
      return 'let the pairing with the site succeed (the pairing page of the portal and outrigger site status name the check that failed)';
    case 'ServicesMissing':
      return `let ${trouble.services.join(', ')} run on a node (the portal of the primary and outrigger status say why not)`;
    case 'Failed':
      return `let the primary reach a director; its last sync ended with: "${clause(trouble.said.slice(0, SAID_MAX))}"`;
    case 'Refused':
      return `do what the director says, which refused the last sync: "${clause(trouble.said.slice(0, SAID_MAX))}"`;
    case 'Elsewhere':
    case undefined:
      return 'let the primary reach a director; what is missing is said by the portal of the primary and, once a director answers, by outrigger license status';
  }
}

/** A renewed contract arrives with a sync, and needs one that can succeed. */
function renewAdvice(trouble: SyncTrouble | undefined, then: string): string {
  const renew = `renew the contract with your provider; the next sync after that ${then}`;
  return trouble === undefined || trouble.kind === 'Elsewhere' ? renew : `${renew}. For a sync: ${syncAdvice(trouble)}`;
}

function reasonOf(trouble: SyncTrouble | undefined): string {
  switch (trouble?.kind) {
    case 'NoSite':
      return ', because this cluster is unplugged from its site';
    case 'NotPaired':
      return ', because this cluster is not paired with its site';
    case 'ServicesMissing':
      return `, because ${trouble.services.join(', ')} runs on no node`;
    default:
      return '';
  }
}

/** Why nobody is let in, for somebody who wants a session; undefined: the license lets him in. */
export function refusalForUsers(state: LicenseState, moments: Pick<LicenseMoments, 'startMs'> | undefined): string | undefined {
  const then = "so no new sessions are let in; ask the site's administrator. Running sessions go on.";
  if (state === 'Expired') return `This site's license has expired, ${then}`;
  if (state !== 'Inactive') return undefined;
  if (moments === undefined) return `This site has no license yet, ${then}`;
  return `This site's license begins on ${dayOf(moments.startMs)}, ${then}`;
}

function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}

/** A statement may name times that no calendar has. */
function dayOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'an unknown day' : date.toISOString().slice(0, 10);
}
