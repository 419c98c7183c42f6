/**
 * What a load of clients saw: how many requests there were, how many failed, when, how long the others took.
 *
 * The definition of "0 failed requests": a request is idempotent (GET), goes to a living node's balancer, and has failed when no 2xx came within
 * 5 s. Nothing is sent a second time by the client: what a client would have to repeat counts as failed. Only a kept connection that was closed
 * *between* two requests is opened anew, as every client does.
 *
 * I1: every attempt is counted once: attempts = answered well + failed, for all together and for each kind of client.
 * I2: the size does not grow with the number of attempts: latencies are kept by class (5 % wide), the greatest exactly.
 * I3: a pause without a success counts also while it lasts, and from the beginning on.
 * I4: attempts that could not be made (a bound was reached, or this machine stood still) are told apart and are no failures of the other end.
 */

import { assert } from '../base/assert.ts';

/** `kept`: a client that keeps its connection; `fresh`: a connection for each request. */
export type LoadKind = 'kept' | 'fresh';

export interface LoadAttempt {
  readonly kind: LoadKind;
  /** Ms on the clock of the machine that loads (Clock.monotonicMs). */
  readonly startedMs: number;
  readonly endedMs: number;
  /** Why it failed, in a few words; absent: it was answered well. */
  readonly failure?: string;
}

/** Times on the clock of the machine that loads. */
export interface LoadCount {
  readonly attempts: number;
  readonly failed: number;
  /** Attempts that were due and not made. */
  readonly skipped: number;
  /** Of what was answered well; NaN without any. p50 and p99 are right to 5 %. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** From the start of the first failed attempt to the end of the last; absent: none failed. */
  readonly errors?: ErrorWindow;
  /** The longest time without a success. */
  readonly longestGapMs: number;
}

export interface ErrorWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly ms: number;
}

export interface LoadReport extends LoadCount {
  readonly fromMs: number;
  readonly toMs: number;
  readonly kinds: Readonly<Record<LoadKind, LoadCount>>;
  /** How often each reason was given; at most 20 reasons, the rest stands under `others`. */
  readonly reasons: Readonly<Record<string, number>>;
}

interface Counted {
  readonly attempts: number;
  readonly failed: number;
  readonly skipped: number;
  readonly maxMs: number;
  /** Successes by class of latency. */
  readonly classes: readonly number[];
  readonly firstFailedMs: number | undefined;
  readonly lastFailedMs: number | undefined;
  readonly lastOkMs: number;
  readonly longestGapMs: number;
}

export interface LoadTally {
  readonly fromMs: number;
  readonly all: Counted;
  readonly kinds: Readonly<Record<LoadKind, Counted>>;
  readonly reasons: Readonly<Record<string, number>>;
}

const CLASS_RATIO = 1.05;
const SHORTEST_MS = 0.05;
/** The last class begins at 8.5 s, beyond what any attempt is waited for. */
const CLASSES = 248;
const REASONS = 20;
const OTHERS = 'others';

export function emptyTally(nowMs: number): LoadTally {
  const none = (): Counted => ({
    attempts: 0,
    failed: 0,
    skipped: 0,
    maxMs: 0,
    classes: Array.from({ length: CLASSES }, () => 0),
    firstFailedMs: undefined,
    lastFailedMs: undefined,
    lastOkMs: nowMs,
    longestGapMs: 0,
  });
  return { fromMs: nowMs, all: none(), kinds: { kept: none(), fresh: none() }, reasons: {} };
}

export function countAttempt(tally: LoadTally, attempt: LoadAttempt): LoadTally {
  assert(attempt.endedMs >= attempt.startedMs, 'an attempt ends after it started');
  return {
    fromMs: tally.fromMs,
    all: counted(tally.all, attempt),
    kinds: { ...tally.kinds, [attempt.kind]: counted(tally.kinds[attempt.kind], attempt) },
    reasons: attempt.failure === undefined ? tally.reasons : withReason(tally.reasons, attempt.failure),
  };
}

