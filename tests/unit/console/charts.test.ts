/** Curves of the charts: sums, rates, gaps, scales and how numbers are said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curvesOf, factsOf, niceMax, pathsOf, valueText } from '../../../console/src/cluster/charts/curves.ts';
import type { RangeAnswer } from '../../../console/src/cluster/charts/curves.ts';

function answer(...series: readonly (readonly [node: string, values: readonly number[]])[]): RangeAnswer {
  const values = (all: readonly number[]) => all.map((value, index) => [index * 10, String(value)] as const);
  return { data: { result: series.map(([node, all]) => ({ metric: { node }, values: values(all) })) } };
}

test('what a node tells in several series is summed up, a curve for each node', () => {
  const curves = curvesOf(answer(['n1', [1, 2]], ['n0', [5, 5]], ['n1', [10, 20]]), 'node', 'Gauge');
  assert.deepEqual(curves, [
    {
      name: 'n0',
      points: [
        [0, 5],
        [10_000, 5],
      ],
    },
    {
      name: 'n1',
      points: [
        [0, 11],
        [10_000, 22],
      ],
    },
  ]);
  assert.deepEqual(
    factsOf({
      name: 'n',
      points: [
        [0, 1],
        [1, 3],
      ],
    }),
    { newest: 3, lowest: 1, highest: 3 },
  );
});

test('I1: a counter that begins anew counts from nothing', () => {
  const [curve] = curvesOf(answer(['n0', [100, 120, 5, 25]]), 'node', 'Rate');
  assert.deepEqual(
    curve?.points.map(([, value]) => value),
    [2, 0.5, 2],
  );
  assert.deepEqual(curvesOf(answer(['n0', [100]]), 'node', 'Rate'), []);
});

test('I2: where there is no sample the line is broken off', () => {
  const box = { width: 100, height: 10, startMs: 0, endMs: 100, max: 10 };
  const path = pathsOf(
    [
      [0, 0],
      [10, 5],
      [50, 10],
      [60, 20],
    ],
    box,
    15,
  );
  assert.equal(path, 'M0.0 10.0 L10.0 5.0 M50.0 0.0 L60.0 0.0');
});

test('scales are round numbers that hold the highest', () => {
  assert.deepEqual(
    [0, 0.3, 1, 1.1, 7, 30].map((value) => niceMax(value, false)),
    [1, 0.5, 1, 2, 10, 50],
  );
  assert.equal(niceMax(300 * 2 ** 20, true), 512 * 2 ** 20);
  assert.deepEqual([valueText(512 * 2 ** 20, 'bytes'), valueText(0, 'bytes'), valueText(0.12345, 'number')], ['512 MiB', '0 B', '0.123']);
});
