/**
 * Passing a request on by HTTP/1.1, as it comes (src/ports/forward.ts).
 *
 * I1: not one byte leaves for a node of ours before it has been judged.
 * I2: what breaks before the head of the answer is a `Fault`, and the caller's own connection is left whole, so that it can be told.
 */

import type { ClientRequest, ClientRequestArgs, IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { Fault, isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Destination, ForwardAnswer, Forwarder, ForwardOrder, ForwardTo, UpgradeAnswer } from '../ports/forward.ts';
import type { HttpHeaders } from '../ports/http.ts';
import { flatHeaders } from './http-1.ts';
import { openTrusted } from './mutual-http.ts';
import { Agent, request as httpRequest } from './node-http.ts';

/** Shorter than any server of ours keeps idle connections, so that it is we who end them. */
const IDLE_MS = 20_000;
const IDLE_KEPT = 16;
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);

export const forwardTo: ForwardTo = (destination: Destination): Forwarder => {
  // Who ends idle connections to services of others is not known, so those are not kept.
  const agent = new DestinationAgent(destination);
  const where = `${destination.host}:${destination.port}`;
  return {
    send: (order, signal) => explained(destination, send({ agent, where }, order, signal)),
    upgrade: (order, signal) => explained(destination, upgrade({ agent, where }, order, signal)),
    close: () => agent.destroy(),
  };
};

/** OpenSSL's words for an answer that is no TLS. */
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|RECORD_LAYER/;

/** Whoever took the wrong one of http and https is told so, by his name for the service, instead of what each makes of the other. */
async function explained<T>(destination: Destination, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (destination.kind === 'node' || !isFault(cause)) throw cause;
    const { kind, host, port, name = `${host}:${port}` } = destination;
    const code = (cause.cause as { readonly code?: string } | undefined)?.code ?? '';
    if (kind === 'tls' && NO_TLS.test(code)) throw new Fault('PeerAnswerInvalid', `${name} speaks no TLS; leave out https:.`, { cause });
    if (kind === 'plain' && code !== 'ECONNREFUSED' && (await speaksTls(host, port)))
      throw new Fault('PeerAnswerInvalid', `${name} speaks TLS; write https:${name}.`, { cause });
    throw cause;
  }
}

async function speaksTls(host: string, port: number): Promise<boolean> {
  try {
    (await connected({ kind: 'tls', host, port })).destroy();
    return true;
  } catch {
    return false;
  }
}

interface Way {
  readonly agent: Agent;
  readonly where: string;
}

class DestinationAgent extends Agent {
  readonly #destination: Destination;

  constructor(destination: Destination) {
    super({ keepAlive: destination.kind === 'node', timeout: IDLE_MS, maxFreeSockets: IDLE_KEPT, scheduling: 'lifo' });
    this.#destination = destination;
  }

  override createConnection(_options: ClientRequestArgs, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    const answer = callback as (error: Error | null, stream?: Duplex) => void;
    open(this.#destination).then(
      (socket) => answer(null, socket),
      (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
    );
    return undefined;
  }
}

async function open(destination: Destination): Promise<Socket> {
  const { host, port } = destination;
  if (destination.kind !== 'node') return await connected(destination);
  const [identity, trust] = [destination.identity(), destination.trust()];
  const order = { host, port, trust, identity, trustedNowMs: destination.trustedNowMs(), deadlineMs: LIMITS.proxyConnectMs };
  const socket = await openTrusted(order, new AbortController().signal);
  socket.setNoDelay(true);
  return socket;
}

function connected({ kind, host, port }: Destination): Promise<Socket> {
  return new Promise((done, failed) => {
    const secure = kind === 'tls';
    const socket = secure ? connectTls({ host, port, rejectUnauthorized: false }) : connectTcp({ host, port });
    socket.setNoDelay(true);
    const late = setTimeout(() => socket.destroy(new Error('it took no connection in time')), LIMITS.proxyConnectMs);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(late);
      done(socket);
    });
    socket.on('error', failed);
    socket.once('close', () => {
      clearTimeout(late);
      failed(new Error('the connection was closed'));
    });
  });
}

