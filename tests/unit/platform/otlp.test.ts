/**
 * Spans to a collector: what an address may be, and that a collector that is away, or slow, costs spans and nothing else.
 */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { spanOf } from '../../../src/decide/trace.ts';
import { otlpTracer, tracerOf } from '../../../src/platform/otlp.ts';
import type { Log } from '../../../src/ports/log.ts';
import { freePort } from '../../support/free-port.ts';

const SPAN = spanOf({ clusterUid: 'u', cluster: 'a/b', attempt: 1 }, 'x', { name: 'x', startMs: 1_000.5, endMs: 2_000 });

function logTo(said: unknown[]): Log {
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_, fields) => void said.push(fields),
    error: () => undefined,
    with: () => log,
  };
  return log;
}

function options(endpoint: string, said: unknown[] = []): Parameters<typeof otlpTracer>[0] {
  return { endpoint, service: 's', instance: 'i', log: logTo(said) };
}

test('without an endpoint there is no tracer, and one that is no address is refused', () => {
  assert.equal(tracerOf(undefined, options('')), undefined);
  assert.equal(tracerOf('', options('')), undefined);
  for (const bad of ['collector:4318', 'ftp://collector', 'nonsense']) assert.throws(() => otlpTracer(options(bad)), /--otlp-endpoint/);
});

test('I1, I2: at most 1024 spans wait; a collector that is away costs them, which is counted and said once', async () => {
  const said: { readonly dropped?: number }[] = [];
  const tracer = otlpTracer(options(`http://127.0.0.1:${await freePort()}`, said));
  for (let i = 0; i < 1_100; i++) tracer.tell(SPAN);
  assert.equal(tracer.dropped(), 76);
  await tracer.flush();
  assert.equal(tracer.dropped(), 1_100);
  assert.equal(said.length, 1, 'a line a minute, not one a span');
});

test('I1, I3: one request is under way at a collector that hangs, and the end of the process waits for it a second and no longer', async () => {
  let requests = 0;
  const collector = createServer(() => (requests += 1));
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  const tracer = otlpTracer(options(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`));
  for (let i = 0; i < 600; i++) tracer.tell(SPAN);
  const fromMs = performance.now();
  await tracer.flush();
  const tookMs = performance.now() - fromMs;
  collector.closeAllConnections();
  collector.close();
  assert.ok(tookMs > 900 && tookMs < 2_800, `${tookMs} ms: less than its answer may take`);
  assert.equal(requests, 1);
  assert.equal(tracer.dropped(), 344, 'all that was not yet sent');
});

test('what a collector gets is OTLP in JSON', async () => {
  let body = '';
  const collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  const said: unknown[] = [];
  const tracer = otlpTracer(options(`http://127.0.0.1:${(collector.address() as AddressInfo).port}/`, said));
  tracer.tell(SPAN);
  await tracer.flush();
  collector.close();
  assert.deepEqual(said, []);
  const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[] };
  const span = resourceSpans[0]?.scopeSpans[0]?.spans[0];
  assert.equal(span?.['startTimeUnixNano'], '1000500000');
  assert.equal(span?.['endTimeUnixNano'], '2000000000');
  assert.equal(span?.['traceId'], SPAN.traceId);
  assert.deepEqual(span?.['status'], { code: 1 });
});
