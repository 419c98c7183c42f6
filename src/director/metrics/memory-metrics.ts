/**
 * Samples in memory: the same promises as PostgreSQL (postgres-metrics.ts), for tests; both pass tests/contract/metrics.
 */

import { LIMITS } from '../../model/limits.ts';
import type { Sample } from '../../model/metric.ts';
import type { MetricCurve, MetricStore } from '../../ports/metric-store.ts';
import { seriesNameOf } from './series-name.ts';

/** Times of a cluster, and the samples of each by series. */
type Kept = Map<number, Map<string, Sample>>;

export function memoryMetrics(): MetricStore {
  const clusters = new Map<string, Kept>();
  const seriesOf = (kept: Kept): Set<string> => new Set([...kept.values()].flatMap((row) => [...row.keys()]));
  const newestAt = (kept: Kept, afterMs: number, throughMs: number): number | undefined =>
    [...kept.keys()].filter((at) => at > afterMs && at <= throughMs).reduce<number | undefined>((a, b) => Math.max(a ?? b, b), undefined);
  return {
    write: async (clusterUid, rounds) => {
      const kept = clusters.get(clusterUid) ?? new Map<number, Map<string, Sample>>();
      clusters.set(clusterUid, kept);
      const known = seriesOf(kept);
      let [taken, dropped] = [0, 0];
      for (const { atMs, samples } of rounds) {
        const row = kept.get(atMs) ?? new Map<string, Sample>();
        for (const sample of samples) {
          const isTaken = known.has(sample.series) || known.size < LIMITS.metricSeriesPerCluster;
          if (isTaken) known.add(sample.series);
          if (isTaken && !row.has(sample.series)) row.set(sample.series, sample);
          taken += isTaken ? 1 : 0;
          dropped += isTaken ? 0 : 1;
        }
        if (row.size > 0) kept.set(atMs, row);
      }
      return dropped === 0
        ? { kept: taken, dropped }
        : { kept: taken, dropped, message: 'This cluster has as many series as it may have.' };
    },
    newest: async (clusterUids, afterMs, throughMs, maxSamples) => {
      const found = clusterUids.flatMap((clusterUid) => {
        const kept: Kept = clusters.get(clusterUid) ?? new Map();
        const atMs = newestAt(kept, afterMs, throughMs);
        const row = atMs === undefined ? undefined : kept.get(atMs);
        return row === undefined || atMs === undefined ? [] : [...row.values()].map((sample) => ({ clusterUid, atMs, ...sample }));
      });
      return found.length > maxSamples ? 'too-many' : found;
    },
    range: async ({ clusterUid, name, startMs, endMs, stepMs, lookbackMs }, maxSeries) => {
      const kept: Kept = clusters.get(clusterUid) ?? new Map();
      const named = [...seriesOf(kept)].filter((series) => seriesNameOf(series) === name).toSorted();
      if (named.length > maxSeries) return 'too-many';
      const curves = named.map((series): MetricCurve & { points: [number, number][] } => ({ series, points: [] }));
      for (let at = startMs; at <= endMs; at += stepMs) {
        const row = kept.get(newestAt(kept, at - lookbackMs, at) ?? Number.NaN);
        for (const { series, points } of curves) {
          const sample = row?.get(series);
          if (sample !== undefined) points.push([at, sample.value]);
        }
      }
      return curves.filter(({ points }) => points.length > 0);
    },
    sweep: async (beforeMs) => {
      let gone = 0;
      for (const kept of clusters.values()) for (const at of kept.keys()) if (at < beforeMs && kept.delete(at)) gone++;
      return gone;
    },
    close: () => undefined,
  };
}
