/**
 * The bench of provisioning runs, and tells its figures. What the figures are is judged by people, on a machine of its own.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

function bench(path: string, ...args: readonly string[]): Record<string, unknown> {
  const run = join(import.meta.dirname, '..', '..', 'bench', path);
  const all = [run, '--short', '--json', ...args];
  const { stdout, stderr, status } = spawnSync(process.execPath, all, { encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('hollow hosts and agents let clusters become available, alone, at a rate and all at once', (t) => {
  const rows = bench('provisioning/run.ts')['rows'] as {
    label: string;
    clusters: number;
    perSecond: number;
    p50Ms: number;
    p99Ms: number;
  }[];
  assert.deepEqual(
    rows.map(({ label, clusters }) => [label, clusters]),
    [
      ['one alone', 3],
      ['10 a second', 20],
      ['all at once', 20],
    ],
  );
  for (const row of rows) {
    assert.ok(row.perSecond > 0 && row.p99Ms >= row.p50Ms && row.p50Ms > 0, JSON.stringify(row));
    t.diagnostic(`${row.label}: ${row.perSecond.toFixed(1)}/s, p50 ${row.p50Ms.toFixed(0)} ms, p99 ${row.p99Ms.toFixed(0)} ms`);
  }
});
