/**
 * A node that a restored director does not know is taken back under its own uid; and nothing else is ever made under a uid of somebody's choice.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { adoptedNode } from '../../../src/decide/adoption.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import { crdOf } from '../../../src/model/crd.ts';
import type { UnclaimedNode } from '../../../src/model/host.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { memoryApi, textAt } from '../../support/memory-api.ts';
import type { MemoryAnswer, MemoryApi, MemorySetup } from '../../support/memory-api.ts';

const ROOT = '/apis/outrigger.dev/v1';
const NODES = `${ROOT}/namespaces/demo/clusternodes`;
const MERGE = { 'content-type': 'application/merge-patch+json' };
const UID = '0de00de0-0000-4000-8000-00000000000a';
const open: MemoryApi[] = [];
after(() => Promise.all(open.map((memory) => memory.close())));

interface Setting {
  readonly memory: MemoryApi;
  readonly cluster: Cluster;
  readonly entry: UnclaimedNode;
  adopt(change?: (node: JsonObject) => void): Promise<MemoryAnswer>;
}

/** A cluster with one unknown worker on h1, capacity reserved for it. */
async function start(setup: MemorySetup = {}): Promise<Setting> {
  const memory = await memoryApi(setup);
  open.push(memory);
  for (const kind of KINDS) await memory.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crdOf(kind) });
  await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
  const post = async (path: string, body: JsonObject): Promise<MemoryAnswer> => {
    const answer = await memory.ask('POST', `${ROOT}/${path}`, { body });
    assert.equal(answer.status, 201, answer.text);
    return answer;
  };
  const patch = async (path: string, body: JsonObject): Promise<void> => {
    const answer = await memory.ask('PATCH', `${ROOT}/${path}`, { body, headers: MERGE });
    assert.equal(answer.status, 200, answer.text);
  };
  const quota = { nodes: 9, cpuMillis: 9000, memoryMiB: 9000 };
  await post('namespaces/demo/virtualdatacenters', { metadata: { name: 'main' }, spec: { quota, hosts: ['h1'] } });
  const made = await post('namespaces/demo/clusters', {
    metadata: { name: 'harbor' },
    spec: { virtualDataCenter: 'main', release: 'r', workers: 0 },
  });
  const cluster = made.body as unknown as Cluster;
  const place = {
    cluster: 'harbor',
    clusterUid: cluster.metadata.uid,
    virtualDataCenter: 'main',
    role: 'Worker',
    attempt: 1,
    index: 1,
  } as const;
  const entry: UnclaimedNode = {
    uid: UID,
    namespace: 'demo',
    name: 'harbor-a1-n1',
    ...place,
    incarnation: 3,
    resources: { cpuMillis: 500, memoryMiB: 256 },
    why: 'Unknown',
  };
  await post('hosts', { metadata: { name: 'h1' }, spec: { capacity: quota } });
  await patch('hosts/h1/status', { status: { unclaimedNodes: [{ ...entry }] } });
  const reservation = { cluster: 'harbor', node: entry.name, generation: 1, cpuMillis: 500, memoryMiB: 256 };
  const reserved = { nodes: 1, cpuMillis: 500, memoryMiB: 256 };
  await patch('namespaces/demo/virtualdatacenters/main/status', {
    status: { reservations: { [`${cluster.metadata.uid}.1`]: reservation }, reserved },
  });
  const adopt = (change: (node: JsonObject) => void = () => undefined): Promise<MemoryAnswer> => {
    const node = structuredClone(adoptedNode(cluster, entry, 'h1')) as unknown as JsonObject;
    change(node);
    return memory.ask('POST', NODES, { body: node });
  };
  return { memory, cluster, entry, adopt };
}

const spec = (node: JsonObject): JsonObject => node['spec'] as JsonObject;
const metadata = (node: JsonObject): JsonObject => node['metadata'] as JsonObject;

describe('adopting a node', () => {
  test('I1: as its host reports it, it gets its uid, incarnation and host back; once', async () => {
    const { adopt } = await start();
    const made = await adopt();
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(
      [made.at('metadata.uid'), made.at('spec.incarnation'), made.at('spec.host'), made.at('metadata.annotations')],
      [UID, 3, 'h1', { 'outrigger.dev/adopted-from': 'h1', 'outrigger.dev/adopted-at-generation': '1' }],
    );
    const again = await adopt((node) => (metadata(node)['name'] = 'harbor-a1-n2'));
    assert.equal(again.status, 403);
    assert.match(again.message, /is that of demo\/harbor-a1-n1/);
  });

  test('I1: what differs from the report is refused, each with its reason', async () => {
    const { adopt } = await start();
    const cases: readonly (readonly [RegExp, (node: JsonObject) => unknown])[] = [
      [/spec\.incarnation is not what host h1 reports/, (node) => (spec(node)['incarnation'] = 4)],
      [/spec\.index is not/, (node) => (spec(node)['index'] = 2)],
      [/spec\.host is not/, (node) => (spec(node)['host'] = 'h2')],
      [/spec\.clusterUid is not/, (node) => (spec(node)['clusterUid'] = 'other')],
      [/reports it as demo\/harbor-a1-n1/, (node) => (metadata(node)['name'] = 'harbor-a1-n7')],
      [/no Host h9/, (node) => ((metadata(node)['annotations'] as JsonObject)['outrigger.dev/adopted-from'] = 'h9')],
      [/does not report an unclaimed node/, (node) => (metadata(node)['uid'] = UID.replace(/a$/, 'b'))],
      [/Invalid value/, (node) => (metadata(node)['uid'] = 'x')],
      [/in order to go/, (node) => (spec(node)['retired'] = true)],
    ];
    for (const [says, change] of cases) {
      const refused = await adopt((node) => void change(node));
      assert.ok(refused.status === 403 || refused.status === 422, refused.text);
      assert.match(refused.message, says);
    }
    assert.equal((await adopt()).status, 201);
  });

  test('I1: a node that was deleted here is not taken back, nor one whose Cluster is gone or going', async () => {
    const { memory, adopt, entry } = await start();
    assert.equal((await adopt()).status, 201);
    await memory.ask('PATCH', `${NODES}/${entry.name}`, { body: { metadata: { finalizers: null } }, headers: MERGE });
    assert.equal((await memory.ask('DELETE', `${NODES}/${entry.name}`)).status, 200);
    const buried = await adopt();
    assert.equal(buried.status, 403);
    assert.match(buried.message, /was deleted here; its host stops it/);
    const other = await start();
    await other.memory.ask('DELETE', `${ROOT}/namespaces/demo/clusters/harbor`);
    assert.match((await other.adopt()).message, /no Cluster harbor with uid/);
  });

  test('I2: only who may adopt from the host; a uid without that is dropped as ever', async () => {
    const verbs: string[] = [];
    const denied = await start({
      authorize: (_identity, asked) => {
        if (asked.verb === 'adopt') verbs.push(`${asked.verb} ${asked.resource} ${asked.name}`);
        return { allowed: asked.verb !== 'adopt', reason: 'no role allows it' };
      },
    });
    const refused = await denied.adopt();
    assert.equal(refused.status, 403);
    assert.match(refused.message, /only by who may adopt from its host: no role allows it/);
    assert.deepEqual(verbs, ['adopt hosts h1']);
    const plain = await denied.adopt((node) => delete metadata(node)['annotations']);
    assert.equal(plain.status, 201);
    assert.notEqual(textAt(plain.body, 'metadata.uid'), UID);
  });
});
