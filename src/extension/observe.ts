/**
 * What an extension server answers on its own address: /livez, /readyz and /metrics, for probes and for Prometheus. Whoever reaches the address may
 * ask: nothing here names a cluster, or changes anything.
 *
 * I1: alive: the loop has completed a round within the time after which work is overdue. An event loop that hangs does not answer at all.
 * I2: ready: the copies are read and the Lease is shown; what is missing is said.
 * I3: an answer is made of what is known at that moment; nothing is asked of anybody.
 */

import { extensionMetricsText, missingOf } from '../decide/extension-metrics.ts';
import type { HttpHandler, HttpHeaders, HttpResponse } from '../ports/http.ts';
import type { LoopSight } from './loop.ts';
import { LOOK_BUCKETS_SECONDS } from './telemetry.ts';
import type { Telemetry } from './telemetry.ts';

export interface Observed {
  readonly server: string;
  readonly version: string;
  readonly telemetry: Telemetry;
  /** Undefined: the loop has not begun. */
  readonly sight: () => LoopSight | undefined;
  readonly stopping: () => boolean;
  /** Absent: nothing is traced. */
  readonly spansDropped?: (() => number) | undefined;
}

const TEXT: HttpHeaders = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'];
const METRICS_TYPE: HttpHeaders = ['content-type', 'text/plain; version=0.0.4; charset=utf-8', 'cache-control', 'no-store'];

/** Answers requests; takes GET and HEAD. */
export function observeHandler(observed: Observed): HttpHandler {
  return ({ method, target }, response) => {
    if (method !== 'GET' && method !== 'HEAD') return say(response, 405, `${method} is not supported; supported: GET`);
    const path = target.split('?', 1)[0] ?? '';
    if (path === '/livez') return livez(observed, response);
    if (path === '/readyz') return readyz(observed, response);
    if (path === '/metrics') return response.send(200, METRICS_TYPE, Buffer.from(metricsOf(observed), 'utf8'));
    say(response, 404, 'There are /livez, /readyz and /metrics.');
  };
}

function livez({ sight }: Observed, response: HttpResponse): void {
  const seen = sight();
  if (seen === undefined || seen.sinceRoundMs() < seen.rules().overdueMs) return say(response, 200, 'ok');
  const seconds = Math.round(seen.sinceRoundMs() / 1000);
  say(response, 503, `The loop has completed no round for ${seconds} s: it hangs. End it with kill -9; its work is done by others.`);
}

function readyz({ sight, stopping }: Observed, response: HttpResponse): void {
  const seen = sight();
  if (seen === undefined) return say(response, 503, 'The loop has not begun.');
  const missing = missingOf({
    unsynced: seen.unsynced(),
    leaseAgeMs: seen.leaseAgeMs(),
    leaseMs: seen.rules().leaseMs,
    stopping: stopping(),
  });
  if (missing.length === 0) return say(response, 200, 'ok');
  say(response, 503, missing.join('\n'));
}

function metricsOf({ server, version, telemetry, sight, spansDropped }: Observed): string {
  const { counts, calls, effects, attemptsBegun, attemptsAvailable, attemptsFailed, lookSeconds, lookBuckets, lagSeconds } = telemetry;
  const seen = sight();
  return extensionMetricsText({
    server,
    version,
    calls,
    effects,
    attemptsBegun,
    attemptsAvailable,
    attemptsFailed,
    lookSeconds,
    lagSeconds,
    ...counts,
    spansDropped: spansDropped?.() ?? 0,
    looksTimed: telemetry.looksTimed,
    lookBuckets: LOOK_BUCKETS_SECONDS.map((bound, index) => [bound, lookBuckets[index] ?? 0]),
    obeys: seen?.obeys() ?? '',
    queueDepth: seen?.queueDepth() ?? 0,
    atWork: seen?.atWork() ?? 0,
    liveServers: seen?.live().length ?? 0,
    leaseAgeMs: seen?.leaseAgeMs(),
    massSilence: seen?.massSilence(),
  });
}

function say(response: HttpResponse, status: number, text: string): void {
  response.send(status, TEXT, Buffer.from(`${text}\n`, 'utf8'));
}
