/**
 * The paths of a connection server (docs/reference/connection-server.md): who may ask, what is asked, what is answered.
 *
 * I1: only health and connect are answered without the site's account; connect asks for the id of a session instead.
 * I2: every body is bounded and read only for who has logged in.
 * I3: every request is answered once, and every refusal has a code and a sentence and is counted.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import type {
  ConnectionServerCapacity,
  ConnectionServerDrain,
  ConnectionServerHealth,
  ConnectionServerSession,
  ConnectionServerSessions,
  ConnectionServerVersion,
} from '../../model/connection-server.ts';
import { LIMITS } from '../../model/limits.ts';
import type { BodyRead, HttpRequest } from '../../ports/http.ts';
import { json, nothing, refusal } from './answers.ts';
import type { Answer } from './answers.ts';
import { METRICS_TYPE, metricsText } from './metrics.ts';
import type { ServerState } from './state.ts';

const SESSIONS = '/v1/sessions';
const CONNECT = '/connect';
const REALM = 'Basic realm="connection server", charset="UTF-8"';
/** Letters of all scripts, but nothing that moves a cursor or hides. */
const USER = /^[^\p{C}]+$/u;
const USER_HASH_CHARS = 32;
const SESSION_ID_BYTES = 20;

/** Answers one request. Never rejects by what a peer sends. */
export async function answerRequest(state: ServerState, request: HttpRequest): Promise<Answer> {
  const path = pathOf(request.target);
  if (path === '/v1/health') return request.method === 'GET' ? health(state) : wrongMethod(path, ['GET']);
  if (sessionToConnect(path) !== undefined)
    return refusal('UpgradeNeeded', 'Connect to a session with a WebSocket (RFC 6455).', ['upgrade', 'websocket', 'connection', 'upgrade']);
  return refuseStranger(state, request) ?? (await route(state, request, path));
}

/** The id in `/v1/sessions/<id>/connect`. */
export function sessionToConnect(path: string): string | undefined {
  if (!path.startsWith(`${SESSIONS}/`) || !path.endsWith(CONNECT)) return undefined;
  const id = path.slice(SESSIONS.length + 1, -CONNECT.length);
  return id === '' || id.includes('/') ? undefined : id;
}

export function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}

function refuseStranger(state: ServerState, request: HttpRequest): Answer | undefined {
  const logIn = state.logIns.check(request.header('authorization'), request.peer.address, state.clock.monotonicMs());
  switch (logIn.state) {
    case 'In':
      return undefined;
    case 'TooMany':
      return refusal('TooManyLogIns', `Too many log-ins failed from ${request.peer.address}; try again in ${logIn.retryAfterSeconds} s.`, [
        'retry-after',
        String(logIn.retryAfterSeconds),
      ]);
    case 'Needed':
      return refusal('LogInNeeded', "Log in with the site's account (HTTP Basic).", ['www-authenticate', REALM]);
    case 'Wrong':
      state.log.warn('A log-in failed.', { address: request.peer.address });
      return refusal('LogInNeeded', "The user name or the password of the site's account is wrong.", ['www-authenticate', REALM]);
  }
}

type Act = (state: ServerState, request: HttpRequest) => Answer | Promise<Answer>;

const ROUTES: Readonly<Record<string, Readonly<Record<string, Act>>>> = {
  '/v1/version': { GET: version },
  '/v1/capacity': { GET: capacity },
  [SESSIONS]: { GET: sessions, POST: openSession },
  '/v1/license': { GET: showLicense, PUT: putLicense, DELETE: removeLicense },
  '/v1/drain': { PUT: (state) => drain(state, true), DELETE: (state) => drain(state, false) },
  '/metrics': { GET: metrics },
};

async function route(state: ServerState, request: HttpRequest, path: string): Promise<Answer> {
  const methods = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (methods !== undefined) {
    const act = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
    return act === undefined ? wrongMethod(path, Object.keys(methods)) : await act(state, request);
  }
  const id = path.startsWith(`${SESSIONS}/`) ? path.slice(SESSIONS.length + 1) : '';
  if (id === '' || id.includes('/')) return refusal('NotFound', 'There is no such path here; see docs/reference/connection-server.md.');
  return request.method === 'DELETE' ? endSession(state, id) : wrongMethod('A session', ['DELETE']);
}

function wrongMethod(what: string, allowed: readonly string[]): Answer {
  return refusal('MethodNotAllowed', `${what} takes ${allowed.join(', ')} only.`, ['allow', allowed.join(', ')]);
}

function version({ options, instance }: ServerState): Answer {
  const body: ConnectionServerVersion = {
    product: 'outrigger-connection-server',
    name: options.name,
    instance,
    version: options.version,
    api: ['v1'],
  };
  return json(200, body);
}

