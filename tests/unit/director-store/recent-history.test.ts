/**
 * The newest events in memory.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AssertionFailed } from '../../../src/base/assert.ts';
import { deletedEvent, writtenEvent } from '../../../src/director/store/entity.ts';
import { RecentHistory } from '../../../src/director/store/recent-history.ts';
import type { StoreEvent } from '../../../src/ports/store.ts';

function event(revision: number, resource: string, size: number): StoreEvent {
  const key = { group: 'g', resource, namespace: 'n', name: `x${revision}` };
  const body = Buffer.from(`{"apiVersion":"g/v1","kind":"T","metadata":{"name":"x"},"filler":"${'f'.repeat(size)}"}`);
  return writtenEvent({ key, uid: 'u', revision }, body, undefined);
}

const lists = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 400 })), { maxLength: 3_000, size: 'max' });

describe('recent history', () => {
  it('I1 I2: holds the newest events, all above its floor, within its bounds', () => {
    fc.assert(
      fc.property(lists, fc.nat({ max: 3_000 }), (list, after) => {
        const bounds = { events: 500, bytes: 100_000 };
        const recent = new RecentHistory(0, bounds);
        const all = list.map(([resource, size], i) => event(i + 1, resource, size));
        for (const one of all) recent.push(one);
        const held = all.filter((one) => one.entity.revision > recent.floor);
        assert.ok(held.length <= bounds.events && held.reduce((sum, one) => sum + one.line.length, 0) <= bounds.bytes);
        assert.ok(recent.floor === 0 || held.length > 100, 'no more is dropped than must be');
        const from = Math.max(after, recent.floor);
        for (const resource of ['a', 'b']) {
          const expected = held.filter((one) => one.entity.key.resource === resource && one.entity.revision > from);
          assert.deepEqual(recent.since(`g/${resource}`, from, Infinity), expected);
          assert.deepEqual(recent.since(`g/${resource}`, from, 7), expected.slice(0, 7));
        }
        if (recent.floor > 0) assert.throws(() => recent.since('g/a', recent.floor - 1, 1), AssertionFailed);
      }),
      { numRuns: 40 },
    );
  });

  it('says what was there before the first change of each entity', () => {
    const recent = new RecentHistory(0, { events: 100, bytes: 1_000_000 });
    const made = event(1, 'a', 0);
    const changed = writtenEvent({ ...made.entity, revision: 2 }, Buffer.from(made.entity.bytes), made.entity);
    for (const one of [made, changed, deletedEvent(3, changed.entity)]) recent.push(one);
    const at = (revision: number): (number | undefined)[] =>
      [...recent.statesAt('g/a', revision, (entity) => entity.key.name).values()].map((state) => state?.revision);
    assert.deepEqual([at(0), at(1), at(2), at(3)], [[undefined], [1], [2], []]);
  });
});
