/**
 * What an extension server tells of itself: facts in, samples in Prometheus' text format out; and whether it is ready. Names and meaning:
 * src/model/metric-catalog.ts.
 *
 * I1: a fact that is not known makes no sample; no sample is made up.
 * I2: it is ready exactly when nothing is missing; what is, is said in a sentence each.
 */

import { metricHelp, METRICS } from '../model/metric-catalog.ts';
import type { MetricType, Sample } from '../model/metric.ts';
import type { MassSilence } from './mass-silence.ts';
import { seriesText, writeMetrics } from './metric-text.ts';

export interface ExtensionFacts {
  readonly server: string;
  readonly version: string;
  /** Which ServerConfig it obeys. */
  readonly obeys: string;
  /** Clusters that wait for a look that is due, and that are looked at now. */
  readonly queueDepth: number;
  readonly atWork: number;
  readonly liveServers: number;
  readonly leaseAgeMs: number | undefined;
  /** Undefined: nothing was looked at yet. */
  readonly massSilence: MassSilence | undefined;
  readonly lagSeconds: number;
  readonly looks: number;
  readonly takeovers: number;
  readonly overdue: number;
  readonly conflicts: number;
  readonly attemptsBegun: number;
  readonly attemptsAvailable: number;
  readonly attemptsFailed: ReadonlyMap<string, number>;
  /** By `<first>/<second>`. */
  readonly calls: ReadonlyMap<string, number>;
  readonly effects: ReadonlyMap<string, number>;
  /** Spans of traces that no collector took. */
  readonly spansDropped: number;
  readonly lookSeconds: number;
  /** Looks by the upper bound of how long they took, in s, in order; not added up. */
  readonly lookBuckets: readonly (readonly [bound: number, looks: number])[];
  /** All looks that were timed, also those beyond the last bound. */
  readonly looksTimed: number;
}

type Labels = Readonly<Record<string, string>>;
type Row = readonly [name: string, value: number | undefined, labels?: Labels];

const TYPES: ReadonlyMap<string, MetricType> = new Map(METRICS.map(({ name, type }) => [name, type]));
const PREFIX = 'outrigger_extension_';
const LOOKS = `${PREFIX}look_duration_seconds`;

export function extensionMetricsText(facts: ExtensionFacts): string {
  const { server, version, obeys } = facts;
  const rows: readonly Row[] = [
    ['info', 1, { server, version, obeys }],
    ['queue_depth', facts.queueDepth],
    ['at_work', facts.atWork],
    ['live_servers', facts.liveServers],
    ['lease_age_seconds', facts.leaseAgeMs === undefined ? undefined : facts.leaseAgeMs / 1000],
    ['event_loop_lag_seconds', facts.lagSeconds],
    ['mass_silence', facts.massSilence === undefined ? undefined : Number(facts.massSilence.active)],
    ['silent_sites', facts.massSilence?.silentSites],
    ['watched_sites', facts.massSilence?.sites],
    ['looks_total', facts.looks],
    ['takeovers_total', facts.takeovers],
    ['overdue_total', facts.overdue],
    ['conflicts_total', facts.conflicts],
    ['attempts_begun_total', facts.attemptsBegun],
    ['attempts_available_total', facts.attemptsAvailable],
    ...[...facts.attemptsFailed].map(([cause, value]): Row => ['attempts_failed_total', value, { cause }]),
    ...pairs('api_calls_total', facts.calls, 'verb'),
    ...pairs('effects_total', facts.effects, 'effect'),
    ['spans_dropped_total', facts.spansDropped],
  ];
  return writeMetrics([...rows.flatMap(sampleOf), ...histogram(facts)], metricHelp);
}

function pairs(name: string, tally: ReadonlyMap<string, number>, first: string): Row[] {
  return [...tally].map(([key, value]): Row => {
    const slash = key.indexOf('/');
    return [name, value, { [first]: key.slice(0, slash), result: key.slice(slash + 1) }];
  });
}

function sampleOf([name, value, labels = {}]: Row): Sample[] {
  if (value === undefined || !Number.isFinite(value)) return [];
  const full = `${PREFIX}${name}`;
  return [{ series: seriesText({ name: full, labels: Object.entries(labels) }), type: TYPES.get(full) ?? 'untyped', value }];
}

/** As Prometheus has it: each bucket holds all that took at most so long. */
function histogram({ lookBuckets, lookSeconds, looksTimed }: ExtensionFacts): Sample[] {
  let sum = 0;
  const bucket = (le: string, value: number): Sample => ({
    series: seriesText({ name: `${LOOKS}_bucket`, labels: [['le', le]] }),
    type: 'histogram',
    value,
  });
  return [
    ...lookBuckets.map(([bound, looks]) => bucket(String(bound), (sum += looks))),
    bucket('+Inf', looksTimed),
    { series: `${LOOKS}_sum`, type: 'histogram', value: lookSeconds },
    { series: `${LOOKS}_count`, type: 'histogram', value: looksTimed },
  ];
}

export interface ReadyFacts {
  /** Copies that have not been filled yet, by the plural names of their kinds. */
  readonly unsynced: readonly string[];
  readonly leaseAgeMs: number | undefined;
  readonly leaseMs: number;
  readonly stopping: boolean;
}

/** What keeps the server from being ready, a sentence each; none: it is ready. */
export function missingOf({ unsynced, leaseAgeMs, leaseMs, stopping }: ReadyFacts): readonly string[] {
  if (stopping) return ['This server is stopping.'];
  const copies = unsynced.length === 0 ? [] : [`Not read yet: ${unsynced.join(', ')}; the director has not answered, or not in full.`];
  if (leaseAgeMs === undefined) return [...copies, 'Its Lease is not shown, so it works on nothing that is shared.'];
  if (leaseAgeMs < leaseMs) return copies;
  const ago = Math.round(leaseAgeMs / 1000);
  return [
    ...copies,
    `Its Lease was last renewed ${ago} s ago and lasts ${leaseMs / 1000} s: the director does not answer, or the loop hangs.`,
  ];
}
