/**
 * What an extension server counts of its own work, for its /metrics: counters that only grow, and a histogram of how long looks take.
 *
 * I1: counting never waits, throws or holds more than a bounded number of rows: labels come from closed sets.
 */

import { ATTEMPT_NEWS_NONE, attemptNews } from '../decide/attempt-news.ts';
import type { Cluster } from '../model/cluster.ts';
import { isFault } from '../model/fault.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import { newWorkCounts } from './work-counts.ts';
import type { WorkCounts } from './work-counts.ts';

/** Upper bounds of the histogram of looks, in s. */
export const LOOK_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Counts by up to two labels; the key is `<first>/<second>`. */
export type Tally = Map<string, number>;

export interface Telemetry {
  readonly counts: WorkCounts;
  /** `<verb>/<result>`: ok, a reason of the API, or unreachable. */
  readonly calls: Tally;
  /** `<effect>/<result>` */
  readonly effects: Tally;
  attemptsBegun: number;
  /** By what the failure called for (src/model/attempt.ts). */
  readonly attemptsFailed: Tally;
  attemptsAvailable: number;
  /** Looks that took at most so long, by index of LOOK_BUCKETS_SECONDS; not added up. */
  readonly lookBuckets: number[];
  lookSeconds: number;
  /** All that were timed, also those beyond the last bound. */
  looksTimed: number;
  /** How much later than it asked for the event loop last came back, in s. */
  lagSeconds: number;
}

export function newTelemetry(): Telemetry {
  return {
    counts: newWorkCounts(),
    calls: new Map(),
    effects: new Map(),
    attemptsBegun: 0,
    attemptsFailed: new Map(),
    attemptsAvailable: 0,
    lookBuckets: LOOK_BUCKETS_SECONDS.map(() => 0),
    lookSeconds: 0,
    looksTimed: 0,
    lagSeconds: 0,
  };
}

export function count(tally: Tally, key: string): void {
  tally.set(key, (tally.get(key) ?? 0) + 1);
}

export function countLook(telemetry: Telemetry, tookMs: number): void {
  const seconds = tookMs / 1000;
  telemetry.lookSeconds += seconds;
  telemetry.looksTimed += 1;
  const index = LOOK_BUCKETS_SECONDS.findIndex((bound) => seconds <= bound);
  if (index >= 0) telemetry.lookBuckets[index] = (telemetry.lookBuckets[index] ?? 0) + 1;
}

/** What this server wrote of a cluster's attempts: `before` is what it decided on, `after` what the director answered. */
export function countAttempts(telemetry: Telemetry, before: Cluster, after: Cluster): void {
  const news = attemptNews(before, after);
  if (news === ATTEMPT_NEWS_NONE) return;
  telemetry.attemptsBegun += news.begun;
  for (const { outcome, cause } of news.ended) {
    if (outcome === 'Available') telemetry.attemptsAvailable += 1;
    else if (outcome === 'Failed') count(telemetry.attemptsFailed, cause ?? 'Unknown');
  }
}

/** The same API; each call is counted with what came of it. A call that was cut off because the server stops is not. */
export function countedApi(api: EntityApi, telemetry: Telemetry): EntityApi {
  const { calls } = telemetry;
  const counted = async <T>(verb: string, signal: AbortSignal, call: Promise<Answer<T>>): Promise<Answer<T>> => {
    try {
      const answer = await call;
      count(calls, `${verb}/${answer.ok ? 'ok' : answer.reason}`);
      return answer;
    } catch (cause) {
      if (isFault(cause) && !signal.aborted) count(calls, `${verb}/unreachable`);
      throw cause;
    }
  };
  return {
    get: async (address, namespace, name, signal) => await counted('get', signal, api.get(address, namespace, name, signal)),
    list: async (address, selection, signal) => await counted('list', signal, api.list(address, selection, signal)),
    create: async (address, namespace, object, signal) => await counted('create', signal, api.create(address, namespace, object, signal)),
    replace: async (address, namespace, name, object, signal, subresource) =>
      await counted('replace', signal, api.replace(address, namespace, name, object, signal, subresource)),
    mergePatch: async (address, namespace, name, patch, signal, subresource) =>
      await counted('patch', signal, api.mergePatch(address, namespace, name, patch, signal, subresource)),
    delete: async (address, namespace, name, preconditions, signal) =>
      await counted('delete', signal, api.delete(address, namespace, name, preconditions, signal)),
    watch: async (address, selection, onEvent, signal) => await counted('watch', signal, api.watch(address, selection, onEvent, signal)),
    post: async (path, body, signal) => await counted('post', signal, api.post(path, body, signal)),
    ...(api.traced === undefined ? {} : { traced: (parent: string) => countedApi(api.traced?.(parent) ?? api, telemetry) }),
  };
}

const LAG_LOOK_MS = 500;

/** Measures how late the event loop is, until the signal aborts. */
export async function measureLag(telemetry: Telemetry, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const fromMs = clock.monotonicMs();
    await clock.sleep(LAG_LOOK_MS, signal).catch(() => undefined);
    telemetry.lagSeconds = Math.max(0, clock.monotonicMs() - fromMs - LAG_LOOK_MS) / 1000;
  }
}
