/**
 * Admission between Clusters, Sites and the ServerConfig, asked through the API.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { crdOf } from '../../../src/model/crd.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { memoryApi, textAt } from '../../support/memory-api.ts';
import type { MemoryAnswer, MemoryApi } from '../../support/memory-api.ts';

const GROUP = '/apis/outrigger.dev/v1';
const DEMO = `${GROUP}/namespaces/demo`;
const MERGE = { 'content-type': 'application/merge-patch+json' };
const open: MemoryApi[] = [];
after(() => Promise.all(open.map((memory) => memory.close())));

interface World {
  readonly memory: MemoryApi;
  cluster(name: string, spec?: JsonObject): Promise<MemoryAnswer>;
  site(name: string, environment?: string): Promise<MemoryAnswer>;
  patch(path: string, body: JsonObject): Promise<MemoryAnswer>;
  remove(path: string): Promise<MemoryAnswer>;
}

async function start(garbage = false): Promise<World> {
  const memory = await memoryApi({ garbage });
  open.push(memory);
  for (const kind of KINDS)
    assert.equal((await memory.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crdOf(kind) })).status, 201);
  await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
  return {
    memory,
    cluster: (name, spec = {}) =>
      memory.ask('POST', `${DEMO}/clusters`, { body: { metadata: { name }, spec: { virtualDataCenter: 'v', release: '1.0.0', ...spec } } }),
    site: (name, environment = 'OnPremises') =>
      memory.ask('POST', `${DEMO}/sites`, {
        body: {
          metadata: { name },
          spec: { environment, connectionServers: [{ name: 'cs-1', url: 'https://cs-1:9443', pin: `sha256:${'0'.repeat(64)}` }] },
        },
      }),
    patch: (path, body) => memory.ask('PATCH', path, { body, headers: MERGE }),
    remove: (path) => memory.ask('DELETE', path),
  };
}

/** Plugs `cluster` into `site` as its agent would. */
async function plug({ patch }: World, site: string, cluster: MemoryAnswer, more: JsonObject = {}): Promise<void> {
  const uid = cluster.at('metadata.uid') ?? '';
  const pairing = { state: 'Paired', clusterUid: uid, generation: 1, pairedAt: '2030-01-01T00:00:00Z' };
  const status = { cluster: { name: cluster.at('metadata.name') ?? '', uid }, pairing, ...more };
  const answer = await patch(`${DEMO}/sites/${site}/status`, { status });
  assert.equal(answer.status, 200, answer.message);
}

const PRIMARY_ONLY = { workers: 0, availability: { nodeRestart: 'Off' } };

