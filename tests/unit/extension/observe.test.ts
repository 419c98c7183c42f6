/**
 * What an extension server answers on its own address, against the catalog of metrics.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { extensionMetricsText, missingOf } from '../../../src/decide/extension-metrics.ts';
import type { ExtensionFacts } from '../../../src/decide/extension-metrics.ts';
import { familyOf, readMetrics, readSeries } from '../../../src/decide/metric-text.ts';
import { DEFAULT_SHARING } from '../../../src/decide/sharding.ts';
import { observeHandler } from '../../../src/extension/observe.ts';
import type { LoopSight } from '../../../src/extension/loop.ts';
import { count, countedApi, countLook, newTelemetry } from '../../../src/extension/telemetry.ts';
import { METRICS } from '../../../src/model/metric-catalog.ts';
import { Fault } from '../../../src/model/fault.ts';
import { LEASES } from '../../../src/model/core-kinds.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import type { HttpRequest, HttpResponse } from '../../../src/ports/http.ts';

const HEALTHY: LoopSight = {
  rules: () => DEFAULT_SHARING,
  obeys: () => 'default@3',
  queueDepth: () => 4,
  atWork: () => 2,
  live: () => ['a', 'b'],
  leaseAgeMs: () => 700,
  unsynced: () => [],
  sinceRoundMs: () => 100,
  massSilence: () => ({ active: true, near: true, settled: true, silentSites: 3, sites: 10 }),
};

function ask(path: string, sight: LoopSight | undefined, telemetry = newTelemetry(), stopping = false): readonly [number, string] {
  let answer: readonly [number, string] = [0, ''];
  const handler = observeHandler({ server: 'a', version: '1.0.0', telemetry, sight: () => sight, stopping: () => stopping });
  const response = { send: (status: number, _: unknown, body: Buffer) => void (answer = [status, body.toString('utf8')]) };
  handler({ method: 'GET', target: path } as HttpRequest, response as unknown as HttpResponse);
  return answer;
}

test('I1: alive while rounds are completed, whatever is missing; not when the loop hangs', () => {
  assert.equal(ask('/livez', HEALTHY)[0], 200);
  assert.equal(ask('/livez', { ...HEALTHY, leaseAgeMs: () => undefined, unsynced: () => ['clusters'] })[0], 200);
  const [status, text] = ask('/livez', { ...HEALTHY, sinceRoundMs: () => 16_000 });
  assert.equal(status, 503);
  assert.match(text, /no round for 16 s/);
});

test('I2: ready when the copies are read and the Lease is shown; else what is missing is said', () => {
  assert.equal(ask('/readyz', HEALTHY)[0], 200);
  assert.match(ask('/readyz', undefined).join(' '), /^503 The loop has not begun/);
  assert.match(ask('/readyz', { ...HEALTHY, unsynced: () => ['nodes', 'sites'] }).join(' '), /^503 Not read yet: nodes, sites;/);
  assert.match(ask('/readyz', { ...HEALTHY, leaseAgeMs: () => undefined }).join(' '), /^503 Its Lease is not shown/);
  assert.match(ask('/readyz', { ...HEALTHY, leaseAgeMs: () => 5_000 }).join(' '), /^503 Its Lease was last renewed 5 s ago and lasts 3 s/);
  assert.match(ask('/readyz', HEALTHY, newTelemetry(), true).join(' '), /^503 This server is stopping/);
});

test('/metrics tells what the catalog names, with its types and labels', () => {
  const telemetry = newTelemetry();
  for (const ms of [0.5, 30, 20_000]) countLook(telemetry, ms);
  count(telemetry.attemptsFailed, 'NewAttempt');
  count(telemetry.effects, 'CreateNode/ok');
  count(telemetry.calls, 'get/NotFound');
  const [status, text] = ask('/metrics', HEALTHY, telemetry);
  assert.equal(status, 200);
  const read = readMetrics(text, 1_000);
  assert.equal(read.message, undefined);
  const told = new Map(
    read.samples.map(({ series, type }) => {
      const { name, labels } = readSeries(series) ?? { name: '', labels: [] };
      return [familyOf(name, type), { type, labels: labels.map(([key]) => key).filter((key) => key !== 'le') }];
    }),
  );
  const named = METRICS.filter((one) => one.source === 'extension').map(({ name, type, labels }) => [
    name,
    { type, labels: labels.toSorted() },
  ]);
  assert.deepEqual(Object.fromEntries(told), Object.fromEntries(named));
  assert.match(text, /look_duration_seconds_bucket\{le="0\.001"\} 1\n/);
  assert.match(text, /look_duration_seconds_bucket\{le="10"\} 2\n/);
  assert.match(text, /look_duration_seconds_bucket\{le="\+Inf"\} 3\n/);
  assert.match(text, /_mass_silence 1\n/);
  assert.match(text, /_silent_sites 3\n/);
  assert.match(text, /_watched_sites 10\n/);
  assert.match(text, /_info\{obeys="default@3",server="a",version="1\.0\.0"\} 1\n/);
});

test('each call of the API is counted with what came of it', async () => {
  const telemetry = newTelemetry();
  const bad = new Fault('DirectorUnreachable', 'It is away.');
  const api = {
    get: () => Promise.resolve({ ok: false, reason: 'NotFound', message: '' }),
    list: () => Promise.reject(bad),
  } as unknown as EntityApi;
  const counted = countedApi(api, telemetry);
  const { signal } = new AbortController();
  await counted.get(LEASES, 'a', 'b', signal);
  await assert.rejects(counted.list(LEASES, {}, signal), bad);
  assert.deepEqual(
    [...telemetry.calls],
    [
      ['get/NotFound', 1],
      ['list/unreachable', 1],
    ],
  );
  await assert.rejects(counted.list(LEASES, {}, AbortSignal.abort()), bad);
  assert.equal(telemetry.calls.get('list/unreachable'), 1);
});

const NOTHING: ReadonlyMap<string, number> = new Map();
const FACTS: ExtensionFacts = {
  server: 'a',
  version: '1.0.0',
  obeys: 'default@3',
  queueDepth: 0,
  atWork: 0,
  liveServers: 1,
  leaseAgeMs: undefined,
  massSilence: undefined,
  spansDropped: 0,
  lagSeconds: 0,
  looks: 0,
  takeovers: 0,
  overdue: 0,
  conflicts: 0,
  attemptsBegun: 0,
  attemptsAvailable: 0,
  attemptsFailed: NOTHING,
  calls: NOTHING,
  effects: NOTHING,
  lookSeconds: 0,
  lookBuckets: [],
  looksTimed: 0,
};

test('I1: a Lease that was never shown has no age', () => {
  assert.doesNotMatch(extensionMetricsText(FACTS), /lease_age_seconds[ {]\S* ?\d/);
  assert.doesNotMatch(extensionMetricsText(FACTS), /_(mass_silence|silent_sites|watched_sites) \d/);
  const massSilence = { active: false, near: false, settled: true, silentSites: 0, sites: 4 };
  assert.match(extensionMetricsText({ ...FACTS, massSilence }), /^outrigger_extension_mass_silence 0$/m);
  assert.match(extensionMetricsText({ ...FACTS, leaseAgeMs: 700 }), /^outrigger_extension_lease_age_seconds 0\.7$/m);
});

test('I2: nothing is missing of a server that is ready', () => {
  assert.deepEqual(missingOf({ unsynced: [], leaseAgeMs: 700, leaseMs: 3_000, stopping: false }), []);
  assert.equal(missingOf({ unsynced: ['nodes'], leaseAgeMs: undefined, leaseMs: 3_000, stopping: true }).length > 0, true);
});