export function countSkipped(tally: LoadTally, kind: LoadKind, count: number): LoadTally {
  const more = (one: Counted): Counted => ({ ...one, skipped: one.skipped + count });
  return { ...tally, all: more(tally.all), kinds: { ...tally.kinds, [kind]: more(tally.kinds[kind]) } };
}

export function reportOf(tally: LoadTally, nowMs: number): LoadReport {
  return {
    fromMs: tally.fromMs,
    toMs: nowMs,
    ...countOf(tally.all, nowMs),
    kinds: { kept: countOf(tally.kinds.kept, nowMs), fresh: countOf(tally.kinds.fresh, nowMs) },
    reasons: tally.reasons,
  };
}

/** One line for people: `12,345 requests in 60.0 s, 0 failed, p50 2.1 ms, p99 9.8 ms, at most 45 ms`. */
export function loadSentence(report: LoadReport): string {
  const ms = (value: number): string => (Number.isNaN(value) ? 'unknown' : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
  const many = report.attempts.toLocaleString('en-US');
  const seconds = ((report.toMs - report.fromMs) / 1000).toFixed(1);
  const base = `${many} requests in ${seconds} s, ${report.failed} failed, p50 ${ms(report.p50Ms)}, p99 ${ms(report.p99Ms)}, at most ${ms(report.maxMs)}`;
  const skipped = report.skipped === 0 ? '' : `, ${report.skipped} could not be sent`;
  if (report.errors === undefined) return base + skipped;
  const why = Object.entries(report.reasons).map(([reason, count]) => `${count} × ${reason}`);
  return `${base}${skipped}; errors for ${ms(report.errors.ms)}: ${why.join(', ')}`;
}

function counted(before: Counted, { startedMs, endedMs, failure }: LoadAttempt): Counted {
  const attempts = before.attempts + 1;
  if (failure !== undefined)
    return {
      ...before,
      attempts,
      failed: before.failed + 1,
      firstFailedMs: Math.min(before.firstFailedMs ?? startedMs, startedMs),
      lastFailedMs: Math.max(before.lastFailedMs ?? endedMs, endedMs),
    };
  const tookMs = endedMs - startedMs;
  const at = classOf(tookMs);
  return {
    ...before,
    attempts,
    maxMs: Math.max(before.maxMs, tookMs),
    classes: before.classes.with(at, (before.classes[at] ?? 0) + 1),
    lastOkMs: Math.max(before.lastOkMs, endedMs),
    longestGapMs: Math.max(before.longestGapMs, endedMs - before.lastOkMs),
  };
}

function countOf(one: Counted, nowMs: number): LoadCount {
  const well = one.attempts - one.failed;
  const { firstFailedMs: fromMs, lastFailedMs: toMs } = one;
  return {
    attempts: one.attempts,
    failed: one.failed,
    skipped: one.skipped,
    p50Ms: quantileOf(one, well, 0.5),
    p99Ms: quantileOf(one, well, 0.99),
    maxMs: well === 0 ? Number.NaN : one.maxMs,
    ...(fromMs === undefined || toMs === undefined ? {} : { errors: { fromMs, toMs, ms: toMs - fromMs } }),
    longestGapMs: Math.max(one.longestGapMs, nowMs - one.lastOkMs),
  };
}

function classOf(tookMs: number): number {
  if (tookMs <= SHORTEST_MS) return 0;
  return Math.min(CLASSES - 1, Math.floor(Math.log(tookMs / SHORTEST_MS) / Math.log(CLASS_RATIO)) + 1);
}

/** The upper end of the class that the quantile falls into, so that nothing looks better than it was. */
function quantileOf(one: Counted, well: number, share: number): number {
  if (well === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(well * share));
  let seen = 0;
  const at = one.classes.findIndex((count) => (seen += count) >= rank);
  return Math.min(one.maxMs, SHORTEST_MS * CLASS_RATIO ** at);
}

function withReason(reasons: Readonly<Record<string, number>>, why: string): Readonly<Record<string, number>> {
  const name = reasons[why] !== undefined || Object.keys(reasons).length < REASONS ? why : OTHERS;
  return { ...reasons, [name]: (reasons[name] ?? 0) + 1 };
}
