/**
 * What connector-client does for its own cluster: whoever of it has something for a director hands it in here, and gets the director's answer.
 *
 * POST /license/sync → POST /outrigger/v1/license, POST /metrics → POST /outrigger/v1/metrics; bodies are JSON and are passed through.
 *
 * I1: only members of this cluster are answered. A director is told by the certificate of *this* node, never in another's name.
 * I2: bodies, answers and the time they take are bounded; every failure is a sentence.
 */

import { isDirectorSubject } from '../../decide/peer-trust.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import type { MutualAnswer, MutualHttp } from '../../ports/mutual-http.ts';
import type { CertificateFacts } from '../../ports/x509.ts';
import type { Framework } from '../framework.ts';
import { forbidden, notHere, ofCause, sendRefusal, unavailable } from '../refusal.ts';

export interface NodeDoorDeps {
  readonly framework: Framework;
  readonly http: MutualHttp;
  /** URL of the director that holds this node's tunnel now; it is asked first. */
  readonly director: () => string | undefined;
  readonly log: Log;
}

const PATHS: Readonly<Record<string, string>> = { '/license/sync': '/outrigger/v1/license', '/metrics': '/outrigger/v1/metrics' };

/** Relays under way at a time. */
const AT_ONCE = 16;

export function createNodeDoor(deps: NodeDoorDeps, signal: AbortSignal): HttpHandler {
  const underWay = { count: 0 };
  return (request, response) => {
    answer(deps, underWay, request, response, signal).catch((error: unknown) => {
      deps.log.warn('What a node of this cluster handed in could not be passed to a director.', { error });
      sendRefusal(response, ofCause(error));
    });
  };
}

async function answer(
  deps: NodeDoorDeps,
  underWay: { count: number },
  request: HttpRequest,
  response: HttpResponse,
  signal: AbortSignal,
): Promise<void> {
  const { peer, target, method } = request;
  const judged = deps.framework.judgeMember(peer.certificate, peer.address);
  if ('refused' in judged) return sendRefusal(response, forbidden(judged.refused));
  const path = PATHS[target];
  if (path === undefined) return sendRefusal(response, notHere(`connector-client takes ${Object.keys(PATHS).join(' and ')} alone.`));
  if (method !== 'POST')
    return sendRefusal(response, { status: 405, reason: 'MethodNotAllowed', message: `${target} is handed in with POST.` });
  if (underWay.count >= AT_ONCE)
    return sendRefusal(response, {
      status: 429,
      reason: 'TooManyRequests',
      message: 'Too much is handed in at this moment; try again in a second.',
    });
  underWay.count++;
  try {
    const body = await request.body(LIMITS.relayedBodyBytes);
    if (!body.ok) {
      const message = `The body must be whole, and not larger than ${LIMITS.relayedBodyBytes} bytes.`;
      return sendRefusal(response, { status: 413, reason: 'RequestEntityTooLarge', message });
    }
    const passed = await passOn(deps, path, body.bytes, signal);
    response.send(passed.status, ['content-type', passed.headers['content-type'] ?? 'application/json'], passed.body);
  } finally {
    underWay.count--;
  }
}

/** To the director that holds the tunnel, else to one after the other. What a director refuses is an answer. */
async function passOn(deps: NodeDoorDeps, path: string, body: Buffer, signal: AbortSignal): Promise<MutualAnswer> {
  const { framework } = deps;
  const first = deps.director();
  const directors = [...new Set([...(first === undefined ? [] : [first]), ...framework.config().directors])];
  const untilMs = performance.now() + LIMITS.relayedDeadlineMs;
  let failure: Error | undefined;
  for (const [at, director] of directors.entries()) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) break;
    const identity = framework.identity();
    try {
      const answered = await deps.http.call(
        {
          method: 'POST',
          url: `${director}${path}`,
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body,
          trust: { kind: 'authority', authority: identity.authority, accepts: isDirector },
          identity,
          // One that hangs must not take the time of all the others.
          deadlineMs: Math.max(1, leftMs / (directors.length - at)),
          maxAnswerBytes: LIMITS.relayedBodyBytes,
          trustedNowMs: framework.trustedNowMs(),
        },
        signal,
      );
      if (answered.status < 500 || at === directors.length - 1) return answered;
    } catch (cause) {
      signal.throwIfAborted();
      failure = cause as Error;
    }
  }
  if (failure !== undefined) throw failure;
  return refusedAnswer(unavailable('No director answers in time; it is tried again.').message);
}

function refusedAnswer(message: string): MutualAnswer {
  const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'ServiceUnavailable', code: 503, message });
  return { status: 503, headers: { 'content-type': 'application/json' }, body: Buffer.from(body, 'utf8') };
}

function isDirector(facts: CertificateFacts): string | undefined {
  return isDirectorSubject(facts) ? undefined : 'The certificate is not that of a director, so nothing was sent to it.';
}