describe('eligibility', () => {
  test('I1: judged when a Cluster names a Site, scales, or asks for more; the sentence says which fields to set to what', async () => {
    const world = await start();
    const { site, cluster, patch } = world;
    await site('cloud', 'AzureVMwareSolution');
    const refused = await cluster('harbor', { site: 'cloud' });
    assert.equal(refused.status, 403);
    assert.match(
      refused.message,
      /the environment AzureVMwareSolution of site cloud .*OnPremises, VMwareCloudOnAWSAllInSDDC are\): set spec.workers to 0 and spec.availability.nodeRestart to Off, or take spec.site out$/,
    );
    assert.match((await cluster('harbor', { site: 'cloud', workers: 0 })).message, /: set spec.availability.nodeRestart to Off, or/);
    const all = await cluster('harbor', { site: 'cloud', availability: { failover: 'Witness' } });
    assert.match(all.message, /set spec.workers to 0, spec.availability.nodeRestart to Off and spec.availability.failover to None, or/);
    assert.equal((await cluster('harbor', { site: 'cloud', ...PRIMARY_ONLY })).status, 201);
    assert.match((await patch(`${DEMO}/clusters/harbor`, { spec: { workers: 1 } })).message, /set spec.workers to 0, or take/);
    assert.match((await patch(`${DEMO}/clusters/harbor/scale`, { spec: { replicas: 1 } })).message, /set spec.workers to 0, or take/);
    assert.match(
      (await patch(`${DEMO}/clusters/harbor`, { spec: { availability: { nodeRestart: 'Low' } } })).message,
      /nodeRestart to Off/,
    );
    assert.equal((await patch(`${DEMO}/clusters/harbor`, { metadata: { labels: { a: 'b' } } })).status, 200);
    assert.equal((await patch(`${DEMO}/clusters/harbor`, { spec: { site: null, workers: 1 } })).status, 200);
    assert.match((await patch(`${DEMO}/clusters/harbor`, { spec: { site: 'cloud' } })).message, /set spec.workers to 0/);
  });

  test('I1: judged when a Site changes its environment under a cluster, or comes after it', async () => {
    const { site, cluster, patch } = await start();
    assert.equal((await cluster('harbor', { site: 'pier' })).status, 201, 'a Site that is not there yet is waited for');
    assert.match(
      (await site('pier', 'Cloud')).message,
      /cluster harbor names it, and the environment Cloud of site pier .*set spec.workers to 0/,
    );
    assert.equal((await site('pier')).status, 201);
    const refused = await patch(`${DEMO}/sites/pier`, { spec: { environment: 'Cloud' } });
    assert.deepEqual([refused.status, refused.message.includes('cluster harbor names it, and')], [403, true]);
    assert.equal((await patch(`${DEMO}/sites/pier`, { spec: { environment: 'VMwareCloudOnAWSAllInSDDC' } })).status, 200);
    assert.equal((await patch(`${DEMO}/clusters/harbor`, { spec: PRIMARY_ONLY })).status, 200);
    assert.equal((await patch(`${DEMO}/sites/pier`, { spec: { environment: 'Cloud' } })).status, 200);
  });

  test('I1: judged when the list of the active ServerConfig becomes shorter; the clusters that it hits are named', async () => {
    const { site, cluster, patch, remove, memory } = await start();
    await site('pier');
    await cluster('harbor', { site: 'pier' });
    await site('cloud', 'Cloud');
    await cluster('lone', { site: 'cloud', ...PRIMARY_ONLY });
    const config = (name: string, environments: string[], active = true): Promise<MemoryAnswer> =>
      memory.ask('POST', `${GROUP}/serverconfigs`, { body: { metadata: { name }, spec: { active, eligibleEnvironments: environments } } });
    const refused = await config('main', ['VMwareCloudOnAWSAllInSDDC']);
    assert.equal(refused.status, 403);
    assert.match(
      refused.message,
      /would lose OnPremises, where these clusters have more than a primary: demo\/harbor; keep the environment/,
    );
    assert.equal((await config('idle', [], false)).status, 201, 'one that is not active decides nothing');
    assert.equal((await config('main', ['OnPremises', 'Cloud'])).status, 201);
    assert.equal((await patch(`${DEMO}/clusters/lone`, { spec: { workers: 1, availability: { nodeRestart: 'Medium' } } })).status, 200);
    assert.match((await remove(`${GROUP}/serverconfigs/main`)).message, /would lose Cloud, .*demo\/lone/);
    assert.match((await patch(`${GROUP}/serverconfigs/main`, { spec: { active: false } })).message, /demo\/lone/);
    assert.equal((await patch(`${DEMO}/clusters/lone`, { spec: PRIMARY_ONLY })).status, 200);
    assert.equal((await remove(`${GROUP}/serverconfigs/main`)).status, 200);
  });
});

