/**
 * Turns: one work on a key at a time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from '../../../src/extension/turns.ts';

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((done) => (open = done));
  return { opened, open };
}

test('I1: works on one key run one after the other, in their order; those on another key do not wait', async () => {
  const turns = createTurns();
  const said: string[] = [];
  const first = gate();
  const all = [
    turns.inTurn('a', async () => {
      said.push('a1 begins');
      await first.opened;
      said.push('a1 ends');
    }),
    turns.inTurn('a', async () => void said.push('a2')),
    turns.inTurn('a', async () => void said.push('a3')),
  ];
  await turns.inTurn('b', async () => void said.push('b'));
  assert.deepEqual(said, ['a1 begins', 'b']);
  first.open();
  await Promise.all(all);
  assert.deepEqual(said, ['a1 begins', 'b', 'a1 ends', 'a2', 'a3']);
});

test('I2: a work that fails tells its own caller, and the next one runs', async () => {
  const turns = createTurns();
  const failing = turns.inTurn('a', async () => await Promise.reject(new Error('lost')));
  const next = turns.inTurn('a', async () => 'done');
  await assert.rejects(failing, /lost/);
  assert.equal(await next, 'done');
});
