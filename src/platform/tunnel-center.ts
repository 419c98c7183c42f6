/**
 * The director's end of a tunnel: HTTP/2 as client on a connection that a node dialed (src/ports/tunnel.ts).
 *
 * I1: a stream that is slow to be read holds only its own window: the window of the connection is that of all streams together.
 * I2: a tunnel that is over ends every stream in it, and says why, once.
 */

import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Fault, isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { CenterTunnel, TunnelAnswer, TunnelOrder } from '../ports/tunnel.ts';
import { flatHeaders2 } from './http-2.ts';

const MIB = 1024 * 1024;
/** A farewell has this long to leave. */
const FAREWELL_MS = 200;

export function openCenterTunnel(socket: Duplex): CenterTunnel {
  const session = connect('https://site', {
    createConnection: () => socket,
    maxSessionMemory: (2 * LIMITS.tunnelStreams * LIMITS.tunnelWindowBytes) / MIB,
    maxHeaderListPairs: LIMITS.requestHeaders,
    settings: { enablePush: false, initialWindowSize: LIMITS.tunnelWindowBytes, maxHeaderListSize: LIMITS.requestHeaderBytes },
  });
  let why = 'the connection was closed';
  let streams = 0;
  const watch = setInterval(() => (why = unheard(socket as Socket, session) ?? why), LIMITS.tunnelUnheardMs / 4);
  watch.unref();
  session.once('connect', () => session.setLocalWindowSize(LIMITS.tunnelStreams * LIMITS.tunnelWindowBytes));
  session.on('error', (cause: Error) => (why = cause.message));
  session.on('goaway', (code) => {
    why = 'the node ended it';
    // What is under way goes on; nothing new.
    if (code === constants.NGHTTP2_NO_ERROR) session.close();
  });
  const listeners: ((why: string) => void)[] = [];
  session.once('close', () => {
    clearInterval(watch);
    for (const listener of listeners) listener(why);
  });
  return {
    request: (order, signal) => {
      const asked = ask(session, order, signal, () => why);
      streams++;
      asked.stream.once('close', () => streams--);
      return asked.answer;
    },
    streams: () => streams,
    onEnd: (listener) => void listeners.push(listener),
    retire: (graceMs, reason) => {
      if (session.destroyed) return;
      if (reason !== undefined) session.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(reason.slice(0, 1024), 'utf8'));
      session.close();
      setTimeout(() => session.destroy(), graceMs).unref();
    },
    end: (reason) => {
      if (session.destroyed) return;
      why = reason;
      session.goaway(constants.NGHTTP2_REFUSED_STREAM, 0, Buffer.from(reason.slice(0, 1024), 'utf8'));
      setTimeout(() => session.destroy(), FAREWELL_MS).unref();
    },
  };
}

const heard = new WeakMap<Socket, { bytes: number; atMs: number }>();

/** Ends the session when its peer was silent for too long, and says so. Any byte is a sign of life, and pings come each second. */
function unheard(socket: Socket, session: ClientHttp2Session): string | undefined {
  const before = heard.get(socket);
  const nowMs = performance.now();
  if (before === undefined || before.bytes !== socket.bytesRead) {
    heard.set(socket, { bytes: socket.bytesRead, atMs: nowMs });
    return undefined;
  }
  if (nowMs - before.atMs < LIMITS.tunnelUnheardMs) return undefined;
  session.destroy();
  return `the node was silent for ${LIMITS.tunnelUnheardMs / 1000} s`;
}

function ask(
  session: ClientHttp2Session,
  order: TunnelOrder,
  signal: AbortSignal,
  why: () => string,
): { readonly stream: Duplex; readonly answer: Promise<TunnelAnswer> } {
  const { body, headMs } = order;
  const stream: ClientHttp2Stream = session.request(headersOf(order), { endStream: body === undefined && !order.webSocket });
  const answer = new Promise<TunnelAnswer>((done, failed) => {
    const late = setTimeout(() => {
      failed(
        new Fault('DeadlineExceeded', `The site did not begin to answer within ${headMs / 1000} s; see whether what you ask for hangs.`),
      );
      stream.close(constants.NGHTTP2_CANCEL);
    }, headMs);
    const onAbort = (): void => {
      failed(signal.reason as Error);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const settle = (): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
    };
    stream.once('response', (headers) => {
      settle();
      done({ status: headers[':status'] ?? 502, headers: flatHeaders2(headers), stream });
    });
    stream.on('error', (cause) => {
      body?.unpipe(stream);
      failed(isFault(cause) ? cause : over(session, why));
    });
    stream.once('close', () => {
      settle();
      body?.unpipe(stream);
      failed(over(session, why));
    });
    if (signal.aborted) onAbort();
    if (body === undefined) return;
    body.on('data', () => late.refresh());
    body.once('error', () => stream.close(constants.NGHTTP2_CANCEL));
    body.once('close', () => body.readableEnded || stream.close(constants.NGHTTP2_CANCEL));
    body.pipe(stream);
  });
  return { stream, answer };
}

function over(session: ClientHttp2Session, why: () => string): Fault {
  return session.destroyed
    ? new Fault('PeerUnreachable', `The tunnel to the site ended before an answer came (${why()}); try again.`)
    : new Fault('PeerUnreachable', 'The site broke off this request before it answered; try again.');
}

function headersOf({ method, target, headers, webSocket }: TunnelOrder): OutgoingHttpHeaders {
  const object: OutgoingHttpHeaders = webSocket
    ? { ':method': 'CONNECT', ':protocol': 'websocket', ':path': target, ':scheme': 'https', ':authority': 'site' }
    : { ':method': method, ':path': target };
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]];
    const before = object[name];
    object[name] = before === undefined ? value : [before, value].flat().map(String);
  }
  return object;
}
