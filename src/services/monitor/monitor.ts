/**
 * monitor: watches a site for its organization. Scrapes nodes and connection servers, keeps seven days of it at the site, and ships it to the directors.
 *
 * Scraping and shipping are two loops that meet only at the store on disk: a director that is away for a week costs the site nothing but disk.
 * Times of samples are the directors': what the last receipt said, plus running time since; before the first one, trusted time. No wall clock of the site
 * is read, so setting one moves no sample.
 *
 * I1: scraping waits neither for a director nor for a slow target beyond its deadline.
 * I2: a round is shipped until a director acknowledged it, the newest first, then what is missing, oldest first, at a bounded rate.
 * I3: what a director will never take (400, 413) is said and given up, so that one bad round holds up nothing.
 * I4: a disk that refuses costs the rounds of that time; they are not called shipped, and scraping goes on.
 */

import { backoffMs } from '../../base/backoff.ts';
import { acknowledge, backlogOf, nextShipment, pruned, readAcknowledged, shippedThrough } from '../../decide/monitor-shipping.ts';
import type { Acknowledged, Range, Shipment } from '../../decide/monitor-shipping.ts';
import { shipmentOf } from '../../decide/metric-shipment.ts';
import { isFault } from '../../model/fault.ts';
import type { MonitorStatus } from '../../model/framework.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { MetricReceipt, Round } from '../../model/metric.ts';
import { PORTS } from '../../model/ports.ts';
import type { MetricSegments } from '../../ports/metric-segments.ts';
import type { NodeStore } from '../../ports/node-store.ts';
import type { Random } from '../../ports/random.ts';
import type { Log } from '../../ports/log.ts';
import { openSampleStore } from './sample-store.ts';
import type { SampleStore } from './sample-store.ts';
import { scrapeAll } from './scrape.ts';
import type { Scraped, ScrapeDeps } from './scrape.ts';

export interface MonitorDeps extends ScrapeDeps {
  readonly random: Random;
  readonly log: Log;
  /** `<node folder>/monitor`. */
  readonly segments: MetricSegments;
  /** The same folder, for what was acknowledged. */
  readonly notes: NodeStore;
  /** LIMITS.scrapeEveryMs; less in tests. */
  readonly scrapeEveryMs: number;
  /** Between two shipments of a backlog. */
  readonly backfillEveryMs: number;
  /** A round was scraped and is on disk. */
  readonly onKept: () => void;
}

/** What the directors' time was, on this machine's running clock. */
interface TimeBase {
  readonly directorMs: number;
  readonly bootMs: number;
}

interface Monitor {
  readonly deps: MonitorDeps;
  readonly store: SampleStore;
  acknowledged: Acknowledged;
  time: TimeBase | undefined;
  shippedThroughMs: number | undefined;
  /** The newest round that was acknowledged. */
  shippedNewest: Round | undefined;
  targets: MonitorStatus['targets'];
  /** Why nothing is shipped, or kept; undefined: all is well. */
  shipping: string | undefined;
  keeping: string | undefined;
  /** Resolves at the next round. */
  news: PromiseWithResolvers<void>;
}

const NOTE = 'acknowledged';
const RETRY = { baseMs: 1_000, capMs: 15_000, jitter: 0.3 };
/** Time is corrected when the directors' differs by more than this; less is the way of the answer. */
const TIME_STEP_MS = 1_000;

/** Runs until the signal aborts. Throws `Fault` when the folder cannot be used at all. */
export async function runMonitor(deps: MonitorDeps, signal: AbortSignal): Promise<void> {
  const note = await deps.notes.read<JsonObject>(NOTE);
  const stored = note.state === 'found' ? note.body : {};
  const acknowledged = readAcknowledged(stored['ranges']);
  const least = Math.max((acknowledged.at(-1)?.[1] ?? 0) + 1, Math.floor(deps.framework.trustedNowMs() / 1000));
  const store = await openSampleStore(deps.segments, deps.log, least);
  const monitor: Monitor = {
    deps,
    store,
    acknowledged: pruned(acknowledged, store.held()),
    time: timeOf(stored['time'], deps.framework.reading().bootId),
    shippedThroughMs: undefined,
    shippedNewest: undefined,
    targets: {},
    shipping: undefined,
    keeping: undefined,
    news: Promise.withResolvers<void>(),
  };
  const end = new AbortController();
  const own = AbortSignal.any([signal, end.signal]);
  try {
    await Promise.all([scrapeForever(monitor, own), shipForever(monitor, own)]);
  } finally {
    end.abort();
  }
}

