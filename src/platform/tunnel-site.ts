/**
 * The node's end of a tunnel: dials a director, and is then HTTP/2 server on that connection (src/ports/tunnel.ts).
 *
 * I1: nothing is served on a connection whose other end has not shown a director's certificate of our CA.
 * I2: a tunnel counts as open only when the director has greeted: a handshake proves nothing about being let in.
 * I3: any byte is a sign of life, so a tunnel that is busy is not taken for dead.
 * I4: a process that was held up itself does not take that for silence of the director: what waits to be read is read first.
 */

import { performServerHandshake } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { clause } from '../base/clause.ts';
import { Fault } from '../model/fault.ts';
import { isDirectorSubject } from '../decide/peer-trust.ts';
import { LIMITS } from '../model/limits.ts';
import { TUNNEL_PROTOCOL } from '../ports/http.ts';
import type { HttpHeaders, HttpPeer, HttpUpgrade } from '../ports/http.ts';
import { TUNNEL_HELLO } from '../ports/tunnel.ts';
import type { SiteTunnel, SiteTunnelOrder } from '../ports/tunnel.ts';
import type { CertificateFacts } from '../ports/x509.ts';
import { flatHeaders2, headerObject, Http2Request, Http2Response } from './http-2.ts';
import { openTrusted } from './mutual-http.ts';

const MIB = 1024 * 1024;

export async function dialTunnel(order: SiteTunnelOrder, signal: AbortSignal): Promise<SiteTunnel> {
  const socket = await connected(order, signal);
  const session = performServerHandshake(socket, {
    maxSessionMemory: (2 * LIMITS.tunnelStreams * LIMITS.tunnelWindowBytes) / MIB,
    maxHeaderListPairs: LIMITS.requestHeaders,
    settings: {
      enableConnectProtocol: true,
      maxConcurrentStreams: LIMITS.tunnelStreams,
      initialWindowSize: LIMITS.tunnelWindowBytes,
      maxHeaderListSize: LIMITS.requestHeaderBytes,
    },
  });
  session.setLocalWindowSize(LIMITS.tunnelStreams * LIMITS.tunnelWindowBytes);
  const greeted = Promise.withResolvers<void>();
  const underWay = serve(session, socket, order, () => greeted.resolve());
  const tunnel = tunnelOf(session, socket, order.director, underWay);
  const late = setTimeout(() => tunnel.cut(`${order.director} did not greet in time`), order.dialMs);
  const onAbort = (): void => tunnel.cut('no longer wanted');
  signal.addEventListener('abort', onAbort, { once: true });
  tunnel.onEnd((why) => greeted.reject(new Fault('DirectorRefused', `${order.director} took no tunnel: ${clause(why)}.`)));
  try {
    await greeted.promise;
    return tunnel;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', onAbort);
  }
}

async function connected(order: SiteTunnelOrder, signal: AbortSignal): Promise<TLSSocket> {
  const { hostname, port } = new URL(order.director);
  const socket = await openTrusted(
    {
      host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
      port: port === '' ? 443 : Number(port),
      trust: { kind: 'authority', authority: order.identity.authority, accepts: isDirector },
      identity: order.identity,
      trustedNowMs: order.trustedNowMs,
      deadlineMs: order.dialMs,
      connectMs: LIMITS.tunnelConnectMs,
      alpn: [TUNNEL_PROTOCOL],
    },
    signal,
  );
  if (socket.alpnProtocol === TUNNEL_PROTOCOL) {
    socket.setNoDelay(true);
    return socket;
  }
  socket.destroy();
  throw new Fault(
    'DirectorRefused',
    `${order.director} takes no tunnels: it is an older director, or something in between speaks TLS for it.`,
  );
}

function isDirector(facts: CertificateFacts): string | undefined {
  return isDirectorSubject(facts) ? undefined : 'The certificate is not that of a director, so it was not spoken to.';
}

