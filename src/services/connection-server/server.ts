/**
 * A connection server: listens, carries sessions, looks after its back end.
 *
 * I1: every session that is carried is attached in the table, and let go of there when it is over, however it ends.
 * I2: told to stop, it takes no new sessions, lets answers finish, ends sessions with a word, and leaves nothing behind.
 */

import { isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpRequest, HttpResponse, HttpServer, HttpUpgrade } from '../../ports/http.ts';
import type { Backend, CarriedSession } from '../../ports/session-relay.ts';
import { refusal } from './answers.ts';
import type { Answer } from './answers.ts';
import { answerRequest, pathOf, sessionToConnect } from './api.ts';
import { createLicenseBoard } from './license-board.ts';
import { createLogIns } from './log-in.ts';
import { createSessions } from './sessions.ts';
import type { EndReason } from './sessions.ts';
import type { ConnectionServerDeps, ConnectionServerOptions, ServerState } from './state.ts';

const INSTANCE_BYTES = 8;
const CLOSE_GOING = 1001;
const CLOSE_ENDED = 4000;

interface Running extends ServerState {
  readonly carried: Map<string, CarriedSession>;
  /** Sessions over which bytes went since the last sweep. */
  readonly busy: Set<string>;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
}

/** Runs until the signal aborts. `onListening` is told the port. Throws `Fault` PortTaken. */
export async function runConnectionServer(
  deps: ConnectionServerDeps,
  options: ConnectionServerOptions,
  onListening: (port: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const broken = Promise.withResolvers<never>();
  const running = prepare(deps, options, signal);
  const watching = [watchBackend(running, signal), sweepSessions(running, signal)];
  const http = await deps.listen({
    host: options.host,
    port: options.port,
    tls: options.tls,
    handler: (request, response) => void serve(running, request, response).catch(broken.reject),
    onUpgrade: (upgrade) => void connectSession(running, upgrade).catch(broken.reject),
    onError: broken.reject,
  });
  onListening(http.port);
  try {
    await Promise.race([aborted(signal), broken.promise, ...watching.map(failsOnly)]);
  } finally {
    await stop(running, http);
  }
}

function prepare(deps: ConnectionServerDeps, options: ConnectionServerOptions, stopping: AbortSignal): Running {
  const carried = new Map<string, CarriedSession>();
  return {
    ...deps,
    options,
    stopping,
    carried,
    busy: new Set(),
    instance: Buffer.from(deps.random.bytes(INSTANCE_BYTES)).toString('hex'),
    logIns: createLogIns(options.account, deps.digest),
    sessions: createSessions(options),
    license: createLicenseBoard(deps.readLicenseToken, options.licenseAuthority),
    backend: { up: false, message: undefined },
    traffic: { in: 0, out: 0, refusals: new Map() },
    cut: (id, reason) => carried.get(id)?.cut(CLOSE_ENDED, reason),
    bootNow: () => ({ bootId: deps.bootId, bootMs: deps.clock.monotonicMs() }),
  };
}

async function serve(running: Running, request: HttpRequest, response: HttpResponse): Promise<void> {
  const answer = await answerRequest(running, request);
  countRefusal(running, answer);
  response.send(answer.status, answer.headers, answer.body);
}

function countRefusal({ traffic: { refusals } }: Running, { code }: Answer): void {
  if (code !== undefined) refusals.set(code, (refusals.get(code) ?? 0) + 1);
}

async function connectSession(running: Running, upgrade: HttpUpgrade): Promise<void> {
  const { sessions, clock, carried } = running;
  const id = sessionToConnect(pathOf(upgrade.target));
  const attached = id === undefined || upgrade.method !== 'GET' ? 'NotFound' : sessions.attach(id, clock.monotonicMs());
  if (id === undefined || attached === 'NotFound')
    return refuse(running, upgrade, refusal('NotFound', 'There is no such session here; it has ended, or its server was started anew.'));
  if (attached === 'AlreadyConnected')
    return refuse(running, upgrade, refusal('AlreadyConnected', 'Somebody is connected to this session; end that connection first.'));
  const backend = await dialBackend(running);
  if ('why' in backend) {
    sessions.detach(id, clock.monotonicMs());
    return refuse(running, upgrade, refusal('BackendDown', backend.why));
  }
  // Deleted or stopped while the back end was dialed.
  if (!sessions.has(id) || running.stopping.aborted) {
    backend.destroy();
    return refuse(running, upgrade, refusal('NotFound', 'The session was ended meanwhile.'));
  }
  const session = running.relay.carry(upgrade, backend, (direction, bytes) => {
    running.traffic[direction] += bytes;
    running.busy.add(id);
  });
  carried.set(id, session);
  const end = await session.finished;
  carried.delete(id);
  if (end === 'Closed') sessions.end(id, 'Closed');
  else sessions.detach(id, clock.monotonicMs());
}

function refuse(running: Running, upgrade: HttpUpgrade, answer: Answer): void {
  countRefusal(running, answer);
  upgrade.refuse(answer.status, answer.headers, answer.body);
}

async function dialBackend({ relay, options: { backend }, stopping }: Running): Promise<Backend | { readonly why: string }> {
  try {
    return await relay.dial(backend.host, backend.port, LIMITS.connectMs, stopping);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    return { why: cause.message };
  }
}

/** One real connection every `backendCheckMs`. */
async function watchBackend(running: Running, signal: AbortSignal): Promise<void> {
  const { backend, clock, log } = running;
  while (!signal.aborted) {
    const dialed = await dialBackend(running);
    if (!('why' in dialed)) dialed.destroy();
    const why = 'why' in dialed ? dialed.why : undefined;
    if (signal.aborted) return;
    if (why !== undefined && why !== backend.message) log.warn('The back end is down.', { why });
    if (why === undefined && !backend.up) log.info('The back end takes connections.');
    backend.up = why === undefined;
    backend.message = why;
    await clock.sleep(LIMITS.backendCheckMs, signal).catch(() => undefined);
  }
}

async function sweepSessions(running: Running, signal: AbortSignal): Promise<void> {
  const { clock, sessions, busy } = running;
  while (!signal.aborted) {
    await clock.sleep(LIMITS.sessionSweepMs, signal).catch(() => undefined);
    const nowMs = clock.monotonicMs();
    for (const id of busy) sessions.touch(id, nowMs);
    busy.clear();
    for (const id of sessions.sweep(nowMs)) running.cut(id, 'the session was idle for too long');
  }
}

async function stop(running: Running, http: HttpServer): Promise<void> {
  const { sessions, carried } = running;
  sessions.setDraining(true);
  const stopped: EndReason = 'Stopped';
  for (const id of sessions.ids()) sessions.end(id, stopped);
  const over = [...carried.values()].map((session) => {
    session.cut(CLOSE_GOING, 'the server stops');
    return session.finished;
  });
  await Promise.all([Promise.allSettled(over), http.close(LIMITS.stopGraceMs)]);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}

/** A loop that ends by itself is no reason to stop; one that fails is. */
async function failsOnly(loop: Promise<void>): Promise<never> {
  await loop;
  return await new Promise<never>(() => undefined);
}
