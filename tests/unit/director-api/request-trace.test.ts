/**
 * What a director tells in traces of the requests that it answered.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { firstAttemptOf, spanIdOf, traceIdOf } from '../../../src/decide/trace.ts';
import type { Span } from '../../../src/decide/trace.ts';
import { jsonReply } from '../../../src/director/api/reply.ts';
import { requestTracer } from '../../../src/director/api/trace.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { HttpRequest } from '../../../src/ports/http.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const CLUSTERS_PATH = '/apis/outrigger.dev/v1/namespaces/demo/clusters';
const TOOK_MS = 12;

interface Answered {
  readonly method: string;
  readonly target: string;
  readonly traceparent?: string;
  readonly verb: string;
  readonly code: number;
  readonly body?: JsonObject;
}

function told({ method, target, traceparent, verb, code, body = {} }: Answered): Span[] {
  const spans: Span[] = [];
  const tracer = { tell: (span: Span) => void spans.push(span), flush: () => Promise.resolve(), dropped: () => 0 };
  const request = { method, target, header: (name: string) => (name === 'traceparent' ? traceparent : undefined) } as HttpRequest;
  requestTracer(tracer, { clock: systemClock(), random: systemRandom() })(request, jsonReply(code, body), verb, TOOK_MS);
  return spans;
}

const SAMPLED = `00-${TRACE}-${PARENT}-01`;
const PATCH = { method: 'PATCH', target: `${CLUSTERS_PATH}/harbor/status?fieldManager=me`, verb: 'patch', code: 200 };

test('I2: a write that came below a span is told below it, without its contents or its query', () => {
  const [span, ...more] = told({ ...PATCH, traceparent: SAMPLED, body: { secret: 'x' } });
  assert.equal(more.length, 0);
  assert.equal(span?.traceId, TRACE);
  assert.equal(span?.parentSpanId, PARENT);
  assert.match(span?.spanId ?? '', /^[0-9a-f]{16}$/);
  assert.equal(span?.name, 'director: patch clusters/status');
  assert.deepEqual(span?.attributes, { 'http.response.status_code': 200, 'outrigger.object': 'demo/harbor' });
  assert.equal((span?.endMs ?? 0) - (span?.startMs ?? 0), TOOK_MS);
  assert.doesNotMatch(JSON.stringify(span), /secret|fieldManager/);
  assert.equal(told({ ...PATCH, code: 409, traceparent: SAMPLED })[0]?.failure, 'it answered 409');
});

test('I1: what is not sampled, reads, and whoever is not known make no span', () => {
  assert.deepEqual(told(PATCH), []);
  assert.deepEqual(told({ ...PATCH, traceparent: `00-${TRACE}-${PARENT}-00` }), []);
  assert.deepEqual(told({ ...PATCH, method: 'GET', verb: 'get', traceparent: SAMPLED }), []);
  assert.deepEqual(told({ ...PATCH, verb: 'refused', code: 401, traceparent: SAMPLED }), []);
  const join = { method: 'POST', target: '/outrigger/v1/join', verb: 'own', traceparent: SAMPLED };
  assert.deepEqual(told({ ...join, code: 403 }), []);
  assert.equal(told({ ...join, code: 200 })[0]?.name, 'director: POST /outrigger/v1/join');
});

test('a Cluster that somebody makes who traces nothing begins its own trace; who traces keeps his', () => {
  const body = { metadata: { namespace: 'demo', name: 'harbor', uid: 'u1' } };
  const made = { method: 'POST', target: CLUSTERS_PATH, verb: 'create', code: 201, body };
  const traced = firstAttemptOf('demo', 'harbor', 'u1');
  const [span] = told(made);
  assert.equal(span?.traceId, traceIdOf(traced));
  assert.equal(span?.parentSpanId, spanIdOf(traced, ''));
  assert.equal(told({ ...made, traceparent: SAMPLED })[0]?.traceId, TRACE);
  assert.deepEqual(told({ ...made, code: 409, body: {} }), []);
  assert.deepEqual(told({ ...made, target: '/apis/outrigger.dev/v1/namespaces/demo/sites' }), []);
});
