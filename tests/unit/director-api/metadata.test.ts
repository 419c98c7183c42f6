/**
 * The rules of metadata: what a client may say, what the server says, what nobody changes.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { ResourceType } from '../../../src/director/api/resource-type.ts';
import { bornMetadata, keptMetadata, metadataProblems } from '../../../src/director/api/metadata.ts';
import { dnsLabelProblem, dnsSubdomainProblem, labelKeyProblem, labelValueProblem, nameProblem } from '../../../src/director/api/names.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { memoryApi } from '../../support/memory-api.ts';

let type: ResourceType;
before(async () => {
  const memory = await memoryApi();
  const found = memory.api.engine.registry.find('', 'v1', 'configmaps');
  assert.ok(found !== undefined);
  type = { ...found, generation: true };
  await memory.close();
});

const BIRTH = { namespace: 'ns', uid: 'uid-1', now: '2026-01-01T00:00:00Z', dice: () => 0.5 };

function born(metadata: JsonObject): JsonObject | number {
  const result = bornMetadata(type, { metadata }, BIRTH);
  return result.ok ? result.value : result.code;
}

describe('names', () => {
  test('DNS labels and subdomains', () => {
    for (const good of ['a', 'a-b', '0', 'a'.repeat(63)]) assert.equal(dnsLabelProblem(good), undefined, good);
    for (const bad of ['', '-a', 'a-', 'A', 'a_b', 'a.b', 'a'.repeat(64), 'ä']) assert.notEqual(dnsLabelProblem(bad), undefined, bad);
    for (const good of ['a.b', '1.0.0', 'a-b.c']) assert.equal(dnsSubdomainProblem(good), undefined, good);
    for (const bad of ['a..b', '.a', 'a.', 'a.-b', 'a'.repeat(254)]) assert.notEqual(dnsSubdomainProblem(bad), undefined, bad);
    for (const good of ['system:admin', 'A b'.replace(' ', '_')]) assert.equal(nameProblem(good, 'path'), undefined, good);
    for (const bad of ['..', 'a/b', 'a%b', 'a b', 'a\u0000']) assert.notEqual(nameProblem(bad, 'path'), undefined, JSON.stringify(bad));
  });

  test('labels', () => {
    for (const good of ['a', 'example.com/a', 'A_b.c-D']) assert.equal(labelKeyProblem(good), undefined, good);
    for (const bad of ['', '/a', 'Example.com/a', 'a/', 'a/b/c', '-a', 'a'.repeat(64)])
      assert.notEqual(labelKeyProblem(bad), undefined, bad);
    for (const good of ['', 'a', 'A.b_c-1']) assert.equal(labelValueProblem(good), undefined, good);
    for (const bad of ['-a', 'a b', 'a'.repeat(64), '.']) assert.notEqual(labelValueProblem(bad), undefined, bad);
  });
});

describe('a new object', () => {
  test('I1: the server fills in what is its own, whatever the client says', () => {
    const metadata = born({
      name: 'x',
      uid: 'mine',
      generation: 7,
      creationTimestamp: '1999-01-01T00:00:00Z',
      deletionTimestamp: '1999-01-01T00:00:00Z',
      managedFields: [{}],
      labels: { a: 'b' },
      annotations: {},
    });
    assert.deepEqual(metadata, {
      name: 'x',
      namespace: 'ns',
      uid: 'uid-1',
      creationTimestamp: BIRTH.now,
      generation: 1,
      labels: { a: 'b' },
    });
  });

  test('I2: name comes first', () => {
    assert.equal(Object.keys(born({ labels: { a: 'b' }, generateName: 'x-' }) as JsonObject)[0], 'name');
  });

  test('made-up names stay within 63 characters', () => {
    const metadata = born({ generateName: 'y'.repeat(80) }) as JsonObject;
    assert.match(JSON.stringify(metadata['name']), /^"y{58}[a-z0-9]{5}"$/);
  });

  test('no name, a revision, another namespace: refused', () => {
    assert.deepEqual([born({}), born({ name: 'x', resourceVersion: '1' }), born({ name: 'x', namespace: 'other' })], [422, 400, 400]);
  });
});

describe('an update', () => {
  const old: JsonObject = {
    resourceVersion: '5',
    name: 'x',
    namespace: 'ns',
    uid: 'u',
    creationTimestamp: 't',
    generation: 3,
    labels: { a: 'b' },
  };
  const kept = (given: JsonObject, was = old): JsonObject | number => {
    const result = keptMetadata(type, was, given);
    return result.ok ? result.value : result.code;
  };

  test("I1: keeps what is the server's and takes what is the client's", () => {
    assert.deepEqual(kept({ name: 'x', generation: 9, creationTimestamp: 'now', annotations: { c: 'd' } }), {
      name: 'x',
      namespace: 'ns',
      uid: 'u',
      creationTimestamp: 't',
      generation: 3,
      annotations: { c: 'd' },
    });
  });

  test('another name, namespace, uid or revision is refused', () => {
    assert.deepEqual(
      [
        kept({ name: 'y' }),
        kept({ namespace: 'other' }),
        kept({ uid: 'v' }),
        kept({ resourceVersion: '4' }),
        typeof kept({ resourceVersion: '5' }),
      ],
      [400, 400, 409, 409, 'object'],
    );
  });

  test('I3: no finalizers are added to what is being deleted', () => {
    const deleting = { ...old, deletionTimestamp: 't', finalizers: ['example.com/a'] };
    const problems = (finalizers: string[]): number => metadataProblems(type, { ...deleting, finalizers }, deleting).length;
    assert.deepEqual([problems([]), problems(['example.com/a']), problems(['example.com/a', 'example.com/b'])], [0, 0, 1]);
  });

  test('fields are named where something is wrong with them', () => {
    const owner = { apiVersion: 'v1', kind: 'K', name: 'n', uid: 'u', controller: true };
    const metadata: JsonObject = {
      name: 'x',
      labels: { 'bad key': 'x', good: '-bad' },
      annotations: { 'A/b': 'fine' },
      finalizers: ['nodomain', 'foregroundDeletion'],
      ownerReferences: [owner, { ...owner, uid: '' }],
    };
    const fields = metadataProblems(type, metadata, old).map(({ field }) => field);
    assert.deepEqual(fields, [
      'metadata.labels',
      'metadata.labels',
      'metadata.finalizers',
      'metadata.ownerReferences',
      'metadata.ownerReferences',
    ]);
  });
});
