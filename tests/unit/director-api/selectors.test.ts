/**
 * Label and field selectors, by the grammar of Kubernetes.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fieldSelection } from '../../../src/director/api/field-selector.ts';
import { labelTest } from '../../../src/director/api/label-selector.ts';
import type { Labels } from '../../../src/director/api/label-selector.ts';
import type { StoredEntity } from '../../../src/ports/store.ts';

function matches(selector: string, labels: Labels): boolean {
  const result = labelTest(selector);
  assert.ok(result.ok, `${selector} is understood`);
  return result.value === undefined || result.value(labels);
}

describe('label selectors', () => {
  const rows: readonly (readonly [string, Labels, boolean])[] = [
    ['', {}, true],
    ['a', { a: '' }, true],
    ['a', { b: '' }, false],
    ['!a', { b: '' }, true],
    ['!a', { a: 'x' }, false],
    ['a=x', { a: 'x' }, true],
    ['a==x', { a: 'y' }, false],
    ['a=', { a: '' }, true],
    ['a=', {}, false],
    ['a!=x', { a: 'y' }, true],
    ['a!=x', {}, true],
    ['a!=x', { a: 'x' }, false],
    ['a in (x,y)', { a: 'y' }, true],
    ['a in (x, y)', {}, false],
    ['a notin (x,y)', { a: 'z' }, true],
    ['a notin (x,y)', {}, true],
    ['a notin (x,y)', { a: 'x' }, false],
    ['a>4', { a: '5' }, true],
    ['a<4', { a: '5' }, false],
    ['a>4', { a: 'five' }, false],
    ['example.com/a=x,b', { 'example.com/a': 'x', b: '' }, true],
    ['a in (x),!b , c!=d', { a: 'x', c: 'e' }, true],
    ['in=x', { in: 'x' }, true],
    ['constructor', {}, false],
    ['toString!=x', {}, true],
  ];
  for (const [selector, labels, expected] of rows) {
    test(`I2: ${JSON.stringify(selector)} of ${JSON.stringify(labels)} is ${expected}`, () =>
      assert.equal(matches(selector, labels), expected));
  }

  test('I1: what does not parse is refused', () => {
    for (const bad of [
      '=x',
      'a b',
      'a in',
      'a in x',
      'a in (x',
      'a,',
      ',a',
      'a=x=y',
      'a!',
      '!',
      'a(b)',
      `${'k'.repeat(64)}=x`,
      `a=${'v'.repeat(64)}`,
      'a=-x',
      '-a',
      '/a',
      'a>x',
    ]) {
      assert.equal(labelTest(bad).ok, false, bad);
    }
  });

  test('I1: nothing makes it throw', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof labelTest(text).ok === 'boolean'));
    fc.assert(fc.property(fc.stringMatching(/^[ab!=<>,() in]{0,20}$/), (text) => typeof labelTest(text).ok === 'boolean'));
  });
});

describe('field selectors', () => {
  const entity = (object: object): StoredEntity => ({ object: () => object }) as unknown as StoredEntity;
  const select = (selector: string): ReturnType<typeof fieldSelection> =>
    fieldSelection(selector, ['involvedObject.kind', 'involvedObject.name']);

  test('name and namespace are read off; the rest is tested', () => {
    const result = select('metadata.name=x,involvedObject.kind!=Cluster,metadata.namespace==y');
    assert.ok(result.ok);
    assert.deepEqual([result.value.name, result.value.namespace, result.value.possible], ['x', 'y', true]);
    assert.equal(result.value.test?.(entity({ involvedObject: { kind: 'Host' } })), true);
    assert.equal(result.value.test?.(entity({ involvedObject: { kind: 'Cluster' } })), false);
    assert.equal(result.value.test?.(entity({})), true);
  });

  test('contradictions select nothing', () => {
    const result = select('metadata.name=x,metadata.name=y');
    assert.ok(result.ok && !result.value.possible);
  });

  test('values may hold escaped commas and equal signs', () => {
    const result = select('involvedObject.name=a\\,b\\=c');
    assert.ok(result.ok);
    assert.equal(result.value.test?.(entity({ involvedObject: { name: 'a,b=c' } })), true);
  });

  test('I1: a field that the kind does not offer is refused', () => {
    for (const bad of ['spec.x=1', 'name', 'involvedObject=x', 'constructor=x']) assert.equal(select(bad).ok, false, bad);
  });
});
