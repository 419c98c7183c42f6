/**
 * The clock that is read once a turn: what it costs, and what it may not miss.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, turnClock } from '../../../src/platform/clock.ts';

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

test('I4: asked once a turn, it goes on within the turn, and shows a suspend in the next', async () => {
  const real = systemClock();
  let reads = 0;
  let suspendedMs = 0;
  const monotonicMs = (): number => {
    reads += 1;
    return real.monotonicMs() + suspendedMs;
  };
  const clock = turnClock({ ...real, monotonicMs });
  const first = clock.monotonicMs();
  for (const until = performance.now() + 5; performance.now() < until;) clock.monotonicMs();
  assert.ok(clock.monotonicMs() - first >= 5, 'it stood still within a turn');
  assert.equal(reads, 1);
  suspendedMs = 3_600_000;
  await turn();
  assert.ok(clock.monotonicMs() - first >= 3_600_000, 'the suspend was missed');
  assert.equal(reads, 2);
});

test('I1: it never falls, over turns', async () => {
  const clock = turnClock(systemClock());
  let last = clock.monotonicMs();
  for (let i = 0; i < 200; i++) {
    await turn();
    const now = clock.monotonicMs();
    assert.ok(now >= last, `${now} after ${last}`);
    last = now;
  }
});
