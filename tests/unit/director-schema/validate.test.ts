/** Validation: the exact sentence and reason for each keyword, and what is forgiven on update. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { compiled, entity, lines, parsed, rootOf } from './support.ts';

const text = { type: 'string' };

/** [schema of spec, value, the line after `spec`, reason] */
const REFUSED: readonly (readonly [JsonObject, Json, string, string])[] = [
  [
    { type: 'string', enum: ['community', 'standard'] },
    'nosuch',
    ': Unsupported value: "nosuch": supported values: "community", "standard"',
    'FieldValueNotSupported',
  ],
  [{ type: 'integer', maximum: 8 }, 9, ': Invalid value: 9: must be at most 8', 'FieldValueInvalid'],
  [{ type: 'integer', minimum: 1 }, 0, ': Invalid value: 0: must be at least 1', 'FieldValueInvalid'],
  [{ type: 'number', maximum: 8, exclusiveMaximum: true }, 8, ': Invalid value: 8: must be less than 8', 'FieldValueInvalid'],
  [{ type: 'number', minimum: 1, exclusiveMinimum: true }, 1, ': Invalid value: 1: must be greater than 1', 'FieldValueInvalid'],
  [{ type: 'integer', multipleOf: 5 }, 7, ': Invalid value: 7: must be a multiple of 5', 'FieldValueInvalid'],
  [{ type: 'integer' }, 'seven', ': Invalid value: "string": must be of type integer: "string"', 'FieldValueTypeInvalid'],
  [{ type: 'integer' }, 1.5, ': Invalid value: "number": must be of type integer: "number"', 'FieldValueTypeInvalid'],
  [{ type: 'string' }, 7, ': Invalid value: "integer": must be of type string: "integer"', 'FieldValueTypeInvalid'],
  [{ type: 'string' }, null, ': Invalid value: "null": must be of type string: "null"', 'FieldValueTypeInvalid'],
  [{ type: 'boolean' }, 'true', ': Invalid value: "string": must be of type boolean: "string"', 'FieldValueTypeInvalid'],
  [{ type: 'object' }, [], ': Invalid value: "array": must be of type object: "array"', 'FieldValueTypeInvalid'],
  [{ type: 'array', items: text }, {}, ': Invalid value: "object": must be of type array: "object"', 'FieldValueTypeInvalid'],
  [{ type: 'number' }, 'a', ': Invalid value: "string": must be of type number: "string"', 'FieldValueTypeInvalid'],
  [
    { 'x-kubernetes-int-or-string': true },
    true,
    ': Invalid value: "boolean": must be of type integer or string: "boolean"',
    'FieldValueTypeInvalid',
  ],
  [{ type: 'string', maxLength: 3 }, 'four', ': Too long: may not be more than 3 characters', 'FieldValueTooLong'],
  [{ type: 'string', minLength: 3 }, 'ab', ': Invalid value: "ab": must be at least 3 characters long', 'FieldValueInvalid'],
  [{ type: 'string', pattern: '^[a-z]+$' }, 'A', ': Invalid value: "A": must match \'^[a-z]+$\'', 'FieldValueInvalid'],
  [
    { type: 'string', format: 'date-time' },
    'today',
    ': Invalid value: "today": must be a date-time of RFC 3339, for example 2026-01-31T12:00:00Z',
    'FieldValueInvalid',
  ],
  [
    { type: 'integer', format: 'int32' },
    2147483648,
    ': Invalid value: 2147483648: must be an int32: from -2147483648 to 2147483647',
    'FieldValueInvalid',
  ],
  [{ type: 'array', maxItems: 1, items: text }, ['a', 'b'], ': Too many: 2: must have at most 1 items', 'FieldValueTooMany'],
  [{ type: 'array', minItems: 1, items: text }, [], ': Invalid value: 0: must have at least 1 items', 'FieldValueInvalid'],
  [
    { type: 'object', maxProperties: 1, additionalProperties: text },
    { a: '', b: '' },
    ': Too many: 2: must have at most 1 items',
    'FieldValueTooMany',
  ],
  [
    { type: 'object', minProperties: 1, additionalProperties: text },
    {},
    ': Invalid value: 0: must have at least 1 properties',
    'FieldValueInvalid',
  ],
  [{ type: 'object', required: ['a'], properties: { a: text } }, {}, '.a: Required value', 'FieldValueRequired'],
  [{ type: 'array', items: text, 'x-kubernetes-list-type': 'set' }, ['a', 'b', 'a'], '[2]: Duplicate value: "a"', 'FieldValueDuplicate'],
  [{ type: 'array', items: text, uniqueItems: true }, ['a', 'a'], '[1]: Duplicate value: "a"', 'FieldValueDuplicate'],
  [{ type: 'array', items: { type: 'integer', minimum: 0 } }, [1, -1], '[1]: Invalid value: -1: must be at least 0', 'FieldValueInvalid'],
  [
    { type: 'object', additionalProperties: { type: 'integer' } },
    { 'a.b': 'x' },
    '[a.b]: Invalid value: "string": must be of type integer: "string"',
    'FieldValueTypeInvalid',
  ],
  [{ type: 'string', not: { enum: ['root'] } }, 'root', ': Invalid value: "root": must not validate the schema (not)', 'FieldValueInvalid'],
  [{ type: 'string', allOf: [{ minLength: 3 }] }, 'a', ': Invalid value: "a": must be at least 3 characters long', 'FieldValueInvalid'],
  [
    { type: 'integer', anyOf: [{ maximum: 1 }, { minimum: 5 }] },
    3,
    ': Invalid value: 3: must validate at least one schema (anyOf); the closest fails by: Invalid value: 3: must be at most 1',
    'FieldValueInvalid',
  ],
  [
    { type: 'integer', oneOf: [{ minimum: 1 }, { minimum: 2 }] },
    3,
    ': Invalid value: 3: must validate one and only one schema (oneOf), but validates 2',
    'FieldValueInvalid',
  ],
  [
    { type: 'object', properties: { a: text, b: text }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    {},
    ': Invalid value: must validate one and only one schema (oneOf); the closest fails by: a: Required value',
    'FieldValueInvalid',
  ],
  [{ type: 'string', nullable: true, enum: ['a'] }, null, ': Unsupported value: null: supported values: "a"', 'FieldValueNotSupported'],
];

describe('a value is refused with the sentence and reason that Kubernetes uses', () => {
  for (const [schema, value, line, reason] of REFUSED) {
    test(`spec${line}`, () => {
      const [first, ...rest] = compiled(rootOf(schema)).validate(entity(value));
      assert.equal(`${first?.path}: ${first?.message}`, `spec${line}`);
      assert.equal(first?.reason, reason);
      assert.deepEqual(rest, []);
    });
  }

  test('items of a list of type map with the same keys, told by the keys alone', () => {
    const item = { type: 'object', required: ['port', 'protocol'], properties: { port: { type: 'integer' }, protocol: text, name: text } };
    const schema = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port', 'protocol'], items: item };
    const of = (port: number, protocol: string): JsonObject => ({ port, protocol, name: 'x' });
    assert.deepEqual(lines(schema, [of(1, 'a'), of(1, 'b'), of(2, 'a')]), []);
    const line = 'Duplicate value: {"port":1,"protocol":"a"}';
    assert.deepEqual(lines(schema, [of(1, 'a'), of(1, 'b'), of(1, 'a')]), [`spec[2]: ${line}`]);
    const many = Array.from({ length: 200 }, (_, i) => of(i, 'a'));
    assert.deepEqual(lines(schema, [...many, of(1, 'a')]), [`spec[200]: ${line}`]);
  });

  test('lengths count code points, not code units', () => {
    assert.deepEqual(lines({ type: 'string', minLength: 2, maxLength: 2 }, '😀😀'), []);
    assert.deepEqual(lines({ type: 'string', minLength: 2 }, '😀'), ['spec: Invalid value: "😀": must be at least 2 characters long']);
    assert.deepEqual(lines({ type: 'string', maxLength: 1 }, 'ab').length, 1);
  });

  test('several problems come together, each with its own path', () => {
    const schema = { type: 'object', required: ['a', 'b'], properties: { a: text, b: text, c: { type: 'integer', maximum: 1 } } };
    assert.deepEqual(lines(schema, { c: 2 }), [
      'spec.c: Invalid value: 2: must be at most 1',
      'spec.a: Required value',
      'spec.b: Required value',
    ]);
  });

  test('metadata is checked for types, and tightened by the schema', () => {
    const schema = compiled(rootOf(text, { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 2 } } } }));
    const object = { ...entity('a'), metadata: { name: 'abc', labels: { a: 1 }, ownerReferences: [{ kind: 'A' }] } };
    assert.deepEqual(
      schema.validate(object).map(({ path, reason }) => `${path} ${reason}`),
      [
        'metadata.labels.a FieldValueTypeInvalid',
        'metadata.name FieldValueTooLong',
        'metadata.ownerReferences[0].apiVersion FieldValueRequired',
        'metadata.ownerReferences[0].name FieldValueRequired',
        'metadata.ownerReferences[0].uid FieldValueRequired',
      ],
    );
  });

  test('an embedded resource names its kind', () => {
    const schema = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true };
    assert.deepEqual(lines(schema, { apiVersion: 'v1' }), ['spec.kind: Required value: an embedded resource names its kind']);
  });
});

