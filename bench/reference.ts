/**
 * The reference's recorded figures: kube-apiserver 1.36 + etcd 3.5 serving one CRD, on 2 cores of a shared machine with fsync on.
 *
 * It cannot be installed where the bench runs, so these stand in the table, marked as recorded. Requests/s, ms and MB as measured there;
 * objects were 3.0 kB as answered and 4.5 kB with status, about half of it managedFields, so lists and events are compared per byte too.
 */

export interface PhaseFigure {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const REFERENCE_PHASES = {
  create: { perSecond: 471, p50Ms: 52, p99Ms: 191 },
  get: { perSecond: 1408, p50Ms: 18, p99Ms: 80 },
  statusPatch: { perSecond: 300, p50Ms: 83, p99Ms: 321 },
  getPut: { perSecond: 227, p50Ms: 111, p99Ms: 361 },
  apply: { perSecond: 202, p50Ms: 121, p99Ms: 473 },
  delete: { perSecond: 407, p50Ms: 60, p99Ms: 227 },
  getOne: { perSecond: 543, p50Ms: 1.5, p99Ms: 8.3 },
  statusPatchOne: { perSecond: 139, p50Ms: 6.2, p99Ms: 24 },
} as const satisfies Record<string, PhaseFigure>;

export interface ListFigure {
  readonly medianMs: number;
  readonly megabytes: number;
}

export const REFERENCE_LISTS = {
  full: { medianMs: 745, megabytes: 19.8 },
  fullCached: { medianMs: 774, megabytes: 19.8 },
  fullGzip: { medianMs: 666, megabytes: 0.99 },
  pages: { medianMs: 818, megabytes: 19.8 },
  tablePage: { medianMs: 60, megabytes: 1.33 },
  initialEvents: { medianMs: 853, megabytes: 19.9 },
} as const satisfies Record<string, ListFigure>;

export interface WatchFigure {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const REFERENCE_WATCHES = {
  onePaced: { eventsPerSecond: 50, p50Ms: 0.1, p99Ms: 2.4 },
  oneFast: { eventsPerSecond: 242, p50Ms: 42, p99Ms: 363 },
  tenFast: { eventsPerSecond: 2389, p50Ms: 50, p99Ms: 399 },
  hundredPaced: { eventsPerSecond: 4999, p50Ms: 1.8, p99Ms: 15 },
  hundredFast: { eventsPerSecond: 16939, p50Ms: 1260, p99Ms: 2121 },
} as const satisfies Record<string, WatchFigure>;

/** MB, apiserver and etcd together. */
export const REFERENCE_MEMORY = { empty: 301, afterCreate: 718, afterAllLow: 2800, afterAllHigh: 3850 } as const;
/** Seconds from start to ready. */
export const REFERENCE_READY_SECONDS = 2.0;
