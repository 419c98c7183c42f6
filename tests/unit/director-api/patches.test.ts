/**
 * Merge patches (RFC 7386, with its own examples) and JSON patches, and what they may cost.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { applyTo, merged, readPatch } from '../../../src/director/api/patch.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';

function applied(object: JsonObject, operations: Json): JsonObject | number {
  const read = readPatch('json', operations);
  if (!read.ok) return read.code;
  const result = applyTo(object, read.value);
  return result.ok ? result.value : result.code;
}

describe('merge patch', () => {
  const rows: readonly (readonly [JsonObject, JsonObject, JsonObject])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of rows) {
    test(`${JSON.stringify(target)} with ${JSON.stringify(patch)}`, () => assert.deepEqual(merged(target, patch), result));
  }

  test('I1: the object it was applied to stays as it was, and so does the patch', () => {
    const tree = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null),
        fc.integer(),
        fc.string(),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(fc.constantFrom('a', 'b', 'constructor', 'toString'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(tree.object, tree.object, (target, patch) => {
        const [before, given] = [JSON.stringify(target), JSON.stringify(patch)];
        const once = merged(target, patch);
        assert.deepEqual([JSON.stringify(target), JSON.stringify(patch)], [before, given]);
        assert.deepEqual(merged(once, patch), once, 'twice is as once');
      }),
    );
  });

  test('must be an object', () => assert.equal(readPatch('merge', [1]).ok, false));
});

describe('JSON patch', () => {
  test('all six operations', () => {
    const operations = [
      { op: 'test', path: '/a', value: 1 },
      { op: 'replace', path: '/a', value: 2 },
      { op: 'add', path: '/list/-', value: 'z' },
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'move', from: '/list/0', path: '/first' },
      { op: 'remove', path: '/gone' },
    ];
    assert.deepEqual(applied({ a: 1, list: ['x', 'y'], gone: true }, operations), { a: 2, list: ['y', 'z'], b: 2, first: 'x' });
  });

  test('what cannot be applied is 422, what is no patch is 400', () => {
    assert.equal(applied({}, [{ op: 'remove', path: '/a' }]), 422);
    assert.equal(applied({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }]), 422);
    assert.equal(applied({ a: [] }, [{ op: 'add', path: '/a/7', value: 1 }]), 422);
    for (const bad of [
      {},
      [1],
      [{ op: 'steal', path: '/a' }],
      [{ op: 'add', path: 'a', value: 1 }],
      [{ op: 'add', path: '', value: {} }],
      [{ op: 'add', path: '/a' }],
      [{ op: 'move', path: '/a' }],
    ]) {
      assert.equal(applied({}, bad), 400, JSON.stringify(bad));
    }
  });

  test('I2: copies cannot grow without bound, nor operations', () => {
    const doubling = Array.from({ length: 64 }, (_, i) => ({ op: 'copy', from: '/a', path: `/a/k${i}` }));
    assert.equal(applied({ a: { text: 'x'.repeat(1000) } }, doubling), 413);
    const many = Array.from({ length: LIMITS.jsonPatchOperations + 1 }, () => ({ op: 'test', path: '/a', value: 1 }));
    assert.equal(applied({ a: 1 }, many), 413);
  });

  test('I2: an object cannot be nested without bound', () => {
    const nesting = Array.from({ length: 80 }, (_, i) => ({ op: 'add', path: `/a${'/a'.repeat(i)}`, value: {} }));
    assert.equal(applied({}, nesting), 422);
  });

  test('I3: no path reaches a prototype', () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      assert.equal(applied({}, [{ op: 'add', path: `/${name}/polluted`, value: true }]), 400);
      assert.equal(applied({ a: 1 }, [{ op: 'copy', from: '/a', path: `/${name}/polluted` }]), 400);
    }
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
});
