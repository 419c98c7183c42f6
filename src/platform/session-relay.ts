/**
 * Carries sessions (src/ports/session-relay.ts): a WebSocket on one side, a TCP connection on the other.
 *
 * I1: whoever reads slowly slows the other side down.
 * I2: it ends: a client that vanished is found by pings, and everything is let go when the WebSocket closes.
 * I3: a torn connection never looks whole: only both ends, or a close with 1000 or 1001, make a session Closed.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { clause } from '../base/clause.ts';
import { assert } from '../base/assert.ts';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Backend, CarriedSession, RelayEnd, SessionRelay } from '../ports/session-relay.ts';
import { acceptWebSocket } from './websocket.ts';
import type { WebSocket } from './websocket.ts';

const CLOSE_NORMAL = 1000;
const CLOSE_GOING = 1001;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_POLICY = 1008;
const CLOSE_BROKEN = 1011;
const END = 'end';
/** A client that does not answer a close is cut after this. */
const CLOSE_GRACE_MS = 2_000;

type OnBytes = (direction: 'in' | 'out', bytes: number) => void;

class TcpBackend implements Backend {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export function sessionRelay(): SessionRelay {
  return { dial, carry };
}

function dial(host: string, port: number, deadlineMs: number, signal: AbortSignal): Promise<Backend> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  return new Promise((done, failed) => {
    const fail = (fault: unknown): void => {
      settle();
      socket.destroy();
      failed(fault instanceof Error ? fault : new Fault('Aborted', 'Given up.'));
    };
    const late = (): void => fail(new Fault('DeadlineExceeded', `The back end ${host}:${port} did not take the connection in time.`));
    const timer = setTimeout(late, deadlineMs);
    const onAbort = (): void => fail(signal.reason);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => {
      settle();
      socket.setKeepAlive(true, LIMITS.keepAliveMs);
      done(new TcpBackend(socket));
    });
    // Listened to for ever: a connection that waits for its WebSocket may break meanwhile.
    socket.on('error', (cause: Error & { code?: string }) => {
      const why = cause.code === 'ECONNREFUSED' ? 'nothing listens there' : (cause.code ?? cause.message);
      fail(new Fault('PeerUnreachable', `The back end ${host}:${port} does not take connections: ${clause(why)}.`, { cause }));
    });
  });
}

function carry(upgrade: Parameters<SessionRelay['carry']>[0], backend: Backend, onBytes: OnBytes): CarriedSession {
  assert(backend instanceof TcpBackend, 'the back end was dialed by this relay');
  const { socket } = backend;
  const wanted: { cut?: readonly [code: number, reason: string]; now?: (code: number, reason: string) => void } = {};
  const finished = acceptWebSocket(upgrade).then(async (client): Promise<RelayEnd> => {
    if (client === undefined || wanted.cut !== undefined) {
      client?.terminate();
      socket.destroy();
      return wanted.cut === undefined ? 'Lost' : 'Cut';
    }
    wanted.now = (code, reason) => closeSoon(client, code, reason);
    const end = await relay(client, socket, onBytes);
    return wanted.cut === undefined ? end : 'Cut';
  });
  return {
    finished,
    cut: (code, reason) => {
      wanted.cut ??= [code, reason];
      wanted.now?.(code, reason);
    },
  };
}

function relay(client: WebSocket, backend: Socket, onBytes: OnBytes): Promise<RelayEnd> {
  const ended = { client: false, backend: false };
  const both = (): void => {
    if (ended.client && ended.backend) closeSoon(client, CLOSE_NORMAL, 'both sides are done');
  };
  const stopPings = keepPinging(client);
  carryIn(
    client,
    backend,
    onBytes,
    () => ended.client,
    () => {
      ended.client = true;
      backend.end();
      both();
    },
  );
  carryOut(client, backend, onBytes);
  let saidAll = false;
  backend.on('end', () => {
    saidAll = true;
    // Only once the client's kernel has all of it: a close would give a slow reader no more than a moment.
    const told = (): void => {
      ended.backend = true;
      both();
    };
    if (client.readyState === client.OPEN) client.send(END, told);
  });
  backend.on('close', () => {
    if (!saidAll || !ended.client) closeSoon(client, CLOSE_BROKEN, 'the back end broke off');
  });
  return new Promise((done) => {
    // It closes by itself then, with the code that says why.
    client.on('error', () => undefined);
    client.on('close', (code) => {
      stopPings();
      const whole = (ended.client && ended.backend) || (isFarewell(code) && !backend.destroyed);
      if (whole) backend.destroySoon();
      else if (!backend.destroyed) backend.resetAndDestroy();
      done(whole ? 'Closed' : 'Lost');
    });
  });
}

function carryIn(client: WebSocket, backend: Socket, onBytes: OnBytes, isOver: () => boolean, onEnd: () => void): void {
  client.on('message', (data: Buffer, isBinary: boolean) => {
    if (isOver()) return closeSoon(client, CLOSE_POLICY, 'bytes after end');
    if (!isBinary) return data.toString('latin1') === END ? onEnd() : closeSoon(client, CLOSE_UNSUPPORTED, 'a text frame may only be: end');
    if (data.length === 0 || backend.destroyed) return;
    onBytes('in', data.length);
    if (!backend.write(data)) client.pause();
  });
  backend.on('drain', () => client.resume());
  // Whoever waits for a back end that is gone would never read the farewell.
  backend.on('close', () => client.resume());
}

function carryOut(client: WebSocket, backend: Socket, onBytes: OnBytes): void {
  const sent = (): void => {
    if (backend.isPaused() && client.bufferedAmount <= LIMITS.sessionUnsentBytes / 2) backend.resume();
  };
  backend.on('data', (chunk: Buffer) => {
    if (client.readyState !== client.OPEN) return;
    onBytes('out', chunk.length);
    client.send(chunk, { binary: true }, sent);
    if (client.bufferedAmount > LIMITS.sessionUnsentBytes) backend.pause();
  });
}

/** Pings while the client is read from; one that did not answer the last ping is gone. */
function keepPinging(client: WebSocket): () => void {
  let answered = true;
  client.on('pong', () => (answered = true));
  client.on('message', () => (answered = true));
  const timer = setInterval(() => {
    // A client that waits for a slow back end is not read, so its pongs are not either.
    if (client.isPaused) return;
    if (!answered) return client.terminate();
    answered = false;
    client.ping();
  }, LIMITS.sessionPingMs);
  return () => clearInterval(timer);
}

function isFarewell(code: number): boolean {
  return code === CLOSE_NORMAL || code === CLOSE_GOING;
}

function closeSoon(client: WebSocket, code: number, reason: string): void {
  if (client.readyState === client.CLOSED) return;
  if (client.isPaused) client.resume();
  client.close(code, reason);
  setTimeout(() => client.terminate(), CLOSE_GRACE_MS).unref();
}
