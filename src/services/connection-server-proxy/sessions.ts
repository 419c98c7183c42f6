/**
 * A new session: the license is looked at, a server is chosen, and when it does not take the session another one is asked.
 *
 * I1: a client gets an answer within `doorDeadlineMs`, whatever the servers do.
 * I2: a server that failed is tried no second time. A session that it made although its answer was lost is ended there by itself, because nobody connects.
 * I3: nobody is refused for what this door believes of servers that it has not looked at since: one that was down a moment ago may be back.
 */

import { chooseServers, standingOf } from '../../decide/server-choice.ts';
import type { ServerState, SessionChoice } from '../../decide/server-choice.ts';
import { isFault } from '../../model/fault.ts';
import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpHeaders, HttpRequest } from '../../ports/http.ts';
import type { MutualAnswer } from '../../ports/mutual-http.ts';
import { headersOf, refusalOfFault } from './answers.ts';
import type { Refusal } from './answers.ts';
import type { ProxyDeps } from './deps.ts';
import { refusalOf } from './entry.ts';
import { call, parsed } from './look.ts';
import type { Servers } from './servers.ts';

export type SessionMade =
  | { readonly ok: true; readonly headers: HttpHeaders; readonly body: Buffer }
  | { readonly ok: false; readonly refusal: Refusal };

/** Names the instance that a client was at, so that every front door leads it there again. */
export const COOKIE = 'outrigger-server';
const INSTANCE = /^[0-9A-Za-z_-]{1,64}$/;
const SESSION_ID = /^[0-9A-Za-z_-]{1,64}\.[0-9A-Za-z_-]{1,256}$/;

export async function makeSession(deps: ProxyDeps, servers: Servers, request: HttpRequest, signal: AbortSignal): Promise<SessionMade> {
  const refused = refusalOf(deps.framework);
  if (refused !== undefined) return refusal(403, 'LicenseRefuses', refused);
  const read = await request.body(LIMITS.doorBodyBytes);
  if (!read.ok) return refusal(413, 'TooLarge', `The body is larger than ${LIMITS.doorBodyBytes} bytes; a user name is all that it needs.`);
  const order = objectOf(read.bytes);
  if (order === undefined) return refusal(400, 'BadRequest', 'The body is no JSON object; send {"user": "name"}.');
  const untilMs = deps.clock.monotonicMs() + LIMITS.doorDeadlineMs;
  return await tryInRounds(deps, servers, { sticky: stickyOf(request), body: JSON.stringify(order), untilMs, tried: new Set() }, signal);
}

/** How often servers are looked at anew for one session. */
const ROUNDS = 3;

async function tryInRounds(deps: ProxyDeps, servers: Servers, attempt: Attempt, signal: AbortSignal): Promise<SessionMade> {
  let last: SessionMade | undefined;
  for (let round = 0; round < ROUNDS && attempt.untilMs > deps.clock.monotonicMs(); round++) {
    if (round > 0) await lookAnew(servers, attempt);
    const states = servers.states().filter(({ name }) => !attempt.tried.has(name));
    const choice: SessionChoice = chooseServers(states, attempt.sticky, deps.random.float());
    if (!choice.ok) {
      last ??= refusal(503, 'NoServer', choice.message);
      // The first look may be old; those after it are not: who is full or drained stays so.
      if (round > 0 && !states.some(mayComeBack)) break;
      continue;
    }
    const made = await tryInOrder(deps, servers, choice.order, attempt, signal);
    if (made.ok || made.refusal.status < 500) return made;
    last = made;
  }
  return last ?? refusal(503, 'NoServer', 'No connection server can take a session now; try again soon.');
}

async function lookAnew(servers: Servers, { tried }: Attempt): Promise<void> {
  if (tried.size > 0 || servers.states().some(mayComeBack)) await servers.lookAgain();
  else await servers.refresh();
}

/** We may have been started a moment ago, or it. */
function mayComeBack(server: ServerState): boolean {
  const standing = standingOf(server);
  return standing === 'Unknown' || standing === 'Ejected';
}