// ---- scraping ---------------------------------------------------------------------------------------------------------------------------

async function scrapeForever(monitor: Monitor, signal: AbortSignal): Promise<void> {
  const { deps } = monitor;
  for (let dueMs = deps.clock.monotonicMs(); !signal.aborted;) {
    const atMs = sampleTime(monitor);
    const scraped = await scrapeAll(deps, signal).catch((cause: unknown) => endedBy(signal, cause));
    if (scraped === undefined) return;
    monitor.targets = scraped.targets;
    await keep(monitor, atMs, scraped);
    const nowMs = deps.clock.monotonicMs();
    // A machine that slept, or was slow, does not catch up by scraping in a row.
    dueMs = Math.max(dueMs + deps.scrapeEveryMs, nowMs);
    await deps.clock.sleep(dueMs - nowMs, signal).catch(() => undefined);
  }
}

function endedBy(signal: AbortSignal, cause: unknown): undefined {
  if (signal.aborted) return undefined;
  throw cause;
}

async function keep(monitor: Monitor, atMs: number, { samples }: Scraped): Promise<void> {
  const { store, deps } = monitor;
  const own = [
    { series: 'outrigger_monitor_backlog_rounds', type: 'gauge' as const, value: backlogOf(monitor.acknowledged, store.held()) },
    { series: 'outrigger_monitor_stored_bytes', type: 'gauge' as const, value: store.bytes() },
  ];
  try {
    await store.append(atMs, [...samples.slice(0, LIMITS.metricSeriesPerCluster - own.length), ...own]);
    monitor.keeping = undefined;
    deps.onKept();
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (monitor.keeping === undefined) deps.log.error('Samples cannot be kept; those of this time are lost.', { error: cause });
    monitor.keeping = `Samples cannot be kept: ${cause.message}`;
  }
  monitor.acknowledged = pruned(monitor.acknowledged, store.held());
  monitor.news.resolve();
  monitor.news = Promise.withResolvers<void>();
  await tell(monitor);
}

/** ms since 1970, by the directors; never twice the same. */
function sampleTime({ deps, time, store }: Monitor): number {
  const { bootMs } = deps.framework.reading();
  const nowMs = Math.round(time === undefined ? deps.framework.trustedNowMs() : time.directorMs + bootMs - time.bootMs);
  return nowMs === store.newest()?.atMs ? nowMs + 1 : nowMs;
}

// ---- shipping ---------------------------------------------------------------------------------------------------------------------------

