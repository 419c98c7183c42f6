/**
 * Metrics as they travel: what a series is called, what a round of scraping holds, and what a site sends to a director.
 *
 * A series is named by its text, `name{label="value",…}` with the labels in order of their names, so that equal series have equal texts everywhere.
 *
 * I1: values are finite; what Prometheus writes as NaN or Inf is left out where it is read.
 * I2: a round is never changed once it has its sequence: whoever gets it twice has it once.
 */

/** As in Prometheus' text format; `untyped` where nobody said. */
export const METRIC_TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

export interface Sample {
  readonly series: string;
  /** Of the family that the series belongs to: `x_bucket`, `x_sum` and `x_count` belong to the histogram `x`. */
  readonly type: MetricType;
  readonly value: number;
}

/** All that was scraped at one time. */
export interface Round {
  /** Grows by one with each round of this site's store. */
  readonly sequence: number;
  /** Trusted time, ms since 1970. */
  readonly atMs: number;
  readonly samples: readonly Sample[];
}

/**
 * Body of `POST /outrigger/v1/metrics`, JSON. `series`: text and type, once each; a round is [sequence, atMs, [index, value, index, value, …]] with
 * indexes into `series`. Answer: 200 with a MetricReceipt.
 */
export interface MetricShipment {
  readonly series: readonly (readonly [string, MetricType])[];
  readonly rounds: readonly (readonly [number, number, readonly number[]])[];
}

export interface MetricReceipt {
  /** Samples that are kept now, whether they came with this shipment or an earlier one. */
  readonly kept: number;
  /** Samples that are not kept, and why; sending them again would not help. */
  readonly dropped: number;
  readonly message?: string;
  /** The director's time, ms since 1970. Sites give their samples times by it, as theirs may stand. */
  readonly nowMs: number;
}

/** Labels that Outrigger gives; what a target itself calls so is renamed `exported_…`, as Prometheus does. */
export const OWN_LABELS = ['organization', 'cluster', 'node', 'server'] as const;
