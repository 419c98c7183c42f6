/**
 * One connection to one of the directors (HTTP/2 over TLS), made when it is needed and made anew when it is gone.
 *
 * All calls and watches of an agent share it: one handshake, one socket, in 20,000 agents' favor. Which director is asked first is a matter of
 * dice, so that agents spread; the next is asked when one does not answer.
 *
 * I1: a connection counts only when director-trust.ts has judged the other end; nothing is sent before.
 * I2: a peer that vanished without a word is noticed within `pingEveryMs + pingEchoMs`.
 */

import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Random } from '../ports/random.ts';
import { openDirector } from './director-trust.ts';
import type { Credentials } from './director-trust.ts';

export interface SessionKeeper {
  /** The connection that is open, or a new one. Throws `Fault` DirectorUnreachable, with what each director did. */
  session(signal: AbortSignal): Promise<OpenSession>;
  /** Leaves this connection: its director is not to be asked next. Streams on it end. */
  abandon(session: OpenSession): void;
  /** The same, but only when there is another director to ask. */
  avoid(session: OpenSession): void;
  /** Takes other credentials from the next connection on. */
  useCredentials(credentials: Credentials): void;
  close(): void;
}

export interface OpenSession {
  readonly origin: string;
  readonly http2: ClientHttp2Session;
}

export function sessionKeeper(directors: readonly string[], credentials: Credentials, random: Random): SessionKeeper {
  let current: OpenSession | undefined;
  let connecting: Promise<OpenSession> | undefined;
  let trusted = credentials;
  let first = Math.floor(random.float() * directors.length);
  const ended = new AbortController();

  const connectAny = async (): Promise<OpenSession> => {
    const failures: string[] = [];
    for (let i = 0; i < directors.length; i++) {
      const origin = directors[(first + i) % directors.length] ?? '';
      try {
        const http2 = await openSession(origin, trusted, ended.signal);
        first = (first + i) % directors.length;
        return { origin, http2 };
      } catch (cause) {
        failures.push(`${origin}: ${reasonOf(cause)}`);
      }
    }
    throw new Fault('DirectorUnreachable', `No director answers (${failures.join('; ')}). Nothing was sent; it is tried again.`);
  };
  const renewed = async (): Promise<OpenSession> => {
    const session = await connectAny();
    if (ended.signal.aborted) session.http2.destroy();
    current = session;
    return session;
  };
  const abandon = (session: OpenSession): void => {
    session.http2.destroy();
    if (current !== session) return;
    current = undefined;
    first = (first + 1) % Math.max(1, directors.length);
  };
  return {
    abandon,
    avoid: (session) => {
      if (directors.length > 1) abandon(session);
    },
    session: async (signal) => {
      if (ended.signal.aborted) throw new Fault('Aborted', 'The connection to the directors was closed.');
      if (current !== undefined && isOpen(current)) return current;
      connecting ??= renewed().finally(() => (connecting = undefined));
      return await abortable(connecting, signal);
    },
    useCredentials: (next) => {
      trusted = next;
      // Streams on the old connection may end in peace; the next call opens a new one.
      current?.http2.close();
      current = undefined;
    },
    close: () => {
      ended.abort();
      current?.http2.destroy();
      current = undefined;
    },
  };
}

function isOpen({ http2 }: OpenSession): boolean {
  return !http2.closed && !http2.destroyed;
}

async function openSession(origin: string, credentials: Credentials, signal: AbortSignal): Promise<ClientHttp2Session> {
  const http2 = await openDirector(origin, credentials, signal);
  http2.unref();
  keepAlive(http2);
  return http2;
}

/** Pings, so that a peer that vanished (cut cable, frozen machine) does not keep watches waiting for events that never come. */
function keepAlive(http2: ClientHttp2Session): void {
  let echo: NodeJS.Timeout | undefined;
  const pinger = setInterval(() => {
    if (http2.destroyed) return;
    echo = setTimeout(() => http2.destroy(new Error(`no echo to a ping within ${LIMITS.pingEchoMs} ms`)), LIMITS.pingEchoMs);
    echo.unref();
    http2.ping(() => clearTimeout(echo));
  }, LIMITS.pingEveryMs);
  pinger.unref();
  http2.once('close', () => {
    clearInterval(pinger);
    clearTimeout(echo);
  });
}

export interface Sent {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, encoded. */
  readonly target: string;
  readonly body?: string;
  readonly contentType?: string;
  /** The span that it is sent below (W3C); absent: none. */
  readonly traceparent?: string | undefined;
}

export interface ReplyHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: ClientHttp2Stream;
}

/** Sends a request; resolves when the head of the answer is there. Rejects when the stream or connection ends before, or the signal aborts. */
export function send({ http2 }: OpenSession, sent: Sent, signal: AbortSignal): Promise<ReplyHead> {
  return new Promise((done, failed) => {
    signal.throwIfAborted();
    const traced = sent.traceparent === undefined ? {} : { traceparent: sent.traceparent };
    const headers = { ':method': sent.method, ':path': sent.target, accept: 'application/json', ...traced, ...bodyHeaders(sent) };
    const stream = http2.request(headers, { endStream: sent.body === undefined });
    const onAbort = (): void => void stream.destroy(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.once('response', (answer) => done({ status: Number(answer[':status']), headers: answer, stream }));
    stream.once('error', failed);
    stream.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      failed(new Error('the connection was closed before an answer came'));
    });
    if (sent.body !== undefined) stream.end(sent.body);
  });
}

function bodyHeaders(sent: Sent): Record<string, string> {
  if (sent.body === undefined) return {};
  return { 'content-type': sent.contentType ?? 'application/json', 'content-length': String(Buffer.byteLength(sent.body)) };
}

/** The rest of the answer as text. Rejects when it is torn, or longer than `LIMITS.answerBytes`. */
export function readAnswer(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((done, failed) => {
    const chunks: Buffer[] = [];
    let length = 0;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > LIMITS.answerBytes) stream.destroy(new Error(`the answer is longer than ${LIMITS.answerBytes} bytes`));
    });
    stream.once('end', () => done(Buffer.concat(chunks).toString('utf8')));
    stream.once('error', failed);
    stream.once('close', () => failed(new Error('the answer was cut off')));
  });
}

export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Node tries all addresses of a name, and then only says that there were several failures.
  if (cause instanceof AggregateError) return [...new Set(cause.errors.map(reasonOf))].join(', ');
  return cause.message === '' ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : cause.message;
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
