/**
 * How long a step of creation may still take, and the story that its attempt tells.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptsAfter } from '../../../src/decide/attempt.ts';
import { begunAttempt, isTold, stepDone, told, waitsFor } from '../../../src/decide/attempt-story.ts';
import { conditionsWhile, stuckConditions, whileWaiting } from '../../../src/decide/creation-words.ts';
import { recordOf } from '../../../src/decide/attempt.ts';
import { stepClock } from '../../../src/decide/step-clock.ts';
import { LOG_LINE_CHARS, LOG_LINES } from '../../../src/model/attempt.ts';
import type { Attempt } from '../../../src/model/attempt.ts';
import { atStep, cluster, seenFor, T0, view } from './fixtures.ts';

const NOW = new Date(T0).toISOString();

function atWork(): Attempt {
  return recordOf(atStep('PrimaryReady'), 1) ?? assert.fail();
}

describe('the clock of a step', () => {
  const of = (afterMs: number, seenMs: number): number => {
    const change = { cluster: cluster({ status: atStep('PrimaryReady') }), afterMs };
    const { key } = stepClock(view(change), atWork());
    return stepClock(view({ ...change, seen: seenFor([key], seenMs, afterMs) }), atWork()).leftMs;
  };

  it('I1: passes by own observation, or by time stamps together with ten seconds of it', () => {
    assert.equal(of(0, 0), 600_000);
    assert.equal(of(0, 600_000), 0, 'by own observation, whatever the stamps say');
    assert.equal(of(3_600_000, 4_000), 6_000, 'a clock that is far ahead still sees the step for ten seconds');
    assert.equal(of(3_600_000, 10_000), 0);
  });

  it('I2: does not run before the step was read back, nor while the step stands', () => {
    const stored = view({ cluster: cluster({ status: atStep('PrimaryReady') }) });
    assert.equal(stepClock(stored, atWork()).isRunning, true);
    assert.equal(stepClock(stored, { ...atWork(), step: 'CreateWorkers' }).isRunning, false);
    assert.equal(stepClock(stored, { ...atWork(), waitingFor: 'Input' }).isRunning, false);
  });
});

describe('the story of an attempt', () => {
  it('attempt-story I1: stays within its bounds and says nothing twice', () => {
    let record = begunAttempt(1, 1, NOW);
    const long = 'x'.repeat(2 * LOG_LINE_CHARS);
    for (let line = 0; line < 3 * LOG_LINES; line++)
      record = told(told(record, NOW, `${line} ${long}`), '2031-01-01T00:00:00.000Z', `${line} ${long}`);
    assert.equal(record.log?.length, LOG_LINES);
    assert.ok(record.log?.every((line) => line.length <= LOG_LINE_CHARS));
    assert.equal(new Set(record.log).size, LOG_LINES);
    assert.equal(isTold(record, `${3 * LOG_LINES - 1} ${long}`), true);
    assert.equal((waitsFor(record, long).waits ?? '').length, LOG_LINE_CHARS);
  });

  it('attempt-story I2: a record of before the log existed is told on', () => {
    const later = new Date(T0 + 3_200).toISOString();
    const done = stepDone(waitsFor(atWork(), 'waits for n0'), 'CreateWorkers', later);
    assert.deepEqual(done.log, ['2030-01-01T00:00:03Z PrimaryReady is done after 3.2 s; its last word: waits for n0.']);
    assert.deepEqual([done.waits, done.steps.at(-1)?.waitedFor], [undefined, 'waits for n0']);
  });

  it('attempt I1: of older attempts only the last lines are kept', () => {
    let attempts: Attempt[] = [];
    for (let number = 1; number <= 8; number++) {
      let record = begunAttempt(number, 1, NOW);
      for (let line = 0; line < 9; line++) record = told(record, NOW, `line ${line}`);
      attempts = attemptsAfter({ attempts }, record);
    }
    assert.deepEqual(
      attempts.map((one) => one.log?.length),
      [3, 3, 3, 3, 10, 10, 10, 10],
    );
  });

  it('creation-words I1: each sentence says what, why, and what to do or that it goes on by itself', () => {
    const refused = view({ refusal: 'no' });
    assert.match(
      whileWaiting(refused, 'creates n1', 'Director'),
      /creates n1; the director refused: no\. It is tried on and goes on by itself/,
    );
    const waits = { state: 'Wait', reason: 'QuotaExceeded', message: 'the quota is used up', waitingFor: 'Input' } as const;
    const changes = conditionsWhile(view(), waits, waits.message, 'Input');
    assert.deepEqual(
      changes.map(([type, status]) => [type, status]),
      [
        ['Ready', 'False'],
        ['Progressing', 'False'],
        ['QuotaReserved', 'False'],
      ],
    );
    assert.match(
      stuckConditions(view(), 'it failed')[0]?.[3] ?? '',
      /It failed\. What was made is kept for inspection\. .*change the spec to try again, or delete/,
    );
  });
});
