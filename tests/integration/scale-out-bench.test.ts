/**
 * The bench of scale-out runs, and tells what another server is worth. What the figures are is judged by people, on a machine of its own.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('servers that are limited by their own concurrency create clusters, and what they used is told', (t) => {
  const run = join(import.meta.dirname, '..', '..', 'bench', 'scale-out', 'run.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [run, '--short', '--json'], { encoding: 'utf8', timeout: 180_000 });
  assert.equal(status, 0, stderr);
  const { rows } = JSON.parse(stdout) as {
    rows: { servers: number; clusters: number; perSecond: number; efficiency: number; cores: number; machineCores: number }[];
  };
  assert.deepEqual(
    rows.map(({ servers }) => servers),
    [1, 2],
  );
  for (const { servers, clusters, perSecond, efficiency, cores, machineCores } of rows) {
    assert.ok(clusters > 0 && efficiency > 0 && cores > 0 && machineCores > 0, JSON.stringify({ servers, clusters, cores }));
    t.diagnostic(`${servers} servers: ${perSecond.toFixed(2)} clusters/s, ${(efficiency * 100).toFixed(0)} %, ${cores.toFixed(2)} cores`);
  }
});