async function shipForever(monitor: Monitor, signal: AbortSignal): Promise<void> {
  const { deps, store } = monitor;
  for (let failures = 0; !signal.aborted;) {
    const { news } = monitor;
    const next = nextShipment(monitor.acknowledged, store.held(), LIMITS.metricBatchRounds);
    if (next === undefined) {
      await until(news.promise, signal);
      continue;
    }
    const said = await ship(monitor, next, signal);
    if (signal.aborted) return;
    failures = said === undefined ? 0 : failures + 1;
    if (said !== monitor.shipping) {
      if (said === undefined) deps.log.info('Samples are shipped again.');
      else deps.log.warn('Samples are not shipped; they are kept here and shipped later.', { why: said });
      monitor.shipping = said;
    }
    await tell(monitor);
    const waitMs = failures > 0 ? backoffMs(RETRY, failures, deps.random.float()) : next.kind === 'Backfill' ? deps.backfillEveryMs : 0;
    await deps.clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

/** Why it was not acknowledged; undefined: it was. */
async function ship(monitor: Monitor, { range }: Shipment, signal: AbortSignal): Promise<string | undefined> {
  const { deps, store } = monitor;
  try {
    const read = await store.read(range, LIMITS.metricBatchSamples);
    if (read.rounds.length === 0) return await shipped(monitor, [range[0], read.through], []);
    const { shipment, taken } = shipmentOf(read.rounds);
    const last = taken.at(-1)?.sequence ?? range[1];
    const through = taken.length === read.rounds.length ? read.through : last;
    const answer = await deps.http.call(orderOf(deps, JSON.stringify(shipment)), signal);
    const body = jsonOf(answer.body);
    if (answer.status === 200) {
      learnTime(monitor, body);
      noteDropped(deps.log, body);
      return await shipped(monitor, [range[0], through], taken);
    }
    const said = body?.['message'];
    const why = typeof said === 'string' ? said : `A director answered with status ${answer.status}.`;
    if (answer.status !== 400 && answer.status !== 413) return why;
    deps.log.error('A director does not take these samples; they stay at the site.', { why, rounds: taken.length, first: range[0] });
    return await shipped(monitor, [range[0], through], []);
  } catch (cause) {
    if (signal.aborted) return undefined;
    if (!isFault(cause)) throw cause;
    return cause.message;
  }
}

/** By this node's balancer, which knows where a connector-client runs. */
function orderOf({ framework }: MonitorDeps, body: string): Parameters<MonitorDeps['http']['call']>[0] {
  const { node, services } = framework.config();
  const port = services.find((one) => one.framework === 'connector-client')?.port ?? PORTS.connectorClient;
  const host = node.address.includes(':') ? `[${node.address}]` : node.address;
  return {
    method: 'POST',
    url: `https://${host}:${port}/metrics`,
    headers: { 'content-type': 'application/json' },
    body,
    trust: framework.memberTrust(),
    identity: framework.identity(),
    deadlineMs: LIMITS.metricShipDeadlineMs,
    maxAnswerBytes: LIMITS.scrapeBytes,
    trustedNowMs: framework.trustedNowMs(),
  };
}

async function shipped(monitor: Monitor, range: Range, rounds: readonly Round[]): Promise<undefined> {
  const { store, deps } = monitor;
  monitor.acknowledged = acknowledge(monitor.acknowledged, range);
  const last = rounds.at(-1);
  if (last !== undefined && last.sequence > (monitor.shippedNewest?.sequence ?? -1)) monitor.shippedNewest = last;
  const through = shippedThrough(monitor.acknowledged, store.held());
  const round = [monitor.shippedNewest, ...rounds].find((one) => one?.sequence === through);
  monitor.shippedThroughMs = round?.atMs ?? monitor.shippedThroughMs;
  const note = { ranges: monitor.acknowledged.map((one) => [...one]), ...(monitor.time === undefined ? {} : { time: timeNote(monitor) }) };
  try {
    await deps.notes.write(NOTE, note);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    // What is not noted is sent again after a restart, which changes nothing at a director.
    deps.log.warn('What was shipped cannot be noted; after a restart it is shipped again.', { error: cause });
  }
  return undefined;
}

function noteDropped(log: Log, body: JsonObject | undefined): void {
  const { dropped = 0, message } = (body ?? {}) as Partial<MetricReceipt>;
  if (dropped > 0) log.warn('A director did not keep all samples.', { dropped, why: message });
}

function jsonOf(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

// ---- time -------------------------------------------------------------------------------------------------------------------------------

function learnTime(monitor: Monitor, body: JsonObject | undefined): void {
  const directorMs = body?.['nowMs'];
  if (typeof directorMs !== 'number' || !Number.isSafeInteger(directorMs) || directorMs < 0) return;
  const { bootMs } = monitor.deps.framework.reading();
  const { time } = monitor;
  const isOff = time === undefined || Math.abs(time.directorMs + bootMs - time.bootMs - directorMs) > TIME_STEP_MS;
  if (isOff) monitor.time = { directorMs, bootMs };
}

function timeNote({ deps, time }: Monitor): Json {
  return { ...time, bootId: deps.framework.reading().bootId };
}

/** Of this boot only: how long the machine was off, nobody knows. */
function timeOf(stored: Json | undefined, bootId: string): TimeBase | undefined {
  if (!isJsonObject(stored ?? null)) return undefined;
  const { directorMs, bootMs, bootId: of } = stored as JsonObject;
  return typeof directorMs === 'number' && typeof bootMs === 'number' && of === bootId ? { directorMs, bootMs } : undefined;
}

// ---- what is said -----------------------------------------------------------------------------------------------------------------------

async function tell({ deps, store, acknowledged, shippedThroughMs, targets, shipping, keeping }: Monitor): Promise<void> {
  const message = keeping ?? shipping ?? store.problem();
  const status: MonitorStatus = { shippedThroughMs, backlog: backlogOf(acknowledged, store.held()), targets, message };
  // Through JSON, which leaves out what is undefined.
  await deps.framework.tell(JSON.parse(JSON.stringify(status)) as Json);
}

async function until(news: Promise<void>, signal: AbortSignal): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => stopped.resolve();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await Promise.race([news, stopped.promise]);
  signal.removeEventListener('abort', stop);
}