async function send(way: Way, order: ForwardOrder, signal: AbortSignal): Promise<ForwardAnswer> {
  try {
    return await ask(way, order, false, signal, (outgoing, done) => outgoing.on('response', (incoming) => done(answerOf(incoming))));
  } catch (cause) {
    if (cause instanceof StaleConnection) return await send(way, order, signal);
    throw cause;
  }
}

async function upgrade(way: Way, order: ForwardOrder, signal: AbortSignal): Promise<UpgradeAnswer> {
  return await ask<UpgradeAnswer>(way, order, true, signal, (outgoing, done) => {
    outgoing.on('response', (incoming) => done({ upgraded: false, ...answerOf(incoming) }));
    outgoing.on('upgrade', (incoming: IncomingMessage, stream: Socket, head: Buffer) => {
      if (head.length > 0) stream.unshift(head);
      // Until somebody listens.
      stream.on('error', () => stream.destroy());
      done({ upgraded: true, headers: flatHeaders(incoming), stream });
    });
  });
}

/** A kept connection had just been ended by its other side; nothing of the request was read there. */
class StaleConnection extends Error {}

function ask<T>(
  { agent, where }: Way,
  order: ForwardOrder,
  upgrading: boolean,
  signal: AbortSignal,
  listen: (outgoing: ClientRequest, done: (answer: T) => void) => void,
): Promise<T> {
  return new Promise((done, failed) => {
    signal.throwIfAborted();
    const { method, target, body, headMs } = order;
    const headers = objectOf(order.headers, upgrading);
    const outgoing = httpRequest({ agent, method, path: target, headers, setHost: false, maxHeaderSize: LIMITS.requestHeaderBytes });
    const late = setTimeout(() => outgoing.destroy(new Fault('DeadlineExceeded', tooSlow(where, headMs))), headMs);
    const onAbort = (): void => void outgoing.destroy(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    const settle = (): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
    };
    listen(outgoing, (answer) => {
      settle();
      done(answer);
    });
    outgoing.on('error', (cause: Error & { code?: string }) => {
      settle();
      body?.unpipe(outgoing);
      const stale = outgoing.reusedSocket && body === undefined && REPEATABLE.has(method) && cause.code === 'ECONNRESET';
      failed(stale && !signal.aborted ? new StaleConnection() : faultOf(cause, where, signal));
    });
    if (body === undefined) return void outgoing.end();
    body.on('data', () => late.refresh());
    body.once('error', () => outgoing.destroy());
    // The caller went away in the middle of its body.
    body.once('close', () => body.readableEnded || outgoing.destroy());
    body.pipe(outgoing);
  });
}

function answerOf(incoming: IncomingMessage): ForwardAnswer {
  // Until somebody listens.
  incoming.on('error', () => undefined);
  return { status: incoming.statusCode ?? 502, headers: flatHeaders(incoming), body: incoming };
}

function objectOf(headers: HttpHeaders, upgrading: boolean): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = {};
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]];
    const before = object[name];
    object[name] = before === undefined ? value : [before, value].flat();
  }
  return upgrading ? { ...object, connection: 'Upgrade', upgrade: 'websocket' } : object;
}

function faultOf(cause: Error & { code?: string }, where: string, signal: AbortSignal): Error {
  if (isFault(cause)) return cause;
  if (signal.aborted) return signal.reason as Error;
  if (cause.code?.startsWith('HPE_') === true)
    return new Fault('PeerAnswerInvalid', `${where} did not answer in HTTP/1.1 (${cause.message}).`, { cause });
  const why = cause.code === 'ECONNREFUSED' ? 'nothing listens there' : (cause.code ?? cause.message);
  return new Fault('PeerUnreachable', `${where} did not answer: ${why}. See that it runs.`, { cause });
}

function tooSlow(where: string, headMs: number): string {
  return `${where} did not begin to answer within ${headMs / 1000} s; see whether it is overloaded.`;
}
