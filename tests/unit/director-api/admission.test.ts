/**
 * Rules across objects, and what a copy that is behind may and may not do.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { crdOf } from '../../../src/model/crd.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { bodyOf } from '../../../src/director/auth/stored-object.ts';
import { newMemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import { memoryApi } from '../../support/memory-api.ts';
import type { MemoryApi, MemorySetup } from '../../support/memory-api.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = '/apis/outrigger.dev/v1/namespaces/demo';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const open: MemoryApi[] = [];
after(() => Promise.all(open.map((memory) => memory.close())));

async function start(setup: MemorySetup = {}): Promise<MemoryApi> {
  const memory = await memoryApi(setup);
  open.push(memory);
  return memory;
}

async function withKinds(setup: MemorySetup = {}): Promise<MemoryApi> {
  const memory = await start(setup);
  for (const kind of KINDS) assert.equal((await memory.ask('POST', CRDS, { body: crdOf(kind) })).status, 201);
  assert.equal((await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } })).status, 201);
  return memory;
}

function boat(schema: JsonObject, names: JsonObject = {}): JsonObject {
  return {
    metadata: { name: 'boats.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { kind: 'Boat', plural: 'boats', ...names },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
}

const SPEC = (properties: JsonObject): JsonObject => ({ type: 'object', properties: { spec: { type: 'object', properties } } });

describe('namespaces', () => {
  test('nothing is created where there is none, or where it is going', async () => {
    const memory = await start();
    const maps = '/api/v1/namespaces/demo/configmaps';
    assert.equal((await memory.ask('POST', maps, { body: { metadata: { name: 'x' } } })).status, 404);
    await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
    assert.equal((await memory.ask('POST', maps, { body: { metadata: { name: 'x' } } })).status, 201);
    await memory.ask('DELETE', '/api/v1/namespaces/demo');
    const refused = await memory.ask('POST', maps, { body: { metadata: { name: 'y' } } });
    assert.deepEqual([refused.status, refused.body['reason']], [403, 'Forbidden']);
    assert.match(refused.message, /because it is being terminated/);
  });

  test('I1: a copy that is behind never refuses what is right, and takes back what came too late', async () => {
    const database = newMemoryDatabase();
    const [ahead, behind] = [await start({ database }), await start({ database, hints: false })];
    await ahead.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'late' } } });
    const maps = '/api/v1/namespaces/late/configmaps';
    assert.equal((await behind.ask('POST', maps, { body: { metadata: { name: 'one' } } })).status, 201, 'it looked again');
    await ahead.ask('DELETE', '/api/v1/namespaces/late');
    const slipped = await behind.ask('POST', maps, { body: { metadata: { name: 'two' } } });
    assert.equal(slipped.status, 403);
    assert.equal((await ahead.ask('GET', `${maps}/two`)).status, 404, 'taken back');
  });
});

describe('Leases of tunnels', () => {
  test('nobody writes where directors send callers: not by name, not by a generated one, not by a change', async () => {
    const memory = await start();
    await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
    const leases = '/apis/coordination.k8s.io/v1/namespaces/demo/leases';
    const spec = { holderIdentity: 'https://collects.example' };
    for (const metadata of [{ name: 'tunnel-1' }, { generateName: 'tunnel-' }, { generateName: 'tunnel-1' }]) {
      const refused = await memory.ask('POST', leases, { body: { metadata, spec } });
      assert.deepEqual([refused.status, refused.body['reason']], [403, 'Forbidden'], JSON.stringify(metadata));
      assert.match(refused.message, /written by directors alone/);
    }
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'tunnel-1', namespace: 'demo' }, spec };
    const key = { group: 'coordination.k8s.io', resource: 'leases', namespace: 'demo', name: 'tunnel-1' };
    const written = await memory.store.write(
      { op: 'create', key, uid: 'u1', body: bodyOf({ ...body, metadata: { ...body.metadata, uid: 'u1' } }) },
      new AbortController().signal,
    );
    assert.ok(written.ok);
    assert.equal(
      (await memory.ask('PATCH', `${leases}/tunnel-1`, { body: { spec: { holderIdentity: 'x' } }, headers: MERGE })).status,
      403,
    );
    assert.equal((await memory.ask('POST', leases, { body: { metadata: { name: 'node-1' }, spec } })).status, 201);
    assert.equal((await memory.ask('DELETE', `${leases}/tunnel-1`)).status, 200);
  });
});

describe('changes on a copy that is behind', () => {
  test('nothing changed, a stale revision, a missing object: answered from the newest state', async () => {
    const database = newMemoryDatabase();
    const [ahead, behind] = [await start({ database }), await start({ database, hints: false })];
    const path = '/api/v1/namespaces/default';
    await ahead.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default', labels: { a: '1' } } } });
    assert.equal(
      (await behind.ask('PATCH', path, { body: { metadata: { labels: { b: '2' } } }, headers: MERGE })).status,
      200,
      'it was not missing',
    );
    await ahead.ask('PATCH', path, { body: { metadata: { labels: { a: '3' } } }, headers: MERGE });
    const same = await behind.ask('PATCH', path, { body: { metadata: { labels: { a: '1' } } }, headers: MERGE });
    assert.equal(same.at('metadata.labels.a'), '1', 'it did change something');
    const newest = await ahead.ask('PATCH', path, { body: { metadata: { labels: { a: '4' } } }, headers: MERGE });
    const guarded = { metadata: { resourceVersion: newest.at('metadata.resourceVersion') ?? '', labels: { c: '5' } } };
    assert.equal((await behind.ask('PATCH', path, { body: guarded, headers: MERGE })).status, 200, 'its revision was not stale');
    await ahead.ask('POST', CRDS, { body: boat(SPEC({})) });
    assert.equal((await behind.ask('GET', '/apis/example.com/v1/boats')).status, 200, 'the kind is known');
  });
});

describe('reservations', () => {
  const node = (index: number): JsonObject => ({
    metadata: { name: `n${index}` },
    spec: {
      cluster: 'c',
      clusterUid: 'uid',
      virtualDataCenter: 'v',
      attempt: 1,
      index,
      role: 'Worker',
      incarnation: 1,
      resources: { cpuMillis: 1, memoryMiB: 1 },
    },
  });

  test('a ClusterNode needs its own', async () => {
    const memory = await withKinds();
    assert.match((await memory.ask('POST', `${GROUP}/clusternodes`, { body: node(0) })).message, /there is no VirtualDataCenter "v"/);
    await memory.ask('POST', `${GROUP}/virtualdatacenters`, {
      body: { metadata: { name: 'v' }, spec: { quota: { nodes: 3 }, hosts: [] } },
    });
    const reserved = { status: { reservations: { 'uid.0': { cluster: 'c', cpuMillis: 1, memoryMiB: 1 } } } };
    assert.equal((await memory.ask('PATCH', `${GROUP}/virtualdatacenters/v/status`, { body: reserved, headers: MERGE })).status, 200);
    assert.equal((await memory.ask('POST', `${GROUP}/clusternodes`, { body: node(0) })).status, 201);
    const refused = await memory.ask('POST', `${GROUP}/clusternodes`, { body: node(1) });
    assert.equal(refused.status, 403);
    assert.match(refused.message, /no reservation "uid\.1"/);
  });

  test('a VirtualDataCenter holds a bounded number of clusters', async () => {
    const memory = await withKinds();
    const create = (name: string, vdc: string): ReturnType<MemoryApi['ask']> =>
      memory.ask('POST', `${GROUP}/clusters`, { body: { metadata: { name }, spec: { virtualDataCenter: vdc, release: 'r' } } });
    const most = LIMITS.clustersPerVirtualDataCenter;
    for (let i = 0; i < most; i++) assert.equal((await create(`c${i}`, 'full')).status, 201);
    const refused = await create('more', 'full');
    assert.equal(refused.status, 403);
    assert.match(refused.message, new RegExp(`holds ${most} clusters already`));
    assert.equal((await create('elsewhere', 'empty')).status, 201);
  });
});

describe('definitions', () => {
  test('what cannot be served is not stored, and says where', async () => {
    const memory = await start();
    const field = async (crd: JsonObject): Promise<unknown> => {
      const answer = await memory.ask('POST', CRDS, { body: crd });
      assert.equal(answer.status, 422, answer.text);
      return (answer.at('details.causes') as JsonObject[])[0]?.['field'];
    };
    const good = boat(SPEC({}));
    const version = (changes: JsonObject): JsonObject => ({
      ...good,
      spec: {
        ...(good['spec'] as JsonObject),
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SPEC({}) }, ...changes }],
      },
    });
    assert.equal(await field({ ...good, metadata: { name: 'wrong.example.com' } }), 'metadata.name');
    assert.equal(
      await field(boat({ type: 'object', properties: { spec: {} } })),
      'spec.versions[0].schema.openAPIV3Schema.properties[spec].type',
    );
    assert.match(
      String(await field(boat(SPEC({ a: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self +' }] } })))),
      /x-kubernetes-validations/,
    );
    assert.equal(
      await field(version({ additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.a' }] })),
      'spec.versions[0].additionalPrinterColumns[0].type',
    );
    assert.equal(
      await field(version({ additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.a[' }] })),
      'spec.versions[0].additionalPrinterColumns[0].jsonPath',
    );
    assert.equal(
      await field(version({ subresources: { scale: { specReplicasPath: 'spec.n', statusReplicasPath: '.status.n' } } })),
      'spec.versions[0].subresources.scale.specReplicasPath',
    );
    assert.equal(await field(version({ storage: false })), 'spec.versions[0]');
    assert.equal(await field({ ...good, spec: { ...(good['spec'] as JsonObject), versions: [] } }), 'spec.versions');
  });

  test('I3: one name, one Kind, one owner', async () => {
    const memory = await withKinds();
    const clash: JsonObject = { ...boat(SPEC({})), metadata: { name: 'boats.outrigger.dev' } };
    (clash['spec'] as JsonObject)['group'] = 'outrigger.dev';
    for (const names of [{ kind: 'Cluster' }, { shortNames: ['ocl'] }, { singular: 'host' }]) {
      (clash['spec'] as JsonObject)['names'] = { kind: 'Boat', plural: 'boats', ...names };
      const answer = await memory.ask('POST', CRDS, { body: clash });
      assert.equal(answer.status, 422, JSON.stringify(names));
      assert.match(answer.message, /is already the name of/);
    }
  });

  test('I2: no change drops stored fields; without objects any change may', async () => {
    const memory = await start();
    const path = `${CRDS}/boats.example.com`;
    const schema = (properties: JsonObject): JsonObject => ({
      spec: { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SPEC(properties) } }] },
    });
    assert.equal((await memory.ask('POST', CRDS, { body: boat(SPEC({ length: { type: 'integer' } })) })).status, 201);
    assert.equal((await memory.ask('PATCH', path, { body: schema({ width: { type: 'integer' } }), headers: MERGE })).status, 200);
    assert.equal(
      (await memory.ask('POST', '/apis/example.com/v1/boats', { body: { metadata: { name: 'one' }, spec: { width: 2 } } })).status,
      201,
    );
    const refused = await memory.ask('PATCH', path, { body: schema({ length: { type: 'integer' } }), headers: MERGE });
    assert.match(refused.message, /would drop stored fields: spec\.width/);
    assert.equal(
      (await memory.ask('PATCH', path, { body: schema({ width: { type: 'integer' }, length: { type: 'integer' } }), headers: MERGE }))
        .status,
      200,
    );
    assert.equal((await memory.ask('GET', '/apis/example.com/v1/boats/one')).at('spec.width'), 2);
  });

  test('status says what is served', async () => {
    const memory = await start();
    const made = await memory.ask('POST', CRDS, { body: boat(SPEC({}), { shortNames: ['bt'] }) });
    const conditions = made.at('status.conditions') as JsonObject[];
    assert.deepEqual(
      conditions.map(({ type, status }) => [type, status]),
      [
        ['NamesAccepted', 'True'],
        ['Established', 'True'],
      ],
    );
    assert.deepEqual(made.at('status.acceptedNames'), {
      kind: 'Boat',
      listKind: 'BoatList',
      plural: 'boats',
      shortNames: ['bt'],
      singular: 'boat',
    });
  });
});

describe('content rules of the caller', () => {
  test('are asked with the states around the write, and their sentence is the answer', async () => {
    const seen: string[] = [];
    const memory = await start({
      authorizeWrite: (_identity, { verb, resource }, { old, next }) => {
        seen.push(`${verb} ${resource} ${old === undefined ? '-' : 'old'} ${next === undefined ? '-' : 'next'}`);
        return { allowed: verb !== 'delete', reason: 'nobody may delete this' };
      },
    });
    await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'x' } } });
    await memory.ask('PATCH', '/api/v1/namespaces/x', { body: { metadata: { labels: { a: 'b' } } }, headers: MERGE });
    const refused = await memory.ask('DELETE', '/api/v1/namespaces/x');
    assert.deepEqual([refused.status, refused.body['message']], [403, 'nobody may delete this']);
    assert.deepEqual([...new Set(seen)], ['create namespaces - next', 'patch namespaces old next', 'delete namespaces old -']);
  });
});

describe('nodes', () => {
  test('the label by which a cluster finds a node cannot be changed or taken off; others can', async () => {
    const memory = await withKinds();
    const home = { metadata: { name: 'main' }, spec: { quota: { nodes: 2, cpuMillis: 1000, memoryMiB: 1000 }, hosts: [] } };
    assert.equal((await memory.ask('POST', `${GROUP}/virtualdatacenters`, { body: home })).status, 201);
    const reservations = { 'u.0': { cluster: 'c', node: 'c-a1-n0', generation: 1, cpuMillis: 100, memoryMiB: 100 } };
    const reserved = await memory.ask('PATCH', `${GROUP}/virtualdatacenters/main/status`, {
      body: { status: { reservations } },
      headers: MERGE,
    });
    assert.equal(reserved.status, 200, reserved.message);
    const spec = { cluster: 'c', clusterUid: 'u', virtualDataCenter: 'main', attempt: 1, index: 0, role: 'Primary', incarnation: 1 };
    const resources = { cpuMillis: 100, memoryMiB: 100 };
    const node = { metadata: { name: 'c-a1-n0', labels: { 'outrigger.dev/cluster-uid': 'u' } }, spec: { ...spec, resources } };
    const made = await memory.ask('POST', `${GROUP}/clusternodes`, { body: node });
    assert.equal(made.status, 201, made.message);
    const relabel = (labels: JsonObject | null) =>
      memory.ask('PATCH', `${GROUP}/clusternodes/c-a1-n0`, { body: { metadata: { labels } }, headers: MERGE });
    for (const labels of [null, { 'outrigger.dev/cluster-uid': null }, { 'outrigger.dev/cluster-uid': 'other' }]) {
      const refused = await relabel(labels);
      assert.equal(refused.status, 403, JSON.stringify(labels));
      assert.match(refused.message, /outrigger\.dev\/cluster-uid cannot be changed/);
    }
    assert.equal((await relabel({ team: 'blue' })).status, 200);
  });
});
