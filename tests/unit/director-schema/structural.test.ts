/** Which schemas are refused, and by which sentence: one case for each rule of a structural schema. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../../../src/model/json.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { crdOf } from '../../../src/model/crd.ts';
import { refusals, rootOf } from './support.ts';

const S = 'openAPIV3Schema.properties[spec]';
const text = { type: 'string' };

/** [what is wrong, schema of spec, how the refusal begins or what it holds] */
const REFUSED: readonly (readonly [string, JsonObject, string])[] = [
  ['no type', {}, `${S}.type: Required value`],
  ['unknown type', { type: 'text' }, `${S}.type: Unsupported value: "text": supported values: "object"`],
  ['unknown keyword', { type: 'string', minimumLength: 3 }, `${S}.minimumLength: Forbidden`],
  ['$ref', { type: 'object', $ref: '#/a' }, `${S}.$ref: Forbidden`],
  ['patternProperties', { type: 'object', patternProperties: {} }, `${S}.patternProperties: Forbidden`],
  ['items without type', { type: 'array', items: {} }, `${S}.items.type: Required value`],
  ['array without items', { type: 'array' }, `${S}.items: Required value`],
  ['items of a non-array', { type: 'string', items: text }, `${S}.type: Invalid value`],
  ['properties of a non-object', { type: 'string', properties: { a: text } }, `${S}.type: Invalid value`],
  [
    'both kinds of properties',
    { type: 'object', properties: { a: text }, additionalProperties: text },
    `${S}.additionalProperties: Forbidden`,
  ],
  ['additionalProperties false', { type: 'object', additionalProperties: false }, `${S}.additionalProperties: Forbidden`],
  ['a bad pattern', { type: 'string', pattern: '(' }, `${S}.pattern: Invalid value: "(": is not a regular expression`],
  ['lookahead in a pattern', { type: 'string', pattern: '(?=a)' }, `${S}.pattern: Invalid value: "(?=a)": is not a regular expression`],
  ['a negative length', { type: 'string', maxLength: -1 }, `${S}.maxLength: Invalid value: -1`],
  ['a length that is a text', { type: 'string', maxLength: '5' }, `${S}.maxLength: Invalid value: "string"`],
  ['an empty enum', { type: 'string', enum: [] }, `${S}.enum: Invalid value`],
  ['multipleOf 0', { type: 'integer', multipleOf: 0 }, `${S}.multipleOf: Invalid value`],
  ['required that is no list', { type: 'object', required: 'a' }, `${S}.required: Invalid value`],
  ['type below anyOf', { type: 'string', anyOf: [{ type: 'string' }] }, `${S}.anyOf[0].type: Forbidden`],
  ['default below allOf', { type: 'string', allOf: [{ default: 'a' }] }, `${S}.allOf[0].default: Forbidden`],
  ['description below not', { type: 'string', not: { description: 'a' } }, `${S}.not.description: Forbidden`],
  [
    'rules below oneOf',
    { type: 'string', oneOf: [{ 'x-kubernetes-validations': [] }] },
    `${S}.oneOf[0].x-kubernetes-validations: Forbidden`,
  ],
  [
    'a field below anyOf only',
    { type: 'object', anyOf: [{ properties: { a: { minLength: 1 } } }] },
    `${S}.anyOf[0].properties[a]: Required value`,
  ],
  ['items below anyOf only', { type: 'object', anyOf: [{ items: { minLength: 1 } }] }, `${S}.anyOf[0].items: Required value`],
  [
    'preserving false',
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': false },
    `${S}.x-kubernetes-preserve-unknown-fields: Invalid`,
  ],
  ['preserving in a string', { type: 'string', 'x-kubernetes-preserve-unknown-fields': true }, `${S}.type: Invalid value`],
  ['int-or-string with a type', { type: 'string', 'x-kubernetes-int-or-string': true }, `${S}.type: Forbidden`],
  [
    'a map list without keys',
    { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
    `${S}.x-kubernetes-list-map-keys: Required`,
  ],
  [
    'a map list with an optional key',
    {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
      items: { type: 'object', properties: { a: text } },
    },
    `${S}.x-kubernetes-list-map-keys: Invalid value: "a": must be required or have a default`,
  ],
  [
    'a map list with an unknown key',
    {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['b'],
      items: { type: 'object', properties: { a: text } },
    },
    `${S}.x-kubernetes-list-map-keys: Invalid value: "b": must name a scalar field`,
  ],
  [
    'a map list of texts',
    { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a'], items: text },
    `${S}.items.type`,
  ],
  ['list-type of an object', { type: 'object', 'x-kubernetes-list-type': 'set' }, `${S}.x-kubernetes-list-type: Forbidden`],
  [
    'unknown list-type',
    { type: 'array', 'x-kubernetes-list-type': 'bag', items: text },
    `${S}.x-kubernetes-list-type: Unsupported value: "bag"`,
  ],
  ['map-type of a string', { type: 'string', 'x-kubernetes-map-type': 'atomic' }, `${S}.x-kubernetes-map-type: Forbidden`],
  ['a default of the wrong type', { type: 'integer', default: 'a' }, `${S}.default: Invalid value: "a": must be valid itself`],
  ['a default out of bounds', { type: 'integer', maximum: 3, default: 4 }, 'must be at most 3'],
  [
    'a default with an unknown field',
    { type: 'object', properties: { a: text }, default: { b: 1 } },
    `${S}.default: Forbidden: holds the field b`,
  ],
  ['a default without a required field', { type: 'object', required: ['a'], properties: { a: text }, default: {} }, 'a: Required value'],
  ['an embedded resource that is a string', { type: 'string', 'x-kubernetes-embedded-resource': true }, `${S}.type: Invalid value`],
  [
    'an embedded resource without properties',
    { type: 'object', 'x-kubernetes-embedded-resource': true },
    `${S}.properties: Required value`,
  ],
  [
    'a field called __proto__',
    { type: 'object', properties: JSON.parse('{"__proto__":{"type":"string"}}') as JsonObject },
    '__proto__]: Forbidden',
  ],
  ['rules that are no list', { type: 'string', 'x-kubernetes-validations': 'self' }, `${S}.x-kubernetes-validations: Invalid value`],
  [
    'a rule without an expression',
    { type: 'string', 'x-kubernetes-validations': [{ message: 'a' }] },
    `${S}.x-kubernetes-validations[0].rule: Required`,
  ],
  ['a rule with an unknown field', { type: 'string', 'x-kubernetes-validations': [{ rule: 'true', msg: 'a' }] }, `[0].msg: Forbidden`],
  [
    'a message of two lines',
    { type: 'string', 'x-kubernetes-validations': [{ rule: 'true', message: 'a\nb' }] },
    `[0].message: Invalid value`,
  ],
  [
    'an unknown reason',
    { type: 'string', 'x-kubernetes-validations': [{ rule: 'true', reason: 'Bad' }] },
    `[0].reason: Unsupported value: "Bad"`,
  ],
];

describe('a schema is refused with a sentence that names the place', () => {
  for (const [what, spec, begins] of REFUSED) {
    test(what, () => {
      const found = refusals(rootOf(spec));
      assert.ok(
        found.some((line) => line.includes(begins)),
        `expected ${begins}\nin ${found.join('\n') || 'no refusal'}`,
      );
    });
  }

  test('the root must be an object, without a default, and never null', () => {
    assert.match(refusals({ type: 'array', items: text }).join('\n'), /openAPIV3Schema\.type: .*must be object at the root/);
    assert.match(refusals({ type: 'object', default: {} }).join('\n'), /openAPIV3Schema\.default: Forbidden/);
    assert.match(refusals({ type: 'object', nullable: true }).join('\n'), /openAPIV3Schema\.nullable: Forbidden/);
  });

  test('of metadata only name and generateName may be tightened', () => {
    assert.deepEqual(refusals(rootOf(text, { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 5 } } } })), []);
    assert.match(
      refusals(rootOf(text, { metadata: { type: 'object', properties: { labels: { type: 'object' } } } })).join(),
      /\[labels\]: Forbidden/,
    );
  });

  test('a schema nested beyond the limit is refused, and does not exhaust the stack', () => {
    let deep: JsonObject = text;
    for (let i = 0; i < 5000; i++) deep = { type: 'object', properties: { a: deep } };
    assert.match(refusals(rootOf(deep)).join('\n'), /nested deeper than 64 levels/);
    let not: JsonObject = { minLength: 1 };
    for (let i = 0; i < 5000; i++) not = { not };
    assert.match(refusals(rootOf({ type: 'string', ...not })).join('\n'), /nested deeper than 64 levels/);
  });

  test('problems of one schema are bounded in number and length', () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, { type: 'x'.repeat(10_000) }]));
    const found = refusals(rootOf({ type: 'object', properties }));
    assert.equal(found.length, 100);
    assert.ok(found.every((line) => line.length < 600));
  });
});

