/**
 * Passing a request on to a next hop and its answer back, for the framework services that stand in between: as it comes, in both directions.
 *
 * I1: whatever becomes of the next hop, the caller gets an answer or the end of its connection.
 * I2: a caller that went away ends the request to the next hop.
 */

import { headersOnward } from '../decide/proxied-headers.ts';
import { LIMITS } from '../model/limits.ts';
import type { Forwarder } from '../ports/forward.ts';
import type { HttpHeaders, HttpRequest, HttpResponse, HttpUpgrade } from '../ports/http.ts';
import type { JoinStreams } from '../ports/tunnel.ts';
import { ofCause, sendRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

const NO_WEB_SOCKET: Refusal = {
  status: 502,
  reason: 'ServiceUnavailable',
  message: 'What was reached does not speak WebSocket on this path.',
};

export interface PassOn {
  readonly forwarder: Forwarder;
  /** Path and query for the next hop. */
  readonly target: string;
}

export async function passRequest(request: HttpRequest, response: HttpResponse, { forwarder, target }: PassOn): Promise<void> {
  const gone = new AbortController();
  response.onAbandoned(() => gone.abort(new Error('the caller went away')));
  const order = {
    method: request.method,
    target,
    headers: headersOnward(request.headers()),
    ...(request.hasBody() ? { body: request.bodyStream() } : {}),
    headMs: LIMITS.proxyHeadMs,
  };
  try {
    const answer = await forwarder.send(order, gone.signal);
    await response.relay(answer.status, headersOnward(answer.headers), answer.body, LIMITS.proxyIdleMs);
  } catch (cause) {
    if (!gone.signal.aborted) sendRefusal(response, ofCause(cause));
  }
}

export async function passUpgrade(upgrade: HttpUpgrade, { forwarder, target }: PassOn, join: JoinStreams): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new Error('the caller went away'));
  upgrade.stream.once('close', onClose);
  const order = { method: 'GET', target, headers: headersOnward(upgrade.headers()), headMs: LIMITS.proxyHeadMs };
  try {
    const answer = await forwarder.upgrade(order, gone.signal);
    if (answer.upgraded) {
      await join(upgrade.accept(headersOnward(answer.headers)), answer.stream, LIMITS.proxyIdleMs);
      return;
    }
    // A 200 would say that it did.
    if (answer.status < 300) return sendRefusal(upgrade, NO_WEB_SOCKET);
    const body = await firstBytes(answer.body);
    upgrade.refuse(answer.status, withoutLength(headersOnward(answer.headers)), body);
  } catch (cause) {
    if (!gone.signal.aborted) sendRefusal(upgrade, ofCause(cause));
  } finally {
    upgrade.stream.removeListener('close', onClose);
  }
}

/** A refusal is short; what is longer is cut. */
export async function firstBytes(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    if ((size += chunk.length) >= LIMITS.proxyRefusalBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, LIMITS.proxyRefusalBytes);
}

/** The length is that of what is passed on. */
function withoutLength(headers: HttpHeaders): HttpHeaders {
  return headers.filter((_, i) => headers[i - (i % 2)] !== 'content-length');
}
