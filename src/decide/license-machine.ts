/**
 * The keeper of a node's license record: when to ask a director, what to accept from it and from peers, what to tell whom.
 *
 * Each node steps one. All of them count and merge; the one whose node has authority asks, warns and reports. Every step looks at the time
 * first, then at the event, and then does what is due, so a lost or late event costs a delay and nothing else.
 * Specification: docs/internals/universal-license.md; the table: license-table.ts.
 *
 * What the shell owes: verified tokens; effects carried out in their order; one SyncSucceeded or SyncFailed for each RequestSync; a
 * TimePassed within `wakeInMs`; the record sent to the peers every LIMITS.licenseStoreMs, besides TellPeers.
 *
 * L5: a failed sync changes no state. L9: a statement is accepted only for this cluster and this site, with a higher serial, from the
 * request under way. L10: a sync is asked for only with authority, a site and one live instance of each framework service; jitter makes it
 * earlier, never later. L11: each threshold is warned of once an approach. L12: what is told to anybody was stored first.
 */

import { assert, unreachable } from '../base/assert.ts';
import { backoffMs } from '../base/backoff.ts';
import type { LicenseRecord, LicenseState } from '../model/license-statement.ts';
import { LIMITS } from '../model/limits.ts';
import { countRunning, startedNow } from './license-clock.ts';
import type { BootReading } from './license-clock.ts';
import { settle } from './license-effects.ts';
import type { LicenseStep } from './license-effects.ts';
import { mergeRecords } from './license-exchange.ts';
import { canAsk, refusalOf, stateOf } from './license-keeper.ts';
import type { LicenseKeeper, LicenseTimers } from './license-keeper.ts';
import { LICENSE_TABLE } from './license-table.ts';
import type { LicenseEvent } from './license-table.ts';

/** The keeper of a node that just started with what its disk holds. `dice` is uniform in [0, 1), here and below. */
export function initialLicense(
  clusterUid: string,
  stored: LicenseRecord | undefined,
  now: BootReading,
  dice: number,
  timers: LicenseTimers = { storeMs: LIMITS.licenseStoreMs },
): LicenseKeeper {
  const record = stored?.statement.clusterUid === clusterUid ? mergeRecords(stored, undefined, now) : undefined;
  return {
    clusterUid,
    timers,
    record,
    state: stateOf(record, now),
    hasAuthority: false,
    siteUid: undefined,
    isPlugged: false,
    missing: undefined,
    jitter: dice,
    asking: undefined,
    requests: 0,
    failures: 0,
    tries: 0,
    lastFailure: undefined,
    isRefused: false,
    isRequested: false,
    notBeforeMs: now.bootMs,
    askedMs: now.bootMs - LIMITS.licenseAskEveryMs,
    storeAtMs: now.bootMs,
    storedSerial: record?.statement.serial,
    toldSerial: undefined,
    warned: {},
  };
}

export function stepLicense(before: LicenseKeeper, event: LicenseEvent, now: BootReading, dice: number): LicenseStep {
  const passed = obeyTable(before, 'TimePassed', lookAtTime(before, now, dice));
  const after = obeyTable(passed, event.kind, absorb(passed, event, now, dice));
  return settle(before, after, event, now);
}

function obeyTable(from: LicenseKeeper, kind: LicenseEvent['kind'], to: LicenseKeeper): LicenseKeeper {
  const states: readonly LicenseState[] = LICENSE_TABLE[from.state][kind].to;
  assert(states.includes(to.state), `the license table says that ${kind} does not lead from ${from.state} to ${to.state}`);
  return to;
}

function lookAtTime(keeper: LicenseKeeper, now: BootReading, dice: number): LicenseKeeper {
  const { asking } = keeper;
  const looked = { ...keeper, state: stateOf(keeper.record, now) };
  if (asking === undefined || now.bootMs - asking.sinceMs < LIMITS.licenseAnswerMs) return looked;
  return failed(looked, `No answer from a director within ${LIMITS.licenseAnswerMs / 1000} s.`, now, dice);
}

