/**
 * The nearest known name to a misspelled one.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, property, string } from 'fast-check';
import { editDistance, nearestOf } from '../../../src/base/nearest.ts';

test('I1: symmetric, zero exactly for equal texts, one for a swap of neighbors', () => {
  check(
    property(string({ maxLength: 12 }), string({ maxLength: 12 }), (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
    }),
  );
  assert.equal(editDistance('port', 'prot'), 1);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});

test('I2: a slip finds the name, something else finds none', () => {
  const known = ['port', 'extensionServers', 'data'];
  assert.equal(nearestOf('prot', known), 'port');
  assert.equal(nearestOf('extension-servers', known), 'extensionServers');
  assert.equal(nearestOf('DATA', known), 'data');
  assert.equal(nearestOf('completelyElse', known), undefined);
});
