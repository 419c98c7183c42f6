/**
 * The failover bench: quantiles, and when a promise counts as broken.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenPromises, quantileOf, renderFigures } from '../../../bench/failover/figures.ts';
import type { RowFigures, RunFigures } from '../../../bench/failover/figures.ts';

const run = (detectedMs: number, failed = 0): RunFigures => ({ detectedMs, recoveredMs: 500, errorWindowMs: 0, failed, attempts: 100 });
const row = (runs: readonly RunFigures[]): RowFigures => ({
  name: 'worker',
  what: 'the worker is killed',
  promise: { detectedMs: 1_500, recoveredMs: Number.NaN, failed: 0 },
  runs,
});

test('quantiles are values that were measured', () => {
  const values = Array.from({ length: 50 }, (_, at) => at + 1);
  assert.deepEqual(
    [0.5, 0.99, 1].map((share) => quantileOf(values, share)),
    [25, 50, 50],
  );
  assert.ok(Number.isNaN(quantileOf([], 0.5)));
});

test('99 of 100 runs must keep a time, and every run must be without a failed request', () => {
  const many = Array.from({ length: 100 }, () => run(900));
  assert.deepEqual(brokenPromises(row([...many.slice(1), run(2_000)])), []);
  assert.match(
    brokenPromises(row([...many.slice(2), run(2_000), run(1_600)])).join(),
    /worker: detection has p99 1,600 ms, promised are 1500 ms/,
  );
  assert.match(brokenPromises(row([...many, run(900, 1)])).join(), /1 requests failed, promised are 0/);
});

test('the table says what was measured and what is promised', () => {
  const text = renderFigures([row([run(900), run(1_100)])], 'a machine', []);
  assert.match(text, /^worker +2 +900 +1,100 +1,100 +500 +500 +500 +0 +0 +0 +0 +200 +detected 1500, 0 failed$/m);
  assert.match(text, /Every promise was kept/);
});
