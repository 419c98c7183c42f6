/** How words of others stand in sentences of ours. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clause, secondsText } from '../../../src/base/clause.ts';

test('I1: a sentence that quotes one ends once', () => {
  for (const said of ['Stopped by SIGTERM', 'Stopped by SIGTERM.', 'Stopped by SIGTERM.. '])
    assert.equal(`It ended: ${clause(said)}.`, 'It ended: Stopped by SIGTERM.');
  assert.equal(clause('10.0.0.1 refused 1.5 times.'), '10.0.0.1 refused 1.5 times');
  assert.equal(clause('...'), '');
});

test('what is left of a deadline is rounded', () => {
  assert.deepEqual([14_999.996915000025, 15_000, 250, 1, 90_000].map(secondsText), ['15 s', '15 s', '0.25 s', '0 s', '90 s']);
});
