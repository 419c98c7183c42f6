/**
 * create, update, patch, delete: what is taken from a client, what is kept, what costs a revision, and what is refused.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { crdOf } from '../../../src/model/crd.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { memoryApi, textAt } from '../../support/memory-api.ts';
import type { MemoryAnswer, MemoryApi } from '../../support/memory-api.ts';

const BASE = '/apis/outrigger.dev/v1/namespaces/demo/clusters';
const MERGE = { 'content-type': 'application/merge-patch+json' };

let memory: MemoryApi;
before(async () => {
  memory = await memoryApi();
  for (const kind of KINDS) await memory.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crdOf(kind) });
  await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
});
after(() => memory.close());

async function create(name: string, metadata: JsonObject = {}): Promise<MemoryAnswer> {
  const answer = await memory.ask('POST', BASE, {
    body: { metadata: { name, ...metadata }, spec: { virtualDataCenter: 'v', release: 'r' } },
  });
  assert.equal(answer.status, 201, answer.text);
  return answer;
}

const patch = (path: string, body: JsonObject): Promise<MemoryAnswer> => memory.ask('PATCH', `${BASE}/${path}`, { body, headers: MERGE });
const revisionOf = (answer: MemoryAnswer): string => textAt(answer.body, 'metadata.resourceVersion');

describe('revision and generation', () => {
  test('I2: a write that changes nothing costs no revision, however it is written', async () => {
    const made = await create('still', { labels: { a: 'b', c: 'd' } });
    const before = memory.store.revision();
    assert.equal(revisionOf(await patch('still', { spec: { workers: 1 }, metadata: { labels: { c: 'd', a: 'b' } } })), revisionOf(made));
    assert.equal(revisionOf(await memory.ask('PUT', `${BASE}/still`, { body: made.body })), revisionOf(made));
    assert.equal(memory.store.revision(), before);
    assert.notEqual(revisionOf(await patch('still', { spec: { workers: 2 } })), revisionOf(made));
  });

  test('only the spec raises the generation', async () => {
    await create('counted');
    const generations: unknown[] = [];
    for (const body of [
      { metadata: { labels: { a: 'b' } } },
      { spec: { workers: 2 } },
      { spec: { workers: 2 } },
      { spec: { workers: null } },
    ]) {
      generations.push((await patch('counted', body)).at('metadata.generation'));
    }
    generations.push((await patch('counted/status', { status: { phase: 'Pending' } })).at('metadata.generation'));
    assert.deepEqual(generations, [1, 2, 2, 3, 3], 'null asks for the default again, which is another value here');
  });
});

describe('status', () => {
  test('the main resource leaves it alone, its own subresource touches nothing else', async () => {
    const made = await memory.ask('POST', BASE, {
      body: { metadata: { name: 'parts' }, spec: { virtualDataCenter: 'v', release: 'r' }, status: { phase: 'Error' } },
    });
    assert.equal(made.at('status'), undefined);
    const reported = await patch('parts/status', { metadata: { labels: { a: 'b' } }, spec: { workers: 7 }, status: { phase: 'Pending' } });
    assert.deepEqual([reported.at('status.phase'), reported.at('spec.workers'), reported.at('metadata.labels')], ['Pending', 1, undefined]);
    const changed = await memory.ask('PUT', `${BASE}/parts`, {
      body: { ...reported.body, spec: { virtualDataCenter: 'v', release: 's' }, status: { phase: 'Error' } },
    });
    assert.deepEqual([changed.at('status.phase'), changed.at('spec.release')], ['Pending', 's']);
    const dropped = await memory.ask('PUT', `${BASE}/parts`, {
      body: { metadata: changed.body['metadata'], spec: { virtualDataCenter: 'v', release: 't' } },
    });
    assert.equal(dropped.at('status.phase'), 'Pending');
  });
});

describe('unknown fields', () => {
  const odd = { virtualDataCenter: 'v', release: 'r', odd: { deep: 1 } };
  const ways: readonly (readonly [string, string, JsonObject, Readonly<Record<string, string>>])[] = [
    ['POST', BASE, { metadata: { name: 'odd' }, spec: odd }, {}],
    ['PATCH', `${BASE}/known`, { spec: odd }, MERGE],
    [
      'PATCH',
      `${BASE}/known`,
      { spec: { services: [{ name: 'a', mode: 'Singleton', odd: 1, pod: { containers: [{ name: 'c', command: ['c'] }] } }] } },
      MERGE,
    ],
  ];
  for (const [method, path, body, headers] of ways) {
    test(`${method}: strict refuses, however often it was decided`, async () => {
      if ((await memory.ask('GET', `${BASE}/known`)).status === 404) await create('known');
      const answer = await memory.ask(method, `${path}?fieldValidation=Strict`, { body, headers });
      assert.equal(answer.status, 400);
      assert.match(answer.message, /strict decoding error: unknown field "spec\.(odd|services\[0\]\.odd)"/);
      assert.equal((await memory.ask('GET', `${BASE}/odd`)).status, 404);
    });
  }

  test('warn drops them and says so; ignore drops them', async () => {
    const warned = await memory.ask('POST', BASE, { body: { metadata: { name: 'warned' }, spec: odd } });
    assert.deepEqual([warned.headers['warning'], warned.at('spec.odd')], ['299 - "unknown field \\"spec.odd\\""', undefined]);
    const ignored = await memory.ask('POST', `${BASE}?fieldValidation=Ignore`, { body: { metadata: { name: 'ignored' }, spec: odd } });
    assert.deepEqual([ignored.headers['warning'], ignored.at('spec.odd')], [undefined, undefined]);
  });
});

describe('conflicts', () => {
  test('revision and uid are preconditions wherever they stand', async () => {
    const made = await create('guarded');
    const uid = textAt(made.body, 'metadata.uid');
    const newer = await patch('guarded', { spec: { workers: 2 } });
    const statuses = [
      await patch('guarded', { metadata: { resourceVersion: revisionOf(made) } }),
      await patch('guarded', { metadata: { uid: 'other' } }),
      await memory.ask('PUT', `${BASE}/guarded`, { body: made.body }),
      await memory.ask('DELETE', `${BASE}/guarded`, { body: { preconditions: { uid: 'other' } } }),
      await memory.ask('DELETE', `${BASE}/guarded`, { body: { preconditions: { resourceVersion: revisionOf(made) } } }),
      await memory.ask('DELETE', `${BASE}/guarded`, { body: { preconditions: { uid, resourceVersion: revisionOf(newer) } } }),
    ].map(({ status }) => status);
    assert.deepEqual(statuses, [409, 409, 409, 409, 409, 200]);
  });

  test('all of many changes at once take effect', async () => {
    await create('busy');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => patch('busy', { metadata: { annotations: { [`k${i}`]: 'v' } } })),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(Object.keys((await memory.ask('GET', `${BASE}/busy`)).at('metadata.annotations') as JsonObject).length, 20);
  });
});

describe('finalizers', () => {
  test('I1: an object with finalizers is marked once, and goes with the last of them', async () => {
    await create('held', { finalizers: ['example.com/a', 'example.com/b'] });
    const marked = await memory.ask('DELETE', `${BASE}/held`);
    assert.notEqual(marked.at('metadata.deletionTimestamp'), undefined);
    assert.equal(revisionOf(await memory.ask('DELETE', `${BASE}/held`)), revisionOf(marked));
    assert.equal((await patch('held', { metadata: { finalizers: ['example.com/b'] } })).status, 200);
    assert.equal((await patch('held', { metadata: { finalizers: [] } })).status, 200);
    assert.equal((await memory.ask('GET', `${BASE}/held`)).status, 404);
  });
});

test('what would be too large is refused, and says how large it may be', async () => {
  await create('large');
  const answer = await patch('large', { metadata: { annotations: { a: 'x'.repeat(300_000) } } });
  assert.equal(answer.status, 422);
  assert.match(answer.message, /metadata\.annotations: .*at most|may not be more than 262144 bytes/);
});

test('impersonation is refused, not ignored', async () => {
  const answer = await memory.ask('GET', BASE, { headers: { 'impersonate-user': 'somebody' } });
  assert.equal(answer.status, 403);
});
