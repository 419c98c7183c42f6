/** Nothing that a user writes may throw: any JSON as a schema, any text as a rule, any value under any schema. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileCel } from '../../../src/director/schema/cel-compile.ts';
import type { CelType } from '../../../src/director/schema/cel-types.ts';
import { BOOL, DOUBLE, DYN, INT, STRING, TIMESTAMP, listOf, mapOf, nullable } from '../../../src/director/schema/cel-types.ts';
import { CelBudgetSpent, CelFailure } from '../../../src/director/schema/cel-values.ts';
import { compileSchema } from '../../../src/director/schema/compile-schema.ts';
import type { Json } from '../../../src/model/json.ts';
import { entity, parsed } from './support.ts';

const KEYWORDS = [
  ...'type properties items additionalProperties required enum default nullable minimum maximum exclusiveMinimum multipleOf minLength'.split(
    ' ',
  ),
  ...'maxLength pattern format minItems maxItems uniqueItems minProperties maxProperties allOf anyOf oneOf not title'.split(' '),
  ...'preserve-unknown-fields embedded-resource int-or-string list-type list-map-keys map-type validations'
    .split(' ')
    .map((one) => `x-kubernetes-${one}`),
  ...'rule message messageExpression reason fieldPath optionalOldSelf spec metadata a constructor __proto__'.split(' '),
];
const WORDS =
  'object array string integer number boolean date-time set map a name true false self self==oldSelf self.a>1 .a ( ^a+$ FieldValueRequired'.split(
    ' ',
  );

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6, depthSize: 'medium' },
    fc.oneof(
      fc.constantFrom(...WORDS),
      fc.integer({ min: -2, max: 5 }),
      fc.constantFrom(true, false, true, null, 0.5, 1e300),
    ) as fc.Arbitrary<Json>,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYWORDS), tie('json'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));
/** Through JSON, so that `__proto__` is an own key as in a request's body. */
const schemas = fc.dictionary(fc.constantFrom(...KEYWORDS), json, { maxKeys: 6 }).map((one) => parsed(JSON.stringify(one)));
const values = json.map((one) => JSON.parse(JSON.stringify(one)) as Json);

describe('no input throws', () => {
  test('any JSON as a schema is compiled or refused with named places', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        const result = compileSchema(schema);
        if (!result.ok) for (const { path } of result.problems) assert.match(path, /^openAPIV3Schema/);
      }),
      { numRuns: 1500 },
    );
  });

  test('any value goes through any schema that compiled', () => {
    let compiledSome = 0;
    fc.assert(
      fc.property(schemas, values, values, (spec, one, other) => {
        const result = compileSchema({ type: 'object', properties: { spec: { ...spec, type: 'object' } } });
        if (!result.ok) return;
        compiledSome++;
        const { compiled } = result;
        const [object, old] = [entity(one), entity(other)];
        compiled.prune(object);
        compiled.default(object);
        compiled.validate(object, old);
        compiled.validate({ spec: one, metadata: other }, old);
      }),
      { numRuns: 1500 },
    );
    assert.ok(compiledSome > 100, `${compiledSome} schemas compiled`);
  });
});

