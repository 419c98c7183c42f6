/**
 * Shipments of samples: made of rounds at a site, and read at a director, where they come from a machine that nobody there controls.
 *
 * I1: reading what was made gives the same rounds; whatever else comes in gives a sentence or rounds within the bounds.
 * I2: a shipment is cut to the bounds of what a director takes, at whole rounds, and holds at least one.
 */

import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { METRIC_TYPES, OWN_LABELS } from '../model/metric.ts';
import type { MetricShipment, MetricType, Round, Sample } from '../model/metric.ts';
import { readSeries } from './metric-text.ts';

/** Most bytes that a sample takes: index, value, commas. */
const SAMPLE_BYTES = 32;

/** What of `rounds` fits into one shipment, from the first one on. */
export function shipmentOf(
  rounds: readonly Round[],
  maxSamples: number = LIMITS.metricBatchSamples,
  maxBytes: number = LIMITS.metricBatchBytes,
): { readonly shipment: MetricShipment; readonly taken: readonly Round[] } {
  const indexes = new Map<string, number>();
  const series: (readonly [string, MetricType])[] = [];
  const packed: MetricShipment['rounds'][number][] = [];
  const taken: Round[] = [];
  let [samples, bytes] = [0, 0];
  for (const round of rounds) {
    samples += round.samples.length;
    bytes += bytesOf(round, indexes);
    if (taken.length > 0 && (samples > maxSamples || bytes > maxBytes)) break;
    taken.push(round);
    packed.push([round.sequence, round.atMs, round.samples.flatMap((sample) => [indexOf(sample, indexes, series), sample.value])]);
  }
  return { shipment: { series, rounds: packed }, taken };
}

/** Bytes that the text of a series takes in JSON. */
export function seriesBytes(series: string): number {
  return new TextEncoder().encode(JSON.stringify(series)).length;
}

function bytesOf({ samples }: Round, known: ReadonlyMap<string, number>): number {
  return samples.reduce((sum, { series }) => sum + SAMPLE_BYTES + (known.has(series) ? 0 : seriesBytes(series)), 0);
}

function indexOf(sample: Sample, indexes: Map<string, number>, series: (readonly [string, MetricType])[]): number {
  let index = indexes.get(sample.series);
  if (index === undefined) {
    indexes.set(sample.series, (index = series.length));
    series.push([sample.series, sample.type]);
  }
  return index;
}

export type ShipmentRead = { readonly ok: true; readonly rounds: readonly Round[] } | { readonly ok: false; readonly message: string };

/** What a body says; series are checked by the caller, who knows most of them already (`isSeries`). */
export function readShipment(body: Json | undefined): ShipmentRead {
  if (body === undefined || !isJsonObject(body)) return wrong('the body must be {"series": [...], "rounds": [...]}');
  const { series, rounds } = body;
  if (!Array.isArray(series) || series.length > LIMITS.metricSeriesPerCluster)
    return wrong(`series must be a list of at most ${LIMITS.metricSeriesPerCluster}`);
  if (!series.every(isTyped)) return wrong(`each of series must be [text, type], with a type of ${METRIC_TYPES.join(', ')}`);
  if (!Array.isArray(rounds) || rounds.length > LIMITS.metricBatchRounds)
    return wrong(`rounds must be a list of at most ${LIMITS.metricBatchRounds}`);
  const read: Round[] = [];
  let samples = 0;
  for (const [at, one] of rounds.entries()) {
    const round = readRoundOf(one, series);
    if (round === undefined)
      return wrong(`rounds[${at}] must be [sequence, atMs, [index, value, ...]] with finite values and indexes into series, each once`);
    samples += round.samples.length;
    if (samples > LIMITS.metricBatchSamples) return wrong(`a shipment may hold at most ${LIMITS.metricBatchSamples} samples`);
    read.push(round);
  }
  return { ok: true, rounds: read };
}

/** May a cluster send a series of this text? It names itself and its organization by its certificate, never by a label. */
export function isSeries(text: string): boolean {
  const series = readSeries(text);
  return series !== undefined && !series.labels.some(([name]) => name === OWN_LABELS[0] || name === OWN_LABELS[1]);
}

function wrong(message: string): ShipmentRead {
  return { ok: false, message };
}

function isTyped(one: Json): one is [string, MetricType] {
  return Array.isArray(one) && one.length === 2 && typeof one[0] === 'string' && METRIC_TYPES.some((type) => type === one[1]);
}

function readRoundOf(one: Json, series: readonly (readonly [string, MetricType])[]): Round | undefined {
  if (!Array.isArray(one) || one.length !== 3) return undefined;
  const [sequence, atMs, packed] = one;
  if (!isCount(sequence) || !isCount(atMs) || !Array.isArray(packed) || packed.length % 2 !== 0) return undefined;
  const samples = new Map<number, Sample>();
  for (let at = 0; at < packed.length; at += 2) {
    const [index, value] = [packed[at], packed[at + 1]];
    if (!isCount(index) || typeof value !== 'number' || !Number.isFinite(value) || samples.has(index)) return undefined;
    const named = series[index];
    if (named === undefined) return undefined;
    samples.set(index, { series: named[0], type: named[1], value });
  }
  return { sequence, atMs, samples: [...samples.values()] };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