function health({ sessions: table, backend, options }: ServerState): Answer {
  const where = `${options.backend.host}:${options.backend.port}`;
  const of = (status: ConnectionServerHealth['status'], message: string): Answer =>
    json(status === 'Unhealthy' ? 503 : 200, { status, message } satisfies ConnectionServerHealth);
  if (!backend.up) return of('Unhealthy', backend.message ?? `The back end ${where} was not asked yet.`);
  if (table.draining()) return of('Draining', 'It takes no new sessions; those that run go on.');
  return of('Ok', 'It takes sessions, and its back end takes connections.');
}

function capacity({ sessions: table, options }: ServerState): Answer {
  const used = table.counts().sessions;
  const body: ConnectionServerCapacity = {
    capacity: options.capacity,
    used,
    free: table.draining() ? 0 : options.capacity - used,
    draining: table.draining(),
  };
  return json(200, body);
}

function sessions({ sessions: table }: ServerState): Answer {
  const counts = table.counts();
  const body: ConnectionServerSessions = {
    concurrent: counts.sessions,
    connected: counts.connected,
    peakConcurrent: counts.peak,
    users: table.usersSeen(),
  };
  return json(200, body);
}

async function openSession(state: ServerState, request: HttpRequest): Promise<Answer> {
  const body = await readJson(request, LIMITS.connectionServerBodyBytes);
  if (!body.ok) return body.refusal;
  const user = body.value['user'];
  if (typeof user !== 'string' || user.length > LIMITS.sessionUserChars || !USER.test(user) || user.trim() === '')
    return refusal('BadRequest', `user must be a text of 1 to ${LIMITS.sessionUserChars} characters without control characters.`);
  const id = `${state.instance}.${Buffer.from(state.random.bytes(SESSION_ID_BYTES)).toString('base64url')}`;
  const userHash = state.digest(user.toLowerCase()).slice(0, USER_HASH_CHARS);
  const opened = state.sessions.open(id, userHash, state.clock.monotonicMs());
  if (opened === 'Draining') return refusal('Draining', 'This server is being drained and takes no new sessions; use another one.');
  if (opened === 'AtCapacity')
    return refusal('AtCapacity', `This server has ${state.options.capacity} sessions, as many as it may; use another one or try later.`);
  const session: ConnectionServerSession = { id, user, connect: `${SESSIONS}/${id}${CONNECT}` };
  return json(201, session, ['location', `${SESSIONS}/${id}`]);
}

function endSession(state: ServerState, id: string): Answer {
  if (!state.sessions.end(id, 'Deleted'))
    return refusal('NotFound', 'There is no such session here; it has ended, or its server was started anew.');
  state.cut(id, 'the session was ended');
  return nothing();
}

function showLicense({ license, bootNow }: ServerState): Answer {
  const shown = license.show(bootNow());
  return shown === undefined ? refusal('NotFound', 'No license was delivered here yet.') : json(200, shown);
}

async function putLicense(state: ServerState, request: HttpRequest): Promise<Answer> {
  const body = await readJson(request, LIMITS.connectionServerBodyBytes);
  if (!body.ok) return body.refusal;
  const { token } = body.value;
  if (typeof token !== 'string') return refusal('BadRequest', 'token must be the text of a signed license statement.');
  const taken = state.license.put(token, state.bootNow());
  if (!taken.ok) return refusal(taken.code, taken.message);
  return showLicense(state);
}

function removeLicense({ license }: ServerState): Answer {
  license.remove();
  return nothing();
}

function drain({ sessions: table, log }: ServerState, draining: boolean): Answer {
  if (table.draining() !== draining) log.info(draining ? 'Draining: no new sessions.' : 'It takes new sessions again.');
  table.setDraining(draining);
  return json(200, { draining, sessions: table.counts().sessions } satisfies ConnectionServerDrain);
}

function metrics(state: ServerState): Answer {
  const { options, instance, sessions: table, backend, license, traffic } = state;
  const text = metricsText({
    name: options.name,
    version: options.version,
    instance,
    counts: table.counts(),
    capacity: options.capacity,
    draining: table.draining(),
    backendUp: backend.up,
    licenseSerial: license.serial(),
    bytesIn: traffic.in,
    bytesOut: traffic.out,
    refusals: traffic.refusals,
  });
  return { status: 200, headers: ['content-type', METRICS_TYPE, 'cache-control', 'no-store'], body: Buffer.from(text) };
}

type JsonRead = { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly refusal: Answer };

async function readJson(request: HttpRequest, maxBytes: number): Promise<JsonRead> {
  const read: BodyRead = await request.body(maxBytes);
  if (!read.ok && read.reason === 'too-large')
    return { ok: false, refusal: refusal('TooLarge', `The body is larger than the ${maxBytes} bytes that it may have.`) };
  const value = read.ok ? parsed(read.bytes) : undefined;
  if (isJsonObject(value)) return { ok: true, value };
  return { ok: false, refusal: refusal('BadRequest', 'The body must be a JSON object.') };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
