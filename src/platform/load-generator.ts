/**
 * Clients that load a node's balancer and count what they saw (src/ports/load.ts, src/decide/load-tally.ts).
 *
 * Node's own HTTP client: its parser is native, and it reuses connections as every client does. Measured on one core of a shared machine: about
 * 0.2 ms a request over a new connection and 0.1 ms over a kept one.
 *
 * I1: nothing is sent twice: a request whose connection breaks before its answer has failed. A kept connection that was closed between two
 *     requests is opened anew.
 * I2: an attempt ends with 2xx and a whole body, or fails, within the order's time (5 s); a timer that fires because this process stood still is
 *     given one turn of the event loop to find the answer that is there already.
 * I3: new connections are open-loop: they are sent when due, however slow the answers are, up to LIMITS.loadUnderWay at a time; what is due for
 *     longer than LIMITS.loadLateMs is left out and counted as skipped, so that a machine that stood still sends no burst.
 * I4: an abort ends the load: attempts under way may finish, none begins.
 */

import { Agent, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { countAttempt, countSkipped, emptyTally, reportOf } from '../decide/load-tally.ts';
import type { LoadKind, LoadReport, LoadTally } from '../decide/load-tally.ts';
import { LIMITS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Load, LoadGenerator, LoadOrder } from '../ports/load.ts';

/** New connections are sent in small groups this often: a timer each would cost more than the request. */
const TICK_MS = 5;

interface Running {
  readonly clock: Clock;
  readonly order: LoadOrder;
  readonly signal: AbortSignal;
  tally: LoadTally;
  underWay: number;
}

/** Undefined: well; else why not. */
type Outcome = string | undefined;

export function loadGenerator(clock: Clock): LoadGenerator {
  return { start: (order, signal) => startLoad({ clock, order, signal, tally: emptyTally(clock.monotonicMs()), underWay: 0 }) };
}

function startLoad(state: Running): Load {
  const { clock, order } = state;
  const report = (): LoadReport => reportOf(state.tally, clock.monotonicMs());
  const kept = order.request.kind === 'Tcp' ? 0 : (order.keptClients ?? LIMITS.loadKeptClients);
  const clients = Array.from({ length: kept }, () => keepAsking(state));
  return {
    report,
    take: () => {
      const now = report();
      state.tally = emptyTally(clock.monotonicMs());
      return now;
    },
    ended: Promise.all([sendFresh(state), ...clients]).then(report),
  };
}

/** One client with one connection: the next request when the last was answered. */
async function keepAsking(state: Running): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const pauseMs = state.order.keptPauseMs ?? LIMITS.loadKeptPauseMs;
  while (!state.signal.aborted) {
    await attempt(state, 'kept', agent);
    await state.clock.sleep(pauseMs, state.signal).catch(() => undefined);
  }
  agent.destroy();
}

async function sendFresh(state: Running): Promise<void> {
  const { clock, signal } = state;
  const perMs = (state.order.freshPerSecond ?? LIMITS.loadFreshPerSecond) / 1000;
  const running = new Set<Promise<void>>();
  let sentUntilMs = clock.monotonicMs();
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    const lateMs = nowMs - LIMITS.loadLateMs;
    if (sentUntilMs < lateMs) sentUntilMs += skip(state, Math.floor((lateMs - sentUntilMs) * perMs)) / Math.max(perMs, Number.EPSILON);
    const due = Math.floor((nowMs - sentUntilMs) * perMs);
    for (let at = 0; at < due; at++) {
      if (state.underWay >= LIMITS.loadUnderWay) {
        skip(state, 1);
        continue;
      }
      const one = attempt(state, 'fresh', undefined).finally(() => running.delete(one));
      running.add(one);
    }
    if (due > 0) sentUntilMs += due / perMs;
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
  }
  await Promise.all(running);
}

function skip(state: Running, count: number): number {
  if (count > 0) state.tally = countSkipped(state.tally, 'fresh', count);
  return count;
}

async function attempt(state: Running, kind: LoadKind, agent: Agent | undefined): Promise<void> {
  state.underWay++;
  const startedMs = state.clock.monotonicMs();
  const failure = await (state.order.request.kind === 'Http' ? askHttp(state.order, state.order.request.path, agent) : askTcp(state.order));
  const endedMs = Math.max(startedMs, state.clock.monotonicMs());
  state.underWay--;
  state.tally = countAttempt(state.tally, { kind, startedMs, endedMs, ...(failure === undefined ? {} : { failure }) });
}

function askHttp(order: LoadOrder, path: string, agent: Agent | undefined): Promise<Outcome> {
  const { host, port } = order;
  return outcome(order, (end) => {
    const request = get({ host, port, path, agent: agent ?? false, headers: { 'user-agent': 'outrigger-load' } }, (answer) => {
      readAll(answer, end);
    });
    request.on('error', (cause: NodeJS.ErrnoException) => end(cause.code ?? cause.message));
    return () => request.destroy();
  });
}

function readAll(answer: IncomingMessage, end: (failure: Outcome) => void): void {
  const status = answer.statusCode ?? 0;
  answer.on('error', (cause: NodeJS.ErrnoException) => end(`cut off: ${cause.code ?? cause.message}`));
  answer.once('end', () => end(status >= 200 && status < 300 ? undefined : `answered ${status}`));
  answer.resume();
}

function askTcp(order: LoadOrder): Promise<Outcome> {
  const { host, port, request } = order;
  return outcome(order, (end) => {
    const socket = connect({ host, port });
    const done = (failure: Outcome): void => {
      socket.destroy();
      end(failure);
    };
    socket.on('error', (cause: NodeJS.ErrnoException) => done(cause.code ?? cause.message));
    socket.once('close', () => end('closed without a byte'));
    if (request.kind === 'Tcp' && request.firstByte) socket.once('data', () => done(undefined));
    else socket.once('connect', () => done(undefined));
    return () => socket.destroy();
  });
}

/** The first outcome counts. `begin` starts the attempt and returns what ends it. */
function outcome(order: LoadOrder, begin: (end: (failure: Outcome) => void) => () => void): Promise<Outcome> {
  const timeoutMs = order.timeoutMs ?? LIMITS.loadTimeoutMs;
  return new Promise((done) => {
    const timer = setTimeout(() => {
      setImmediate(() => {
        done(`nothing within ${timeoutMs} ms`);
        stop();
      });
    }, timeoutMs);
    const stop = begin((failure) => {
      clearTimeout(timer);
      done(failure);
    });
  });
}
