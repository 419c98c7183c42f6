/**
 * The pure parts of the console's watch: lines however they are cut, and the set of objects that events make.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createLineSplitter } from '../../../console/src/watch/lines.ts';
import { applied, emptySet, keyOf, listed, withContact } from '../../../console/src/watch/live-set.ts';
import type { LiveSet, WatchEvent, Watched } from '../../../console/src/watch/live-set.ts';

describe('lines', () => {
  test('I1: however the stream is cut, the same lines come out', () => {
    const line = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
        const text = lines.map((one) => `${one}\n`).join('');
        const places = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b);
        const splitter = createLineSplitter();
        const out = [0, ...places].flatMap((from, index) => splitter.push(text.slice(from, places[index] ?? text.length)));
        assert.deepEqual(out, lines);
      }),
    );
  });

  test('I2: what is not complete is kept, and beyond the bound it ends', () => {
    const splitter = createLineSplitter(10);
    assert.deepEqual(splitter.push('{"a"'), []);
    assert.deepEqual(splitter.push(':1}\n'), ['{"a":1}']);
    assert.throws(() => splitter.push('x'.repeat(11)), RangeError);
  });
});

function object(name: string, revision: number): Watched {
  return {
    metadata: { name, namespace: 'n', uid: `u-${name}`, resourceVersion: String(revision), creationTimestamp: '2026-01-01T00:00:00Z' },
  };
}

/** A history as a store would make it: each change one revision later, deletions only of what is there. */
const histories = fc
  .array(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), dies: fc.boolean() }), { maxLength: 40 })
  .map((changes) => {
    const there = new Set<string>();
    return changes.flatMap(({ name, dies }, index): WatchEvent<Watched>[] => {
      const isThere = there.has(name);
      if (dies && !isThere) return [];
      if (dies) there.delete(name);
      else there.add(name);
      return [{ type: dies ? 'DELETED' : isThere ? 'MODIFIED' : 'ADDED', object: object(name, index + 1) }];
    });
  });

/** What a list after all of it would show. */
function shown(history: readonly WatchEvent<Watched>[]): Watched[] {
  const last = new Map(history.map((event) => [keyOf(event.object), event]));
  return [...last.values()].filter(({ type }) => type !== 'DELETED').map((event) => event.object);
}

const contents = (set: LiveSet<Watched>): string[] =>
  [...set.objects.values()].map((one) => `${keyOf(one)}@${one.metadata.resourceVersion}`).toSorted();

describe('live set', () => {
  test('I1: events in order, in batches of any size, give what a list would give', () => {
    fc.assert(
      fc.property(histories, fc.nat(40), fc.nat(40), (history, listedAt, cut) => {
        const base = listed(emptySet<Watched>(), shown(history.slice(0, listedAt)));
        const rest = history.slice(listedAt);
        const set = applied(applied(base, rest.slice(0, cut)), rest.slice(cut));
        assert.deepEqual(contents(set), contents(listed(emptySet(), shown(history))));
      }),
    );
  });

  test('I2: what is repeated or older changes nothing, not even the object', () => {
    const set = listed(emptySet<Watched>(), [object('a', 5)]);
    const held = set.objects.get('n/a');
    const after = applied(set, [
      { type: 'MODIFIED', object: object('a', 5) },
      { type: 'DELETED', object: object('a', 4) },
    ]);
    assert.equal(after.objects.get('n/a'), held);
  });

  test('a list again keeps what is the same, and drops what is gone', () => {
    const set = listed(emptySet<Watched>(), [object('a', 1), object('b', 2)]);
    const again = listed(set, [object('a', 1)]);
    assert.equal(again.objects.get('n/a'), set.objects.get('n/a'));
    assert.equal(again.objects.size, 1);
  });

  test('I3: losing contact takes nothing away', () => {
    const set = listed(emptySet<Watched>(), [object('a', 1)]);
    const lost = withContact(set, { state: 'lost', sinceMs: 7, why: 'x' });
    assert.equal(lost.objects, set.objects);
    assert.equal(lost.complete, true);
    assert.equal(withContact(set, { state: 'live' }), set, 'nothing to draw anew');
  });
});
