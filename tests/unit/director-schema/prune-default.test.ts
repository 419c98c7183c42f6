/** Pruning and defaulting: what goes, what stays, what is filled in. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../../../src/model/json.ts';
import { compiled, entity, parsed, rootOf } from './support.ts';

const text = { type: 'string' };
const service = { type: 'object', required: ['name'], properties: { name: text, replicas: { type: 'integer', default: 2 } } };
const SPEC: JsonObject = {
  type: 'object',
  properties: {
    name: text,
    services: { type: 'array', items: service },
    nodes: { type: 'object', additionalProperties: service },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: service } },
    anything: { 'x-kubernetes-preserve-unknown-fields': true },
    open: { type: 'object', additionalProperties: true },
    template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object', properties: { a: text } } } },
  },
};
const schema = compiled(rootOf(SPEC));

function pruned(spec: JsonObject): { readonly spec: unknown; readonly dropped: readonly string[] } {
  const object = entity(spec);
  const dropped = schema.prune(object);
  return { spec: object['spec'], dropped };
}

describe('prune', () => {
  test('drops unknown fields at every level and names them', () => {
    const { spec, dropped } = pruned({
      name: 'a',
      foo: 1,
      services: [{ name: 'x' }, { name: 'y', bar: { deep: 1 } }],
      nodes: { 'uid-1.0': { name: 'z', baz: null }, plain: { qux: 1 } },
    });
    assert.deepEqual(spec, { name: 'a', services: [{ name: 'x' }, { name: 'y' }], nodes: { 'uid-1.0': { name: 'z' }, plain: {} } });
    assert.deepEqual(dropped, ['spec.foo', 'spec.services[1].bar', 'spec.nodes[uid-1.0].baz', 'spec.nodes.plain.qux']);
  });

  test('I3: answers with the same empty list while nothing is dropped', () => {
    assert.equal(schema.prune(entity({ name: 'a' })), schema.prune(entity({ services: [] })));
    assert.deepEqual(schema.prune(entity({})), []);
  });

  test('keeps apiVersion, kind and metadata, but not unknown fields of metadata or of the root', () => {
    const object = {
      ...entity({}),
      extra: 1,
      metadata: { name: 'a', labels: { any: 'b' }, color: 'red', managedFields: [{ fieldsV1: { 'f:spec': {} } }] },
    };
    assert.deepEqual(schema.prune(object), ['metadata.color', 'extra']);
    assert.deepEqual(object.metadata, { name: 'a', labels: { any: 'b' }, managedFields: [{ fieldsV1: { 'f:spec': {} } }] });
  });

  test('preserves unknown fields where asked, and still prunes what is specified there', () => {
    const { spec, dropped } = pruned({ free: { x: { y: [1] }, known: { name: 'a', no: 1 } }, anything: [{ z: 1 }], open: { a: { b: 1 } } });
    assert.deepEqual(spec, { free: { x: { y: [1] }, known: { name: 'a' } }, anything: [{ z: 1 }], open: { a: { b: 1 } } });
    assert.deepEqual(dropped, ['spec.free.known.no']);
  });

  test('treats an embedded resource like a root', () => {
    const { spec, dropped } = pruned({
      template: { apiVersion: 'v1', kind: 'A', metadata: { name: 'x', foo: 1 }, spec: { a: 'b', c: 1 } },
    });
    assert.deepEqual(spec, { template: { apiVersion: 'v1', kind: 'A', metadata: { name: 'x' }, spec: { a: 'b' } } });
    assert.deepEqual(dropped, ['spec.template.metadata.foo', 'spec.template.spec.c']);
  });

  test('I2: drops __proto__ everywhere, also where anything is preserved', () => {
    const object = parsed(
      '{"metadata":{"labels":{"__proto__":"x"}},"spec":{"__proto__":{"a":1},"free":{"q":[{"__proto__":1}]},"open":{"__proto__":1}}}',
    );
    const dropped = schema.prune(object);
    assert.deepEqual(dropped, ['metadata.labels.__proto__', 'spec.__proto__', 'spec.free.q[0].__proto__', 'spec.open.__proto__']);
    assert.ok(!JSON.stringify(object).includes('__proto__'));
  });

  test('does not take inherited names for known fields', () => {
    const { dropped } = pruned(parsed('{"constructor":1,"toString":2,"hasOwnProperty":3}'));
    assert.deepEqual(dropped, ['spec.constructor', 'spec.toString', 'spec.hasOwnProperty']);
  });

  test('leaves values of the wrong type to validation, and survives deep and circular ones', () => {
    assert.deepEqual(pruned({ services: 'no', nodes: [1], name: { a: 1 } }).spec, { services: 'no', nodes: [1], name: { a: 1 } });
    const circle: JsonObject = { name: 'a' };
    circle['self'] = circle;
    const object = entity({ free: circle });
    assert.deepEqual(schema.prune(object), []);
    assert.match(schema.validate(object)[0]?.message ?? '', /must not be nested deeper than 64 levels/);
  });
});

describe('default', () => {
  const filled = (spec: JsonObject, of: JsonObject): unknown => {
    const object = entity(structuredClone(spec));
    compiled(rootOf(of)).default(object);
    return object['spec'];
  };

  test('fills in absent fields, in items and map values too, and inside of what it filled in', () => {
    const of: JsonObject = {
      type: 'object',
      properties: {
        a: { type: 'integer', default: 1 },
        b: { type: 'object', default: {}, properties: { c: { type: 'string', default: 'x' } } },
        services: { type: 'array', items: service },
        nodes: { type: 'object', additionalProperties: service },
      },
    };
    assert.deepEqual(filled({ services: [{ name: 's' }, { name: 't', replicas: 5 }], nodes: { n: { name: 'n' } } }, of), {
      a: 1,
      b: { c: 'x' },
      services: [
        { name: 's', replicas: 2 },
        { name: 't', replicas: 5 },
      ],
      nodes: { n: { name: 'n', replicas: 2 } },
    });
  });

  test('null counts as absent where null is not allowed, and is kept where it is', () => {
    const of: JsonObject = {
      type: 'object',
      properties: {
        a: { type: 'integer', default: 1 },
        b: { type: 'integer' },
        c: { type: 'integer', nullable: true, default: 3 },
        list: { type: 'array', items: { type: 'integer', default: 7 } },
        map: { type: 'object', additionalProperties: { type: 'integer' } },
      },
    };
    assert.deepEqual(filled({ a: null, b: null, c: null, list: [null, 1], map: { x: null, y: 2 } }, of), {
      a: 1,
      c: null,
      list: [7, 1],
      map: { y: 2 },
    });
  });

  test('I2: two entities never share a default object', () => {
    const { default: fill } = compiled(rootOf({ type: 'object', properties: { a: { type: 'array', default: [], items: text } } }));
    const [one, two] = [entity({}), entity({})];
    fill(one);
    (one['spec'] as { a: string[] }).a.push('mine');
    fill(two);
    assert.deepEqual(two['spec'], { a: [] });
  });

  test('drops the null time stamps that Go clients send in metadata', () => {
    const object = { ...entity({}), metadata: { name: 'a', creationTimestamp: null } };
    schema.default(object);
    assert.deepEqual(object.metadata, { name: 'a' });
  });

  test('a field named like an inherited one is filled in', () => {
    const of = parsed('{"type":"object","properties":{"constructor":{"type":"string","default":"x"},"toString":{"type":"string"}}}');
    assert.deepEqual(filled({}, of), { ['constructor']: 'x' });
    assert.deepEqual(compiled(rootOf(of)).validate(entity({})), []);
  });
});
