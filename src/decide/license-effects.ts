/**
 * What a step of the license machine asks for: decided from the keeper before and after, so that nothing is asked for twice.
 *
 * L11: each threshold is warned of once an approach; a sync that succeeds, or another end of the contract, is another approach.
 * L12: what other nodes and framework services are told was stored first.
 */

import { LICENSE_WARNING_DAYS } from '../model/license-statement.ts';
import { LIMITS } from '../model/limits.ts';
import { countRunning, licenseNowMs } from './license-clock.ts';
import type { BootReading } from './license-clock.ts';
import { canAsk, isWanted, syncAt, viewOf } from './license-keeper.ts';
import type { LicenseEffect, LicenseKeeper } from './license-keeper.ts';
import type { LicenseEvent } from './license-table.ts';
import { approachAt, momentsOf, thresholdAt } from './license-moments.ts';

const DAY_MS = 86_400_000;

export interface LicenseStep {
  readonly keeper: LicenseKeeper;
  readonly effects: readonly LicenseEffect[];
  /** Send TimePassed within so many ms of running time. */
  readonly wakeInMs: number;
}

/** `before`: as the step began; `after`: as the event left it. */
export function settle(before: LicenseKeeper, after: LicenseKeeper, event: LicenseEvent, now: BootReading): LicenseStep {
  const effects: LicenseEffect[] = [];
  let keeper = store(after, now, effects);
  if (keeper.hasAuthority) {
    reportState(before, keeper, event, now, effects);
    keeper = warn(keeper, now, effects);
    if (keeper.failures === 1 && before.failures === 0 && keeper.lastFailure !== undefined)
      effects.push({ kind: 'ReportFailure', message: keeper.lastFailure });
  }
  keeper = ask(keeper, now, effects);
  return { keeper, effects, wakeInMs: wakeIn(keeper, now) };
}

function store(keeper: LicenseKeeper, now: BootReading, effects: LicenseEffect[]): LicenseKeeper {
  if (keeper.record === undefined) return keeper;
  const { serial } = keeper.record.statement;
  if (serial === keeper.storedSerial && now.bootMs < keeper.storeAtMs) return keeper;
  const record = { ...keeper.record, since: countRunning(keeper.record.since, now) };
  // Delivered with every store: framework services go on by what they read last, also when the machine starts anew without an agent.
  effects.push({ kind: 'StoreRecord', record }, { kind: 'Deliver', record });
  if (serial !== keeper.toldSerial) effects.push({ kind: 'TellPeers', record });
  return { ...keeper, record, storeAtMs: now.bootMs + keeper.timers.storeMs, storedSerial: serial, toldSerial: serial };
}

/** A node that takes over says what is out of order: the one before it may have died before it could. */
function reportState(before: LicenseKeeper, after: LicenseKeeper, event: LicenseEvent, now: BootReading, effects: LicenseEffect[]): void {
  const isInherited = event.kind === 'AuthorityGained' && !before.hasAuthority && after.state !== 'Active' && after.state !== 'Inactive';
  if (before.state === after.state && !isInherited) return;
  const view = viewOf(after, now);
  const mark = after.state === 'Active' ? after.record?.statement.serial : view.sinceMs;
  effects.push({ kind: 'ReportState', key: `${after.state}-${mark ?? 0}`, from: before.state, view });
}

function warn(keeper: LicenseKeeper, now: BootReading, effects: LicenseEffect[]): LicenseKeeper {
  if (keeper.record === undefined) return keeper;
  const licenseMs = licenseNowMs(keeper.record, now);
  const approach = approachAt(momentsOf(keeper.record.statement), licenseMs);
  const days = approach === undefined ? undefined : thresholdAt(approach, licenseMs);
  if (approach === undefined || days === undefined) return keeper;
  const last = keeper.warned[approach.to];
  if (last?.atMs === approach.atMs && last.days <= days) return keeper;
  effects.push({ kind: 'Warn', key: `${approach.to}-${approach.atMs}-${days}`, days, view: viewOf(keeper, now) });
  return { ...keeper, warned: { ...keeper.warned, [approach.to]: { atMs: approach.atMs, days } } };
}

function ask(keeper: LicenseKeeper, now: BootReading, effects: LicenseEffect[]): LicenseKeeper {
  if (keeper.asking !== undefined || !canAsk(keeper) || !isWanted(keeper, now) || now.bootMs < keeper.notBeforeMs) return keeper;
  const request = keeper.requests + 1;
  effects.push({ kind: 'RequestSync', request });
  return {
    ...keeper,
    requests: request,
    asking: { request, sinceMs: now.bootMs },
    isRequested: false,
    askedMs: now.bootMs,
    notBeforeMs: now.bootMs + LIMITS.licenseAskEveryMs,
  };
}

/** Until the next moment at which a step would do something by itself. */
function wakeIn(keeper: LicenseKeeper, now: BootReading): number {
  const inMs = [keeper.timers.storeMs];
  if (keeper.record !== undefined) inMs.push(keeper.storeAtMs - now.bootMs, untilNextMoment(keeper, now));
  if (keeper.asking !== undefined) inMs.push(keeper.asking.sinceMs + LIMITS.licenseAnswerMs - now.bootMs);
  else if (canAsk(keeper) && isWanted(keeper, now)) inMs.push(keeper.notBeforeMs - now.bootMs);
  return Math.max(1, Math.ceil(Math.min(...inMs)));
}

function untilNextMoment(keeper: LicenseKeeper, now: BootReading): number {
  if (keeper.record === undefined) return Infinity;
  const { statement } = keeper.record;
  const licenseMs = licenseNowMs(keeper.record, now);
  const moments = momentsOf(statement);
  const approach = approachAt(moments, licenseMs);
  const thresholds = approach === undefined ? [] : LICENSE_WARNING_DAYS.map((days) => approach.atMs - days * DAY_MS);
  const { startMs, endMs, dueMs, syncGraceEndMs, contractGraceEndMs } = moments;
  const all = [startMs, endMs, dueMs, syncGraceEndMs, contractGraceEndMs, syncAt(keeper) ?? dueMs, ...thresholds];
  const ahead = all.filter((atMs) => atMs > licenseMs);
  return (Math.min(...ahead) - licenseMs) / statement.rate;
}
