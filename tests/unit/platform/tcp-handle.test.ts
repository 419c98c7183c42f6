/** Node's TCP handles, as the relay uses them (src/platform/tcp-handle.ts). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { tcpHandles } from '../../../src/platform/tcp-handle.ts';

test('the Node that we come with has them as they are known', () => {
  assert.ok(tcpHandles() !== undefined, 'the relay would balance TCP by streams, for twice the work');
});

test('I1: there are none where Node hands none out', () => {
  const door = join(import.meta.dirname, '..', '..', '..', 'src', 'platform', 'tcp-handle.ts');
  const program = `import { tcpHandles } from ${JSON.stringify(door)}; console.log(tcpHandles() === undefined);`;
  const flags = ['--permission', '--allow-fs-read=*', '--input-type=module', '-e', program];
  const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8', env: {} });
  assert.equal(stdout, 'true\n', stderr);
});
