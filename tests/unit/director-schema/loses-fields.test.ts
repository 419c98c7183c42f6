/** Which changes of a schema lose stored fields. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { schemaLosesFields } from '../../../src/director/schema/loses-fields.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { rootOf } from './support.ts';

const text = { type: 'string' };
const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties });
const list = (items: JsonObject): JsonObject => ({ type: 'array', items });
const map = (additionalProperties: JsonObject | true): JsonObject => ({ type: 'object', additionalProperties });
const free: JsonObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const any: JsonObject = { 'x-kubernetes-preserve-unknown-fields': true };

const LOSES: readonly (readonly [what: string, was: JsonObject, is: JsonObject, lost: readonly string[]])[] = [
  ['nothing changed', object({ a: text, b: list(object({ c: text })) }), object({ a: text, b: list(object({ c: text })) }), []],
  ['a field more', object({ a: text }), object({ a: text, b: text }), []],
  ['a field less', object({ a: text, b: text }), object({ a: text }), ['spec.b']],
  ['a renamed field, deep', object({ a: object({ rights: text }) }), object({ a: object({ license: text }) }), ['spec.a.rights']],
  ['a field of list items', object({ a: list(object({ b: text, c: text })) }), object({ a: list(object({ b: text })) }), ['spec.a[].c']],
  ['a field of map values', map(object({ b: text, c: text })), map(object({ b: text })), ['spec[*].c']],
  ['a map that became fields', map(text), object({ a: text }), ['spec[*]']],
  ['fields that became a map', object({ a: text }), map(text), []],
  ['fields that became a map of less', object({ a: object({ b: text }) }), map(object({ c: text })), ['spec.a.b']],
  ['unknown fields no longer preserved', free, object({}), ['spec.*']],
  ['unknown fields no longer preserved, without a type', any, object({ a: text }), ['spec.*']],
  ['any values that became typed ones', map(true), map(text), ['spec.*']],
  ['fields that are now preserved unspecified', object({ a: text }), free, []],
  ['fields that are now anything', object({ a: object({ b: text }) }), any, []],
  [
    'preserved, but its known field lost one of its own',
    { ...free, ...object({ a: object({ b: text }) }) },
    { ...free, ...object({ a: object({}) }) },
    ['spec.a.b'],
  ],
  ['an object that became a text is refused later, not dropped', object({ a: object({ b: text }) }), object({ a: text }), []],
  ['an odd name', object({ 'a.b': text }), object({}), ['spec[a.b]']],
];

describe('schemaLosesFields', () => {
  for (const [what, was, is, lost] of LOSES) test(what, () => assert.deepEqual(schemaLosesFields(rootOf(was), rootOf(is)), lost));

  test('a whole section', () => {
    assert.deepEqual(schemaLosesFields(rootOf(text, { status: object({ a: text }) }), rootOf(text)), ['status']);
  });
});
