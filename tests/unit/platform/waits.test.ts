/** Many waits of one length, by one timer (src/platform/waits.ts). */
import assert from 'node:assert/strict';
import { beforeEach, afterEach, mock, test } from 'node:test';
import { waitsOf } from '../../../src/platform/waits.ts';

let nowMs = 0;
const pass = (ms: number): void => {
  nowMs += ms;
  mock.timers.tick(ms);
};
beforeEach(() => {
  nowMs = 0;
  mock.method(performance, 'now', () => nowMs);
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => mock.reset());
afterEach(() => mock.timers.reset());

test('I1: each is told once, at its time, in the order in which they began', () => {
  const told: string[] = [];
  const waits = waitsOf(100, (one: string) => void told.push(one));
  waits.begin('a');
  pass(40);
  waits.begin('b');
  pass(59);
  assert.deepEqual(told, []);
  pass(1);
  assert.deepEqual(told, ['a']);
  pass(39);
  assert.deepEqual(told, ['a']);
  pass(1);
  assert.deepEqual(told, ['a', 'b']);
  pass(1000);
  assert.deepEqual(told, ['a', 'b']);
});

test('I1: one that is taken back is not told, one that begins anew is told later; also from within', () => {
  const told: string[] = [];
  const waits = waitsOf(100, (one: string) => {
    told.push(one);
    if (told.length < 3) waits.begin(one);
  });
  waits.begin('gone');
  waits.begin('anew');
  pass(60);
  waits.end('gone');
  waits.begin('anew');
  pass(60);
  assert.deepEqual(told, []);
  pass(40);
  assert.deepEqual(told, ['anew']);
  pass(100);
  pass(100);
  pass(100);
  assert.deepEqual(told, ['anew', 'anew', 'anew']);
});
