/**
 * The bench of takeovers runs, and tells how long killed and stopped servers' work waits. Its promises are judged by people, on a machine of its own.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('a short run of the bench tells how long the work of a killed and of a stopped server waits', (t) => {
  const run = join(import.meta.dirname, '..', '..', 'bench', 'takeover', 'run.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [run, '--short', '--json'], { encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, stderr);
  const line = stdout.split('\n').find((one) => one.startsWith('{"machine"')) ?? '{}';
  const { rows } = JSON.parse(line) as { rows: { name: string; clusters: number; maxMs: number; promisedMs: number }[] };
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['kill', 'stop'],
  );
  for (const { name, clusters, maxMs, promisedMs } of rows) {
    assert.ok(clusters === 6 && maxMs > 0 && maxMs <= 10 * promisedMs, `${name}: ${maxMs} ms`);
    t.diagnostic(`${name}: the last of ${clusters} clusters waited ${Math.round(maxMs)} ms; promised are ${promisedMs} ms`);
  }
});
