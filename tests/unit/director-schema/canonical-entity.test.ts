/** The stored form: one text an entity, and resourceVersion in and out of it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  canonicalEntityBytes,
  resourceVersionOffset,
  spliceResourceVersion,
  unspliceResourceVersion,
} from '../../../src/director/schema/canonical-entity.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { parsed } from './support.ts';

const key = fc.oneof(fc.string(), fc.constantFrom('a', 'b', '10', '9', '2', '__proto__', 'constructor', '"metadata":{', 'é'));
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)) as fc.Arbitrary<Json>,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(key, tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const entities = fc
  .record({
    apiVersion: fc.string(),
    kind: fc.oneof(fc.string(), fc.constant('"metadata":{')),
    metadata: fc.dictionary(key, json, { maxKeys: 5, noNullPrototype: true }),
    spec: json,
    status: json,
  })
  .map((one) => parsed(JSON.stringify(one)));

/** The same value with the keys of every object the other way round. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .reverse()
    .map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(turned(one))}`);
  return parsed(`{${entries.join(',')}}`);
}

describe('canonicalEntityBytes', () => {
  test('puts apiVersion, kind and metadata first, and all other keys in order', () => {
    const object = {
      status: { b: 1, a: [{ d: 1, c: 2 }] },
      spec: {},
      metadata: { uid: 'u', name: 'n', labels: { z: '', y: '' } },
      kind: 'K',
      apiVersion: 'v1',
    };
    assert.equal(
      canonicalEntityBytes(object).toString(),
      '{"apiVersion":"v1","kind":"K","metadata":{"labels":{"y":"","z":""},"name":"n","uid":"u"},"spec":{},"status":{"a":[{"c":2,"d":1}],"b":1}}',
    );
  });

  test('I1: equal entities have equal bytes, whatever the order of their keys', () => {
    fc.assert(
      fc.property(entities, (one) => canonicalEntityBytes(one).equals(canonicalEntityBytes(turned(one) as JsonObject))),
      { numRuns: 500 },
    );
  });

  test('I1: they hold the same entity, and are the same when made of what they hold', () => {
    fc.assert(
      fc.property(entities, (one) => {
        const bytes = canonicalEntityBytes(one);
        const back = parsed(bytes.toString());
        const { resourceVersion: _, ...metadata } = one['metadata'] as JsonObject;
        assert.deepEqual(back, parsed(JSON.stringify({ ...one, metadata })));
        assert.ok(canonicalEntityBytes(back).equals(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('I4: the entity is not changed', () => {
    fc.assert(
      fc.property(entities, (one) => {
        const before = JSON.stringify(one);
        canonicalEntityBytes(one);
        assert.equal(JSON.stringify(one), before);
      }),
    );
  });

  test('I2: resourceVersion is never stored', () => {
    const object = { apiVersion: 'v1', kind: 'K', metadata: { resourceVersion: '7', name: 'n' } };
    assert.equal(canonicalEntityBytes(object).toString(), '{"apiVersion":"v1","kind":"K","metadata":{"name":"n"}}');
    assert.equal(object.metadata.resourceVersion, '7');
  });

  test('refuses what is not an entity, or nests too deep', () => {
    assert.throws(() => canonicalEntityBytes({ kind: 'K', metadata: {} }), /an entity has apiVersion/);
    assert.throws(() => canonicalEntityBytes({ apiVersion: 'v1', kind: 'K', metadata: [] }), /an entity has apiVersion/);
    const circle: JsonObject = {};
    circle['a'] = circle;
    assert.throws(() => canonicalEntityBytes({ apiVersion: 'v1', kind: 'K', metadata: {}, spec: circle }), /at most 64 levels/);
  });
});

describe('spliceResourceVersion', () => {
  const revisions = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

  test('I2, I3: sets metadata.resourceVersion, and taking it out gives the same bytes and revision', () => {
    fc.assert(
      fc.property(entities, revisions, (one, revision) => {
        const stored = canonicalEntityBytes(one);
        const served = spliceResourceVersion(stored, revision);
        const object = parsed(served.toString());
        assert.equal((object['metadata'] as JsonObject)['resourceVersion'], String(revision));
        assert.ok(served.equals(spliceResourceVersion(stored, revision, resourceVersionOffset(stored))));
        const back = unspliceResourceVersion(served);
        assert.ok(back?.stored.equals(stored));
        assert.equal(back?.revision, revision);
        assert.ok(canonicalEntityBytes(object).equals(stored));
        assert.equal(unspliceResourceVersion(stored), undefined);
      }),
      { numRuns: 500 },
    );
  });

  test('I3: a name or kind that looks like the mark does not mislead it', () => {
    const object = { apiVersion: '"metadata":{', kind: '\\"metadata":{', metadata: { '"metadata":{': 'x' } };
    const served = parsed(spliceResourceVersion(canonicalEntityBytes(object), 5).toString());
    assert.deepEqual(served, { ...object, metadata: { resourceVersion: '5', '"metadata":{': 'x' } });
  });

  test('refuses a revision that is none', () => {
    const stored = canonicalEntityBytes({ apiVersion: 'v1', kind: 'K', metadata: {} });
    for (const revision of [0, -1, 1.5, Number.NaN, 2 ** 53]) assert.throws(() => spliceResourceVersion(stored, revision), /a revision is/);
  });
});
