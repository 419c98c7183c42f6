/**
 * Strategic merge patches, with the directives that kubectl writes.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { strategicallyMerged } from '../../../src/director/api/strategic-patch.ts';
import type { JsonObject } from '../../../src/model/json.ts';

const LISTS = { 'metadata.finalizers': '', owners: 'uid', 'deep.items': 'name' };

function merged(target: JsonObject, patch: JsonObject): JsonObject | number {
  const before = JSON.stringify([target, patch]);
  const result = strategicallyMerged(target, patch, LISTS);
  assert.equal(JSON.stringify([target, patch]), before, 'I1: nothing given is changed');
  return result.ok ? result.value : result.code;
}

describe('maps', () => {
  test('merge, remove by null, replace, delete, retain', () => {
    assert.deepEqual(merged({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 4, c: null }, d: null }), { a: { b: 4 } });
    assert.deepEqual(merged({ a: { b: 1 } }, { a: { $patch: 'replace', c: 2 } }), { a: { c: 2 } });
    assert.deepEqual(merged({ a: { b: 1 }, d: 2 }, { a: { $patch: 'delete' } }), { d: 2 });
    assert.deepEqual(merged({ a: { b: 1, c: 2, d: 3 } }, { a: { $retainKeys: ['b', 'e'], e: 4 } }), { a: { b: 1, e: 4 } });
    assert.deepEqual(merged({}, { a: { b: { c: 1 } } }), { a: { b: { c: 1 } } });
  });
});

describe('lists', () => {
  test('those that are not merged are replaced', () => {
    assert.deepEqual(merged({ list: [1, 2] }, { list: [3] }), { list: [3] });
    assert.deepEqual(merged({ metadata: { other: ['a'] } }, { metadata: { other: ['b'] } }), { metadata: { other: ['b'] } });
  });

  test('sets: union, removal, order', () => {
    const target = { metadata: { finalizers: ['a', 'b', 'c'] } };
    assert.deepEqual(merged(target, { metadata: { finalizers: ['b', 'd'] } }), { metadata: { finalizers: ['a', 'b', 'c', 'd'] } });
    assert.deepEqual(merged(target, { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } }), {
      metadata: { finalizers: ['a', 'c'] },
    });
    assert.deepEqual(merged(target, { metadata: { '$setElementOrder/finalizers': ['c', 'a', 'd'], finalizers: ['d'] } }), {
      metadata: { finalizers: ['c', 'a', 'b', 'd'] },
    });
  });

  test('by key: merge, append, delete, replace, order', () => {
    const target = {
      owners: [
        { uid: '1', name: 'a', x: true },
        { uid: '2', name: 'b' },
      ],
    };
    assert.deepEqual(merged(target, { owners: [{ uid: '1', name: 'c' }, { uid: '3' }] }), {
      owners: [{ uid: '1', name: 'c', x: true }, { uid: '2', name: 'b' }, { uid: '3' }],
    });
    assert.deepEqual(
      merged(target, {
        owners: [
          { uid: '1', $patch: 'delete' },
          { uid: '9', $patch: 'delete' },
        ],
      }),
      { owners: [{ uid: '2', name: 'b' }] },
    );
    assert.deepEqual(merged(target, { owners: [{ $patch: 'replace' }, { uid: '4' }] }), { owners: [{ uid: '4' }] });
    assert.deepEqual(merged(target, { '$setElementOrder/owners': [{ uid: '2' }, { uid: '1' }] }), {
      owners: [target.owners[1], target.owners[0]],
    });
    assert.deepEqual(merged({ deep: { items: [{ name: 'a', v: 1 }] } }, { deep: { items: [{ name: 'a', v: 2 }] } }), {
      deep: { items: [{ name: 'a', v: 2 }] },
    });
  });
});

test('I2: what is not understood is refused', () => {
  for (const bad of [
    { $patch: 'merge-ish' },
    { $unknown: 1 },
    { owners: [{ name: 'no uid' }] },
    { owners: ['text'] },
    { $retainKeys: 'a' },
    { '$setElementOrder/owners': 1 },
  ]) {
    assert.equal(merged({ owners: [] }, bad as JsonObject), 400, JSON.stringify(bad));
  }
});