interface Attempt {
  readonly sticky: string | undefined;
  readonly body: string;
  readonly untilMs: number;
  readonly tried: Set<string>;
}

async function tryInOrder(
  deps: ProxyDeps,
  servers: Servers,
  names: readonly string[],
  attempt: Attempt,
  signal: AbortSignal,
): Promise<SessionMade> {
  let last: SessionMade = refusal(503, 'NoServer', 'No connection server can take a session now; try again soon.');
  for (const name of names) {
    attempt.tried.add(name);
    const leftMs = attempt.untilMs - deps.clock.monotonicMs();
    if (leftMs <= 0) break;
    const made = await tryOne(deps, servers, name, attempt.body, Math.min(leftMs, LIMITS.doorTryMs), signal);
    if (made.ok || made.refusal.status < 500) return made;
    last = made;
  }
  return last;
}

async function tryOne(
  deps: ProxyDeps,
  servers: Servers,
  name: string,
  body: string,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<SessionMade> {
  const asked = servers.asked(name);
  if (asked === undefined) return refusal(503, 'NoServer', `The connection server ${name} was just taken out of this site; try again.`);
  try {
    const answer = await call(asked, { method: 'POST', target: '/v1/sessions', deadlineMs, body }, signal);
    return takeAnswer(deps, servers, name, answer);
  } catch (cause) {
    if (signal.aborted || !isFault(cause)) throw cause;
    servers.tell(name, { type: 'Failed', message: cause.message });
    deps.log.warn(`The connection server ${name} took no session; another one is asked.`, { error: cause });
    return { ok: false, refusal: refusalOfFault(name, cause) };
  }
}

function takeAnswer(deps: ProxyDeps, servers: Servers, name: string, answer: MutualAnswer): SessionMade {
  const said = parsed(answer);
  const id = typeof said?.['id'] === 'string' ? said['id'] : '';
  const instance = id.slice(0, Math.max(0, id.indexOf('.')));
  if (answer.status === 201 && SESSION_ID.test(id)) {
    servers.tell(name, { type: 'Placed', instance });
    return { ok: true, headers: madeHeaders(id, instance), body: answer.body };
  }
  // The client's own mistake: no other server will see it otherwise.
  if (answer.status === 400) return refusal(400, 'BadRequest', textOf(said, 'The connection server does not accept this user name.'));
  if (said?.['code'] === 'AtCapacity') servers.tell(name, { type: 'Full' });
  else if (said?.['code'] === 'Draining') servers.tell(name, { type: 'Draining' });
  else {
    const message = `${name} answered a new session with status ${answer.status}: ${textOf(said, 'it does not say why')}`;
    servers.tell(name, { type: 'Failed', message });
    deps.log.warn(`The connection server ${name} took no session; another one is asked.`, { why: message });
    return { ok: false, refusal: refusalOfFault(name, undefined) };
  }
  return refusal(503, 'NoServer', `The connection server ${name} takes no more sessions now; try again soon.`);
}

function madeHeaders(id: string, instance: string): HttpHeaders {
  const cookie = `${COOKIE}=${instance}; Path=/; Secure; HttpOnly; SameSite=Lax`;
  return [...headersOf({ status: 201 }), 'location', `/v1/sessions/${id}`, 'set-cookie', cookie];
}

function stickyOf(request: HttpRequest): string | undefined {
  const pairs = (request.header('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
  const value = pairs.find(([name]) => name === COOKIE)?.[1];
  return value !== undefined && INSTANCE.test(value) ? value : undefined;
}

function objectOf(bytes: Buffer): JsonObject | undefined {
  try {
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function textOf(said: JsonObject | undefined, otherwise: string): string {
  return typeof said?.['message'] === 'string' ? said['message'].slice(0, 512) : otherwise;
}

function refusal(status: number, code: Refusal['code'], message: string): SessionMade {
  return { ok: false, refusal: { status, code, message } };
}
