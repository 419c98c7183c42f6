/**
 * A monitor at a site and a director, for real: scraping of real connection servers, shipping, a director that is away, and what the organization reads.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readMetrics } from '../../src/decide/metric-text.ts';
import type { Round } from '../../src/model/metric.ts';
import { metricSegments } from '../../src/platform/metric-segments.ts';
import { openSampleStore } from '../../src/services/monitor/sample-store.ts';
import { connectionServerRig } from '../support/connection-server-rig.ts';
import type { RunningServer } from '../support/connection-server-rig.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { postAs } from '../support/license-rig.ts';
import { monitorRig } from '../support/monitor-rig.ts';
import type { MonitorRig } from '../support/monitor-rig.ts';
import { nodeRig } from '../support/node-rig.ts';
import type { NodeRig } from '../support/node-rig.ts';
import { quietLog } from '../support/postgres.ts';

/** So that live shipments stay below LIMITS.metricShipmentsPerMinute. */
const EVERY_MS = 400;

interface Shown {
  readonly samples: ReadonlyMap<string, number>;
  readonly text: string;
}

const servers = connectionServerRig();
const running: RunningServer[] = [];
let director: TestDirector;
let rig: NodeRig;
let site: MonitorRig;
let stop: () => Promise<void>;

before(async () => {
  director = await startDirector();
  rig = await nodeRig(director, 1);
  const backend = await servers.backend('desktop');
  for (const name of ['alpha', 'beta']) running.push(await servers.server(name, backend.port));
  site = await monitorRig(director, rig, running, EVERY_MS);
  stop = site.start();
});
after(async () => {
  await stop?.();
  await site?.close();
  rig?.cleanup();
  servers.cleanup();
});

const shown = async (query = ''): Promise<Shown> => {
  const answer = await director.call('GET', `/outrigger/v1/organizations/demo/metrics${query}`);
  assert.equal(answer.status, 200, answer.text);
  const read = readMetrics(answer.text, 10_000);
  assert.equal(read.dropped, 0, read.message);
  return { samples: new Map(read.samples.map(({ series, value }) => [series, value])), text: answer.text };
};
const series = (name: string, own: string): string => `${name}{cluster="${rig.name}",${own},organization="demo"}`;

