/**
 * Counting seats: concurrent, named, peaks and their reset.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { countSeats, mergeSeats, seatsOf } from '../../../src/decide/seat-use.ts';
import type { SeatCount, SeatsSeen } from '../../../src/decide/seat-use.ts';
import { LIMITS } from '../../../src/model/limits.ts';

const seenArbitrary = fc.record({
  concurrent: fc.nat(50),
  users: fc.array(
    fc.constantFrom('a', 'b', 'c', 'd', 'e').map((letter) => letter.repeat(32)),
    { maxLength: 6 },
  ),
});

function countAll(list: readonly SeatsSeen[], peakReset = 0): SeatCount | undefined {
  return list.reduce<SeatCount | undefined>((count, seen) => countSeats(count, seen, peakReset), undefined);
}

describe('seats', () => {
  it('are counted at a time, by person, and at their peak', () => {
    const count = countAll([
      { concurrent: 3, users: ['ann', 'bob'] },
      { concurrent: 1, users: ['cid', 'ann'] },
    ]);
    assert.deepEqual(count, {
      use: { concurrent: 1, named: 3, peakConcurrent: 3, peakNamed: 3, peakReset: 0 },
      users: ['ann', 'bob', 'cid'],
    });
  });

  it('S1: begin anew at a higher reset with what is in use at that moment, and ignore a lower one', () => {
    const before = countAll([{ concurrent: 9, users: ['ann', 'bob'] }]);
    const reset = countSeats(before, { concurrent: 2, users: ['bob'] }, 1);
    assert.deepEqual(reset.use, { concurrent: 2, named: 1, peakConcurrent: 2, peakNamed: 1, peakReset: 1 });
    assert.deepEqual(countSeats(reset, { concurrent: 1, users: [] }, 0).use, { ...reset.use, concurrent: 1 });
    assert.deepEqual(countSeats(before, undefined, 1).use, { concurrent: 9, named: 0, peakConcurrent: 9, peakNamed: 0, peakReset: 1 });
  });

  it('S1: begin anew with another license, however often the one before was reset; what is older changes nothing', () => {
    const [harbor, pier] = [
      { uid: 'harbor', serial: 5 },
      { uid: 'pier', serial: 9 },
    ];
    const before = countSeats(undefined, { concurrent: 9, users: ['ann', 'bob'] }, 1_000, harbor);
    const after = countSeats(before, { concurrent: 1, users: ['cid'] }, 0, pier);
    assert.deepEqual(after, {
      use: { concurrent: 1, named: 1, peakConcurrent: 1, peakNamed: 1, peakReset: 0 },
      users: ['cid'],
      license: pier,
    });
    assert.equal(countSeats(after, { concurrent: 0, users: [] }, 1, pier).use.peakConcurrent, 0, 'its own reset is heard');
    const late = countSeats(after, { concurrent: 1, users: [] }, 2_000, harbor);
    assert.deepEqual([late.license, late.use.peakReset, late.users], [pier, 0, ['cid']]);
    assert.equal(mergeSeats(before, after), after);
    assert.equal(mergeSeats(after, before), after);
    const known = countSeats(countSeats(undefined, { concurrent: 4, users: ['ann'] }, 3), undefined, 3, harbor);
    assert.equal(known.use.peakConcurrent, 4, 'a count of before licenses were told apart stays');
  });

  it('keep the last use while no connection server answers', () => {
    const before = countAll([{ concurrent: 9, users: ['ann'] }]);
    assert.equal(countSeats(before, undefined, 0), before);
  });

  it('begin at the reset that the statement names, so that a new node resets nothing twice', () => {
    assert.equal(countSeats(undefined, { concurrent: 1, users: [] }, 4).use.peakReset, 4);
  });

  it('S1: have peaks that never fall and never lie below the use', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(seenArbitrary, fc.nat(3)), { maxLength: 20 }), (list) => {
        let count: SeatCount | undefined;
        for (const [seen, peakReset] of list) {
          const next = countSeats(count, seen, peakReset);
          assert.ok(next.use.peakConcurrent >= next.use.concurrent && next.use.peakNamed >= next.use.named);
          assert.ok(next.use.peakReset >= (count?.use.peakReset ?? 0));
          if (count !== undefined && next.use.peakReset === count.use.peakReset)
            assert.ok(next.use.peakConcurrent >= count.use.peakConcurrent && next.use.peakNamed >= count.use.peakNamed);
          count = next;
        }
      }),
    );
  });

  it('S2: give the same persons and peaks on one node, in another order, or on two nodes together', () => {
    fc.assert(
      fc.property(fc.array(seenArbitrary, { minLength: 1 }), fc.array(seenArbitrary, { minLength: 1 }), (left, right) => {
        const one = countAll([...left, ...right]);
        const two = mergeSeats(countAll(right), countAll(left));
        assert.deepEqual(two?.users, one?.users);
        assert.equal(two?.use.peakConcurrent, one?.use.peakConcurrent);
        assert.equal(two?.use.peakNamed, one?.use.peakNamed);
        assert.deepEqual(mergeSeats(one, one), one);
      }),
    );
  });

  it('are not merged across a reset: the higher one holds', () => {
    const old = countAll([{ concurrent: 9, users: ['ann'] }], 0);
    const fresh = countAll([{ concurrent: 1, users: ['bob'] }], 1);
    assert.equal(mergeSeats(old, fresh), fresh);
    assert.equal(mergeSeats(fresh, old), fresh);
    assert.equal(mergeSeats(undefined, old), old);
  });

  it('S3: keep a bounded number of persons apart', () => {
    const many = Array.from({ length: LIMITS.namedUsers + 5 }, (_, index) =>
      index.toString(16).padStart(32, '0').split('').reverse().join(''),
    );
    const count = countAll([{ concurrent: 0, users: many }]);
    assert.equal(count?.users.length, LIMITS.namedUsers);
    assert.equal(count?.use.named, LIMITS.namedUsers);
  });

  it('are overused above the license, by the model that it names', () => {
    const use = { concurrent: 4, named: 12, peakConcurrent: 11, peakNamed: 12, peakReset: 0 };
    assert.deepEqual(seatsOf(use, { model: 'Concurrent', seats: 10 }), { current: 4, peak: 11, isOverused: false });
    assert.deepEqual(seatsOf(use, { model: 'Named', seats: 10 }), { current: 12, peak: 12, isOverused: true });
  });
});
