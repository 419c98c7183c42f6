/**
 * The benches of the extension servers run, and tell their figures. What the figures are is judged by people, on a machine of its own.
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

test('standing clusters are caught up with, and cost what is told', (t) => {
  const figures = bench('provisioning/run.ts', '--standing', '500')['standing'] as {
    clusters: number;
    renewalsPerSecond: number;
    caughtUpSeconds: number;
    idle: { server: string; core: number; megabytes: number }[];
  };
  assert.equal(figures.clusters, 500);
  // A thousand nodes, each once a minute.
  assert.ok(figures.renewalsPerSecond > 8, `${figures.renewalsPerSecond} renewals a second`);
  assert.equal(figures.idle.length, 2);
  assert.ok(figures.caughtUpSeconds < 100, `caught up after ${figures.caughtUpSeconds} s; promised are 10 s`);
  for (const { server, core, megabytes } of figures.idle) {
    assert.ok(core < 0.5 && megabytes > 0 && megabytes < 600, `${server}: ${core} of a core, ${megabytes} MB`);
    t.diagnostic(
      `${server}: ${(core * 100).toFixed(1)} % of a core, ${megabytes.toFixed(0)} MB; caught up after ${figures.caughtUpSeconds.toFixed(1)} s`,
    );
  }
});