describe('a schema is accepted', () => {
  const ACCEPTED: readonly (readonly [string, JsonObject])[] = [
    [
      'int-or-string in the form that Kubernetes publishes',
      { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    ],
    [
      'int-or-string below allOf',
      { 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { maxLength: 3 }] },
    ],
    ['a node without type that preserves', { 'x-kubernetes-preserve-unknown-fields': true }],
    ['an unknown format', { type: 'string', format: 'isbn' }],
    [
      'quantifiers over fields that stand outside',
      { type: 'object', properties: { a: text, b: text }, oneOf: [{ required: ['a'] }, { properties: { b: { minLength: 1 } } }] },
    ],
    ['a null default of a nullable field', { type: 'string', nullable: true, default: null }],
    ['documentation', { type: 'string', title: 'a', description: 'b', example: 'c', externalDocs: { url: 'd' } }],
  ];
  for (const [what, spec] of ACCEPTED) test(what, () => assert.deepEqual(refusals(rootOf(spec)), []));

  for (const kind of KINDS) {
    test(`the schema of ${kind.kind}, its rules included`, () => {
      const { spec } = crdOf(kind) as { spec: { versions: { schema: { openAPIV3Schema: JsonObject } }[] } };
      assert.deepEqual(refusals(spec.versions[0]!.schema.openAPIV3Schema), []);
    });
  }
});