function absorb(keeper: LicenseKeeper, event: LicenseEvent, now: BootReading, dice: number): LicenseKeeper {
  switch (event.kind) {
    case 'TimePassed':
      return keeper;
    case 'SyncSucceeded':
      return accepted(keeper, event, now, dice);
    case 'SyncFailed':
      return event.request === keeper.asking?.request
        ? { ...failed(keeper, event.message, now, dice), isRefused: event.isRefused === true }
        : keeper;
    case 'PrerequisitesChanged': {
      const { siteUid, missing, isPlugged = siteUid !== undefined } = event;
      const told = { ...otherSite(keeper, siteUid), isPlugged, missing };
      return canAsk(told) && (!canAsk(keeper) || told.siteUid !== keeper.siteUid) ? askable(told) : told;
    }
    case 'PeerRecord':
      return merged(keeper, event.record, now, dice);
    case 'AuthorityGained':
      return askable({ ...keeper, hasAuthority: true });
    case 'AuthorityLost':
      return { ...keeper, hasAuthority: false, isRequested: false };
    case 'SyncRequested':
      return keeper.hasAuthority ? askable({ ...keeper, isRequested: true }) : keeper;
    case 'StoreFailed':
      return { ...keeper, toldSerial: undefined, storeAtMs: now.bootMs + keeper.timers.storeMs / 10 };
    default:
      return unreachable(event, 'LicenseEvent');
  }
}

/** What went wrong with the site before says nothing of this one. */
function otherSite(keeper: LicenseKeeper, siteUid: string | undefined): LicenseKeeper {
  return siteUid === keeper.siteUid ? keeper : { ...keeper, siteUid, failures: 0, lastFailure: undefined };
}

/** An answer of an earlier request is dropped: what was signed long ago would give the time since back. */
function accepted(
  keeper: LicenseKeeper,
  { request, token, statement }: Extract<LicenseEvent, { kind: 'SyncSucceeded' }>,
  now: BootReading,
  dice: number,
): LicenseKeeper {
  if (request !== keeper.asking?.request) return keeper;
  if (keeper.siteUid === undefined) return failed(keeper, 'This cluster is not paired with a site any more.', now, dice);
  const refusal = refusalOf(statement, { ...keeper, heldSerial: keeper.record?.statement.serial });
  if (refusal !== undefined) return failed(keeper, refusal, now, dice);
  return renewed(keeper, { token, statement, since: startedNow(now) }, now, dice);
}

/** A member of the cluster hands over what the cluster holds, also what it still holds of a site that it has left: only time and a newer statement take that away. */
function merged(keeper: LicenseKeeper, theirs: LicenseRecord, now: BootReading, dice: number): LicenseKeeper {
  if (refusalOf(theirs.statement, { clusterUid: keeper.clusterUid, siteUid: undefined, heldSerial: undefined }) !== undefined)
    return keeper;
  const record = mergeRecords(keeper.record, theirs, now);
  if (record === undefined || record.statement.serial !== keeper.record?.statement.serial) return renewed(keeper, record, now, dice);
  const gainedMs = record.since.ranMs - countRunning(keeper.record.since, now).ranMs;
  // A little more is the way of the exchange; much more is what this node slept through, and its framework services with it.
  const news = gainedMs >= keeper.timers.storeMs ? { storeAtMs: now.bootMs, toldSerial: undefined } : {};
  return { ...keeper, record, state: stateOf(record, now), ...news };
}

function renewed(keeper: LicenseKeeper, record: LicenseRecord | undefined, now: BootReading, dice: number): LicenseKeeper {
  return { ...keeper, record, state: stateOf(record, now), jitter: dice, asking: undefined, failures: 0, tries: 0, lastFailure: undefined };
}

function failed(keeper: LicenseKeeper, message: string, now: BootReading, dice: number): LicenseKeeper {
  const tries = keeper.tries + 1;
  return {
    ...keeper,
    asking: undefined,
    failures: keeper.failures + 1,
    tries,
    lastFailure: message,
    isRefused: false,
    notBeforeMs: now.bootMs + retryMs(keeper, tries, dice),
  };
}

/** Back-off in running time, so fast as license time passes; before the first success it is short: somebody is waiting. */
function retryMs({ record }: LicenseKeeper, tries: number, dice: number): number {
  if (record === undefined)
    return backoffMs({ baseMs: LIMITS.licenseFirstRetryMs, capMs: LIMITS.licenseRetryMs, jitter: 0.2 }, tries, dice);
  const { rate, license } = record.statement;
  const capMs = Math.min(LIMITS.licenseRetryCapMs, license.syncPeriodMs / 2);
  return Math.max(LIMITS.licenseAskEveryMs, backoffMs({ baseMs: LIMITS.licenseRetryMs, capMs, jitter: 0.2 }, tries, dice) / rate);
}

/** Nothing but the pace of requests holds the next one back. */
function askable(keeper: LicenseKeeper): LicenseKeeper {
  return { ...keeper, tries: 0, notBeforeMs: keeper.askedMs + LIMITS.licenseAskEveryMs };
}
