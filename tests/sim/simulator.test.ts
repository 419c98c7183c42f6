/**
 * A sample of the seeds of the simulator: no broken promise, every effect met by every fault, and the same seed gives the same run.
 *
 * OUTRIGGER_SEED=17 runs that seed alone; `node tests/sim/soak.ts` runs them all.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { simulate } from '../../sim/simulate.ts';
import { SAMPLE_SEEDS, sampleOf, simulateRange } from './harness.ts';
import { judgeSeeds } from './verdict.ts';

describe('the simulator', () => {
  it(`keeps every promise in ${SAMPLE_SEEDS} seeds of at least an hour each, in which every effect meets every fault`, async () => {
    const only = process.env['OUTRIGGER_SEED'];
    const [from, to] = only === undefined ? sampleOf(Date.now()) : [Number(only), Number(only)];
    const startedMs = performance.now();
    const results = await simulateRange(from, to, 2);
    const { coverage, hours, failed, short, thin } = judgeSeeds(results);
    console.log(coverage);
    console.log(`seeds ${from}..${to}: ${hours.toFixed(0)} virtual hours, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    assert.deepEqual(failed, []);
    assert.equal(results.length, to - from + 1);
    assert.deepEqual(short, []);
    if (only === undefined) assert.deepEqual(thin, []);
  });

  it('runs a seed twice alike, and another seed otherwise', async () => {
    const [once, again, other] = [await simulate(3), await simulate(3), await simulate(103)];
    assert.deepEqual(again, once);
    assert.notEqual(other.digest, once.digest);
  });
});
