/**
 * Properties, over generated schemas and values: our verdict is ajv's, pruning and defaulting settle at once, and what was defaulted is valid
 * where it can be.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { deepEqual } from '../../../src/director/schema/json-values.ts';
import { problemLine } from '../../../src/director/schema/problem.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { compiled, entity, refusals, rootOf } from './support.ts';

/** Few names, so that schemas and values meet; among them ones that objects inherit (not those on which ajv itself stumbles). */
const NAMES = ['a', 'b', 'c', 'isPrototypeOf', 'propertyIsEnumerable'];
const name = fc.constantFrom(...NAMES);
const word = fc.constantFrom('', 'x', 'xy', 'xyz', 'abc', '😀', '😀😀', 'a-b');
const small = fc.integer({ min: -3, max: 6 });

function bounds(low: string, high: string): fc.Arbitrary<JsonObject> {
  return fc.record(
    { [low]: fc.integer({ min: 0, max: 3 }), [high]: fc.integer({ min: 0, max: 4 }) },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonObject>;
}

const ofString = fc
  .tuple(
    bounds('minLength', 'maxLength'),
    fc.record(
      { pattern: fc.constantFrom('^x', 'y$', '^[a-c]+$', 'b|z'), enum: fc.uniqueArray(word, { minLength: 1 }) },
      { requiredKeys: [] },
    ),
  )
  .map(([a, b]): JsonObject => ({ ...a, ...b }));
const ofNumber = fc.record(
  {
    minimum: small,
    maximum: small,
    multipleOf: fc.integer({ min: 1, max: 3 }),
    exclusiveMinimum: fc.boolean(),
    exclusiveMaximum: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;

const { schema } = fc.letrec<{ schema: JsonObject; checks: JsonObject }>((tie) => {
  const below = tie('schema');
  const nullable = (of: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> =>
    fc.tuple(of, fc.boolean()).map(([one, may]) => (may ? { ...one, nullable: true } : one));
  const required = fc.uniqueArray(name, { maxLength: 2 });
  const properties = fc.dictionary(name, below, { maxKeys: 3 });
  const objects = fc
    .tuple(properties, required, bounds('minProperties', 'maxProperties'))
    .map(([p, r, b]): JsonObject => ({ type: 'object', properties: p, required: r, ...b }));
  const maps = fc
    .tuple(below, bounds('minProperties', 'maxProperties'))
    .map(([additionalProperties, b]): JsonObject => ({ type: 'object', additionalProperties, ...b }));
  const arrays = fc
    .tuple(below, bounds('minItems', 'maxItems'), fc.boolean())
    .map(([items, b, unique]): JsonObject => ({ type: 'array', items, ...b, ...(unique ? { uniqueItems: true } : {}) }));
  const quantified = fc
    .tuple(
      fc.constantFrom('string', 'integer'),
      fc.constantFrom('anyOf', 'oneOf', 'allOf'),
      fc.array(fc.oneof(ofString, ofNumber), { minLength: 1, maxLength: 3 }),
    )
    .map(([type, keyword, list]): JsonObject => ({ type, [keyword]: list }));
  const tightened = fc
    .tuple(fc.constantFrom('anyOf', 'oneOf', 'allOf'), fc.array(required, { minLength: 1, maxLength: 3 }), ofNumber)
    .map(([keyword, lists, number]): JsonObject => ({
      type: 'object',
      properties: { a: { type: 'integer' }, b: { type: 'string' } },
      [keyword]: lists.map((one): JsonObject => ({ required: one, properties: { a: number } })),
    }));
  return {
    checks: fc.oneof(ofString, ofNumber),
    schema: nullable(
      fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.oneof(
          ofString.map((one): JsonObject => ({ type: 'string', ...one })),
          fc.tuple(fc.constantFrom('integer', 'number'), ofNumber).map(([type, one]): JsonObject => ({ type, ...one })),
          fc.constant<JsonObject>({ type: 'boolean' }),
          fc.tuple(fc.constantFrom('string', 'integer'), fc.oneof(ofString, ofNumber)).map(([type, not]): JsonObject => ({ type, not })),
          quantified,
          tightened,
        ),
        objects,
        maps,
        arrays,
      ),
    ),
  };
});

const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(word, small, fc.constantFrom(0.5, 1.5), fc.boolean(), fc.constant(null)) as fc.Arbitrary<Json>,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** Values that mostly fit `of`: without them few would be valid. */
function fitting(of: JsonObject): fc.Arbitrary<Json> {
  const { properties, required, additionalProperties } = of as {
    properties?: JsonObject;
    required?: string[];
    additionalProperties?: JsonObject;
  };
  if (Array.isArray(of['enum'])) return fc.constantFrom(...of['enum']);
  switch (of['type']) {
    case 'string':
      return fc.oneof(word, fc.constantFrom('xy', 'xb', 'abb', 'xzy'));
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(fitting(of['items'] as JsonObject), { maxLength: 4 });
    case 'object': {
      if (additionalProperties !== undefined)
        return fc.dictionary(name, fitting(additionalProperties), { maxKeys: 4, noNullPrototype: true });
      const model = Object.fromEntries(Object.entries(properties ?? {}).map(([key, one]) => [key, fitting(one as JsonObject)]));
      for (const key of required ?? []) if (!Object.hasOwn(model, key)) model[key] = small;
      return fc.record(model, { requiredKeys: required ?? [], noNullPrototype: true }) as fc.Arbitrary<Json>;
    }
    default:
      return small;
  }
}

const schemaAndValues = schema.chain((of) =>
  fc.tuple(fc.constant(of), fc.array(fc.oneof(value, fitting(of), fitting(of)), { minLength: 4, maxLength: 8 })),
);

/** OpenAPI 3.0 has flags where JSON schema draft 7 has numbers. */
function asJsonSchema(of: Json): Json {
  if (Array.isArray(of)) return of.map(asJsonSchema);
  if (typeof of !== 'object' || of === null) return of;
  const out: JsonObject = {};
  for (const [key, one] of Object.entries(of)) {
    if (key === 'exclusiveMinimum' || key === 'exclusiveMaximum') continue;
    out[key] = key === 'enum' || key === 'required' ? one : asJsonSchema(one);
  }
  for (const end of ['Minimum', 'Maximum']) {
    const plain = end.toLowerCase();
    if (of[`exclusive${end}`] !== true || typeof out[plain] !== 'number') continue;
    out[`exclusive${end}`] = out[plain];
    delete out[plain];
  }
  return out;
}

const ajv = new Ajv({ strict: false, ownProperties: true, allErrors: false, unicodeRegExp: true });

describe('against ajv', () => {
  test("our verdict is ajv's, for the vocabulary that both know", () => {
    let [good, bad] = [0, 0];
    fc.assert(
      fc.property(schemaAndValues, ([of, values]) => {
        assert.deepEqual(refusals(rootOf(of)), []);
        const { validate } = compiled(rootOf(of));
        const theirs = ajv.compile(asJsonSchema(of) as object);
        for (const one of values) {
          const problems = validate(entity(one));
          const verdict = theirs(one);
          if (verdict) good++;
          else bad++;
          assert.equal(problems.length === 0, verdict, `${problems.map(problemLine).join('\n')}\najv: ${ajv.errorsText(theirs.errors)}`);
        }
      }),
      { numRuns: 1000 },
    );
    assert.ok(good > 400 && bad > 400, `the generators must reach both verdicts: ${good} good, ${bad} bad`);
  });

  test('every problem names a place that is there, or a field that is missing', () => {
    fc.assert(
      fc.property(schema, value, (of, one) => {
        for (const { path } of compiled(rootOf(of)).validate(entity(one))) assert.match(path, /^spec(\.\w+|\[\w+\])*$/);
      }),
    );
  });
});

describe('settling', () => {
  test('I1: pruning twice drops nothing the second time, and only what it names', () => {
    fc.assert(
      fc.property(schema, value, (of, one) => {
        const { prune } = compiled(rootOf(of));
        const object = entity(structuredClone(one));
        const dropped = prune(object);
        assert.deepEqual(prune(object), []);
        assert.equal(dropped.length === 0, deepEqual(object['spec'], one));
      }),
      { numRuns: 1000 },
    );
  });

  /** The schema with a default at each scalar that has a value to offer, and at objects. */
  function withDefaults(of: JsonObject): JsonObject {
    const out: JsonObject = { ...of };
    if (of['properties'] !== undefined) {
      out['properties'] = Object.fromEntries(
        Object.entries(of['properties'] as JsonObject).map(([key, one]) => [key, withDefaults(one as JsonObject)]),
      );
    }
    for (const key of ['items', 'additionalProperties']) if (of[key] !== undefined) out[key] = withDefaults(of[key] as JsonObject);
    for (const standard of ['xy', 1, true, {}, []]) {
      const tried = { ...out, default: standard };
      if (refusals(rootOf({ type: 'object', properties: { it: tried } })).length === 0) return tried;
    }
    return out;
  }

  test('I1: defaulting twice changes nothing the second time; defaults never make a valid object invalid', () => {
    let filledIn = 0;
    fc.assert(
      fc.property(schema, value, (plain, one) => {
        const of = withDefaults(plain);
        const { default: fill, validate, prune } = compiled(rootOf({ type: 'object', properties: { it: of } }));
        const object = entity({ it: structuredClone(one) });
        prune(object);
        const before = validate(object);
        fill(object);
        const once = structuredClone(object);
        if (!deepEqual(once['spec'], { it: one })) filledIn++;
        fill(object);
        assert.deepEqual(object, once);
        assert.deepEqual(prune(object), [], 'a default holds only known fields');
        const counts = JSON.stringify(plain).match(/m(?:in|ax)Properties|anyOf|oneOf|allOf|"not"|uniqueItems/) !== null;
        if (before.length === 0 && !counts) assert.deepEqual(validate(object).map(problemLine), []);
      }),
      { numRuns: 500 },
    );
    assert.ok(filledIn > 50, `${filledIn} objects had something filled in`);
  });

  test('I2: an object is never refused as an update of itself', () => {
    fc.assert(
      fc.property(schema, value, (of, one) => {
        const { validate } = compiled(rootOf(of));
        assert.deepEqual(validate(entity(one), entity(structuredClone(one))).map(problemLine), []);
      }),
    );
  });
});
