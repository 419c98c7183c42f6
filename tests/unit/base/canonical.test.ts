/**
 * Canonical JSON, and telling values apart without it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, isSameValue } from '../../../src/base/canonical.ts';

/** Few keys and values, so that equal ones meet; undefined too. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, undefined, 0, 1, '', '1', true),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
  ),
})).any;

test('I1: order of keys and undefined ones make no difference', () => {
  assert.equal(canonicalJson({ a: 1, b: undefined, c: [{ y: 1, x: 2 }] }), canonicalJson({ c: [{ x: 2, y: 1 }], a: 1 }));
});

test('I2: the same value is one with the same text', () => {
  fc.assert(
    fc.property(value, value, (a, b) => assert.equal(isSameValue(a, b), canonicalJson(a) === canonicalJson(b))),
    { numRuns: 2_000 },
  );
  fc.assert(fc.property(value, (a) => assert.ok(isSameValue(a, structuredClone(a)))));
});
