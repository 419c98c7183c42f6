/**
 * Node-level HA, in virtual running time.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { afterEnd, afterWord, counted, freshRecord, lifeAfter, silenceOfPreset } from '../../../src/decide/node-restart.ts';
import type { BootMoment, EndCause, RestartDecision, RestartPreset, RestartRecord } from '../../../src/decide/node-restart.ts';
import { LIMITS } from '../../../src/model/limits.ts';

const HOUR_MS = 3_600_000;
const WINDOWS: Record<Exclude<RestartPreset, 'Off'>, number> = { High: HOUR_MS, Medium: 24 * HOUR_MS, Low: 7 * 24 * HOUR_MS };
const at = (bootMs: number, bootId = 'one'): BootMoment => ({ bootId, bootMs });
const how = 'the agent was ended by SIGKILL';

function end(
  record: RestartRecord,
  bootMs: number,
  over: { cause?: EndCause; preset?: RestartPreset; bootId?: string } = {},
): RestartDecision {
  const { cause = 'Ended', preset = 'High', bootId = 'one' } = over;
  return afterEnd(record, { node: 'demo/n0', preset, cause, how, now: at(bootMs, bootId) });
}

/** Four failures at once. */
function givenUp(preset: RestartPreset = 'High'): RestartDecision {
  let record = freshRecord(at(0));
  for (let i = 1; i <= 3; i++) record = end(record, i, { preset }).record;
  return end(record, 4, { preset });
}

describe('node-level HA', () => {
  for (const preset of ['High', 'Medium', 'Low'] as const) {
    test(`I2: ${preset}: three restarts within the window, then it gives up and says what to do; the oldest one out of the window makes room`, () => {
      const decision = givenUp(preset);
      assert.ok(decision.do === 'Leave' && decision.record.left.why === 'GivenUp');
      assert.match(
        decision.record.left.message,
        /restarted 3 times within (1 hour|24 hours|7 days) .* ended by SIGKILL.*outrigger node restart n0 -n demo$/,
      );
      let record = freshRecord(at(0));
      for (const ms of [0, 1_000, 2_000]) record = end(record, ms, { preset }).record;
      assert.equal(end(record, WINDOWS[preset] - 1, { preset }).do, 'Leave');
      assert.equal(end(record, WINDOWS[preset], { preset }).do, 'Start');
    });
  }

  test('I2: in no window of the preset are there more than three restarts, whatever happens when', () => {
    const preset = fc.constantFrom('High' as const, 'Medium' as const, 'Low' as const);
    fc.assert(
      fc.property(preset, fc.array(fc.integer({ min: 1, max: 30 * HOUR_MS }), { maxLength: 40 }), (chosen, gaps) => {
        let [record, ms] = [freshRecord(at(0)), 0];
        const restarts: number[] = [];
        for (const gap of gaps) {
          ms += gap;
          const decision = end(record, ms, { preset: chosen });
          record = decision.record;
          if (decision.do === 'Leave') break;
          restarts.push(ms);
        }
        for (const [index, restart] of restarts.entries()) {
          const fourth = restarts[index + LIMITS.nodeRestartsMax];
          assert.ok(fourth === undefined || fourth - restart >= WINDOWS[chosen]);
        }
      }),
    );
  });

  test('I2: given up is for good: a restart of the daemon, a reboot, a wider preset and time clear nothing', () => {
    const { record } = givenUp();
    for (const cause of ['Unseen', 'Asked', 'Ended'] as const) {
      assert.equal(end(record, 30 * HOUR_MS, { cause }).do, 'Leave');
      assert.equal(end(record, 5, { cause, bootId: 'two' }).do, 'Leave');
    }
    assert.equal(afterWord(record, { preset: 'Low', request: undefined }, at(9)), undefined);
  });

  test('I2: a new request gives a fresh budget, once; the same one again changes nothing', () => {
    const { record } = givenUp();
    const word = { preset: 'High', request: 'r1' } as const;
    const after = afterWord(record, word, at(9));
    assert.equal(after?.restart, true);
    assert.deepEqual([after?.record.left, after?.record.restartsAtMs], [undefined, []]);
    assert.ok(after !== undefined);
    assert.equal(afterWord(after.record, word, at(10)), undefined);
    assert.equal(afterWord(after.record, { ...word, request: undefined }, at(10)), undefined);
    let again = after.record;
    for (let i = 11; i <= 13; i++) again = end(again, i).record;
    assert.equal(end(again, 14).do, 'Leave');
    assert.equal(end(again, 14).record.request, 'r1');
  });

  test('I3: what was asked for, or ended unseen, is started and counts for nothing', () => {
    let record = freshRecord(at(0));
    for (let i = 1; i <= 20; i++) {
      const decision = end(record, i, { cause: i % 2 === 0 ? 'Asked' : 'Unseen' });
      assert.equal(decision.do, 'Start');
      record = decision.record;
    }
    assert.deepEqual(record.restartsAtMs, []);
  });

  test('I4: Off answers no failure and says so; what was asked for is started; Off taken back starts what lies there', () => {
    const left = end(freshRecord(at(0)), 1, { preset: 'Off' });
    assert.ok(left.do === 'Leave' && left.record.left.why === 'Off');
    assert.match(left.record.left.message, /^The agent was ended by SIGKILL\. .*nodeRestart is Off.*outrigger node restart n0 -n demo$/);
    assert.equal(end(freshRecord(at(0)), 1, { preset: 'Off', cause: 'Asked' }).do, 'Start');
    assert.equal(afterWord(left.record, { preset: 'Off', request: undefined }, at(2)), undefined);
    const back = afterWord(left.record, { preset: 'High', request: undefined }, at(2));
    assert.deepEqual([back?.restart, back?.record.left], [false, undefined]);
    assert.equal(silenceOfPreset('Off', undefined), undefined);
  });

  test('running time: a reboot loses what was not written down, never more, and a wall clock plays no part', () => {
    const record = counted(freshRecord(at(100)), at(1_100));
    assert.equal(record.runMs, 1_000);
    assert.equal(counted(record, at(5, 'two')).runMs, 1_005);
    let full = freshRecord(at(0));
    for (const ms of [1, 2, 3]) full = end(full, ms).record;
    assert.equal(end(full, HOUR_MS - 3, { bootId: 'two' }).do, 'Leave');
    assert.equal(end(full, HOUR_MS - 2, { bootId: 'two' }).do, 'Start');
  });
});

