/** The log of a service that is not there: the refusal names those that are. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openLogTail } from '../../../src/platform/log-tail.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-log-tail-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('an unknown service is refused with those that have a log', async () => {
  const order = { service: 'helo', container: undefined, tailLines: 1, follow: false };
  const never = new AbortController().signal;
  assert.deepEqual(await openLogTail(folder, order, never), {
    refused: 'there is no log of a service helo on this node; there is none of any service',
  });
  for (const service of ['web', 'hello']) {
    mkdirSync(join(folder, service));
    writeFileSync(join(folder, service, `${service}.log`), 'x\n');
  }
  assert.deepEqual(await openLogTail(folder, order, never), {
    refused: 'there is no log of a service helo on this node; there is one of hello, web',
  });
});
