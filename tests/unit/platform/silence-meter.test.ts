/** For how long a tunnel was silent, by somebody who may have been held up himself: src/platform/tunnel-site.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeSilence } from '../../../src/decide/tunnel-dial.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { silenceMeter } from '../../../src/platform/tunnel-site.ts';

function meter(): { readonly after: (ms: number, bytes?: number) => number } {
  let [nowMs, bytesRead] = [0, 0];
  const silentMs = silenceMeter(
    () => bytesRead,
    () => nowMs,
  );
  silentMs();
  const after = (ms: number, bytes = 0): number => {
    nowMs += ms;
    bytesRead += bytes;
    return silentMs();
  };
  return { after };
}

test('silence is counted from look to look, and any byte ends it', () => {
  const { after } = meter();
  for (let i = 1; i <= 8; i++) assert.equal(after(100), 100 * i);
  assert.equal(after(100, 1), 0);
  assert.equal(after(100), 100);
});

test('a silent tunnel is suspected within 1.1 s at looks of 100 ms, so that 0.9 s are left for another one to open', () => {
  const { after } = meter();
  let ms = 0;
  while (judgeSilence(after(100), 1, true) === 'alive') ms += 100;
  assert.ok(ms + 100 <= 1_100, `${ms + 100} ms`);
});

test('I4: who was held up for seconds neither suspects nor ends a tunnel whose signs of life wait to be read', () => {
  const { after } = meter();
  assert.equal(judgeSilence(after(10_000), 1, false), 'alive');
  assert.equal(after(1, 17), 0);
  // A machine that gives it a turn each 300 ms only, and echoes that come as late.
  for (let i = 0; i < 50; i++) assert.equal(judgeSilence(after(LIMITS.tunnelLookCountsMs, i % 2), 200, false), 'alive');
});
