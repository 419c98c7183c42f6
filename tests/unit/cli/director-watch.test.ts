/** What up says of a director that hangs. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchDirector } from '../../../src/cli/up/director-watch.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Clock } from '../../../src/ports/clock.ts';

/** A second for each look; `script` says what is so in it. */
async function said(script: readonly ('answers' | 'hangs' | 'gone')[]): Promise<readonly string[]> {
  const end = new AbortController();
  const lines: string[] = [];
  let at = -1;
  const clock = {
    monotonicMs: () => (at + 1) * 1_000,
    sleep: () => {
      at++;
      if (at >= script.length) end.abort();
      return Promise.resolve();
    },
  } as unknown as Clock;
  const ask = (): Promise<void> =>
    script[at] === 'answers' ? Promise.resolve() : Promise.reject(new Fault('DirectorUnreachable', 'No answer.'));
  const say = (line: string): void => void lines.push(`${at + 1}: ${line}`);
  await watchDirector({ clock, isAlive: () => script[at] !== 'gone', ask, say, logFile: '/d/logs/director.log' }, end.signal);
  return lines;
}

const times = <T>(count: number, what: T): T[] => Array.from({ length: count }, () => what);

test('I1: silent for five seconds is said once, and that it answers again', async () => {
  const lines = await said(['answers', ...times(9, 'hangs' as const), 'answers', 'answers']);
  assert.equal(lines.length, 2, lines.join('\n'));
  assert.match(lines[0] ?? '', /^6: Director has not answered for 5.* s, though its process lives; look into \/d\/logs\/director\.log$/);
  assert.match(lines[1] ?? '', /^11: Director answers again, after 10.* s$/);
});

test('I1: not a word of a short pause, nor of one that ended: that says its supervisor', async () => {
  assert.deepEqual(await said(['answers', ...times(4, 'hangs' as const), 'answers', ...times(9, 'gone' as const), 'answers']), []);
});
