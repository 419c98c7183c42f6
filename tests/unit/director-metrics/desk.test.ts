/**
 * Where sites bring samples and organizations read them: who may, what is bounded, what is said.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createMetricDesk } from '../../../src/director/metrics/metric-desk.ts';
import { memoryMetrics } from '../../../src/director/metrics/memory-metrics.ts';
import { createOrganizationPages } from '../../../src/director/metrics/organization-pages.ts';
import type { Authenticator, Identity, OwnRequest } from '../../../src/director/auth/identity.ts';
import { openRelations } from '../../../src/director/auth/relations.ts';
import { readMetrics } from '../../../src/decide/metric-text.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { MetricStore } from '../../../src/ports/metric-store.ts';
import {
  CLUSTER_UID,
  foreignNode,
  never,
  NODE_UID,
  nodeIdentity,
  openWorld,
  seedCluster,
  testAuthorizer,
  userIdentity,
} from '../director-auth/support.ts';

const ADMIN: Identity = { kind: 'admin', name: 'admin', groups: ['outrigger:admins'] };
const FOREIGN_UID = (foreignNode()['metadata'] as { uid: string }).uid;

interface Office {
  readonly metrics: MetricStore;
  readonly log: { readonly lines: string[] };
  advance(ms: number): void;
  nowMs(): number;
  post(identity: Identity, body: Json): Promise<{ status: number; body: JsonObject }>;
  get(identity: Identity, path: string): Promise<{ code: number; text: string }>;
}

async function office(context: TestContext, wrap: (metrics: MetricStore) => MetricStore = (metrics) => metrics): Promise<Office> {
  const world = await openWorld(context);
  await seedCluster(world.store);
  const key = { group: '', resource: 'namespaces', namespace: '', name: 'demo' };
  await world.store.write(
    { op: 'create', key, uid: 'ns', body: Buffer.from('{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"demo"}}') },
    never,
  );
  const metrics = wrap(memoryMetrics());
  const relations = openRelations(world.store);
  context.after(() => relations.close());
  // The test says who calls.
  const authenticator: Authenticator = { authenticate: ({ authorization }) => JSON.parse(authorization ?? '') as Identity };
  const parts = { ...world, metrics, relations, authenticator, authorizer: testAuthorizer(context, world) };
  const [desk, pages] = [createMetricDesk(parts), createOrganizationPages(parts)];
  return {
    metrics,
    log: world.log,
    advance: (ms) => world.clock.advance(ms),
    nowMs: () => world.clock.nowMs(),
    post: async (identity, body) => {
      const request: OwnRequest = {
        method: 'POST',
        path: '/outrigger/v1/metrics',
        body,
        credentials: { authorization: JSON.stringify(identity) },
        remoteAddress: '::1',
      };
      return await desk.take(request, never);
    },
    get: async (identity, target) => {
      const [path = '', query = ''] = target.split('?');
      const asked = new Map(new URLSearchParams(query));
      assert.ok(pages.serves(path));
      const answer = await pages.answer({ method: 'GET', path, query: asked, identity, remoteAddress: '::1' }, never);
      if (!answer.ok) return { code: answer.code, text: answer.message };
      assert.ok(answer.value.kind === 'bytes');
      return { code: answer.value.code, text: answer.value.body.toString('utf8') };
    },
  };
}

function shipment(atMs: number, series = 'up', value = 1): Json {
  return { series: [[series, 'gauge']], rounds: [[1, atMs, [0, value]]] };
}

const PAGE = '/outrigger/v1/organizations/demo/metrics';

test('I1: a node brings samples of its own cluster, whatever it says; others are refused with a sentence', async (context) => {
  const { post, metrics, nowMs } = await office(context);
  const atMs = Math.round(nowMs());
  assert.equal((await post(nodeIdentity(), shipment(atMs))).status, 200);
  assert.equal((await post(nodeIdentity(FOREIGN_UID), shipment(atMs, 'up', 2))).status, 200);
  const mine = await metrics.newest([CLUSTER_UID], 0, atMs, 10, never);
  assert.ok(mine !== 'too-many' && mine.length === 1 && mine[0]?.value === 1);
  const stale = await post(nodeIdentity(NODE_UID, 2), shipment(atMs));
  assert.deepEqual([stale.status, /incarnation 2 of harbor-a1-n0/.test(JSON.stringify(stale.body))], [403, true]);
  assert.match(JSON.stringify((await post(nodeIdentity('nobody'), shipment(atMs))).body), /knows no ClusterNode with uid nobody/);
  assert.equal((await post(ADMIN, shipment(atMs))).status, 403);
});

test('I2 I3: so many shipments a minute, one at a time of a cluster; others go on', async (context) => {
  const gate = Promise.withResolvers<void>();
  let waits = true;
  const { post, nowMs } = await office(context, (metrics) => ({
    ...metrics,
    write: async (...asked) => {
      if (waits) await gate.promise;
      return await metrics.write(...asked);
    },
  }));
  const atMs = Math.round(nowMs());
  const first = post(nodeIdentity(), shipment(atMs));
  // Its write has begun once the others are answered.
  const second = await post(nodeIdentity(), shipment(atMs));
  assert.deepEqual([second.status, /being written/.test(JSON.stringify(second.body))], [429, true]);
  waits = false;
  assert.equal((await post(nodeIdentity(FOREIGN_UID), shipment(atMs))).status, 200);
  gate.resolve();
  assert.equal((await first).status, 200);
  const answers: number[] = [];
  for (let count = 0; count < LIMITS.metricShipmentsPerMinute; count++) answers.push((await post(nodeIdentity(), shipment(atMs))).status);
  assert.deepEqual([answers.at(0), answers.at(-1)], [200, 429]);
});

test('what is too old, ahead, or names a cluster is dropped and said', async (context) => {
  const { post, nowMs } = await office(context);
  const atMs = Math.round(nowMs());
  const of = async (body: Json): Promise<[unknown, unknown, string]> => {
    const answer = await post(nodeIdentity(), body);
    return [answer.body['kept'], answer.body['dropped'], JSON.stringify(answer.body)];
  };
  assert.deepEqual((await of(shipment(atMs - LIMITS.metricRetentionMs - 1))).slice(0, 2), [0, 1]);
  assert.match((await of(shipment(atMs + LIMITS.metricAheadMs + 60_000)))[2], /in the future/);
  assert.match((await of(shipment(8.7e15)))[2], /8700000000000000 ms, which is in the future/);
  assert.match((await of(shipment(atMs, 'up{organization="other"}')))[2], /organization or cluster/);
  assert.deepEqual((await of(shipment(atMs))).slice(0, 2), [1, 0]);
});

test('I1: who may not get clusters there is refused, whether the namespace is there or not; who may, reads', async (context) => {
  const { get, post, nowMs, log } = await office(context);
  await post(nodeIdentity(), shipment(Math.round(nowMs()), 'up{node="n"}'));
  for (const path of [PAGE, '/outrigger/v1/organizations/nowhere/metrics', '/outrigger/v1/organizations/demo/query_range']) {
    const refused = await get(userIdentity('ann'), path);
    assert.deepEqual([refused.code, /cannot get resource "clusters"/.test(refused.text)], [403, true]);
    assert.equal((await get(nodeIdentity(), path)).code, 403);
  }
  assert.equal((await get(ADMIN, '/outrigger/v1/organizations/nowhere/metrics')).code, 404);
  assert.equal((await get(ADMIN, `${PAGE}?cluster=nothing`)).code, 404);
  const found = await get(ADMIN, PAGE);
  assert.deepEqual(
    readMetrics(found.text, 10).samples.map(({ series }) => series),
    ['up{cluster="harbor",node="n",organization="demo"}'],
  );
  const audit = log.lines.filter((line) => line.includes('"audit":true'));
  assert.equal(audit.length, 9, 'I4: each request leaves a line');
  assert.match(audit[0] ?? '', /"user":"ann".*"status":403/);
});

test('I2: what is older than five minutes is not called newest', async (context) => {
  const { get, post, nowMs, advance } = await office(context);
  await post(nodeIdentity(), shipment(Math.round(nowMs())));
  advance(LIMITS.metricStaleMs - 1_000);
  assert.match((await get(ADMIN, PAGE)).text, /^up/m);
  advance(2_000);
  assert.equal((await get(ADMIN, PAGE)).text, '');
});

test('I3: a query that is wrong or asks for too much is a sentence', async (context) => {
  const { get } = await office(context);
  const base = '/outrigger/v1/organizations/demo/query_range';
  const good = 'metric=up&cluster=harbor&start=1000&end=2000&step=10';
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['metric=up%7B', /metric must be the name/],
    ['metric=up', /cluster must be/],
    [good.replace('start=1000', 'start=never'), /start and end must be times/],
    [good.replace('step=10', 'step=0'), /step must be a time of at least a second/],
    [good.replace('end=2000', 'end=10'), /end must not lie before start/],
    [good.replace('end=2000', 'end=200000').replace('step=10', 'step=1'), /more than 11000 steps/],
  ];
  for (const [query, says] of refusals) {
    const answer = await get(ADMIN, `${base}?${query}`);
    assert.deepEqual([answer.code, says.test(answer.text)], [400, true], answer.text);
  }
  assert.equal((await get(ADMIN, `${base}?${good}`)).text, '{"status":"success","data":{"resultType":"matrix","result":[]}}');
  assert.equal(
    (await get(ADMIN, `${base}?${good.replace('start=1000', 'start=1970-01-01T00:10:00Z').replace('step=10', 'step=1m')}`)).code,
    200,
  );
});
