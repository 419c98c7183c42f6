/**
 * The tally of a load: what its figures say of any attempts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countAttempt, countSkipped, emptyTally, loadSentence, reportOf } from '../../../src/decide/load-tally.ts';
import type { LoadAttempt, LoadTally } from '../../../src/decide/load-tally.ts';

const attempts = fc.array(
  fc.record({
    kind: fc.constantFrom('kept' as const, 'fresh' as const),
    startedMs: fc.double({ min: 1_000, max: 60_000, noNaN: true }),
    tookMs: fc.double({ min: 0, max: 6_000, noNaN: true }),
    failure: fc.option(fc.constantFrom('ECONNRESET', 'answered 503'), { nil: undefined }),
  }),
  { maxLength: 300 },
);

function tallied(all: readonly LoadAttempt[]): LoadTally {
  return all.reduce(countAttempt, emptyTally(1_000));
}

test('I1, I2: every attempt is counted once, and quantiles are right to 5 %', () => {
  fc.assert(
    fc.property(attempts, (drawn) => {
      const all = drawn.map(({ tookMs, failure, ...one }) => ({
        ...one,
        endedMs: one.startedMs + tookMs,
        ...(failure === undefined ? {} : { failure }),
      }));
      const report = reportOf(tallied(all), 70_000);
      const failed = all.filter((one) => one.failure !== undefined);
      assert.equal(report.attempts, all.length);
      assert.equal(report.failed, failed.length);
      assert.equal(report.kinds.kept.attempts + report.kinds.fresh.attempts, all.length);
      assert.equal(report.kinds.kept.failed + report.kinds.fresh.failed, failed.length);
      assert.equal(
        Object.values(report.reasons).reduce((sum, count) => sum + count, 0),
        failed.length,
      );
      const well = all
        .filter((one) => one.failure === undefined)
        .map((one) => one.endedMs - one.startedMs)
        .sort((a, b) => a - b);
      if (well.length === 0) return assert.ok(Number.isNaN(report.p50Ms) && Number.isNaN(report.maxMs));
      assert.equal(report.maxMs, well.at(-1));
      for (const [share, got] of [
        [0.5, report.p50Ms],
        [0.99, report.p99Ms],
      ] as const) {
        const exact = well[Math.max(1, Math.ceil(well.length * share)) - 1] ?? Number.NaN;
        assert.ok(got >= Math.min(exact, 9_000) - 1e-9, `${got} is below ${exact}`);
        assert.ok(got <= Math.max(0.05, exact * 1.051), `${got} is far above ${exact}`);
      }
    }),
  );
});

test('the window of errors goes from the start of the first to the end of the last, in whatever order they ended', () => {
  const tally = tallied([
    { kind: 'kept', startedMs: 2_000, endedMs: 2_001 },
    { kind: 'fresh', startedMs: 3_000, endedMs: 3_001, failure: 'ECONNREFUSED' },
    { kind: 'kept', startedMs: 2_500, endedMs: 7_500, failure: 'nothing within 5000 ms' },
  ]);
  const report = reportOf(tally, 8_000);
  assert.deepEqual(report.errors, { fromMs: 2_500, toMs: 7_500, ms: 5_000 });
  assert.deepEqual(report.kinds.fresh.errors, { fromMs: 3_000, toMs: 3_001, ms: 1 });
  assert.match(loadSentence(report), /3 requests in 7\.0 s, 2 failed.*errors for 5000 ms: 1 × ECONNREFUSED, 1 × nothing within 5000 ms/);
});

test('I3: a pause without a success counts from the beginning on and while it lasts', () => {
  const first = countAttempt(emptyTally(1_000), { kind: 'kept', startedMs: 1_900, endedMs: 2_000 });
  assert.equal(reportOf(first, 2_100).longestGapMs, 1_000);
  assert.equal(reportOf(first, 5_000).longestGapMs, 3_000);
  const failing = countAttempt(first, { kind: 'kept', startedMs: 4_000, endedMs: 4_001, failure: 'ECONNRESET' });
  assert.equal(reportOf(failing, 5_000).longestGapMs, 3_000);
  const again = countAttempt(failing, { kind: 'fresh', startedMs: 4_000, endedMs: 4_500 });
  assert.equal(reportOf(again, 4_600).longestGapMs, 2_500);
  assert.equal(reportOf(again, 4_600).kinds.fresh.longestGapMs, 3_500);
});

test('I4: what could not be sent is told apart', () => {
  const report = reportOf(countSkipped(emptyTally(0), 'fresh', 7), 10);
  assert.deepEqual([report.attempts, report.failed, report.skipped, report.kinds.kept.skipped], [0, 0, 7, 0]);
  assert.equal(report.errors, undefined);
});

test('I2: twenty reasons are told apart, the rest is counted together', () => {
  const many = Array.from({ length: 30 }, (_, at) => ({
    kind: 'kept' as const,
    startedMs: 1_000,
    endedMs: 1_001,
    failure: `reason ${at}`,
  }));
  const { reasons } = reportOf(tallied(many), 2_000);
  assert.equal(Object.keys(reasons).length, 21);
  assert.equal(reasons['others'], 10);
});
