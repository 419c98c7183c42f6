/**
 * `outrigger service monitor`, composed.
 */

import { LIMITS } from '../model/limits.ts';
import { metricSegments } from '../platform/metric-segments.ts';
import { mutualHttp } from '../platform/mutual-http.ts';
import { nodeStore } from '../platform/node-store.ts';
import { runMonitor } from '../services/monitor/monitor.ts';
import type { ServiceBase } from './service.ts';

export async function runMonitorService(base: ServiceBase, signal: AbortSignal): Promise<void> {
  const folder = `${base.folder}/monitor`;
  await runMonitor(
    {
      ...base,
      http: mutualHttp(),
      segments: metricSegments(folder),
      notes: nodeStore(folder),
      scrapeEveryMs: LIMITS.scrapeEveryMs,
      backfillEveryMs: LIMITS.metricBackfillEveryMs,
    },
    signal,
  );
}