describe('one cluster a site', () => {
  test('a Site that another Cluster names, or that one is still plugged into, is refused', async () => {
    const world = await start();
    await world.site('pier');
    const harbor = await world.cluster('harbor', { site: 'pier' });
    assert.match(
      (await world.cluster('quay', { site: 'pier' })).message,
      /spec.site: cluster harbor names site pier already, and a site has at most one cluster/,
    );
    await plug(world, 'pier', harbor);
    assert.equal((await world.patch(`${DEMO}/clusters/harbor`, { spec: { site: null } })).status, 200);
    assert.match((await world.cluster('quay', { site: 'pier' })).message, /cluster harbor is still plugged into site pier; wait until/);
    assert.equal((await world.patch(`${DEMO}/clusters/harbor`, { spec: { site: 'pier' } })).status, 200, 'its own plug stands in no way');
    const stolen = await world.patch(`${DEMO}/sites/pier/status`, { status: { cluster: { name: 'quay', uid: 'another' } } });
    assert.match(stolen.message, /another cluster is plugged into this site; unplug that one first/);
  });

  test('two Sites cannot be swapped in one step', async () => {
    const { site, cluster, patch } = await start();
    await site('pier');
    await site('quay');
    await cluster('harbor', { site: 'pier' });
    assert.match((await patch(`${DEMO}/clusters/harbor`, { spec: { site: 'quay' } })).message, /unplug the cluster first/);
  });
});

describe('deletion', () => {
  test('I2: unplug before delete, unless it is forced; a forced removal of a Site says what stays before it happens', async () => {
    const world = await start();
    const { site, cluster, patch, remove, memory } = world;
    await site('pier');
    const harbor = await cluster('harbor', { site: 'pier' });
    assert.match(
      (await remove(`${DEMO}/sites/pier`)).message,
      /cluster harbor names it in spec.site; unplug first: outrigger site unpair pier -n demo/,
    );
    await plug(world, 'pier', harbor);
    const refused = await remove(`${DEMO}/clusters/harbor`);
    assert.equal(refused.status, 403);
    assert.match(
      refused.message,
      /it is plugged into site pier; unplug first: outrigger site unpair pier -n demo .*kubectl annotate cluster harbor -n demo outrigger.dev\/force-delete=true/,
    );
    assert.match((await remove(`${DEMO}/sites/pier`)).message, /cluster harbor is plugged in; unplug first/);
    const force = { metadata: { annotations: { 'outrigger.dev/force-delete': 'true' } } };
    const forced = await patch(`${DEMO}/sites/pier`, force);
    assert.match(
      textAt(forced.body, 'status.leftBehind.0'),
      /^cs-1 may still hold the license .*DELETE https:\/\/cs-1:9443\/v1\/license .*because the site is removed by force while cluster harbor is plugged in/,
    );
    assert.equal((await memory.ask('GET', `${DEMO}/sites/pier`)).at('status.leftBehind.1'), undefined);
    assert.equal((await patch(`${DEMO}/clusters/harbor`, force)).status, 200);
    assert.equal((await remove(`${DEMO}/clusters/harbor`)).status, 200);
    assert.equal((await remove(`${DEMO}/sites/pier`)).status, 200);
  });

  test('I2: what is free goes without asking', async () => {
    const { site, cluster, remove, patch } = await start();
    await site('pier');
    await cluster('harbor', { site: 'pier' });
    assert.equal((await patch(`${DEMO}/clusters/harbor`, { spec: { site: null } })).status, 200);
    assert.equal((await remove(`${DEMO}/sites/pier`)).status, 200);
    assert.equal((await remove(`${DEMO}/clusters/harbor`)).status, 200);
  });

  test('I3: a namespace that is deleted takes plugged clusters and sites along', async () => {
    const world = await start(true);
    await world.site('pier');
    await plug(world, 'pier', await world.cluster('harbor', { site: 'pier' }));
    assert.equal((await world.remove('/api/v1/namespaces/demo')).status, 200);
    const deadlineMs = Date.now() + 20_000;
    while ((await world.memory.ask('GET', '/api/v1/namespaces/demo')).status !== 404) {
      assert.ok(Date.now() < deadlineMs, 'the namespace stays');
      await new Promise((done) => setTimeout(done, 50));
    }
  });
});