describe('numbers', () => {
  test('I3: integers that JSON numbers cannot carry exactly are refused', () => {
    const [line] = lines({ type: 'integer' }, parsed('{"a":9007199254740993}')['a']!);
    assert.match(line ?? '', /^spec: Invalid value: 9007199254740992: must be from -9007199254740991 to 9007199254740991/);
    assert.deepEqual(lines({ type: 'integer' }, Number.MAX_SAFE_INTEGER), []);
    assert.deepEqual(lines({ 'x-kubernetes-int-or-string': true }, 2 ** 60).length, 1);
  });

  test('I3: numbers that JSON cannot carry are refused wherever they hide', () => {
    for (const schema of [{ type: 'number' }, { type: 'integer' }]) assert.equal(lines(schema, parsed('{"a":1e999}')['a']!).length, 1);
    assert.equal(lines({ type: 'number' }, Number.NaN).length, 1);
    const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    assert.deepEqual(lines(free, { a: [{ b: Infinity }] }), ['spec.a: Invalid value: must be a number that JSON can carry']);
    assert.equal(lines({ 'x-kubernetes-preserve-unknown-fields': true }, Number.NaN).length, 1);
    assert.equal(lines({ type: 'object', additionalProperties: true }, { a: Number.NaN }).length, 1);
  });

  test('fractions are multiples as people count', () => {
    assert.deepEqual(lines({ type: 'number', multipleOf: 0.1 }, 0.3), []);
    assert.equal(lines({ type: 'number', multipleOf: 0.1 }, 0.35).length, 1);
  });
});

