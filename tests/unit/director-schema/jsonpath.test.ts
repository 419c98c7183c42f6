/** JSONPath, printer columns and ages, as kubectl shows them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { humanDuration } from '../../../src/director/schema/human-duration.ts';
import { compileJsonPath, valueAt } from '../../../src/director/schema/jsonpath.ts';
import { compileColumn } from '../../../src/director/schema/printer-column.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { PrinterColumn } from '../../../src/model/resource.ts';

const OBJECT: JsonObject = {
  metadata: {
    name: 'a',
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'foo.bar/baz': 'x' },
    labels: {},
    counts: ['8', 9, true, null],
  },
  spec: {
    services: [{ name: 'web', port: 80 }, { name: 'db', port: 5432 }, { name: 'job' }],
    workers: 2,
    ratio: 1.5,
    on: true,
    hosts: ['h1', 'h2'],
    none: null,
  },
  status: {
    phase: 'Available',
    conditions: [
      { type: 'Progressing', status: 'False' },
      { type: 'Ready', status: 'True', reason: "it's up" },
    ],
    nodes: { b: { ready: true }, a: { ready: false } },
  },
};

function find(path: string): readonly Json[] {
  const result = compileJsonPath(path);
  assert.ok(result.ok, result.ok ? '' : result.why);
  return result.path.find(OBJECT);
}

describe('JSONPath', () => {
  const FINDS: readonly (readonly [string, readonly Json[]])[] = [
    ['.status.phase', ['Available']],
    ['status.phase', ['Available']],
    ['$.status.phase', ['Available']],
    ['{.status.phase}', ['Available']],
    [".status['phase']", ['Available']],
    ['.metadata["name"]', ['a']],
    ['.metadata.annotations.foo\\.bar/baz', ['x']],
    [".metadata.annotations['foo.bar/baz']", ['x']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type == 'Ready')].reason", ["it's up"]],
    ['.status.conditions[?(@.type!="Ready")].type', ['Progressing']],
    ['.spec.services[?(@.port)].name', ['web', 'db']],
    ['.spec.services[?(@.port>80)].name', ['db']],
    ['.spec.services[?(@.port>=80)].name', ['web', 'db']],
    ['.spec.services[?(@.port<81)].name', ['web']],
    ['.spec.services[?(@.port<=79)].name', []],
    ['.spec.hosts[?(@=="h2")]', ['h2']],
    ['.metadata.counts[?(@>5)]', [9]],
    ['.status.nodes[?(@.ready==true)]', [{ ready: true }]],
    ['.spec.services[*].name', ['web', 'db', 'job']],
    ['.spec.services[0].name', ['web']],
    ['.spec.services[-1].name', ['job']],
    ['.spec.services[0:2].name', ['web', 'db']],
    ['.spec.services[1:].name', ['db', 'job']],
    ['.spec.services[:-1].name', ['web', 'db']],
    ['.status.nodes.*.ready', [false, true]],
    ['.spec.services[9].name', []],
    ['.nosuch.at.all', []],
    ['.metadata.name.further', []],
    ['.spec.none', [null]],
    ['.metadata.constructor', []],
    ['.metadata.__proto__', []],
  ];
  for (const [path, found] of FINDS) test(path, () => assert.deepEqual(find(path), found));

  for (const path of [
    '',
    '.',
    '..name',
    '.a..b',
    '.a[',
    '.a[x]',
    '.a[?(@.b=)]',
    '.a[?(@.b=="x"]',
    '.a b',
    '.a]',
    '.a[0,1]',
    `.${'a'.repeat(2000)}`,
  ]) {
    test(`refuses ${JSON.stringify(path.slice(0, 30))} with a sentence`, () => {
      const result = compileJsonPath(path);
      assert.ok(!result.ok);
      assert.match(result.why, /^the path ".*" .*; write it as in \.status\.phase/);
    });
  }

  test('I2: any text is read or refused, and looking never fails', () => {
    const piece = fc.constantFrom(
      '.',
      '[',
      ']',
      '*',
      '?',
      '(',
      ')',
      '@',
      '==',
      '"a"',
      'a',
      'b',
      '0',
      '-1',
      ':',
      "'",
      '\\',
      'spec',
      'status',
      '{',
      '}',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.jsonValue(), (pieces, value) => {
        const result = compileJsonPath(pieces.join(''));
        if (result.ok) assert.ok(Array.isArray(result.path.find(value as Json)));
      }),
      { numRuns: 2000 },
    );
  });

  test('a path of names only tells them, for the scale subresource', () => {
    const names = (path: string): readonly string[] | undefined => {
      const result = compileJsonPath(path);
      return result.ok ? result.path.names : undefined;
    };
    assert.deepEqual(names('.spec.workers'), ['spec', 'workers']);
    assert.equal(names('.spec.services[0]'), undefined);
    assert.equal(valueAt(OBJECT, ['spec', 'workers']), 2);
    assert.equal(valueAt(OBJECT, ['spec', 'no', 'way']), undefined);
    assert.equal(valueAt(OBJECT, ['constructor']), undefined);
  });
});

describe('printer columns', () => {
  const NOW = Date.parse('2026-01-01T00:05:10Z');
  const cell = (type: PrinterColumn['type'], jsonPath: string): Json => {
    const result = compileColumn({ name: 'X', type, jsonPath });
    assert.ok(result.ok);
    return result.column.cell(OBJECT, NOW);
  };
  const CELLS: readonly (readonly [PrinterColumn['type'], string, Json])[] = [
    ['string', '.status.phase', 'Available'],
    ['string', '.spec.workers', '2'],
    ['string', '.spec.on', 'true'],
    ['string', '.spec.hosts', '["h1","h2"]'],
    ['string', '.spec.services[*].name', 'web,db,job'],
    ['string', '.nosuch', null],
    ['string', '.spec.none', null],
    ['integer', '.spec.workers', 2],
    ['integer', '.spec.ratio', 1],
    ['integer', '.status.phase', null],
    ['number', '.spec.ratio', 1.5],
    ['number', '.spec.on', null],
    ['boolean', '.spec.on', true],
    ['boolean', '.spec.workers', null],
    ['date', '.metadata.creationTimestamp', '5m10s'],
    ['date', '.status.phase', '<invalid>'],
    ['date', '.spec.workers', null],
    ['date', '.metadata.deletionTimestamp', null],
  ];
  for (const [type, path, is] of CELLS) test(`${type} ${path} is ${JSON.stringify(is)}`, () => assert.equal(cell(type, path), is));

  test('a column whose path cannot be read is refused', () =>
    assert.equal(compileColumn({ name: 'X', type: 'string', jsonPath: '..a' }).ok, false));

  test('all columns of our kinds compile', () => {
    for (const kind of KINDS) for (const column of kind.columns) assert.ok(compileColumn(column).ok, `${kind.kind} ${column.name}`);
  });
});

describe('ages', () => {
  const [S, M, H, D, Y] = [1000, 60_000, 3_600_000, 86_400_000, 31_536_000_000] as const;
  /** From the table of k8s.io/apimachinery/pkg/util/duration/duration_test.go. */
  const AGES: readonly (readonly [number, string])[] = [
    [S, '1s'],
    [70 * S, '70s'],
    [190 * S, '3m10s'],
    [70 * M, '70m'],
    [47 * H, '47h'],
    [49 * H, '2d1h'],
    [8 * D + 2 * H, '8d'],
    [367 * D, '367d'],
    [2 * Y + 25 * D + H, '2y25d'],
    [8 * Y + 2 * D + 10 * H, '8y'],
    [-S / 2, '0s'],
    [-S, '0s'],
    [-2 * S, '<invalid>'],
    [0, '0s'],
    [2 * M - 1, '119s'],
    [2 * M, '2m'],
    [2 * M + 1 * S, '2m1s'],
    [10 * M - S, '9m59s'],
    [10 * M, '10m'],
    [3 * H - S, '179m'],
    [3 * H, '3h'],
    [3 * H + M, '3h1m'],
    [8 * H - S, '7h59m'],
    [8 * H, '8h'],
    [48 * H - S, '47h'],
    [48 * H, '2d'],
    [8 * D - S, '7d23h'],
    [8 * D, '8d'],
    [2 * Y - S, '729d'],
    [2 * Y, '2y'],
    [8 * Y - S, '7y364d'],
    [8 * Y, '8y'],
    [Number.NaN, '<invalid>'],
  ];
  for (const [ms, text] of AGES) test(`${ms} ms is ${text}`, () => assert.equal(humanDuration(ms), text));

  test('are never longer than seven characters', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 300 * Y }), (ms) => humanDuration(ms).length <= 7));
  });
});