describe('I1: silent and idle', () => {
  const looks = (count: number, look: (i: number) => { sign: string | undefined; io: string | undefined }, sinceMs = 1_000): number => {
    let life = lifeAfter(undefined, { ...look(0), sinceMs: 0 });
    for (let i = 1; i <= count; i++) life = lifeAfter(life, { ...look(i), sinceMs });
    return life.quietMs;
  };

  test('both still: the silence grows with each look; presets 30, 60, 120 s', () => {
    assert.equal(
      looks(30, () => ({ sign: 'a', io: '1 1' })),
      30_000,
    );
    assert.deepEqual(
      (['High', 'Medium', 'Low'] as const).map((preset) => silenceOfPreset(preset, undefined)),
      [30_000, 60_000, 120_000],
    );
    assert.equal(silenceOfPreset('Low', 2_000), 2_000);
  });

  test('silent but writing, or idle but alive, is neither; and where I/O cannot be seen nobody is called idle', () => {
    assert.equal(
      looks(300, (i) => ({ sign: 'a', io: `1 ${i}` })),
      0,
    );
    assert.equal(
      looks(300, (i) => ({ sign: `${i}`, io: '1 1' })),
      0,
    );
    assert.equal(
      looks(300, () => ({ sign: 'a', io: undefined })),
      0,
    );
  });

  test('a host that stood still for an hour counts one look', () => {
    assert.equal(
      looks(1, () => ({ sign: 'a', io: '1 1' }), HOUR_MS),
      LIMITS.nodeLookGapMs,
    );
  });
});
