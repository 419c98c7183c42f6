/** x-kubernetes-validations as Kubernetes runs them: what is refused when written, when rules run, what they say, and their budget. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { compiled, entity, lines, parsed, refusals, rootOf } from './support.ts';

const text = { type: 'string' };
const int = { type: 'integer' };

function withRule(schema: JsonObject, rule: string | JsonObject): JsonObject {
  return { ...schema, 'x-kubernetes-validations': [typeof rule === 'string' ? { rule, message: 'no' } : rule] };
}

const SPEC: JsonObject = {
  type: 'object',
  properties: {
    name: text,
    count: int,
    ratio: { type: 'number' },
    on: { type: 'boolean' },
    at: { type: 'string', format: 'date-time' },
    wait: { type: 'string', format: 'duration' },
    port: { 'x-kubernetes-int-or-string': true },
    maybe: { type: 'string', nullable: true },
    list: { type: 'array', items: int },
    parts: { type: 'array', items: { type: 'object', properties: { name: text, n: int } } },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { cpuMillis: int } } },
    'odd-name.x': text,
    namespace: text,
    __x: text,
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

describe('I1: what is wrong with a rule refuses the schema', () => {
  const REFUSED: readonly (readonly [rule: string, because: RegExp])[] = [
    ['self.nosuch == 1', /there is no field nosuch in spec: it has name, count/],
    ['has(self.nosuch)', /there is no field nosuch in spec/],
    ['has(self.parts[0].nosuch)', /there is no field nosuch in spec\.parts\[\]/],
    ['self.map.all(k, self.map[k].nosuch > 1)', /there is no field nosuch in spec\.map\{\}/],
    ['has(self)', /has\(\.\.\.\) wants one field/],
    ['self.free.anything == 1', /there is no field anything in spec\.free: it has no fields/],
    ['self.count == "a"', /a int is never equal to a string/],
    ['self.count + self.ratio > 1', /no overload fits int \+ double/],
    ['self.ratio == self.count', /a double is never equal to a int/],
    ['self.name > 1', /no overload fits string > int/],
    ['self.name', /must be a bool, but is a string/],
    ['self.count && true', /&& wants a bool, not a int/],
    ['size(self.count) > 1', /no overload fits size\(int\)/],
    ['nosuch(self.name)', /there is no function nosuch/],
    ['self.name.nosuch()', /there is no function nosuch/],
    ['self.list.all(x, x)', /all\(\.\.\.\) wants a bool, not a int/],
    ['self.list.all(x)', /all\(\.\.\.\) wants a variable and an expression/],
    ['self.list.all(x.y, true)', /invalid predicate iteration variable/],
    ['self.list["a"] == 1', /a list is indexed by int, not by string/],
    ['self.map[1].cpuMillis == 1', /is indexed by string, not by int/],
    ['self["name"] == "a"', /cannot be indexed/],
    ['self.parts.exists(p, p.name in self.list)', /a string is never in a list\(int\)/],
    ['self.name.matches("(")', /the pattern "\(" is not a regular expression/],
    ['self.name.matches("(?=x)")', /is not a regular expression that RE2 knows/],
    ['self.all(x, true)', /not through a spec/],
    ['other == 1', /there is no variable other/],
    ['self.name == null', /a string is never equal to a null/],
    ['1u == 1u', /unsigned integers/],
    ['self.count == 9007199254740993', /beyond the 53 bits/],
    ['[1, "a"].size() == 2', /the items of a list must be of one type, not int and string/],
    ['self.on ? 1 : "a"', /the two branches of \?: must be of one type/],
    ['self.name ==', /syntax error/],
    ['self.at == "2026-01-01T00:00:00Z"', /a timestamp is never equal to a string/],
    ['self.port / 2 == 1', /cannot be told whether \/ divides ints or doubles/],
    ['self.__proto__ == 1', /there is no field __proto__|syntax error/],
    ['self.constructor == 1', /there is no field constructor/],
    [`${'('.repeat(500)}true${')'.repeat(500)}`, /syntax error: Exceeded maxDepth/],
    [`${'true && '.repeat(5000)}true`, /is longer than|Exceeded maxAstNodes/],
  ];
  for (const [rule, because] of REFUSED) {
    test(rule.slice(0, 70), () => assert.match(refusals(rootOf(withRule(SPEC, rule))).join('\n') || 'accepted', because));
  }

  test('the sentence names the rule and its place', () => {
    const [line] = refusals(rootOf(withRule(SPEC, 'self.nosuch == 1')));
    assert.match(
      line ?? '',
      /^openAPIV3Schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: "self\.nosuch == 1": there is no field/,
    );
  });

  test('a message expression must be a string, a fieldPath must lead to a field', () => {
    assert.match(
      refusals(rootOf(withRule(SPEC, { rule: 'true', messageExpression: '1' }))).join(),
      /messageExpression: .*must be a string, but is a int/,
    );
    for (const fieldPath of ['.nosuch', 'name', '.list[0]', '']) {
      assert.match(
        refusals(rootOf(withRule(SPEC, { rule: 'true', fieldPath }))).join() || 'accepted',
        /fieldPath: Invalid value/,
        fieldPath,
      );
    }
    for (const fieldPath of ['.name', "['odd-name.x']", '.map.any', '.map["a.b/c"].cpuMillis']) {
      assert.deepEqual(refusals(rootOf(withRule(SPEC, { rule: 'true', fieldPath }))), [], fieldPath);
    }
  });

  test('oldSelf is refused where no old value can be found', () => {
    const item = withRule({ type: 'object', required: ['n'], properties: { n: int } }, 'self.n >= oldSelf.n');
    const list: JsonObject = { type: 'array', items: item };
    assert.match(refusals(rootOf(list)).join(), /there is no variable oldSelf: a rule cannot see the old value here/);
    assert.match(
      refusals(rootOf({ ...list, items: withRule(int, { rule: 'true', optionalOldSelf: true }) })).join(),
      /no old value can be found/,
    );
    assert.deepEqual(refusals(rootOf({ ...list, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['n'] })), []);
    assert.deepEqual(refusals(rootOf({ type: 'object', additionalProperties: item })), []);
  });
});

describe('rules say yes and no', () => {
  const value: JsonObject = {
    name: 'harbor',
    count: 3,
    ratio: 2,
    on: true,
    at: '2026-01-01T00:00:00Z',
    wait: '90s',
    port: 'http',
    maybe: null,
    list: [1, 2, 3],
    parts: [{ name: 'a', n: 1 }, { name: 'b' }],
    map: { 'uid.0': { cpuMillis: 500 }, 'uid.1': { cpuMillis: 700 } },
    'odd-name.x': 'odd',
    namespace: 'demo',
    __x: 'under',
  };
  const TRUE = [
    'self.name == "harbor" && self.count == 3 && self.on',
    'self.ratio / 4.0 == 0.5 && self.count / 2 == 1 && self.count % 2 == 1 && -self.count == -3',
    'self.count < self.ratio + 2.0',
    'size(self.map) <= self.count && self.map.size() == 2',
    'self.map.map(k, self.map[k].cpuMillis).sum() <= 1200',
    'self.map.all(k, k.startsWith("uid.") && self.map[k].cpuMillis > 0)',
    '"uid.0" in self.map && !("x" in self.map) && 2 in self.list',
    'self.list.exists(x, x == 2) && self.list.exists_one(x, x == 2) && self.list.filter(x, x > 1) == [2, 3]',
    'self.list.map(x, x > 1, x * 2) == [4, 6] && self.list.isSorted() && self.list.max() == 3 && self.list.indexOf(3) == 2',
    'has(self.parts[0].n) && !has(self.parts[1].n)',
    'self.parts[?1].?n.orValue(7) == 7 && self.parts[?9].hasValue() == false && self.?name.value() == "harbor"',
    'self.?name.optMap(n, n + "!").orValue("") == "harbor!"',
    'self.at < timestamp("2026-01-01T00:00:01Z") && self.at == timestamp("2026-01-01T02:00:00+02:00") && self.at.getFullYear() == 2026',
    'self.wait == duration("1m30s") && self.at + self.wait == timestamp("2026-01-01T00:01:30Z")',
    'type(self.port) == string && self.port == "http" && (type(self.port) == int ? self.port > 0 : true)',
    'self.maybe == null && has(self.maybe)',
    'self.odd__dash__name__dot__x == "odd" && self.__namespace__ == "demo" && self.__underscores__x == "under"',
    'self.name.matches("^[a-z]+$") && self.name.find("[aeiou]") == "a" && self.name.findAll("r") == ["r", "r"]',
    'self.name.charAt(0) == "h" && self.name.substring(0, 3) == "har" && self.name.replace("r", "l") == "halbol" && "a,b".split(",").join("-") == "a-b"',
    'cel.bind(n, self.count, n + n == 6) && (self.name == "x" ? 1 : 2) == 2',
    'sets.contains(self.list, [3, 1]) && !sets.intersects(self.list, [9])',
    // Failures are absorbed where the other side decides.
    '(self.parts[1].n == 1 || true) && !(self.parts[1].n == 1 && false) && self.list.exists(x, 1 / (x - 1) == 1 || x == 3)',
    'string(self.count) + self.name == "3harbor" && int("7") == 7 && double(self.count) == 3.0 && b"abc".size() == 3',
    '"\\uffff" < "😀" && "a" < "b" && "a" < "ab" && size("😀") == 1 && "😀b".substring(1) == "b" && "😀b".indexOf("b") == 1',
    'self == oldSelf && self.map == oldSelf.map && self.parts[0] == oldSelf.parts[0]',
  ];
  for (const rule of TRUE) test(rule, () => assert.deepEqual(lines(withRule(SPEC, rule), value, structuredClone(value)), []));
  for (const rule of TRUE.slice(0, 20)) {
    test(`not: ${rule}`, () => assert.deepEqual(lines(withRule(SPEC, `!(${rule}) && self == self`), value), ['spec: Invalid value: no']));
  }
});

describe('what a refusal says', () => {
  const spec = (rule: JsonObject): string[] => lines(withRule(SPEC, rule), { name: 'a', count: 9, map: {} });

  test('the value of a scalar is shown, an object is not', () => {
    assert.deepEqual(lines(withRule(int, 'self < 5'), 9), ['spec: Invalid value: 9: no']);
    assert.deepEqual(spec({ rule: 'self.count < 5', message: 'too many' }), ['spec: Invalid value: too many']);
  });

  test('fieldPath moves it to the field', () => {
    assert.deepEqual(spec({ rule: 'self.count < 5', message: 'at most 4', fieldPath: '.count' }), [
      'spec.count: Invalid value: 9: at most 4',
    ]);
    assert.deepEqual(spec({ rule: 'false', message: 'x', fieldPath: "['odd-name.x']" }), ['spec[odd-name.x]: Invalid value: x']);
  });

  test('without a message the rule itself is said; a message expression goes before both, unless it fails', () => {
    assert.deepEqual(spec({ rule: 'self.count < 5' }), ['spec: Invalid value: failed rule: self.count < 5']);
    const messageExpression = '"is " + string(self.count)';
    assert.deepEqual(spec({ rule: 'self.count < 5', message: 'no', messageExpression }), ['spec: Invalid value: is 9']);
    assert.deepEqual(spec({ rule: 'self.count < 5', message: 'no', messageExpression: 'string(1 / 0)' }), ['spec: Invalid value: no']);
    assert.deepEqual(spec({ rule: 'self.count < 5', message: 'no', messageExpression: '" "' }), ['spec: Invalid value: no']);
  });

  test('reasons', () => {
    for (const [reason, line] of [
      ['FieldValueForbidden', 'Forbidden: no'],
      ['FieldValueRequired', 'Required value: no'],
      ['FieldValueDuplicate', 'Duplicate value: 9: no'],
      ['FieldValueInvalid', 'Invalid value: 9: no'],
    ] as const) {
      const { validate } = compiled(rootOf(withRule(SPEC, { rule: 'false', message: 'no', reason, fieldPath: '.count' })));
      const [first] = validate(entity({ count: 9 }));
      assert.deepEqual([first?.reason, first?.message, first?.path], [reason, line, 'spec.count']);
    }
  });

  test('I3: a rule that cannot be decided refuses, and says why', () => {
    const NO_ANSWER: readonly (readonly [string, RegExp])[] = [
      ['self.ratio > 1.0', /no such key: ratio evaluating rule: no/],
      ['self.map["x"].cpuMillis == 1', /no such key: x/],
      ['self.list[5] == 1', /no such key: 5/],
      ['1 / (self.count - 9) == 1', /division by zero/],
      ['self.count * 9007199254740991 > 0', /integer overflow/],
      ['[1].filter(x, x > 5).max() > 1', /empty list/],
      ['self.name.charAt(7) == ""', /out of range/],
      ['timestamp(self.name) == timestamp(self.name)', /"a" is not a timestamp/],
      ['self.name.matches(self.name + "(")', /pattern is not a regular expression/],
      ['optional.none().value() == 1', /has no value/],
    ];
    for (const [rule, why] of NO_ANSWER)
      assert.match(lines(withRule(SPEC, rule), { name: 'a', count: 9, list: [1], map: {} }).join() || 'passed', why, rule);
  });

  test('where a type is known only at run time, the overload is chosen then, or there is none', () => {
    const port = (rule: string, value: Json): string => lines(withRule(SPEC, rule), { port: value, maybe: null }).join();
    assert.equal(port('self.port + 1 == 81 || self.port + "x" == "httpx"', 80), '');
    assert.match(port('self.port + 1 == 81', 'http'), /no such overload: \+ of string, int/);
    assert.match(port('size(self.port) > 0', 80), /no such overload: size of int/);
    assert.match(port('self.port > 1', true), /must be of type integer or string/);
    assert.match(port('self.maybe + "x" == "nullx"', 1), /no such overload: \+ of null, string/);
    assert.match(port('self.maybe.startsWith("n")', 1), /no such overload: startsWith of null, string/);
    assert.match(port('self.port ? true : true', 1), /wants a bool, not a int/);
  });

  test('rules do not run on an object whose structure is wrong', () => {
    assert.deepEqual(lines(withRule(SPEC, 'self.count < 5'), { count: 'x' }), [
      'spec.count: Invalid value: "string": must be of type integer: "string"',
    ]);
  });

  test('rules of all levels run, the outer ones first, with the path of each', () => {
    const part = withRule({ type: 'object', properties: { n: withRule(int, 'self > 0') } }, 'has(self.n)');
    const schema = withRule(
      { type: 'object', properties: { parts: { type: 'array', items: part }, map: { type: 'object', additionalProperties: part } } },
      'false',
    );
    assert.deepEqual(lines(schema, { parts: [{ n: 1 }, {}, { n: 0 }], map: { 'a.b': { n: -1 } } }), [
      'spec: Invalid value: no',
      'spec.parts[1]: Invalid value: no',
      'spec.parts[2].n: Invalid value: 0: no',
      'spec.map[a.b].n: Invalid value: -1: no',
    ]);
  });

  test('rules do not run on null', () => {
    assert.deepEqual(
      lines({ type: 'object', properties: { a: withRule({ type: 'string', nullable: true }, 'size(self) > 3') } }, { a: null }),
      [],
    );
  });
});

describe('transition rules', () => {
  const grows = withRule(
    { type: 'object', properties: { n: int, m: int } },
    { rule: 'self.n >= oldSelf.n', message: 'must not fall', fieldPath: '.n' },
  );

  test('are skipped on create, and judge an update', () => {
    assert.deepEqual(lines(grows, { n: 1 }), []);
    assert.deepEqual(lines(grows, { n: 2 }, { n: 1 }), []);
    assert.deepEqual(lines(grows, { n: 0 }, { n: 1 }), ['spec.n: Invalid value: 0: must not fall']);
  });

  test('a frozen field: removing it is seen only from above, as in Kubernetes', () => {
    const frozen: JsonObject = { type: 'object', properties: { a: withRule(text, 'self == oldSelf') } };
    assert.deepEqual(lines(frozen, { a: 'x' }, {}), []);
    assert.deepEqual(lines(frozen, { a: 'y' }, { a: 'x' }), ['spec.a: Invalid value: "y": no']);
    assert.deepEqual(lines(frozen, {}, { a: 'x' }), []);
  });

  test('items of a map list are told by their keys, map values by their key; new ones are skipped', () => {
    const item = withRule({ type: 'object', required: ['name'], properties: { name: text, n: int } }, 'self.n >= oldSelf.n');
    const list: JsonObject = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: item };
    const of = (name: string, n: number): JsonObject => ({ name, n });
    assert.deepEqual(lines(list, [of('b', 2), of('new', 0), of('a', 5)], [of('a', 5), of('b', 1)]), []);
    assert.deepEqual(lines(list, [of('b', 0), of('a', 4)], [of('a', 5), of('b', 0)]), ['spec[1]: Invalid value: no']);
    const many = Array.from({ length: 50 }, (_, i) => of(`n${i}`, i));
    assert.deepEqual(lines(list, many.map((one, i) => (i === 7 ? of('n7', 6) : one)).reverse(), many), ['spec[42]: Invalid value: no']);
    const map: JsonObject = { type: 'object', additionalProperties: item };
    assert.deepEqual(lines(map, { x: of('x', 1), y: of('y', 0) }, { x: of('x', 2) }), ['spec.x: Invalid value: no']);
    assert.deepEqual(lines(map, { constructor: of('x', 1) }, {}), []);
  });

  test('optionalOldSelf runs them always, with the old value if there is one', () => {
    const rule = { rule: 'oldSelf.optMap(o, self >= o).orValue(self == 0)', message: 'starts at 0 and grows', optionalOldSelf: true };
    const schema = withRule(int, rule);
    assert.deepEqual(lines(schema, 0), []);
    assert.deepEqual(lines(schema, 1), ['spec: Invalid value: 1: starts at 0 and grows']);
    assert.deepEqual(lines(schema, 3, 2), []);
    assert.equal(lines(schema, 1, 2).length, 1);
    const has = withRule(
      { type: 'object', properties: { n: int } },
      { rule: '!oldSelf.hasValue() || oldSelf.value().n == self.n', optionalOldSelf: true },
    );
    assert.equal(lines(has, { n: 1 }, { n: 2 }).length, 1);
    assert.deepEqual(lines(has, { n: 1 }), []);
  });

  test('I4: other rules forgive what did not change; transition rules do not', () => {
    const schema = withRule({ type: 'object', properties: { n: int, m: int } }, 'self.n < 5');
    assert.deepEqual(lines(schema, { n: 9 }, { n: 9 }), []);
    assert.equal(lines(schema, { n: 9, m: 1 }, { n: 9 }).length, 1);
    assert.equal(lines(withRule(int, 'self > oldSelf'), 9, 9).length, 1);
  });

  test('an old object of another shape fails the rule instead of being calculated with', () => {
    assert.match(lines(grows, { n: 1 }, { n: '1' }).join(), /a int was expected, but the value is of type string/);
    assert.match(lines(grows, { n: 1 }, {}).join(), /no such key: n/);
    assert.match(lines(grows, { n: 1 }, 'text').join(), /was expected, but the value is of type string/);
  });
});

describe('I2: the budget', () => {
  const numbers = { type: 'array', items: int };
  const nested = 'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))';

  test('ends a rule that takes too much work, quickly and with a sentence', () => {
    const started = performance.now();
    const found = lines(
      withRule(numbers, nested),
      Array.from({ length: 1000 }, (_, i) => i),
    );
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /^spec: Forbidden: the rules of this object take too much work, at: no; make lists and maps smaller/);
    assert.ok(performance.now() - started < 5000);
    assert.deepEqual(lines(withRule(numbers, nested), [1, 2, 3]), []);
  });

  test('is not absorbed by || and all, and is shared by the rules of one write', () => {
    const many = Array.from({ length: 1000 }, (_, i) => i);
    assert.equal(lines(withRule(numbers, `${nested} || true`), many).length, 1);
    assert.equal(lines(withRule(numbers, `true || ${nested}`), many).length, 0);
    assert.equal(lines(withRule(numbers, `[1].exists(x, ${nested} || x == 1)`), many).length, 1);
    const rules = Array.from({ length: 60 }, () => ({ rule: 'self.all(a, a >= 0 && a + 1 > a && a - 1 < a)' }));
    const thousand = Array.from({ length: 2000 }, (_, i) => i);
    assert.equal(lines({ ...numbers, 'x-kubernetes-validations': rules.slice(0, 5) }, thousand).length, 0);
    assert.equal(lines({ ...numbers, 'x-kubernetes-validations': rules }, thousand).length, 1);
  });

  test('counts the size of texts and lists that a rule makes', () => {
    const double = (of: string): string => `cel.bind(t, ${of}, t + t)`;
    let grow = 'self';
    for (let i = 0; i < 20; i++) grow = double(grow);
    assert.match(lines(withRule(text, `size(${grow}) > 0`), 'xxxxxxxxxxxxxxxx').join(), /too much work/);
    let lists = 'self';
    for (let i = 0; i < 20; i++) lists = double(lists);
    assert.match(lines(withRule(numbers, `size(${lists}) > 0`), [1, 2, 3, 4]).join(), /too much work/);
    const long = 'x'.repeat(1_000_000);
    assert.match(
      lines(
        withRule({ type: 'array', items: text }, 'self.all(a, self.all(b, a == b))'),
        Array.from({ length: 50 }, () => long),
      ).join(),
      /too much work/,
    );
  });

  test('starts anew with each write', () => {
    const { validate } = compiled(rootOf(withRule(numbers, 'self.all(a, self.all(b, a + b >= 0))')));
    const value = entity(Array.from({ length: 200 }, (_, i) => i));
    for (let i = 0; i < 50; i++) assert.deepEqual(validate(value), []);
  });
});

describe('metadata and inherited names', () => {
  test('rules at the root see apiVersion, kind, metadata.name and generateName, and no more of metadata', () => {
    const at = (rule: string): JsonObject => withRule(rootOf(int), rule);
    const { validate } = compiled(
      at('self.metadata.name == "one" && self.kind == "Thing" && self.apiVersion.startsWith("example") && self.spec == 1'),
    );
    assert.deepEqual(validate(entity(1)), []);
    assert.equal(validate(entity(2)).length, 1);
    assert.match(refusals(at('has(self.metadata.labels)')).join(), /there is no field labels in metadata: it has name, generateName/);
  });

  test('a key such as constructor or __proto__ is there only when the object has it', () => {
    const schema = withRule(
      { type: 'object', additionalProperties: int },
      '!("constructor" in self) && !has(self.toString) && !("__proto__" in self)',
    );
    assert.deepEqual(lines(schema, {}), []);
    const value: Json = parsed('{"constructor":1}');
    assert.equal(lines(schema, value).length, 1);
  });
});
