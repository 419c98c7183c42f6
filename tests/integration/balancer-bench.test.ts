/**
 * The bench of the balancer runs, and tells a figure for every way. What the figures are is judged by people, on a machine of its own.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { installedHaproxy } from '../../src/platform/haproxy-process.ts';

const isMissing = installedHaproxy() === undefined || spawnSync('wrk', ['-v']).error !== undefined;
const skip = isMissing ? 'HAProxy and wrk are not installed (apt-get install haproxy wrk)' : false;

test('a short run of the bench tells what relay and HAProxy carry', { skip }, (t) => {
  const run = join(import.meta.dirname, '..', '..', 'bench', 'balancer', 'run.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [run, '--short', '--json', '--promised'], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.equal(status, 0, stderr);
  const phases = JSON.parse(stdout) as Record<string, Record<string, { perSecond: number }[]>>;
  assert.deepEqual(Object.keys(phases), ['bulk', 'kept connections', 'new connections']);
  for (const [phase, ways] of Object.entries(phases)) {
    assert.deepEqual(Object.keys(ways), ['direct', 'relay TCP', 'HAProxy TCP']);
    for (const [way, samples] of Object.entries(ways)) assert.ok((samples[0]?.perSecond ?? 0) > 0, `${phase}, ${way}`);
    t.diagnostic(
      `${phase}: ${Object.entries(ways)
        .map(([way, [one]]) => `${way} ${Math.round(one?.perSecond ?? 0)}`)
        .join(', ')}`,
    );
  }
});
