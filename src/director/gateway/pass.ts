/**
 * One request through a tunnel and its answer back, as they come.
 *
 * I1: what breaks before the answer's head throws a `Fault`; what breaks after it breaks the caller's stream.
 * I2: a caller that went away ends the request at the site.
 */

import { reachedPath } from '../../decide/gateway-path.ts';
import type { GatewayAim } from '../../decide/gateway-path.ts';
import { headerOf, headersInward, headersOutward, redirectsAway } from '../../decide/proxied-headers.ts';
import type { ForwardedFor } from '../../decide/proxied-headers.ts';
import { Fault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpHeaders, HttpRequest, HttpResponse, HttpUpgrade } from '../../ports/http.ts';
import type { CenterTunnel, JoinStreams, TunnelAnswer, TunnelOrder } from '../../ports/tunnel.ts';

/** For the audit line. */
export interface Passed {
  readonly status: number;
  readonly outwardBytes: number;
  readonly inwardBytes?: number;
  readonly complete: boolean;
  readonly webSocket?: boolean;
}

/** 499: the status by which logs say that the caller went away before he was answered (nginx). */
const CALLER_GONE = 499;
const SWITCHING = 101;

export async function passRequest(tunnel: CenterTunnel, aim: GatewayAim, request: HttpRequest, response: HttpResponse): Promise<Passed> {
  const gone = new AbortController();
  response.onAbandoned(() => gone.abort(new Error('the caller went away')));
  const seen = forwardedFor(request, aim);
  const order: TunnelOrder = {
    method: request.method,
    target: targetOf(aim),
    headers: aim.kind === 'log' ? [] : headersInward(request.headers(), seen),
    ...(request.hasBody() ? { body: request.bodyStream() } : {}),
    webSocket: false,
    headMs: LIMITS.proxyHeadMs,
  };
  try {
    const answer = await tunnel.request(order, gone.signal);
    const { status, stream } = answer;
    const idleMs = aim.kind === 'log' ? LIMITS.watchMaxMs : LIMITS.proxyIdleMs;
    const { bytes, complete } = await response.relay(status, outward(answer, seen), stream, idleMs);
    return { status, outwardBytes: bytes, complete };
  } catch (cause) {
    if (!gone.signal.aborted) throw cause;
    return { status: CALLER_GONE, outwardBytes: 0, complete: false };
  }
}

export async function passUpgrade(tunnel: CenterTunnel, aim: GatewayAim, upgrade: HttpUpgrade, join: JoinStreams): Promise<Passed> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new Error('the caller went away'));
  upgrade.stream.once('close', onClose);
  const seen = forwardedFor(upgrade, aim);
  const headers = headersInward(upgrade.headers(), seen);
  const order: TunnelOrder = { method: 'GET', target: targetOf(aim), headers, webSocket: true, headMs: LIMITS.proxyHeadMs };
  try {
    const answer = await tunnel.request(order, gone.signal);
    if (answer.status === 200) {
      const near = upgrade.accept(outward(answer, seen));
      const counted = await join(near, answer.stream, LIMITS.proxyIdleMs);
      return { status: SWITCHING, webSocket: true, complete: true, ...counted };
    }
    const refusing = outward(answer, seen);
    const body = await firstBytes(answer.stream);
    upgrade.refuse(answer.status, withoutLength(refusing), body);
    return { status: answer.status, outwardBytes: body.length, complete: true };
  } catch (cause) {
    if (!gone.signal.aborted) throw cause;
    return { status: CALLER_GONE, outwardBytes: 0, complete: false };
  } finally {
    upgrade.stream.removeListener('close', onClose);
  }
}

function targetOf(aim: GatewayAim): string {
  if (aim.kind === 'log') return aim.query === '' ? '/logs' : `/logs?${aim.query}`;
  return `/proxy${reachedPath(aim.reached)}`;
}

function forwardedFor(request: Pick<HttpRequest, 'header' | 'headers' | 'peer'>, aim: GatewayAim): ForwardedFor {
  // HTTP/2 has another name for it.
  const host = headerOf(request.headers(), 'host') ?? request.header(':authority') ?? '';
  const { address } = request.peer;
  if (aim.kind === 'log') return { address, host, prefix: '', path: '/', kind: 'log' };
  const { prefix, reached } = aim;
  return { address, host, prefix, path: reached.rest, kind: reached.kind };
}

/** Throws `Fault` PeerAnswerInvalid for what must not reach the caller. */
function outward({ status, headers, stream }: TunnelAnswer, seen: ForwardedFor): string[] {
  if (!redirectsAway(status, headers, seen)) return headersOutward(headers, seen);
  stream.destroy();
  throw new Fault(
    'PeerAnswerInvalid',
    'What was reached redirects to another address; clients would follow with their credentials, so it is not passed on. Ask that address by yourself if you trust it.',
  );
}

async function firstBytes(body: AsyncIterable<Buffer>): Promise<Buffer> {
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