describe('no rule throws', () => {
  const part: CelType = {
    kind: 'object',
    name: 'part',
    fields: new Map([
      ['n', { name: 'n', type: INT }],
      ['s', { name: 's', type: nullable(STRING) }],
    ]),
  };
  const types = { n: INT, d: DOUBLE, s: STRING, b: BOOL, t: TIMESTAMP, l: listOf(INT), m: mapOf(STRING, part), p: part, y: DYN };
  const self: CelType = {
    kind: 'object',
    name: 'self',
    fields: new Map(Object.entries(types).map(([name, type]) => [name, { name, type }])),
  };
  const operands = [
    'self.n',
    'self.d',
    'self.s',
    'self.b',
    'self.t',
    'self.l',
    'self.m',
    'self.p.s',
    'self.y',
    'self.?p.?n',
    'oldSelf.n',
    '1',
    '0',
    '-1',
    '2.5',
    '"a"',
    'true',
    'null',
    '[]',
    '[1]',
    '{"a": 1}',
    'x',
    'self.m["k"].n',
    'self.l[0]',
    'duration("1s")',
    'b"a"',
  ];
  const functions = ['size', 'int', 'string', 'double', 'bool', 'type', 'dyn', 'has', 'timestamp', 'duration', 'bytes', 'optional.of'];
  const methods = [
    'size',
    'contains',
    'matches',
    'find',
    'findAll',
    'split',
    'join',
    'replace',
    'substring',
    'charAt',
    'indexOf',
    'sum',
    'min',
    'max',
    'orValue',
    'or',
    'value',
    'getFullYear',
    'trim',
    'isSorted',
  ];
  const macros = ['all', 'exists', 'exists_one', 'map', 'filter', 'optMap'];
  const operators = ['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '&&', '||', 'in'];
  const { expression } = fc.letrec<{ expression: string }>((tie) => {
    const e = tie('expression');
    return {
      expression: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(...operands),
        fc.tuple(e, fc.constantFrom(...operators), e).map(([a, o, b]) => `(${a} ${o} ${b})`),
        fc.tuple(fc.constantFrom(...functions), e).map(([f, a]) => `${f}(${a})`),
        fc.tuple(e, fc.constantFrom(...methods), fc.array(e, { maxLength: 3 })).map(([a, m, args]) => `${a}.${m}(${args.join(', ')})`),
        fc.tuple(e, fc.constantFrom(...macros), e).map(([a, m, b]) => `${a}.${m}(x, ${b})`),
        fc.tuple(e, e, e).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc.tuple(fc.constantFrom('!', '-'), e).map(([o, a]) => `${o}${a}`),
        fc.tuple(e, e).map(([a, b]) => `${a}[${b}]`),
      ),
    };
  });
  const good = {
    n: 3,
    d: 1.5,
    s: 'abc',
    b: true,
    t: '2026-01-01T00:00:00Z',
    l: [3, 1, 2],
    m: { k: { n: 1, s: null } },
    p: { n: 2 },
    y: [{ a: 1 }],
  };
  /** What an old object of another schema might be. */
  const strange = [null, 'text', 5, [], {}, { n: 'x', l: {}, m: [], p: null, t: 5 }];

  test('an expression is refused, gives a value, or fails as CEL fails', () => {
    let ran = 0;
    fc.assert(
      fc.property(expression, fc.constantFrom(good, ...strange), fc.constantFrom(good, ...strange), (source, now, before) => {
        const result = compileCel(source, self, self);
        if (!result.ok) return;
        try {
          result.compiled.run({ self: now, oldSelf: before, steps: 10_000, slots: [] });
          ran++;
        } catch (error) {
          assert.ok(error instanceof CelFailure || error instanceof CelBudgetSpent, String(error));
        }
      }),
      { numRuns: 4000 },
    );
    assert.ok(ran > 200, `${ran} expressions gave a value`);
  });

  test('values are of the type that was promised', () => {
    const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
      bool: (value) => typeof value === 'boolean',
      int: (value) => Number.isSafeInteger(value) && !Object.is(value, -0),
      double: (value) => typeof value === 'number',
      string: (value) => typeof value === 'string',
      list: (value) => Array.isArray(value),
    };
    fc.assert(
      fc.property(expression, (source) => {
        const result = compileCel(source, self, self);
        if (!result.ok) return;
        let value: unknown;
        try {
          value = result.compiled.run({ self: good, oldSelf: good, steps: 10_000, slots: [] });
        } catch {
          return;
        }
        const { kind } = result.compiled.type;
        assert.ok(kinds[kind]?.(value) ?? true, `${source} is ${String(value)}, not a ${kind}`);
      }),
      { numRuns: 4000 },
    );
  });

  test('any text at all', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (source) => {
        const result = compileCel(source, DYN, undefined);
        if (!result.ok) assert.ok(result.why.length > 0);
      }),
      { numRuns: 1500 },
    );
  });
});
