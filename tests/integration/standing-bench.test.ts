/**
 * The bench of standing clusters runs, and tells its figures. What the figures are is judged by people, on a machine of its own.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('standing clusters are caught up with, and cost what is told', (t) => {
  const run = join(import.meta.dirname, '..', '..', 'bench', 'standing', 'run.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [run, '--short', '--json'], { encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, stderr);
  const { standing } = JSON.parse(stdout) as {
    standing: {
      clusters: number;
      bytesPerCluster: number;
      renewalsPerSecond: number;
      caughtUpSeconds: number;
      processes: { name: string; core: number; residentMB: number; proportionalMB: number }[];
    };
  };
  assert.equal(standing.clusters, 200);
  assert.ok(standing.bytesPerCluster > 2000, `${standing.bytesPerCluster} bytes a cluster: the template is not whole`);
  // Four hundred nodes, each once a minute.
  assert.ok(standing.renewalsPerSecond > 1, `${standing.renewalsPerSecond} renewals a second`);
  assert.ok(standing.caughtUpSeconds < 100, `caught up after ${standing.caughtUpSeconds} s; promised are 10 s`);
  assert.deepEqual(
    standing.processes.map(({ name }) => name),
    ['extension-1', 'extension-2', 'director', 'postgres'],
  );
  for (const { name, core, residentMB, proportionalMB } of standing.processes) {
    assert.ok(
      core < 0.5 && residentMB >= proportionalMB && proportionalMB > 0 && residentMB < 3000,
      `${name}: ${core} of a core, ${residentMB} MB`,
    );
    t.diagnostic(`${name}: ${(core * 100).toFixed(1)} % of a core, ${residentMB.toFixed(0)} MB`);
  }
});
