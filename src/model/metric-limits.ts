/**
 * The limits of monitoring: scraping, what a site keeps, shipping, what a director keeps and answers. Part of LIMITS (limits.ts), where all are read.
 */

export const METRIC_LIMITS = {
  /** A site is scraped this often, and a target has this long to answer. Prometheus' own default is a minute, and 10 s. */
  scrapeEveryMs: 15_000,
  scrapeDeadlineMs: 5_000,
  /** What one target may answer, and how many samples of it are taken. */
  scrapeBytes: 1024 * 1024,
  scrapeSamples: 1_000,
  /** Labels of a series, the longest text that names one, and the longest name of a metric. */
  metricLabels: 32,
  metricSeriesChars: 512,
  /** Series of one cluster, at the site and at a director, and samples of one round. */
  metricSeriesPerCluster: 4_000,
  /** Samples are kept this long, at the site and at the directors, and no more than so many bytes of them at the site. */
  metricRetentionMs: 7 * 24 * 3600 * 1000,
  metricStoreBytes: 256 * 1024 * 1024,
  /** A segment file is closed at this size, or when its samples span this. */
  metricSegmentBytes: 4 * 1024 * 1024,
  metricSegmentSpanMs: 3600 * 1000,
  /** One round in a segment, packed and unpacked; as many series as a cluster may have, with the longest texts, stay below. */
  metricRecordBytes: 4 * 1024 * 1024,
  metricRecordTextBytes: 16 * 1024 * 1024,
  /** One shipment to a director: rounds, samples, bytes; and between two of them while a backlog is caught up. */
  metricBatchRounds: 60,
  metricBatchSamples: 50_000,
  metricBatchBytes: 1536 * 1024,
  /** Texts of all series of one round, so that each round fits into a shipment. */
  metricRoundTextBytes: 1024 * 1024,
  metricBackfillEveryMs: 500,
  metricShipDeadlineMs: 10_000,
  metricAcknowledgedRanges: 256,
  /** Shipments of one cluster in a minute; a site that catches up sends two a second, and one each round. */
  metricShipmentsPerMinute: 240,
  /** Samples from the future by a director's clock are not taken beyond this; what is older than this is no longer "newest". */
  metricAheadMs: 5 * 60 * 1000,
  metricStaleMs: 5 * 60 * 1000,
  /** At a director: shipments that wait for the database, clusters whose series it remembers, samples of one answer, points of one query. */
  metricWritesWaiting: 64,
  metricClustersRemembered: 2_000,
  metricAnswerSamples: 200_000,
  metricQueryPoints: 11_000,
  metricQuerySeries: 100,
  /** What is older than the retention is swept this often, in deletions of at most so many rows. */
  metricSweepMs: 10 * 60 * 1000,
  metricSweepRows: 10_000,
} as const;
