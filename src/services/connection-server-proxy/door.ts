/**
 * The front door of a site: what clients may ask of its connection servers, over HTTPS, without knowing which there are.
 *
 * A client gets at the sessions and nothing else: the account of the site, which opens everything at a connection server, is added here, so only the
 * paths of this file are passed on. Who holds the id of a session may use it; nothing else of a client is judged here, and its own Authorization is never
 * passed on: a connection server would take it for the site's account.
 *
 * I1: whatever a client or a server does, the answer is a sentence with a status, within a deadline; nothing waits without a bound.
 * I2: WebSockets go on when the license expires, when a server drains and when the site's servers change.
 */

import { homeOf, standingOf } from '../../decide/server-choice.ts';
import { isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import type { MutualAnswer } from '../../ports/mutual-http.ts';
import type { HttpHandler, HttpHeaders, HttpRequest, HttpResponse, HttpUpgrade, UpgradeHandler } from '../../ports/http.ts';
import { bodyOf, headersOf, refusalOfFault, refuse } from './answers.ts';
import type { Refusal } from './answers.ts';
import type { ProxyDeps } from './deps.ts';
import { call, parsed } from './look.ts';
import type { Asked } from './look.ts';
import type { Servers } from './servers.ts';
import { makeSession } from './sessions.ts';

export interface Door {
  readonly handler: HttpHandler;
  readonly onUpgrade: UpgradeHandler;
}

interface Inside {
  readonly deps: ProxyDeps;
  readonly servers: Servers;
  readonly signal: AbortSignal;
  requests: number;
  sockets: number;
}

const SESSION = /^\/v1\/sessions\/([0-9A-Za-z_-]{1,64}\.[0-9A-Za-z_-]{1,256})$/;
const CONNECT = /^\/v1\/sessions\/([0-9A-Za-z_-]{1,64}\.[0-9A-Za-z_-]{1,256})\/connect$/;

export function openDoor(deps: ProxyDeps, servers: Servers, signal: AbortSignal): Door {
  const inside: Inside = { deps, servers, signal, requests: 0, sockets: 0 };
  return {
    handler: (request, response) => {
      if (inside.requests >= LIMITS.doorRequests) return refuse(response, BUSY);
      inside.requests++;
      void answer(inside, request, response)
        .catch((cause: unknown) => failed(inside, cause, (refusal) => refuse(response, refusal)))
        .finally(() => inside.requests--);
    },
    onUpgrade: (upgrade) => {
      if (inside.sockets >= LIMITS.doorSockets) return refuseUpgrade(upgrade, BUSY);
      inside.sockets++;
      void passOn(inside, upgrade)
        .catch((cause: unknown) => failed(inside, cause, (refusal) => refuseUpgrade(upgrade, refusal)))
        .finally(() => inside.sockets--);
    },
  };
}

const BUSY: Refusal = {
  status: 503,
  code: 'Busy',
  message: 'This front door has more to do than it can; try again soon, or at another node.',
};

/** A promise of ours was broken, or we are being stopped: the client still gets a sentence. */
function failed({ deps, signal }: Inside, cause: unknown, refuseWith: (refusal: Refusal) => void): void {
  if (!signal.aborted) deps.log.error('A request at the front door failed.', { error: cause });
  refuseWith({
    status: 503,
    code: 'Busy',
    message: 'This front door is being stopped, or failed in an unforeseen way; try again at once.',
  });
}

async function answer(inside: Inside, request: HttpRequest, response: HttpResponse): Promise<void> {
  const [path = ''] = request.target.split('?', 1);
  const { method } = request;
  if (path === '/v1/health' && method === 'GET') return health(inside, response);
  if (path === '/v1/sessions') {
    if (method !== 'POST') return refuse(response, notAllowed(method, path, 'POST makes a session'));
    const made = await makeSession(inside.deps, inside.servers, request, inside.signal);
    if (!made.ok) return refuse(response, made.refusal);
    return response.send(201, made.headers, made.body);
  }
  if (CONNECT.test(path))
    return refuse(response, { status: 426, code: 'UpgradeNeeded', message: 'Connect by a WebSocket: this path takes nothing else.' });
  const id = SESSION.exec(path)?.[1];
  if (id === undefined) return refuse(response, NOT_FOUND);
  if (method !== 'DELETE') return refuse(response, notAllowed(method, path, 'DELETE ends a session'));
  await endSession(inside, id, response);
}

const NOT_FOUND: Refusal = {
  status: 404,
  code: 'NotFound',
  message: 'There is nothing here but /v1/health, /v1/sessions, and what is below a session.',
};

function notAllowed(method: string, path: string, what: string): Refusal {
  return { status: 405, code: 'MethodNotAllowed', message: `${method} does nothing at ${path}; ${what}.` };
}

function health({ servers }: Inside, response: HttpResponse): void {
  const states = servers.states();
  const ready = states.filter((server) => standingOf(server) === 'Ready').length;
  const message = `${ready} of ${states.length} connection servers take sessions.`;
  const status = ready > 0 ? 200 : 503;
  response.send(status, headersOf({ status }), Buffer.from(`${JSON.stringify({ status: ready > 0 ? 'Ok' : 'Unhealthy', message })}\n`));
}

async function endSession(inside: Inside, id: string, response: HttpResponse): Promise<void> {
  const home = await homeServer(inside, id);
  if ('status' in home) return refuse(response, home);
  try {
    const order = { method: 'DELETE', target: `/v1/sessions/${id}`, deadlineMs: LIMITS.doorTryMs } as const;
    const said = await call(home, order, inside.signal);
    if (said.status === 204) return response.send(204, [], Buffer.alloc(0));
    if (said.status === 404) return refuse(response, GONE);
    inside.deps.log.warn(`The connection server ${home.name} did not end a session.`, { status: said.status });
    refuse(response, refusalOfFault(home.name, undefined));
  } catch (cause) {
    if (inside.signal.aborted || !isFault(cause)) throw cause;
    refuse(response, serverFailed(inside, home.name, cause));
  }
}

const GONE: Refusal = {
  status: 404,
  code: 'NotFound',
  message: 'There is no such session any more: it was ended, or its connection server was. Begin a new one.',
};

/** The server that has the session `id`, or what to tell the client instead. */
async function homeServer({ servers }: Inside, id: string): Promise<Asked | Refusal> {
  // Made through another front door a moment ago, at a server that was started since we looked.
  if (homeOf(servers.states(), id).found !== 'Server') await servers.refresh();
  const home = homeOf(servers.states(), id);
  const asked = home.found === 'Server' ? servers.asked(home.name) : undefined;
  if (asked !== undefined) return asked;
  if (home.found === 'Nowhere') return GONE;
  return {
    status: 503,
    code: 'NoServer',
    message: 'The connection server of this session does not answer now; try again soon, the session may still be there.',
  };
}

function serverFailed({ deps, servers }: Inside, name: string, cause: unknown): Refusal {
  if (isFault(cause)) servers.tell(name, { type: 'Failed', message: cause.message });
  deps.log.warn(`The connection server ${name} failed a session.`, { error: cause });
  return refusalOfFault(name, cause);
}

// ---- WebSockets -------------------------------------------------------------------------------------------------------------------------

async function passOn(inside: Inside, upgrade: HttpUpgrade): Promise<void> {
  const [path = ''] = upgrade.target.split('?', 1);
  const id = CONNECT.exec(path)?.[1];
  if (id === undefined) return refuseUpgrade(upgrade, NOT_FOUND);
  const home = await homeServer(inside, id);
  if ('status' in home) return refuseUpgrade(upgrade, home);
  const { signal } = inside;
  try {
    const opened = await home.upstream.upgrade(path, webSocketHeaders(upgrade.headers()), LIMITS.doorDeadlineMs, signal);
    if (!opened.upgraded) return refuseUpgrade(upgrade, refusedBy(inside, home.name, opened.answer));
    const cut = (): void => void opened.stream.destroy();
    signal.addEventListener('abort', cut, { once: true });
    await inside.deps.joinStreams(upgrade.accept(opened.headers), opened.stream, LIMITS.doorSocketIdleMs);
    signal.removeEventListener('abort', cut);
  } catch (cause) {
    if (signal.aborted || !isFault(cause)) throw cause;
    refuseUpgrade(upgrade, serverFailed(inside, home.name, cause));
  }
}

/** What a client is told of what a connection server said instead of changing to a WebSocket. */
function refusedBy({ deps }: Inside, name: string, said: MutualAnswer): Refusal {
  if (said.status === 404) return GONE;
  if (said.status === 409) return { status: 409, code: 'AlreadyConnected', message: 'Somebody is connected to this session already.' };
  deps.log.warn(`The connection server ${name} did not connect a session.`, { status: said.status });
  if (parsed(said)?.['code'] !== 'BackendDown') return refusalOfFault(name, undefined);
  const message = `What the connection server ${name} stands for does not take connections now; try again soon.`;
  return { status: 502, code: 'ServerUnreachable', message };
}

/** Of a client's handshake what belongs to the WebSocket; nothing of its account or cookies. */
function webSocketHeaders(headers: HttpHeaders): HttpHeaders {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]];
    if (name.startsWith('sec-websocket-') || name === 'origin' || name === 'user-agent') kept.push(name, value);
  }
  return kept;
}

function refuseUpgrade(upgrade: HttpUpgrade, refusal: Refusal): void {
  upgrade.refuse(refusal.status, headersOf(refusal), bodyOf(refusal));
}
