/**
 * The table that is kept in the order of its keys, against a plain map.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SortedTable } from '../../../src/director/store/sorted-table.ts';

const keys = fc.integer({ min: 0, max: 3_000 }).map((n) => `k${String(n).padStart(4, '0')}`);
const steps = fc.array(fc.tuple(fc.constantFrom('set' as const, 'set' as const, 'delete' as const), keys, fc.nat()), {
  maxLength: 4_000,
  size: 'max',
});

describe('sorted table', () => {
  it('I1: walks, ranges and counts are those of a sorted map', () => {
    fc.assert(
      fc.property(steps, keys, keys, (list, a, b) => {
        const table = new SortedTable<number>();
        const model = new Map<string, number>();
        for (const [what, key, value] of list) {
          if (what === 'set') {
            table.set(key, value);
            model.set(key, value);
          } else {
            table.delete(key);
            model.delete(key);
          }
        }
        const sorted = [...model].sort(([x], [y]) => (x < y ? -1 : 1));
        const [from, to] = a < b ? [a, b] : [b, a];
        const inRange = sorted.filter(([key]) => key >= from && key < to).map(([, value]) => value);
        assert.deepEqual(
          table.values(),
          sorted.map(([, value]) => value),
        );
        assert.deepEqual(table.values(from, to), inRange);
        assert.equal(table.countRange(from, to), inRange.length);
        assert.equal(table.size, model.size);
        for (const [key, value] of model) assert.equal(table.get(key), value);
      }),
      { numRuns: 60 },
    );
  });

  it('I2: stays in order and quick with many keys in any order of arrival', () => {
    for (const order of [(n: number) => n, (n: number) => 50_000 - n, (n: number) => (n * 7_919) % 50_000]) {
      const table = new SortedTable<number>();
      for (let n = 0; n < 50_000; n++) {
        const key = order(n);
        table.set(String(key).padStart(6, '0'), key);
      }
      const values = table.values();
      assert.equal(values.length, table.size);
      assert.ok(values.every((value, i) => i === 0 || value > values[i - 1]!));
    }
  });
});
