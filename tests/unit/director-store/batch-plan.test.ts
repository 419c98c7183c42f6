/**
 * Compare-and-swap in memory, against writes done one after another.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { outcomesOf, planBatch } from '../../../src/director/store/batch-plan.ts';
import { EntityCache } from '../../../src/director/store/entity-cache.ts';
import type { StoreEvent, Write, WriteOutcome } from '../../../src/ports/store.ts';

const BASE = 100;
const NAMES = ['a', 'b', 'c'];

function keyOf(name: string): Write['key'] {
  return { group: 'g', resource: 'things', namespace: 'n', name };
}

function bodyOf(name: string, n: number): Buffer {
  return Buffer.from(JSON.stringify({ apiVersion: 'g/v1', kind: 'Thing', metadata: { name }, n }));
}

/** A cache at BASE that holds a and b. */
function newCache(): EntityCache {
  const cache = new EntityCache(0);
  for (const [i, name] of ['a', 'b'].entries())
    cache.load({ key: keyOf(name), uid: `u-${name}`, revision: BASE - i, body: bodyOf(name, 0) });
  cache.loaded(BASE);
  return cache;
}

const writes: fc.Arbitrary<Write[]> = fc.array(
  fc
    .record({
      op: fc.constantFrom('create' as const, 'update' as const, 'delete' as const),
      name: fc.constantFrom(...NAMES),
      uid: fc.constantFrom('u-a', 'u-b', 'u-x'),
      ifRevision: fc.constantFrom(BASE, BASE - 1, BASE + 1, 7),
    })
    .map(({ op, name, uid, ifRevision }): Write => {
      const key = keyOf(name);
      if (op === 'create') return { op, key, uid, body: bodyOf(name, 1) };
      return op === 'update' ? { op, key, uid, ifRevision, body: bodyOf(name, 2) } : { op, key, uid, ifRevision };
    }),
  { maxLength: 12 },
);

/** Each write as a batch of its own. */
function oneByOne(list: readonly Write[]): string[] {
  const cache = newCache();
  return list.map((write) => {
    const plan = planBatch([write], cache.revision, (key) => cache.get(key));
    const events = plan.changes.map((change) => cache.apply(change));
    return describeOutcome(outcomesOf(plan, events)[0]!);
  });
}

function describeOutcome(outcome: WriteOutcome): string {
  if (outcome.ok) return `ok ${outcome.entity.revision} ${outcome.entity.bytes.toString()}`;
  return outcome.reason === 'missing' ? 'missing' : `${outcome.reason} ${outcome.current.revision} ${outcome.current.bytes.toString()}`;
}

describe('batch plan', () => {
  it('I1 I3: a batch gives the answers and revisions of its writes done one after another', () => {
    fc.assert(
      fc.property(writes, (list) => {
        const cache = newCache();
        const answers: string[] = [];
        let left = list;
        while (left.length > 0) {
          const plan = planBatch(left, cache.revision, (key) => cache.get(key));
          assert.ok(plan.verdicts.length > 0, 'every batch gets on');
          const events: StoreEvent[] = plan.changes.map((change) => cache.apply(change));
          assert.equal(new Set(plan.changes.map((change) => change.key.name)).size, plan.changes.length, 'I2: each key once');
          answers.push(...outcomesOf(plan, events).map(describeOutcome));
          left = left.slice(plan.verdicts.length);
        }
        assert.deepEqual(answers, oneByOne(list));
      }),
      { numRuns: 2_000 },
    );
  });

  it('I2: the creation of a successor waits for the next batch, and all after it', () => {
    const cache = newCache();
    const list: Write[] = [
      { op: 'delete', key: keyOf('a'), uid: 'u-a', ifRevision: BASE },
      { op: 'create', key: keyOf('a'), uid: 'u-2', body: bodyOf('a', 1) },
      { op: 'create', key: keyOf('c'), uid: 'u-c', body: bodyOf('c', 1) },
    ];
    const plan = planBatch(list, BASE, (key) => cache.get(key));
    assert.equal(plan.verdicts.length, 1);
    assert.deepEqual(plan.changes, [{ revision: BASE + 1, key: keyOf('a'), uid: 'u-a', previous: BASE, body: undefined }]);
  });
});