describe('I2: an update is not refused for what it does not touch', () => {
  const schema: JsonObject = {
    type: 'object',
    properties: {
      size: { type: 'integer', maximum: 3 },
      parts: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', required: ['name'], properties: { name: text, weight: { type: 'integer', maximum: 9 } } },
      },
      tags: { type: 'array', items: { type: 'string', maxLength: 2 } },
      byName: { type: 'object', additionalProperties: { type: 'integer', maximum: 1 } },
    },
  };
  const old = { size: 5, parts: [{ name: 'a', weight: 20 }], tags: ['long'], byName: { x: 7 } };

  test('all that was wrong before and is the same now is forgiven', () => {
    assert.equal(lines(schema, old).length, 4);
    assert.deepEqual(lines(schema, structuredClone(old), old), []);
    assert.deepEqual(lines(schema, { ...structuredClone(old), parts: [{ name: 'b' }, { name: 'a', weight: 20 }] }, old), []);
  });

  test('what changed is judged', () => {
    assert.deepEqual(lines(schema, { ...old, size: 6 }, old), ['spec.size: Invalid value: 6: must be at most 3']);
    assert.deepEqual(lines(schema, { ...old, parts: [{ name: 'a', weight: 21 }] }, old).length, 1);
    assert.deepEqual(lines(schema, { ...old, parts: [{ name: 'b', weight: 20 }] }, old).length, 1);
    assert.deepEqual(lines(schema, { ...old, tags: ['long', 'b'] }, old).length, 1);
    assert.deepEqual(lines(schema, { ...old, byName: { x: 7, y: 8 } }, old), ['spec.byName.y: Invalid value: 8: must be at most 1']);
  });

  test('a field that was there before and is missing now is still required', () => {
    const needs: JsonObject = { type: 'object', required: ['a'], properties: { a: text, b: text } };
    assert.deepEqual(lines(needs, {}, { a: 'x' }), ['spec.a: Required value']);
    assert.deepEqual(lines(needs, { b: 'y' }, { b: 'x' }), ['spec.a: Required value']);
    assert.deepEqual(lines(needs, { b: 'x' }, { b: 'x' }), []);
  });
});

