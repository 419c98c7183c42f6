/**
 * Prometheus' text format (version 0.0.4): read with bounds, and written.
 *
 * Our own reader, because what is published for it (parse-prometheus-text-format, last touched in 2020) holds no bound and gives up a whole answer for
 * one bad line; a target that floods or lies must cost its own samples and nothing else.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * I1: whatever text comes in, reading ends, throws nothing and gives at most `maxSamples` samples.
 * I2: a line that cannot be read costs that line; how many, and the first of them, is told.
 * I3: the text of a series is the same whatever the order of its labels; reading what was written gives the same series.
 */

import { LIMITS } from '../model/limits.ts';
import { METRIC_TYPES } from '../model/metric.ts';
import type { MetricType, Sample } from '../model/metric.ts';

export interface MetricsRead {
  readonly samples: readonly Sample[];
  /** Lines, and samples beyond the bound, that were left out. */
  readonly dropped: number;
  /** About the first of them; undefined: nothing was. */
  readonly message: string | undefined;
}

export interface Series {
  readonly name: string;
  /** In order of their names. */
  readonly labels: readonly (readonly [string, string])[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const SUFFIXES: Partial<Record<MetricType, RegExp>> = { histogram: /_(?:bucket|sum|count)$/, summary: /_(?:sum|count)$/ };

/** Reads an answer; `label` changes the labels of each series (undefined: left out). */
export function readMetrics(text: string, maxSamples: number, label: (series: Series) => Series = (series) => series): MetricsRead {
  const types = new Map<string, MetricType>();
  const samples = new Map<string, Sample>();
  let dropped = 0;
  let message: string | undefined;
  const drop = (lineNumber: number, why: string): void => {
    dropped++;
    message ??= `line ${lineNumber} ${why}`;
  };
  for (const [index, line] of lines(text)) {
    if (line === '' || line.startsWith('#')) {
      noteType(line, types, maxSamples);
      continue;
    }
    const read = readSample(line);
    if (typeof read === 'string') drop(index, read);
    else if (read !== undefined) {
      const series = seriesText(label(read.series));
      if (series.length > LIMITS.metricSeriesChars) drop(index, `names a series of more than ${LIMITS.metricSeriesChars} characters`);
      else if (samples.size >= maxSamples && !samples.has(series)) drop(index, `is beyond the ${maxSamples} samples that are taken`);
      else samples.set(series, { series, type: typeOf(read.series.name, types), value: read.value });
    }
  }
  return { samples: [...samples.values()], dropped, message };
}

/** `name{a="b"}`; labels with an empty value are left out, as they mean the same as none. */
export function seriesText({ name, labels }: Series): string {
  const kept = labels.filter(([, value]) => value !== '').toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (kept.length === 0) return name;
  return `${name}{${kept.map(([key, value]) => `${key}="${escaped(value)}"`).join(',')}}`;
}

/** The series that a text names, when it is written as `seriesText` writes it. */
export function readSeries(text: string): Series | undefined {
  if (text.length > LIMITS.metricSeriesChars) return undefined;
  const read = readSample(`${text} 0`);
  return read === undefined || typeof read === 'string' || seriesText(read.series) !== text ? undefined : read.series;
}

/** The name under which the type of a series is told. */
export function familyOf(name: string, type: MetricType): string {
  const suffix = SUFFIXES[type];
  return suffix === undefined ? name : name.replace(suffix, '');
}

/** A sample with the time at which it was true, where that is not now. */
export type TimedSample = Sample & { readonly atMs?: number };

/** Samples as an answer, each family once with its type. `help`: of a family, where there is one. */
export function writeMetrics(samples: readonly TimedSample[], help: (family: string) => string | undefined = () => undefined): string {
  const families = new Map<string, { type: MetricType; lines: string[] }>();
  for (const { series, type, value, atMs } of samples) {
    const family = familyOf(NAME.exec(series)?.[0] ?? '', type);
    let entry = families.get(family);
    if (entry === undefined) families.set(family, (entry = { type, lines: [] }));
    entry.lines.push(atMs === undefined ? `${series} ${value}` : `${series} ${value} ${atMs}`);
  }
  const parts: string[] = [];
  for (const [family, { type, lines: own }] of [...families].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const about = help(family);
    if (about !== undefined) parts.push(`# HELP ${family} ${about.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`);
    parts.push(`# TYPE ${family} ${type}`, ...own);
  }
  return parts.length === 0 ? '' : `${parts.join('\n')}\n`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** Number (from 1) and text of each line, trimmed. */
function* lines(text: string): Generator<readonly [number, string]> {
  let from = 0;
  for (let number = 1; from <= text.length; number++) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    yield [number, text.slice(from, to).trim()];
    from = to + 1;
  }
}

function noteType(line: string, types: Map<string, MetricType>, max: number): void {
  const [, name = '', type = ''] = /^#\s*TYPE\s+(\S+)\s+(\S+)$/.exec(line) ?? [];
  const known = METRIC_TYPES.find((one) => one === type);
  if (known !== undefined && types.size < max) types.set(name, known);
}

function typeOf(name: string, types: ReadonlyMap<string, MetricType>): MetricType {
  const own = types.get(name);
  if (own !== undefined) return own;
  for (const type of ['histogram', 'summary'] as const) {
    if (types.get(familyOf(name, type)) === type) return type;
  }
  return 'untyped';
}

/** A string says what is wrong with the line; undefined: it is right, and its value is none that is kept. */
function readSample(line: string): { readonly series: Series; readonly value: number } | string | undefined {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) return 'does not begin with the name of a metric';
  const labels = line[name.length] === '{' ? readLabels(line, name.length + 1) : { labels: [], end: name.length };
  if (typeof labels === 'string') return labels;
  const [value = '', time, ...more] = line.slice(labels.end).trim().split(/\s+/);
  if (more.length > 0 || (time !== undefined && !/^-?\d{1,16}$/.test(time))) return 'holds more than a value and a time stamp';
  if (/^(?:[+-]?Inf|NaN)$/i.test(value)) return undefined;
  if (!/^[+-]?(?:\d|\.\d)/.test(value)) return 'holds no number';
  const number = Number(value);
  return Number.isFinite(number) ? { series: { name, labels: labels.labels }, value: number } : 'holds no number';
}

/** The labels that begin at `at`, and where they end; a string says what is wrong. */
function readLabels(line: string, at: number): { readonly labels: [string, string][]; readonly end: number } | string {
  const labels = new Map<string, string>();
  let from = skipSpaces(line, at);
  while (line[from] !== '}') {
    const key = LABEL.exec(line.slice(from, from + LIMITS.metricSeriesChars))?.[0];
    if (key === undefined || line[from + key.length] !== '=' || line[from + key.length + 1] !== '"') return 'holds a label without a value';
    const value = readQuoted(line, from + key.length + 2);
    if (value === undefined) return 'holds a label whose value does not end';
    if (labels.has(key)) return `names the label ${key} twice`;
    if (labels.size >= LIMITS.metricLabels) return `has more than ${LIMITS.metricLabels} labels`;
    labels.set(key, value.text);
    from = skipSpaces(line, value.end);
    if (line[from] === ',') from = skipSpaces(line, from + 1);
    else if (line[from] !== '}') return 'holds labels that are not separated by commas';
  }
  return { labels: [...labels].toSorted(([a], [b]) => (a < b ? -1 : 1)), end: from + 1 };
}

function skipSpaces(line: string, at: number): number {
  let from = at;
  while (line[from] === ' ' || line[from] === '\t') from++;
  return from;
}

/** The value whose first character stands at `at`, and where the line goes on after its closing quote. */
function readQuoted(line: string, at: number): { readonly text: string; readonly end: number } | undefined {
  let text = '';
  for (let from = at; from < line.length; from++) {
    const one = line[from];
    if (one === '"') return { text, end: from + 1 };
    if (one !== '\\') text += one;
    else text += unescaped(line[++from]);
  }
  return undefined;
}

function unescaped(mark: string | undefined): string {
  if (mark === 'n') return '\n';
  return mark === '"' || mark === '\\' ? mark : `\\${mark ?? ''}`;
}