function serve(session: ServerHttp2Session, socket: TLSSocket, order: SiteTunnelOrder, onGreeted: () => void): ReadonlySet<object> {
  const peer: HttpPeer = {
    address: socket.remoteAddress ?? '',
    protocol: 'tunnel',
    certificate: undefined,
    cut: () => void socket.destroy(),
    onClosed: (listener) => void socket.once('close', listener),
  };
  const underWay = new Set<object>();
  session.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    underWay.add(stream);
    stream.once('close', () => underWay.delete(stream));
    if (headers[':method'] === 'CONNECT') return order.onUpgrade(new Http2Upgrade(stream, headers, peer));
    if (headers[':path'] === TUNNEL_HELLO) onGreeted();
    order.handler(new Http2Request(stream, headers, peer), new Http2Response(stream, headers[':method'] ?? ''));
  });
  return underWay;
}

function tunnelOf(session: ServerHttp2Session, socket: TLSSocket, director: string, underWay: ReadonlySet<object>): SiteTunnel {
  let why = 'the connection was closed';
  let roundTripMs = 0;
  const look = silenceMeter(
    () => socket.bytesRead,
    () => performance.now(),
  );
  const pinger = setInterval(() => {
    look();
    if (!session.destroyed)
      session.ping((error, durationMs) => (roundTripMs = error === null ? smoothed(roundTripMs, durationMs) : roundTripMs));
  }, LIMITS.tunnelPingEveryMs);
  const listeners: ((why: string) => void)[] = [];
  let ended = false;
  let leaving = false;
  session.on('goaway', (_code, _last, said) => {
    leaving = true;
    if (said !== undefined && said.length > 0)
      why = Buffer.from(said.buffer, said.byteOffset, said.byteLength).toString('utf8').slice(0, 1024);
  });
  session.on('error', (cause: Error) => {
    if (why === 'the connection was closed') why = cause.message;
  });
  session.once('close', () => {
    clearInterval(pinger);
    socket.destroy();
    ended = true;
    for (const listener of listeners) listener(why);
  });
  return {
    director,
    silentMs: look,
    roundTripMs: () => roundTripMs,
    busy: () => underWay.size > 0,
    leaving: () => leaving,
    onEnd: (listener) => {
      if (ended) listener(why);
      else listeners.push(listener);
    },
    retire: (graceMs) => {
      if (session.destroyed) return;
      session.close();
      setTimeout(() => session.destroy(), graceMs).unref();
    },
    cut: (reason) => {
      why = reason;
      session.destroy();
    },
  };
}

/** Tells for how long nothing came, each time it is asked. */
export function silenceMeter(bytesRead: () => number, now: () => number): () => number {
  let bytes = -1;
  let lookedMs = now();
  let silentMs = 0;
  return () => {
    const nowMs = now();
    const passedMs = nowMs - lookedMs;
    lookedMs = nowMs;
    const isNews = bytes !== bytesRead();
    bytes = bytesRead();
    silentMs = isNews ? 0 : silentMs + Math.min(passedMs, LIMITS.tunnelLookCountsMs);
    return silentMs;
  };
}

function smoothed(before: number, now: number): number {
  return before === 0 ? now : before * 0.75 + now * 0.25;
}

/** An extended CONNECT (RFC 8441) as the request to upgrade that it stands for. */
class Http2Upgrade implements HttpUpgrade {
  readonly method = 'GET';
  readonly target: string;
  readonly peer: HttpPeer;
  readonly stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, peer: HttpPeer) {
    this.stream = stream;
    this.target = headers[':path'] ?? '';
    this.peer = peer;
    this.#headers = headers;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  headers(): HttpHeaders {
    return flatHeaders2(this.#headers);
  }

  accept(headers: HttpHeaders): ServerHttp2Stream {
    if (!this.stream.destroyed) this.stream.respond(headerObject(200, headers, undefined));
    return this.stream;
  }

  refuse(status: number, headers: HttpHeaders, body: Buffer): void {
    if (this.stream.destroyed) return;
    this.stream.respond(headerObject(status, headers, body.length));
    this.stream.end(body);
    this.stream.resume();
  }
}
