/**
 * `$(NAME)` as Kubernetes expands it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandEnvironment, expandVariables } from '../../../src/model/pod-variables.ts';

test('I1: names that are set are replaced, others stay as they stand', () => {
  assert.equal(expandVariables('$(A):$(B) $(C) $A ${A}', { A: 'x', B: '' }), 'x: $(C) $A ${A}');
  assert.equal(expandVariables('$(toString)', {}), '$(toString)');
});

test('I2: two dollars make one', () => {
  assert.equal(expandVariables('$$(A) $$$(A) $$', { A: 'x' }), '$(A) $x $');
});

test('a value is not expanded again, and refers only to what stands before it', () => {
  assert.deepEqual(
    expandEnvironment({ A: '$(B)' }, [
      { name: 'B', value: '$(A)' },
      { name: 'C', value: '$(B)-$(D)' },
      { name: 'D', value: 'd' },
    ]),
    { A: '$(B)', B: '$(B)', C: '$(B)-$(D)', D: 'd' },
  );
});
