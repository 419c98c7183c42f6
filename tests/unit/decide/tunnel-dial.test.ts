/** Which director a node dials, and when: src/decide/tunnel-dial.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  afterFailure,
  afterLoss,
  beginDialing,
  dialDeadlineMs,
  dialDelayMs,
  indexOfNode,
  judgeSilence,
  returnAfterMs,
} from '../../../src/decide/tunnel-dial.ts';
import { LIMITS } from '../../../src/model/limits.ts';

const directors = (count: number): string[] => Array.from({ length: count }, (_, i) => `https://d${i}`);

test('I1: nodes of a cluster prefer different directors', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 2, max: 9 }), (uid, count) => {
      const preferred = Array.from({ length: count }, (_, i) => beginDialing(directors(count), uid, i).preferred);
      assert.equal(new Set(preferred).size, count);
    }),
  );
});

test('I2: a whole round is dialed before anybody waits or is dialed again', () => {
  let state = beginDialing(directors(3), 'uid', 1);
  const dialed: number[] = [];
  for (let i = 0; i < 3; i++) {
    assert.ok(dialDelayMs(state, 0.99) <= LIMITS.tunnelRetryBaseMs);
    dialed.push(state.next);
    state = afterFailure(state);
  }
  assert.equal(new Set(dialed).size, 3);
  for (let i = 0; i < 60; i++) {
    if (i % 3 !== 0) assert.ok(dialDelayMs(state, 0.99) <= LIMITS.tunnelRetryBaseMs);
    state = afterFailure(state);
  }
  for (const dice of [0, 0.5, 0.999]) {
    const ms = dialDelayMs(state, dice);
    assert.ok(ms >= LIMITS.tunnelRetryCapMs / 2 && ms <= LIMITS.tunnelRetryCapMs, String(ms));
  }
});

test('I3: what is lost at once waits as if it had been refused, what lived is replaced at once by another director', () => {
  const state = beginDialing(directors(2), 'uid', 0);
  const held = state.directors[state.preferred] ?? '';
  const lived = afterLoss(state, held, LIMITS.tunnelStableMs);
  assert.equal(dialDelayMs(lived, 0), 0);
  assert.notEqual(lived.next, state.preferred);
  assert.ok(dialDelayMs(afterLoss(state, held, 10), 0) > 0);
});

test('a tunnel elsewhere returns to the preferred director, that one stays', () => {
  const state = beginDialing(directors(2), 'uid', 0);
  const [held = '', other = ''] = [state.directors[state.preferred], state.directors[1 - state.preferred]];
  assert.equal(returnAfterMs(state, held, 0.5), undefined);
  assert.equal(returnAfterMs(state, other, 0.5), LIMITS.tunnelReturnMs);
});

test('silence: the echo of a far director is not late, that of a dead one is', () => {
  assert.equal(judgeSilence(LIMITS.tunnelPingEveryMs + 100, 1, false), 'alive');
  assert.equal(judgeSilence(LIMITS.tunnelPingEveryMs + LIMITS.tunnelEchoMs + 100, 1, false), 'suspect');
  assert.equal(judgeSilence(LIMITS.tunnelPingEveryMs + LIMITS.tunnelEchoMs + 100, 300, false), 'alive');
  assert.equal(judgeSilence(LIMITS.tunnelSilenceMs, 1, false), 'dead');
  assert.equal(judgeSilence(LIMITS.tunnelSilenceMs, 900, false), 'suspect');
});

test('a tunnel in which something is under way is not dead so soon, and is suspected all the same', () => {
  assert.equal(judgeSilence(LIMITS.tunnelSilenceMs, 1, true), 'suspect');
  assert.equal(judgeSilence(LIMITS.tunnelBusySilenceMs, 1, true), 'dead');
});

test('who was not let in in time waits longer the next time, so that a storm is served', () => {
  const deadlines = [0, 1, 2, 3, 9].map((failures) => dialDeadlineMs({ failures, directors: directors(1) }));
  assert.deepEqual(deadlines, [3_000, 6_000, 12_000, LIMITS.tunnelDialMaxMs, LIMITS.tunnelDialMaxMs]);
});

test('the index of a node stands in its name', () => {
  assert.equal(indexOfNode('harbor-a1-n1'), 1);
  assert.equal(indexOfNode('whatever'), 0);
});

test('no directors: nothing to dial, and no exception', () => {
  const state = afterFailure(beginDialing([], 'uid', 1));
  assert.equal(state.directors[state.next], undefined);
});
