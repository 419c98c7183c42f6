/**
 * Due times, by their invariants: any history agrees with a naive list.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { createDueTimes } from '../../../src/base/due-times.ts';

test('I1 I2 I3: any history agrees with a naive list, in order, and what is held is bounded', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), key, ms: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key, ms: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pop' as const), key, ms: fc.nat(5) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const times = createDueTimes();
      const naive = new Map<string, number>();
      let nowMs = 0;
      for (const { do: what, key: name, ms } of steps) {
        if (what === 'set') {
          times.set(name, nowMs + ms);
          naive.set(name, nowMs + ms);
        } else if (what === 'delete') {
          times.delete(name);
          naive.delete(name);
        } else {
          nowMs += ms;
          const next = naive.size === 0 ? undefined : Math.min(...naive.values());
          const popped = times.popDue(nowMs);
          if (next === undefined || next > nowMs) assert.equal(popped, undefined);
          else {
            assert.ok(popped !== undefined && naive.get(popped) === next, `${popped} was given, though ${next} was next`);
            naive.delete(popped);
          }
        }
        assert.equal(times.size(), naive.size);
        assert.equal(times.get(name), naive.get(name));
        assert.equal(times.nextMs(), naive.size === 0 ? undefined : Math.min(...naive.values()));
        assert.ok(times.entries() <= 2 * naive.size + 65 + 2 * 6, `${times.entries()} entries`);
      }
    }),
  );
});

test('I3: a key that is set again and again holds little', () => {
  const times = createDueTimes();
  for (let ms = 10_000; ms > 0; ms--) times.set('a', ms);
  assert.ok(times.entries() < 100, `${times.entries()} entries`);
  assert.equal(times.popDue(1), 'a');
  assert.equal(times.popDue(20_000), undefined);
});

test('I1: a time that was set again is not given at the earlier one', () => {
  const times = createDueTimes();
  times.set('a', 1);
  times.set('a', 5);
  assert.equal(times.popDue(4), undefined);
  assert.equal(times.popDue(5), 'a');
});
