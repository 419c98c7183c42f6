/**
 * Spans to a collector by OTLP over HTTP, as JSON, without a library (docs/decisions/0015): agents run on every node, and memory counts.
 *
 * Source: https://opentelemetry.io/docs/specs/otlp/ (JSON: ids in hex, 64-bit numbers as text).
 *
 * I1: telling never waits or throws; at most QUEUE_SPANS wait, newer ones are dropped; one request is under way at a time, for at most ANSWER_MS.
 * I2: what a collector does not take is not sent again: a trace is for looking, not for counting. How many were dropped is counted, and said in the
 *     log at most once each SAY_EVERY_MS.
 * I3: nothing of it keeps the process alive, and the end of the process waits at most FLUSH_MS for it.
 */

import type { Span } from '../decide/trace.ts';
import { Fault } from '../model/fault.ts';
import type { Log } from '../ports/log.ts';
import type { Tracer } from '../ports/tracer.ts';
import { request as plainRequest } from './node-http.ts';

const QUEUE_SPANS = 1024;
/** Together in one request, and how long the first waits for others. */
const BATCH_SPANS = 256;
const BATCH_MS = 500;
const ANSWER_MS = 3_000;
const FLUSH_MS = 1_000;
const SAY_EVERY_MS = 60_000;

export interface OtlpOptions {
  /** Base address of the collector; spans go to `<endpoint>/v1/traces`. */
  readonly endpoint: string;
  /** `service.name` and `service.instance.id`. */
  readonly service: string;
  readonly instance: string;
  readonly log: Log;
}

/** Throws `Fault` SettingInvalid when the endpoint is no address. */
export function otlpTracer({ endpoint, service, instance, log }: OtlpOptions): Tracer {
  const url = tracesUrl(endpoint);
  const resource = { attributes: attributesOf({ 'service.name': service, 'service.instance.id': instance }) };
  const waiting: Span[] = [];
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> | undefined;
  let dropped = 0;
  let saidMs = Number.NEGATIVE_INFINITY;

  const drop = (spans: number, why: string): void => {
    dropped += spans;
    if (performance.now() - saidMs < SAY_EVERY_MS) return;
    saidMs = performance.now();
    log.warn('Spans of traces are dropped; nothing else suffers from it.', { collector: url.origin, why, dropped });
  };
  const sendOne = async (): Promise<void> => {
    const batch = waiting.splice(0, BATCH_SPANS);
    const scopeSpans = [{ scope: { name: 'outrigger' }, spans: batch.map(spanJson) }];
    const why = await post(url, JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }));
    if (why !== undefined) drop(batch.length, why);
  };
  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) await sendOne();
  };
  const send = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    return (underWay ??= sendAll().finally(() => (underWay = undefined)));
  };
  return {
    tell: (span) => {
      if (waiting.length >= QUEUE_SPANS) return drop(1, `${QUEUE_SPANS} spans wait already`);
      waiting.push(span);
      if (underWay === undefined) timer ??= setTimeout(() => void send(), BATCH_MS).unref();
    },
    flush: async () => {
      await within(FLUSH_MS, send());
      if (waiting.length > 0) drop(waiting.splice(0).length, 'the process ends');
    },
    dropped: () => dropped,
  };
}

/** Waits for `work`, but no longer than `ms`; meanwhile the process stays alive. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}

/** Undefined where nothing is to be traced. */
export function tracerOf(endpoint: string | undefined, options: Omit<OtlpOptions, 'endpoint'>): Tracer | undefined {
  return endpoint === undefined || endpoint === '' ? undefined : otlpTracer({ endpoint, ...options });
}

function tracesUrl(endpoint: string): URL {
  const url = URL.parse(`${endpoint.replace(/\/+$/, '')}/v1/traces`);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new Fault('SettingInvalid', `--otlp-endpoint must be an address such as http://collector.example:4318; "${endpoint}" is none.`);
}

/** Why it was not taken; undefined: it was. */
async function post(url: URL, body: string): Promise<string | undefined> {
  const send = url.protocol === 'https:' ? process.getBuiltinModule('node:https').request : plainRequest;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  // The whole of it is bounded, also an answer that never ends.
  const signal = AbortSignal.timeout(ANSWER_MS);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const call = send(url, { method: 'POST', headers, signal }, (answer) => {
    answer.once('error', () => undefined).resume();
    const { statusCode = 0 } = answer;
    resolve(statusCode >= 200 && statusCode < 300 ? undefined : `it answered ${statusCode}`);
  });
  call.on('socket', (socket) => socket.unref());
  call.on('error', (error) => resolve(signal.aborted ? `no answer within ${ANSWER_MS} ms` : error.message));
  call.end(body);
  return await promise;
}

const KIND_INTERNAL = 1;
const STATUS = { ok: 1, error: 2 } as const;

function spanJson(span: Span): object {
  const { traceId, spanId, parentSpanId, name, startMs, endMs, failure, attributes } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: KIND_INTERNAL,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(attributes),
    status: failure === undefined ? { code: STATUS.ok } : { code: STATUS.error, message: failure },
  };
}

function nanoseconds(ms: number): string {
  return `${BigInt(Math.round(ms * 1000)) * 1000n}`;
}

function attributesOf(all: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(all).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));
}
