/**
 * Calls and WebSockets to one server that is known by its pin (src/ports/upstream.ts).
 *
 * Own code over Node's HTTP client instead of a proxy library (httpxy): such a library opens its connections itself and sends at once, and here nothing may
 * be sent before the certificate was judged by trusted time. What is left of its work is little: answers are small and read whole, and a WebSocket
 * is passed on as bytes.
 *
 * I1: not one byte leaves on a connection before its other end was judged; connections that are kept were.
 * I2: a call ends by its deadline, whatever the server does, and takes its connection with it when it fails.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { callbackify } from 'node:util';
import { Fault, isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { HttpHeaders } from '../ports/http.ts';
import type { MutualAnswer } from '../ports/mutual-http.ts';
import type { Upstream, UpstreamCall, UpstreamOptions, UpstreamUpgrade } from '../ports/upstream.ts';
import { openTrusted, readWhole } from './mutual-http.ts';
import { Agent, request as httpRequest } from './node-http.ts';

const HEADER_BYTES = 16 * 1024;

export function openUpstream(options: UpstreamOptions): Upstream {
  const url = new URL(options.url);
  const end = new AbortController();
  const agent = trustedAgent(options, url, end.signal);
  return {
    call: async (order, given) => {
      const signal = AbortSignal.any([given, end.signal]);
      signal.throwIfAborted();
      const first = await attempt(agent, url, order, signal);
      // The server had closed a kept connection just when it was used: nothing was done there.
      if (first !== 'stale') return first;
      const second = await attempt(agent, url, { ...order, headers: { ...order.headers, connection: 'close' } }, signal);
      if (second !== 'stale') return second;
      throw new Fault('PeerAnswerInvalid', `${url.host} closed the connection without an answer; see whether it is overloaded.`);
    },
    upgrade: (target, headers, deadlineMs, signal) => upgrade(options, url, { target, headers, deadlineMs }, signal),
    close: () => {
      end.abort();
      agent.destroy();
    },
  };
}

/** An agent whose connections were judged before it gets them. */
function trustedAgent(options: UpstreamOptions, url: URL, signal: AbortSignal): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: LIMITS.upstreamConnections, maxFreeSockets: LIMITS.upstreamConnectionsKept });
  const open = callbackify(() => openTrusted({ ...trustedOrder(options, url), deadlineMs: LIMITS.upstreamConnectMs }, signal));
  agent.createConnection = (_options, callback) => {
    if (callback !== undefined) open(callback);
    return undefined;
  };
  return agent;
}

function trustedOrder(options: UpstreamOptions, url: URL): Omit<Parameters<typeof openTrusted>[0], 'deadlineMs'> {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === '' ? 443 : Number(url.port);
  return { host, port, trust: { kind: 'pin', pin: options.pin }, trustedNowMs: options.trustedNowMs() };
}

/** `stale`: a kept connection turned out to be closed. */
function attempt(agent: Agent, url: URL, order: UpstreamCall, signal: AbortSignal): Promise<MutualAnswer | 'stale'> {
  const body = order.body ?? '';
  return new Promise((done, failed) => {
    const outgoing = httpRequest({
      agent,
      method: order.method,
      path: order.target,
      headers: { host: url.host, 'content-length': Buffer.byteLength(body), ...order.headers },
      maxHeaderSize: HEADER_BYTES,
    });
    const stop = untilDeadline(url.host, order.deadlineMs, signal, fail);
    function fail(fault: Error): void {
      stop();
      outgoing.destroy();
      failed(fault);
    }
    const invalid = (what: string): void => fail(new Fault('PeerAnswerInvalid', `${url.host} ${what}; its answer was not used.`));
    outgoing.on('error', (cause: NodeJS.ErrnoException) => {
      if (isFault(cause)) return fail(cause);
      if (outgoing.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE')) {
        stop();
        return done('stale');
      }
      invalid(`broke off or did not speak HTTP (${cause.message})`);
    });
    outgoing.on('upgrade', () => invalid('answered with another protocol'));
    outgoing.on('response', (incoming) => {
      readWhole(incoming, order.maxAnswerBytes, invalid, (answer) => {
        stop();
        done(answer);
      });
    });
    outgoing.end(body);
  });
}

interface UpgradeOrder {
  readonly target: string;
  readonly headers: HttpHeaders;
  readonly deadlineMs: number;
}

async function upgrade(options: UpstreamOptions, url: URL, order: UpgradeOrder, signal: AbortSignal): Promise<UpstreamUpgrade> {
  const socket = await openTrusted({ ...trustedOrder(options, url), deadlineMs: LIMITS.upstreamConnectMs }, signal);
  signal.throwIfAborted();
  return await new Promise<UpstreamUpgrade>((done, failed) => {
    const outgoing = httpRequest({
      createConnection: () => socket,
      method: 'GET',
      path: order.target,
      headers: ['host', url.host, 'connection', 'Upgrade', 'upgrade', 'websocket', ...order.headers],
      maxHeaderSize: HEADER_BYTES,
    });
    const stop = untilDeadline(url.host, order.deadlineMs, signal, fail);
    function fail(fault: Error): void {
      stop();
      socket.destroy();
      failed(fault);
    }
    const invalid = (what: string): void => fail(new Fault('PeerAnswerInvalid', `${url.host} ${what}; its answer was not used.`));
    outgoing.on('error', (cause) => invalid(`broke off or did not speak HTTP (${cause.message})`));
    outgoing.on('upgrade', (incoming: IncomingMessage, stream: Duplex, head: Buffer) => {
      stop();
      if (head.length > 0) stream.unshift(head);
      done({ upgraded: true, headers: webSocketHeaders(incoming), stream });
    });
    outgoing.on('response', (incoming) => {
      readWhole(incoming, LIMITS.connectionServerBodyBytes, invalid, (answer) => {
        stop();
        socket.destroy();
        done({ upgraded: false, answer });
      });
    });
    outgoing.end();
  });
}

/** Calls `fail` at the deadline or when the signal aborts, unless what it gives was called before. */
function untilDeadline(host: string, deadlineMs: number, signal: AbortSignal, fail: (fault: Error) => void): () => void {
  const late = (): void =>
    fail(
      new Fault(
        'DeadlineExceeded',
        `${host} did not answer within ${(deadlineMs / 1000).toFixed(1)} s; see whether it runs and is not overloaded.`,
      ),
    );
  const onAbort = (): void => fail(signal.reason as Error);
  const timer = setTimeout(late, deadlineMs);
  signal.addEventListener('abort', onAbort, { once: true });
  const stop = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return stop;
}

/** What the two ends of a WebSocket agree on. */
function webSocketHeaders(incoming: IncomingMessage): HttpHeaders {
  return Object.entries(incoming.headers).flatMap(([name, value]) =>
    name.startsWith('sec-websocket-') && typeof value === 'string' ? [name, value] : [],
  );
}
