/**
 * Rounds as records of a segment: each says what changed since the one before it, because most of what a site tells stays as it was for minutes.
 *
 * A record is JSON: `{q: sequence, t: atMs, n: [[text, type], …], c: [index, value, …], x: [index, …]}`. `n` gives the next indexes to series that the
 * segment has not seen yet, `c` the values that changed (new series among them), `x` the series that this round no longer has.
 *
 * I1: what is read from the records of a segment, in order from its first one, are the very rounds that were written.
 * I2: each segment stands by itself: its first record refers to nothing before it.
 * I3: a record that does not follow the ones before it is an answer (undefined), never a wrong round.
 */

import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { METRIC_TYPES } from '../model/metric.ts';
import type { MetricType, Round, Sample } from '../model/metric.ts';

/** What the records of a segment have said so far. */
export interface Dictionary {
  readonly series: readonly (readonly [string, MetricType])[];
  readonly indexes: ReadonlyMap<string, number>;
  /** By index; undefined: the newest round does not have it. */
  readonly values: readonly (number | undefined)[];
}

/** Of a segment that holds nothing. */
export const EMPTY_DICTIONARY: Dictionary = { series: [], indexes: new Map(), values: [] };

export interface Written {
  readonly record: JsonObject;
  readonly dictionary: Dictionary;
}

/** The record of `round` after those that made `dictionary`. */
export function writeRound(dictionary: Dictionary, round: Round): Written {
  const fresh = round.samples.filter(({ series }) => !dictionary.indexes.has(series));
  const series = [...dictionary.series, ...fresh.map((one) => [one.series, one.type] as const)];
  const indexes = fresh.length === 0 ? dictionary.indexes : new Map(series.map(([text], index) => [text, index]));
  const values: (number | undefined)[] = series.map(() => undefined);
  for (const sample of round.samples) values[indexes.get(sample.series) ?? 0] = sample.value;
  const changed: number[] = [];
  const gone: number[] = [];
  for (const [index, value] of values.entries()) {
    const old = dictionary.values[index];
    // -0 and 0 differ for nobody who reads a metric, and JSON knows one zero.
    if (value === undefined) {
      if (old !== undefined) gone.push(index);
    } else if (old !== value) changed.push(index, value);
  }
  const record: JsonObject = {
    q: round.sequence,
    t: round.atMs,
    ...(fresh.length === 0 ? {} : { n: fresh.map((one) => [one.series, one.type]) }),
    ...(changed.length === 0 ? {} : { c: changed }),
    ...(gone.length === 0 ? {} : { x: gone }),
  };
  return { record, dictionary: { series, indexes, values } };
}

/** The round that a record says, after those that made `dictionary`; undefined: it does not follow them. */
export function readRound(dictionary: Dictionary, record: Json): { readonly round: Round; readonly dictionary: Dictionary } | undefined {
  if (!isJsonObject(record)) return undefined;
  const { q: sequence, t: atMs, n = [], c = [], x = [] } = record;
  if (!isCount(sequence) || !isCount(atMs) || !Array.isArray(n) || !isNumbers(c) || !isNumbers(x) || c.length % 2 !== 0) return undefined;
  const fresh = n.filter(isNamed);
  if (fresh.length < n.length) return undefined;
  const series = [...dictionary.series, ...fresh];
  const values: (number | undefined)[] = series.map((_, index) => dictionary.values[index]);
  if (![...x, ...c.filter((_, at) => at % 2 === 0)].every((index) => isCount(index) && index < series.length)) return undefined;
  for (const index of x) values[index] = undefined;
  for (let at = 0; at < c.length; at += 2) values[c[at] ?? 0] = c[at + 1];
  const indexes = fresh.length === 0 ? dictionary.indexes : new Map(series.map(([text], index) => [text, index]));
  return { round: { sequence, atMs, samples: samplesOf(series, values) }, dictionary: { series, indexes, values } };
}

function samplesOf(series: readonly (readonly [string, MetricType])[], values: readonly (number | undefined)[]): Sample[] {
  return series.flatMap(([text, type], index) => {
    const value = values[index];
    return value === undefined ? [] : [{ series: text, type, value }];
  });
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isNumbers(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number');
}

function isNamed(value: Json): value is [string, MetricType] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && METRIC_TYPES.some((type) => type === value[1]);
}