test('nodes and connection servers are scraped, kept, shipped and shown to the organization', async () => {
  await running[0]?.session('ann');
  const found = await eventually('the session is seen', async () => {
    const all = await shown();
    const one = all.samples.get(`outrigger_connection_server_sessions{cluster="${rig.name}",organization="demo",server="server-0"}`);
    return one === 1 ? all : undefined;
  });
  for (const name of rig.nodes.map((node) => node.name)) {
    assert.equal(found.samples.get(series('load', `node="${name}"`)), 0.5);
    assert.equal(found.samples.get(series('outrigger_target_up', `node="${name}"`)), 1);
  }
  assert.equal(found.samples.get(`outrigger_target_up{cluster="${rig.name}",organization="demo",server="server-1"}`), 1);
  assert.match(found.text, /# TYPE outrigger_connection_server_sessions_total counter\n/);
  assert.match(found.text, /# TYPE load gauge\nload\{.*\} 0\.5 \d{13}\n/, 'each sample with its time');
  const status = await eventually('what is shipped is told', async () => {
    const told = await site.status();
    return (told.shippedThroughMs ?? 0) > Date.now() - 10_000 ? told : undefined;
  });
  assert.deepEqual(Object.keys(status.targets).toSorted(), [
    ...rig.nodes.map(({ name }) => `node/${name}`),
    'server/server-0',
    'server/server-1',
  ]);
});

test('a target that lies, floods or is another one costs its own samples only, and is named', async () => {
  site.answer(
    1,
    `# TYPE load gauge\nload{node="forged",organization="forged"} 7\n!!\n${Array.from({ length: 5_000 }, (_, n) => `flood${n} 1`).join('\n')}\n`,
  );
  const [primary, worker] = rig.nodes.map(({ name }) => name);
  const found = await eventually('the flood is cut', async () => {
    const all = await shown();
    return (all.samples.get(series('outrigger_target_dropped_samples', `node="${worker}"`)) ?? 0) > 1_000 ? all : undefined;
  });
  const forged = `load{cluster="${rig.name}",exported_node="forged",exported_organization="forged",node="${worker}",organization="demo"}`;
  assert.equal(found.samples.get(forged), 7);
  assert.equal(found.samples.get(series('load', `node="${primary}"`)), 0.5);
  assert.match((await site.status()).targets[`node/${worker}`]?.message ?? '', /line 3 does not begin with the name of a metric/);
  site.answer(1, 'load 0.5\n');
  await eventually('all is well again', async () => (await site.status()).targets[`node/${worker}`]?.message === undefined);
});

test('I2: what was scraped while no director answered is shipped when one does, completely and once', async () => {
  await eventually('all is shipped', async () => (await site.status()).backlog === 0, 20_000);
  const { port, database, data, kubeconfig } = director;
  assert.equal(await director.stop(), 0);
  const waiting = await eventually(
    'a backlog grows',
    async () => {
      const status = await site.status();
      return status.backlog >= 60 ? status : undefined;
    },
    60_000,
  );
  assert.match(waiting.message ?? '', /cannot be reached|did not answer|No director/);
  assert.ok(
    Object.values(waiting.targets).every(({ up }) => up),
    'scraping goes on',
  );
  // The monitor is killed in between, as a node is restarted: what it noted and kept goes on.
  await stop();
  stop = site.start();
  const beganMs = performance.now();
  director = await startDirector({ port, database, data, kubeconfig });
  const shippedMs = performance.now();
  await eventually('all is shipped', async () => (await site.status()).backlog === 0, 60_000);
  console.log(
    `a backlog of ${waiting.backlog} rounds was shipped ${(performance.now() - shippedMs).toFixed(0)} ms after the director was back (${(shippedMs - beganMs).toFixed(0)} ms to start)`,
  );
  await stop();
  const kept = await roundsOf(site.folder);
  const stored = await rowsOf(director);
  assert.deepEqual(
    stored.filter(([atMs]) => kept.has(Number(atMs))),
    [...kept].map(([atMs, round]) => [String(atMs), String(round.samples.length)]),
    'each round of the site, with each of its samples, once',
  );
  assert.equal(stored.length, kept.size);
  stop = site.start();
});

test('what comes again changes nothing; what is of another cluster, old, ahead or no series is refused or dropped', async () => {
  const post = (body: unknown): ReturnType<typeof postAs> => postAs(site.identity, director.url, '/outrigger/v1/metrics', body);
  const atMs = Date.now() - 60_000;
  const shipment = { series: [['once', 'gauge']], rounds: [[1, atMs, [0, 5]]] };
  for (const value of [5, 6]) {
    const answer = await eventually('it is taken', async () => {
      const one = await post({ ...shipment, rounds: [[1, atMs, [0, value]]] });
      return one.status === 429 ? undefined : one;
    });
    assert.deepEqual([answer.status, answer.body['kept'], answer.body['dropped']], [200, 1, 0]);
  }
  const range = `metric=once&cluster=${rig.name}&start=${atMs / 1000}&end=${atMs / 1000 + 60}&step=60`;
  const curve = await director.call('GET', `/outrigger/v1/organizations/demo/query_range?${range}`);
  const labels = { __name__: 'once', organization: 'demo', cluster: rig.name };
  assert.deepEqual(curve.json(), {
    status: 'success',
    data: { resultType: 'matrix', result: [{ metric: labels, values: [[atMs / 1000, '5']] }] },
  });
  const times = [atMs - 8 * 24 * 3600 * 1000, atMs + 3600 * 1000, 8.7e15];
  const wrong = await eventually('it is answered', async () => {
    const one = await post({
      series: [
        ['once', 'gauge'],
        ['x{cluster="other"}', 'gauge'],
      ],
      rounds: [...times, atMs].map((at, index) => [index, at, [0, 1, 1, 1]]),
    });
    return one.status === 429 ? undefined : one;
  });
  assert.deepEqual([wrong.status, wrong.body['kept'], wrong.body['dropped']], [200, 1, 7]);
  assert.equal((await postAs(site.identity, director.url, '/outrigger/v1/metrics', shipment, true)).status, 401);
  assert.equal((await director.call('POST', '/outrigger/v1/metrics', { body: shipment })).status, 403, 'an administrator is no node');
  assert.equal((await post([])).status, 400);
});

test('another organization is refused; a Prometheus server logs in with the token of a ServiceAccount', async () => {
  await director.kubectl('32', ['create', 'namespace', 'other']);
  for (const namespace of ['demo', 'other']) {
    await director.kubectl('32', ['create', 'serviceaccount', 'prometheus', '-n', namespace]);
    const binding = [
      'create',
      'rolebinding',
      'prometheus',
      '--clusterrole=view',
      `--serviceaccount=${namespace}:prometheus`,
      '-n',
      namespace,
    ];
    assert.equal((await director.kubectl('32', binding)).code, 0);
  }
  const token = async (namespace: string): Promise<string> =>
    (await director.kubectl('32', ['create', 'token', 'prometheus', '-n', namespace])).stdout.trim();
  const ask = async (namespace: string, path: string): ReturnType<typeof callWith> =>
    await callWith(director, path, await token(namespace));
  const page = '/outrigger/v1/organizations/demo/metrics';
  const mine = await ask('demo', page);
  assert.deepEqual([mine.status, readMetrics(mine.text, 10_000).dropped], [200, 0]);
  const others = await ask('other', page);
  assert.equal(others.status, 403);
  assert.match(others.text, /clusters.outrigger.dev is forbidden: User .*system:serviceaccount:other:prometheus.* cannot get/);
  assert.equal((await ask('other', '/outrigger/v1/organizations/nowhere/metrics')).status, 403, 'whether it is there is not told');
  assert.equal((await ask('other', '/outrigger/v1/organizations/demo/query_range?metric=load')).status, 403);
  const byNode = await postAs(site.identity, director.url, page, {});
  assert.equal(byNode.status, 403, 'a node reads nothing of its organization');
  assert.equal((await director.call('GET', '/outrigger/v1/organizations/nowhere/metrics')).status, 404);
  assert.match(director.log(), /"audit":true.*system:serviceaccount:other:prometheus.*"status":403/);
});

async function callWith(director: TestDirector, path: string, token: string): Promise<{ status: number; text: string }> {
  const { request } = await import('node:https');
  return await new Promise((done, failed) => {
    const options = { agent: false, rejectUnauthorized: false, headers: { authorization: `Bearer ${token}` } } as const;
    const sent = request(director.url + path, options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text }));
    });
    sent.on('error', failed);
    sent.end();
  });
}

/** By time. */
async function roundsOf(folder: string): Promise<Map<number, Round>> {
  const store = await openSampleStore(metricSegments(folder), quietLog, 1);
  const held = store.held();
  assert.ok(held !== undefined);
  const { rounds } = await store.read(held, 1e9);
  assert.deepEqual(
    rounds.map(({ sequence }) => sequence),
    Array.from({ length: held[1] - held[0] + 1 }, (_, index) => held[0] + index),
    'no round is missing at the site',
  );
  return new Map(rounds.map((round) => [round.atMs, round]));
}

/** Time and number of samples of each row. */
async function rowsOf({ database }: TestDirector): Promise<(readonly (string | null)[])[]> {
  const session = await database.server.connect('test', 5_000);
  const answer = await session.run(
    { text: 'SELECT at_ms, array_length(series, 1) FROM outrigger.metric_rounds ORDER BY at_ms' },
    [],
    10_000,
  );
  session.destroy();
  assert.ok(answer.ok);
  return [...answer.rows];
}
