/**
 * The work queue of an extension server, by its invariants.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { createQueue } from '../../../src/extension/queue.ts';

test('I1: a key at work is not handed out again, and is looked at once more afterwards', () => {
  const queue = createQueue();
  queue.add('a', 0);
  assert.equal(queue.take(0), 'a');
  queue.add('a', 0);
  assert.equal(queue.take(1), undefined);
  queue.done('a');
  assert.equal(queue.take(1), 'a');
  queue.done('a');
  assert.equal(queue.take(2), undefined);
});

test('I2: the earliest time asked for wins', () => {
  const queue = createQueue();
  queue.add('a', 100);
  queue.add('a', 10);
  queue.add('a', 50);
  assert.equal(queue.take(9), undefined);
  assert.equal(queue.nextDueMs(), 10);
  assert.equal(queue.take(10), 'a');
});

test('I1 I2 I3: any history agrees with a naive queue', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key, after: fc.nat(20) }),
    fc.record({ do: fc.constant('take' as const), key, after: fc.nat(20) }),
    fc.record({ do: fc.constant('done' as const), key, after: fc.constant(0) }),
    fc.record({ do: fc.constant('forget' as const), key, after: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = createQueue();
      const due = new Map<string, number>();
      const working = new Set<string>();
      let nowMs = 0;
      for (const { do: what, key: name, after } of steps) {
        if (what === 'add') {
          queue.add(name, nowMs + after);
          due.set(name, Math.min(nowMs + after, due.get(name) ?? Infinity));
        } else if (what === 'forget') {
          queue.forget(name);
          due.delete(name);
        } else if (what === 'done') {
          if (working.delete(name)) queue.done(name);
        } else {
          nowMs += after;
          const taken = queue.take(nowMs);
          const able = [...due].filter(([k, d]) => d <= nowMs && !working.has(k)).map(([k]) => k);
          if (taken === undefined) assert.deepEqual(able, []);
          else {
            assert.ok(able.includes(taken), `${taken} was handed out though only ${able.join()} were due`);
            due.delete(taken);
            working.add(taken);
          }
        }
      }
      assert.equal(queue.atWork(), working.size);
    }),
  );
});
