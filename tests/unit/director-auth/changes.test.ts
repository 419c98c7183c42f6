/**
 * What a write changes, found by comparing states: against a naive flattening.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changedOutside, sameJson } from '../../../src/director/auth/changes.ts';
import { requires } from '../../../src/director/auth/selector.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';

const leaf: fc.Arbitrary<Json> = fc.constantFrom<Json>(1, 'a', true, null, [1], [], [{ a: 1 }]);
const key = fc.constantFrom('a', 'b', 'a.b');
const inner: fc.Arbitrary<JsonObject> = fc.dictionary(key, leaf, { maxKeys: 2 }) as fc.Arbitrary<JsonObject>;
const middle: fc.Arbitrary<JsonObject> = fc.dictionary(key, fc.oneof(leaf, inner), { maxKeys: 2 }) as fc.Arbitrary<JsonObject>;
const object: fc.Arbitrary<JsonObject> = fc.dictionary(key, fc.oneof(leaf, middle), { maxKeys: 2 }) as fc.Arbitrary<JsonObject>;

/** Each leaf under the list of keys that leads to it; empty objects have none. */
function leaves(value: JsonObject, path: readonly string[] = []): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, item] of Object.entries(value)) {
    const at = [...path, name];
    const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
    if (isObject) for (const [where, what] of leaves(item, at)) found.set(where, what);
    else found.set(JSON.stringify(at), JSON.stringify(item));
  }
  return found;
}

function naive(old: JsonObject, next: JsonObject, allowed: readonly string[]): boolean {
  const [was, becomes] = [leaves(old), leaves(next)];
  return [...new Set([...was.keys(), ...becomes.keys()])].some((path) => {
    const steps = JSON.parse(path) as string[];
    const isAllowed = allowed.some((each) => each.split('.').every((step, at) => steps[at] === step));
    return !isAllowed && was.get(path) !== becomes.get(path);
  });
}

test('I1: names a field exactly when something differs that is not allowed, also with keys that hold dots', () => {
  const allowed = fc.uniqueArray(fc.constantFrom('a', 'b.a', 'a.b', 'b.b'), { maxLength: 2 });
  fc.assert(
    fc.property(object, object, allowed, (old, next, paths) => {
      assert.equal(changedOutside(old, next, new Set(paths)) !== undefined, naive(old, next, paths));
    }),
    { numRuns: 5_000 },
  );
});

test("the director's own fields never count", () => {
  const state = (metadata: JsonObject): JsonObject => ({ metadata });
  assert.equal(
    changedOutside(
      state({ resourceVersion: '1', generation: 1 }),
      state({ resourceVersion: '2', generation: 2, managedFields: [] }),
      new Set(),
    ),
    undefined,
  );
  assert.equal(changedOutside(state({ name: 'a' }), state({ name: 'b' }), new Set()), 'metadata.name');
  assert.ok(sameJson({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }));
  assert.ok(!sameJson([1], [1, 2]));
});

test('I1: a selector requires a value only when every match has it', () => {
  const all: [string | undefined, boolean][] = [
    ['k=v', true],
    ['k==v', true],
    [' k = v ', true],
    ['a=b,k=v', true],
    ['a in (x,y),k=v', true],
    ['k!=v', false],
    ['k in (v)', false],
    ['a in (k=v)', false],
    ['k', false],
    ['!k', false],
    ['kk=v', false],
    ['k=vv', false],
    ['a=b', false],
    ['', false],
    [undefined, false],
  ];
  for (const [selector, expected] of all) assert.equal(requires(selector, 'k', 'v'), expected, selector);
});
