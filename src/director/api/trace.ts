/**
 * What a director tells in traces: each write that came with a sampled `traceparent` (W3C), below the span that sent it; and the making of a Cluster by
 * somebody who traces nothing, as the first thing of that Cluster's own trace (src/decide/trace.ts).
 *
 * I1: without a tracer nothing is looked at; reads and watches are never told, and neither is what a caller was refused who is not known.
 * I2: a span names the verb, the resource and the object, and the status of the answer: nothing of the contents, and no query.
 */

import { firstAttemptOf, parentOf, spanIdOf, traceIdOf } from '../../decide/trace.ts';
import type { SpanContext } from '../../decide/trace.ts';
import { CLUSTERS } from '../../model/addresses.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HttpRequest } from '../../ports/http.ts';
import type { Random } from '../../ports/random.ts';
import type { Tracer } from '../../ports/tracer.ts';
import type { Reply } from './reply.ts';
import { route } from './router.ts';
import type { ResourceTarget } from './router.ts';

/** `verb`: as in the metrics; `tookMs`: from the request to its answer. */
export type TraceRequest = (request: HttpRequest, reply: Reply, verb: string, tookMs: number) => void;

export function requestTracer(tracer: Tracer, { clock, random }: { readonly clock: Clock; readonly random: Random }): TraceRequest {
  return (request, reply, verb, tookMs) => {
    if (request.method === 'GET' || verb === 'refused' || reply.kind !== 'bytes') return;
    // What is open to everybody is told only when its caller has shown who he is: a token that was taken.
    if (verb === 'own' && reply.code >= 300) return;
    const target = route(request.target);
    if (!target.ok) return;
    const { about } = target.value;
    const parent = parentOf(request.header('traceparent')) ?? rootOfMade(request, reply, about.kind === 'resource' ? about : undefined);
    if (parent === undefined) return;
    const endMs = clock.nowMs();
    tracer.tell({
      traceId: parent.traceId,
      spanId: random.uuid().replaceAll('-', '').slice(-16),
      parentSpanId: parent.spanId,
      name: `director: ${about.kind === 'resource' ? `${verb} ${resourceText(about)}` : `${request.method} ${about.path}`}`,
      startMs: endMs - tookMs,
      endMs,
      failure: reply.code < 400 ? undefined : `it answered ${reply.code}`,
      attributes: { 'http.response.status_code': reply.code, ...(about.kind === 'resource' ? objectAttributes(about) : {}) },
    });
  };
}

function resourceText({ resource, subresource }: ResourceTarget): string {
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}

function objectAttributes({ namespace, name }: ResourceTarget): Record<string, string> {
  return name === undefined ? {} : { 'outrigger.object': namespace === undefined ? name : `${namespace}/${name}` };
}

/** The root of the trace of a Cluster that this very request made. */
function rootOfMade(request: HttpRequest, reply: Reply, about: ResourceTarget | undefined): SpanContext | undefined {
  if (request.method !== 'POST' || reply.kind !== 'bytes' || reply.code !== 201) return undefined;
  if (about?.group !== CLUSTERS.group || about.resource !== CLUSTERS.plural || about.subresource !== undefined) return undefined;
  const { namespace, name, uid } = metadataOf(reply.body);
  if (typeof uid !== 'string' || typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  const traced = firstAttemptOf(namespace, name, uid);
  return { traceId: traceIdOf(traced), spanId: spanIdOf(traced, '') };
}

function metadataOf(body: Buffer): JsonObject {
  try {
    return (JSON.parse(body.toString('utf8')) as { metadata?: JsonObject }).metadata ?? {};
  } catch {
    return {};
  }
}
