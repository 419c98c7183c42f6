/**
 * The published list of verbs, row by row: what stands in it is answered, what is said to be refused is refused with a sentence.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { crdOf } from '../../../src/model/crd.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { PUBLISHED_VERBS, REFUSED } from '../../../src/director/api/published-verbs.ts';
import { memoryApi } from '../../support/memory-api.ts';
import type { MemoryApi } from '../../support/memory-api.ts';

const COLLECTION = '/apis/outrigger.dev/v1/namespaces/demo/clusters';
const OBJECT = `${COLLECTION}/one`;
const BODY = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', spec: { virtualDataCenter: 'v', release: 'r' } };

let memory: MemoryApi;
before(async () => {
  memory = await memoryApi();
  for (const kind of KINDS) await memory.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crdOf(kind) });
  await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
});
after(() => memory.close());

async function fresh(): Promise<void> {
  await memory.ask('DELETE', OBJECT);
  assert.equal((await memory.ask('POST', COLLECTION, { body: { ...BODY, metadata: { name: 'one' } } })).status, 201);
}

function bodyFor(method: string, media: string, path: string): unknown {
  if (media === 'application/json-patch+json') return [];
  if (media === 'application/merge-patch+json' || method === 'DELETE') return {};
  if (path.endsWith('/scale')) return { spec: { replicas: 2 } };
  return { ...BODY, metadata: method === 'POST' ? { name: 'two' } : {} };
}

describe('I1: published', () => {
  for (const { method: methods, path, body: media, verb } of PUBLISHED_VERBS) {
    for (const method of methods.split(', ')) {
      test(`${verb}: ${method} ${path}`, async () => {
        await fresh();
        await memory.ask('DELETE', `${COLLECTION}/two`);
        const target = path.replace('COLLECTION', COLLECTION).replace('OBJECT', OBJECT);
        if (verb === 'watch') return assert.ok((await memory.watch(target)).lines().length > 0);
        const fits = media.filter((one) => one !== 'application/vnd.kubernetes.protobuf' && (method === 'PATCH') === one.includes('patch'));
        for (const one of method === 'GET' ? [''] : fits) {
          const answer = await memory.ask(
            method,
            target,
            method === 'GET' ? {} : { body: bodyFor(method, one, path), headers: { 'content-type': one } },
          );
          // A PUT of the object itself needs its revision: that is said, and it is not a missing verb.
          const expected = method === 'PUT' && path === 'OBJECT' ? [422] : [200, 201];
          assert.ok(expected.includes(answer.status), `${one}: ${answer.status} ${answer.text}`);
        }
      });
    }
  }
});

describe('I1: refused', () => {
  for (const { method, path, contentType, status, what } of REFUSED) {
    test(what, async () => {
      await fresh();
      const target = path.replace('COLLECTION', COLLECTION).replace('OBJECT', OBJECT);
      const answer = await memory.ask(
        method,
        target,
        method === 'GET' || method === 'HEAD' ? {} : { body: {}, headers: { 'content-type': contentType ?? 'application/json' } },
      );
      assert.equal(answer.status, status, answer.text);
      assert.ok(answer.message.split(' ').length >= 3, 'with a sentence');
    });
  }
});