describe('robustness', () => {
  test('patterns cannot run away', () => {
    const started = process.hrtime.bigint();
    assert.equal(lines({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`).length, 1);
    assert.ok(process.hrtime.bigint() - started < 5_000_000_000n, 'took seconds');
  });

  test('a message shows a bounded part of the value', () => {
    const [line = ''] = lines({ type: 'string', enum: ['a'] }, 'x'.repeat(1_000_000));
    assert.ok(line.length < 400, line);
  });

  test('a circular value is refused, not followed for ever', () => {
    const circle: JsonObject = {};
    circle['a'] = circle;
    assert.equal(lines({ type: 'object', properties: { a: { type: 'string' } } }, circle).length, 1);
    assert.equal(lines({ 'x-kubernetes-preserve-unknown-fields': true }, circle).length, 1);
    assert.equal(lines({ type: 'object', enum: [{}], properties: { a: { type: 'object' } } }, circle).length, 1);
    assert.equal(
      lines({ type: 'array', uniqueItems: true, items: { 'x-kubernetes-preserve-unknown-fields': true } }, [circle, circle]).length > 0,
      true,
    );
  });

  test('inherited names are not taken for values', () => {
    const of = parsed('{"type":"object","required":["constructor"],"properties":{"constructor":{"type":"string"}}}');
    assert.deepEqual(lines(of, {}), ['spec.constructor: Required value']);
    assert.deepEqual(lines(of, parsed('{"constructor":"x"}')), []);
    assert.deepEqual(lines({ type: 'object', required: ['toString'], additionalProperties: text }, {}), ['spec.toString: Required value']);
  });
});

describe('cost and size', () => {
  test('I2 of check-values: a list of tens of thousands is checked for duplicates in no time', () => {
    const numbers = Array.from({ length: 60_000 }, (_, i) => i);
    const schema = { type: 'array', items: { type: 'integer' }, 'x-kubernetes-list-type': 'set' };
    const started = performance.now();
    assert.deepEqual(lines(schema, numbers), []);
    assert.equal(lines(schema, [...numbers, 7]).length, 1);
    assert.ok(performance.now() - started < 5000, 'pairs were compared');
  });

  test('I1 of problem: an object in a message is cut, too', () => {
    const schema = { type: 'array', items: { type: 'object', additionalProperties: text }, 'x-kubernetes-list-type': 'set' };
    const big = { a: 'x'.repeat(100_000) };
    const [line = ''] = lines(schema, [big, { ...big }]);
    assert.match(line, /^spec\[1\]: Duplicate value: \{"a":"x+…$/);
    assert.ok(line.length < 400);
  });
});
