/**
 * `outrigger service monitor`, composed. Where its pod has a port, it tells there whether it scrapes and keeps, for the readiness probe; nothing else.
 */

import { LIMITS } from '../model/limits.ts';
import { listenHttp } from '../platform/http-server.ts';
import { metricSegments } from '../platform/metric-segments.ts';
import { mutualHttp } from '../platform/mutual-http.ts';
import { nodeStore } from '../platform/node-store.ts';
import { runMonitor } from '../services/monitor/monitor.ts';
import type { ServiceBase } from './service-base.ts';

/** Rounds that may be missing before the monitor is not ready. */
const ROUNDS = 3;
const TEXT = ['content-type', 'text/plain; charset=utf-8'];

export async function runMonitorService(base: ServiceBase, signal: AbortSignal): Promise<void> {
  const folder = `${base.folder}/monitor`;
  let keptMs: number | undefined;
  const isWell = (): boolean => keptMs !== undefined && base.clock.monotonicMs() - keptMs < ROUNDS * LIMITS.scrapeEveryMs;
  const health =
    base.listen.port === 0
      ? undefined
      : await listenHttp({
          ...base.listen,
          handler: (_, response) =>
            isWell()
              ? response.send(200, TEXT, Buffer.from('ok\n'))
              : response.send(503, TEXT, Buffer.from('Nothing was scraped and kept lately; see the log of the monitor.\n')),
          onError: (error) => base.log.warn('The health page of the monitor met an error.', { error }),
        });
  try {
    await runMonitor(
      {
        ...base,
        http: mutualHttp(),
        segments: metricSegments(folder),
        notes: nodeStore(folder),
        scrapeEveryMs: LIMITS.scrapeEveryMs,
        backfillEveryMs: LIMITS.metricBackfillEveryMs,
        onKept: () => void (keptMs = base.clock.monotonicMs()),
      },
      signal,
    );
  } finally {
    await health?.close(LIMITS.stopGraceMs);
  }
}
