/**
 * The door to the samples that sites ship: what a director keeps of them, apart from the entities.
 *
 * I1: a sample is known by (cluster uid, series, time): writing it again changes nothing, whichever director it is sent to.
 * I2: no call waits without a bound; nothing here holds up the entity store.
 * I3: a cluster has at most LIMITS.metricSeriesPerCluster series; what would be beyond is not kept, and said.
 *
 * Every method that takes a signal may throw `Fault` StoreUnavailable, DiskFull, Overloaded or Aborted.
 */

import type { MetricReceipt, MetricType, Round } from '../model/metric.ts';

export interface NewestSample {
  readonly clusterUid: string;
  readonly atMs: number;
  readonly series: string;
  readonly type: MetricType;
  readonly value: number;
}

export interface MetricQuery {
  readonly clusterUid: string;
  /** Name of the metric, without labels. */
  readonly name: string;
  /** Both included; at each step the newest sample that is at most `lookbackMs` old counts. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
}

export interface MetricCurve {
  readonly series: string;
  /** [ms since 1970, value]; steps without a sample are left out. */
  readonly points: readonly (readonly [number, number])[];
}

export interface MetricStore {
  /** One write, whatever it holds. */
  write(clusterUid: string, rounds: readonly Round[], signal: AbortSignal): Promise<Omit<MetricReceipt, 'nowMs'>>;
  /** The newest round of each cluster within (afterMs, throughMs]. `too-many`: more than `maxSamples`. */
  newest(
    clusterUids: readonly string[],
    afterMs: number,
    throughMs: number,
    maxSamples: number,
    signal: AbortSignal,
  ): Promise<readonly NewestSample[] | 'too-many'>;
  /** `too-many`: more series of that name than `maxSeries`. */
  range(query: MetricQuery, maxSeries: number, signal: AbortSignal): Promise<readonly MetricCurve[] | 'too-many'>;
  /** Forgets what is older; some at a time. Gives how many rounds went. */
  sweep(beforeMs: number, maxRows: number, signal: AbortSignal): Promise<number>;
  close(): void;
}
