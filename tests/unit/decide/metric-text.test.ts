/**
 * Prometheus' text format: what others write is read, what we write others read, and no text does harm.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { familyOf, readMetrics, readSeries, seriesText, writeMetrics } from '../../../src/decide/metric-text.ts';
import type { Series } from '../../../src/decide/metric-text.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { METRIC_TYPES } from '../../../src/model/metric.ts';

const NAME = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,20}$/);
const LABEL = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,10}$/);
const VALUE = fc.string({ minLength: 1, maxLength: 12 });
const SERIES: fc.Arbitrary<Series> = fc.record({
  name: NAME,
  labels: fc.uniqueArray(fc.tuple(LABEL, VALUE), { maxLength: 6, selector: ([label]) => label }),
});
const NUMBER = fc.double({ noNaN: true, noDefaultInfinity: true });

describe('metric text', () => {
  it('I3: the text of a series does not depend on the order of its labels, and reads back', () => {
    fc.assert(
      fc.property(SERIES, (series) => {
        const text = seriesText(series);
        assert.equal(seriesText({ ...series, labels: series.labels.toReversed() }), text);
        assert.equal(seriesText(readSeries(text) ?? { name: 'unread', labels: [] }), text);
      }),
    );
  });

  it('I3: what is written is read again, value by value', () => {
    const sample = fc.record({ series: SERIES.map(seriesText), type: fc.constantFrom(...METRIC_TYPES), value: NUMBER });
    fc.assert(
      fc.property(fc.uniqueArray(sample, { maxLength: 30, selector: ({ series }) => series }), (samples) => {
        const read = readMetrics(writeMetrics(samples), 1000);
        assert.deepEqual([read.dropped, read.samples.length], [0, samples.length]);
        const values = new Map(read.samples.map(({ series, value }) => [series, value]));
        for (const { series, value } of samples) assert.equal(values.get(series), value === 0 ? 0 : value);
      }),
    );
  });

  it('I1: any text ends, throws nothing and stays within its bound', () => {
    const piece = fc.oneof(
      fc.string(),
      NAME,
      fc.constantFrom('{', '}', '"', '\\', ',', '=', ' ', '\n', '# TYPE ', 'NaN', '+Inf', '1e999', '# HELP x y\n'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(5), (pieces, max) => {
        const read = readMetrics(pieces.join(''), max);
        assert.ok(read.samples.length <= max);
        assert.ok(read.samples.every(({ value, series }) => Number.isFinite(value) && series.length <= LIMITS.metricSeriesChars));
        assert.equal(read.message === undefined, read.dropped === 0);
      }),
      { numRuns: 500 },
    );
    const flood = `${'a'.repeat(1_000_000)} 1\n${'x{l="'.repeat(10_000)}\nok 1\n`;
    assert.deepEqual(readMetrics(flood, 10).samples, [{ series: 'ok', type: 'untyped', value: 1 }]);
  });

  it('I2: a bad line costs that line, and the first is told', () => {
    const text = ['good 1', '7bad 2', 'bad{a="b" 3', 'bad{a="b",a="c"} 3', 'bad x', 'bad 1 2 3', 'good{b="2"} 4 1700000000000'].join('\n');
    const read = readMetrics(text, 100);
    assert.deepEqual(
      read.samples.map(({ series, value }) => [series, value]),
      [
        ['good', 1],
        ['good{b="2"}', 4],
      ],
    );
    assert.deepEqual([read.dropped, read.message], [5, 'line 2 does not begin with the name of a metric']);
    const many = readMetrics('a 1\nb 2\nc 3\n', 2);
    assert.deepEqual([many.samples.length, many.dropped, many.message], [2, 1, 'line 3 is beyond the 2 samples that are taken']);
    assert.deepEqual(readMetrics('a NaN\nb +Inf\nc -Inf\n', 9), { samples: [], dropped: 0, message: undefined });
  });

  it('reads what prom-client writes, each sample with the type of its family', async () => {
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: 'c_total', help: 'a "help" with \\ and\nnewline', labelNames: ['l'], registers }).inc({ l: 'a"b\\c\nd' }, 3);
    new Gauge({ name: 'g', help: 'g', registers }).set(-1.5e-7);
    const histogram = new Histogram({ name: 'h_seconds', help: 'h', buckets: [0.1, 1], registers });
    histogram.observe(0.5);
    new Summary({ name: 's', help: 's', percentiles: [0.5], registers }).observe(2);
    const { samples, dropped } = readMetrics(await registry.metrics(), 100);
    assert.equal(dropped, 0);
    const found = Object.fromEntries(samples.map(({ series, type, value }) => [series, `${type} ${value}`]));
    assert.deepEqual(found, {
      'c_total{l="a\\"b\\\\c\\nd"}': 'counter 3',
      g: 'gauge -1.5e-7',
      'h_seconds_bucket{le="0.1"}': 'histogram 0',
      'h_seconds_bucket{le="1"}': 'histogram 1',
      'h_seconds_bucket{le="+Inf"}': 'histogram 1',
      h_seconds_sum: 'histogram 0.5',
      h_seconds_count: 'histogram 1',
      's{quantile="0.5"}': 'summary 2',
      s_sum: 'summary 2',
      s_count: 'summary 1',
    });
    assert.equal(familyOf('h_seconds_bucket', 'histogram'), 'h_seconds');
    assert.equal(familyOf('x_count', 'gauge'), 'x_count');
    assert.equal(writeMetrics(samples).match(/# TYPE /g)?.length, 4, 'each family once');
  });

  it('takes labels as others write them', () => {
    assert.deepEqual(
      readMetrics('m{ b = "1" } 1\nm{b="1", a="2",} 5\nm{} 6\n', 9).samples.map(({ series, value }) => [series, value]),
      [
        ['m{a="2",b="1"}', 5],
        ['m', 6],
      ],
    );
    assert.equal(readSeries('m{b="1",a="2"}'), undefined, 'not in order');
    assert.equal(readSeries('m 1'), undefined);
    assert.equal(readSeries('m{a="1"} 5 #'), undefined);
  });
});
