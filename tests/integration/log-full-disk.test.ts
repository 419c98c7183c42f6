/**
 * The log on a disk that takes nothing.
 */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { createLog } from '../../src/platform/log.ts';

test('I4: a log that cannot be written never ends the process, and holds little memory', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const log = createLog({ role: 'test', descriptor: full });
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 20_000; i++) log.info('Nobody will read this.', { i, padding: 'x'.repeat(500) });
    const grownMB = (process.memoryUsage().heapUsed - before) / 2 ** 20;
    assert.ok(grownMB < 30, `10 MB of entries hold ${grownMB.toFixed(1)} MB`);
  } finally {
    closeSync(full);
  }
});
