/** Faults as people read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFault } from '../../../src/cli/render-fault.ts';
import { Fault } from '../../../src/model/fault.ts';

test('I1: the cause is told once: not when the sentence holds what is at its root', () => {
  const cause = new Error('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1.') });
  const held = renderFault(new Fault('DirectorUnreachable', 'No answer: connect ECONNREFUSED 127.0.0.1:1.', { cause }));
  assert.deepEqual(held, { text: 'outrigger: No answer: connect ECONNREFUSED 127.0.0.1:1.\n', exit: 4 });
  const open = renderFault(new Fault('DirectorUnreachable', 'No answer.', { cause }));
  assert.equal(open.text, 'outrigger: No answer.\n  because: connect ECONNREFUSED 127.0.0.1:1.\n');
});
