/**
 * What the nodes of a cluster say to each other without a director: one mutual-TLS server on each node's own address, and the exchange of the license
 * record (and with it of running and trusted time) with every other member.
 *
 * I1: nobody is answered who is not a member of this cluster in the life that is known here; nothing is sent to anybody else.
 * I2: a port that cannot be had, a peer that is silent, lies or floods stops nothing: it is a sentence, and is tried again.
 * I3: a member whose certificate ended because no director renewed it is still a member, for as long as directors would renew it.
 * I4: what a peer sends is verified here before it is taken (src/agent/license-keeper.ts).
 */

import { memberOfSubject } from '../decide/peer-trust.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { FrameworkMember } from '../model/framework.ts';
import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { Identity } from '../ports/director.ts';
import type { HttpRequest, HttpResponse, HttpServer } from '../ports/http.ts';
import type { KeptOrder, Trust } from '../ports/mutual-http.ts';
import type { AgentDeps } from './deps.ts';
import type { LicenseKeeping } from './license-keeper.ts';
import { pokeLoop } from './poke-loop.ts';
import type { TrustedTime } from './trusted-time.ts';
import { PORT_TAKEN } from './port-taken.ts';

/** What a route hears: who asks (a member of this cluster), the query, the body. */
export interface PeerCall {
  readonly from: FrameworkMember;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

export interface PeerAnswer {
  readonly status: number;
  /** Default: application/json. */
  readonly contentType?: string;
  readonly body: string | Buffer;
}

/** A `Fault` that it throws is answered with that fault's status and sentence; anything else ends the agent. */
export type PeerRoute = (call: PeerCall, signal: AbortSignal) => Promise<PeerAnswer> | PeerAnswer;

/** A call to another node. */
export interface PeerRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  readonly maxAnswerBytes: number;
}

export interface PeerLink {
  /** Calls that very member. Throws `Fault` PeerUnreachable when it did not answer in time, or this node has not joined. */
  call(member: FrameworkMember, request: PeerRequest, signal: AbortSignal): Promise<{ readonly status: number; readonly body: Buffer }>;
  /** How that very member is reached and known, for a connection that is kept; undefined: this node has not joined. */
  toward(member: FrameworkMember): Omit<KeptOrder, 'deadlineMs'> | undefined;
  /** This node has an identity, so it can be heard and hear others. */
  hasJoined(): boolean;
  /** Adds a route, e.g. ('GET', '/peer/v1/metrics', …). */
  route(method: 'GET' | 'POST', path: string, route: PeerRoute): void;
  /** The member of this cluster that made this request, by its certificate; else why it is none. */
  callerOf(request: Pick<HttpRequest, 'peer'>): FrameworkMember | string;
  /** Why other nodes cannot reach this one; undefined: nothing is known to stand in the way. */
  problem(): string | undefined;
  /** Resolves when it has ended; call it after the signal aborted. */
  settled(): Promise<void>;
}

type LinkDeps = Pick<
  AgentDeps,
  'node' | 'clock' | 'random' | 'log' | 'identity' | 'certificates' | 'http' | 'listenHttp' | 'judgeCertificate'
>;

export interface PeerLinkParts {
  readonly deps: LinkDeps;
  /** Where this node listens, and where all others of its cluster do on their addresses. */
  readonly port: number;
  readonly members: () => readonly FrameworkMember[];
  readonly trustedNow: TrustedTime;
  readonly license: Pick<LicenseKeeping, 'takeRecord' | 'counted' | 'takeSeats' | 'seats' | 'onNew'>;
  /** `problem` has changed. */
  readonly onProblem: () => void;
}

interface Link extends PeerLinkParts {
  readonly routes: Map<string, PeerRoute>;
  readonly judged: WeakMap<HttpRequest['peer'], Judged>;
  readonly signal: AbortSignal;
  /** A broken promise of a route. */
  readonly broken: PromiseWithResolvers<never>;
  identity: Identity | undefined;
  server: HttpServer | undefined;
  problem: string | undefined;
}

const EXCHANGE_PATH = '/peer/v1/exchange';
const CLOSE_MS = 500;
const JSON_TYPE = 'application/json';

/** Serves and exchanges until the signal aborts. */
export function openPeerLink(parts: PeerLinkParts, signal: AbortSignal): PeerLink {
  const routes = new Map<string, PeerRoute>();
  const link: Link = {
    ...parts,
    routes,
    judged: new WeakMap(),
    signal,
    broken: Promise.withResolvers<never>(),
    identity: undefined,
    server: undefined,
    problem: undefined,
  };
  routes.set(`POST ${EXCHANGE_PATH}`, (call) => answerExchange(link, call));
  const exchange = pokeLoop(
    parts.deps,
    { what: 'The exchange with the other nodes', resyncMs: LIMITS.peerExchangeMs },
    (work) => exchangeWithAll(link, work),
    signal,
  );
  parts.license.onNew(() => exchange.poke());
  const serving = keepServing(link, () => exchange.poke());
  return {
    call: (member, request, until) => callMember(link, member, request, until),
    toward: (member) => toward(link, member),
    hasJoined: () => link.identity !== undefined,
    route: (method, path, route) => void routes.set(`${method} ${path}`, route),
    callerOf: (request) => callerOf(link, request),
    problem: () => link.problem,
    settled: async () => void (await Promise.all([exchange.settled(), Promise.race([serving, link.broken.promise])])),
  };
}

// ---- the server -------------------------------------------------------------------------------------------------------------------------

/** Listens as soon as this node has a certificate; takes a renewed one. `onNews`: it serves, or there are other members than before. */
async function keepServing(link: Link, onNews: () => void): Promise<void> {
  const { deps, signal } = link;
  let known = '';
  while (!signal.aborted) {
    try {
      const members = link.members().map(({ uid, incarnation, address }) => `${uid}:${incarnation}@${address}`);
      if ((await serve(link)) || members.join(' ') !== known) onNews();
      known = members.join(' ');
      say(link, undefined);
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      say(link, `Other nodes of the cluster cannot reach this one: ${cause.message}`);
    }
    const waitMs = link.identity === undefined ? LIMITS.peerJoinLookMs : LIMITS.peerListenRetryMs;
    await deps.clock.sleep(waitMs, signal).catch(() => undefined);
  }
  await link.server?.close(CLOSE_MS);
}

/** True when it serves by an identity that is new. */
async function serve(link: Link): Promise<boolean> {
  const { deps, port } = link;
  const identity = await deps.identity.load();
  if (identity === undefined || identity.certificate === link.identity?.certificate) return false;
  const tls = { certificate: identity.certificate, key: identity.privateKey, clientCa: identity.authority };
  if (link.server === undefined) {
    link.server = await deps.listenHttp({
      host: deps.node.address,
      port,
      remedy: PORT_TAKEN,
      tls,
      handler: (request, response) => void handle(link, request, response).catch(link.broken.reject),
      onError: (error) => deps.log.warn('The server for other nodes met an error.', { error }),
    });
  } else link.server.replaceTls(tls);
  link.identity = identity;
  return true;
}

function say(link: Link, problem: string | undefined): void {
  if (problem === link.problem) return;
  link.problem = problem;
  if (problem !== undefined) link.deps.log.warn(problem);
  link.onProblem();
}

async function handle(link: Link, request: HttpRequest, response: HttpResponse): Promise<void> {
  const { url, route } = routed(link, request);
  const caller = callerOf(link, request);
  if (typeof caller === 'string') return send(response, sentence(403, caller));
  if (route === undefined) return send(response, sentence(404, `There is no ${request.method} ${url.pathname} here.`));
  const body = await request.body(LIMITS.peerBodyBytes);
  if (!body.ok) {
    if (body.reason === 'too-large') send(response, sentence(413, `The body is larger than ${LIMITS.peerBodyBytes} bytes.`));
    return;
  }
  try {
    send(response, await route({ from: caller, query: url.searchParams, body: body.bytes }, link.signal));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    send(response, sentence(cause.row.http, cause.message));
  }
}

function routed(link: Link, request: HttpRequest): { url: URL; route: PeerRoute | undefined } {
  const url = URL.parse(request.target, 'https://node') ?? new URL('https://node/');
  return { url, route: link.routes.get(`${request.method} ${url.pathname}`) };
}

/** How long a caller that was let in is not judged anew on the same connection, while nothing else is known of the members: dates are of days. */
const JUDGED_MS = 60_000;

interface Judged {
  readonly authority: string;
  readonly members: readonly FrameworkMember[];
  readonly atMs: number;
  readonly member: FrameworkMember;
}

/** The member that asks, or why it is not answered. */
function callerOf(link: Link, { peer }: Pick<HttpRequest, 'peer'>): FrameworkMember | string {
  const { deps, identity, judged } = link;
  if (identity === undefined) return 'This node has not joined yet.';
  const { authority } = identity;
  const [members, atMs] = [link.members(), deps.clock.monotonicMs()];
  const known = judged.get(peer);
  // A heartbeat comes five times a second on one connection; a signature each time would cost more than all the rest.
  if (known?.members === members && known.authority === authority && atMs - known.atMs < JUDGED_MS) return known.member;
  let member: FrameworkMember | undefined;
  const trust: Trust = {
    kind: 'authority',
    authority,
    endedForMs: LIMITS.renewalAcceptedMs,
    accepts: (facts) => {
      const found = memberOfSubject(facts, members);
      if ('refused' in found) return found.refused;
      member = found.member;
      return undefined;
    },
  };
  const refusal = deps.judgeCertificate(peer.certificate, `The caller at ${peer.address}`, trust, link.trustedNow());
  if (refusal === undefined && member !== undefined) judged.set(peer, { authority, members, atMs, member });
  return refusal ?? member ?? 'Nobody.';
}

function sentence(status: number, message: string): PeerAnswer {
  return { status, body: JSON.stringify({ message }) };
}

function send(response: HttpResponse, { status, contentType, body }: PeerAnswer): void {
  response.send(status, ['content-type', contentType ?? JSON_TYPE], typeof body === 'string' ? Buffer.from(body, 'utf8') : body);
}

// ---- the exchange -----------------------------------------------------------------------------------------------------------------------

async function answerExchange({ license, deps }: Link, { from, body }: PeerCall): Promise<PeerAnswer> {
  const sent = jsonOf(body);
  if (sent === undefined) return sentence(400, 'The body is not a JSON object.');
  await takeFrom(deps, license, from, sent);
  return { status: 200, body: tellOf(license) };
}

/** With every other member; one that does not answer holds up no other. Throws `Fault` PeerUnreachable when one did not: it is tried again soon. */
async function exchangeWithAll(link: Link, signal: AbortSignal): Promise<void> {
  const { identity, deps } = link;
  if (identity === undefined) return;
  const others = link.members().filter(({ uid }) => uid !== deps.node.nodeUid);
  const body = tellOf(link.license);
  const met = await Promise.all(others.map((member) => exchangeWith(link, member, body, signal)));
  const missed = others.filter((_, index) => met[index] !== true).map(({ name }) => name);
  if (missed.length > 0)
    throw new Fault('PeerUnreachable', `${missed.join(', ')} did not answer; the license and running time wait for that.`);
}

function toward({ port, identity, trustedNow }: Link, member: FrameworkMember): ReturnType<PeerLink['toward']> {
  if (identity === undefined) return undefined;
  const origin = `https://${urlHost(member.address)}:${port}`;
  return { origin, trust: peerTrust(identity, member), identity, trustedNowMs: trustedNow() };
}

async function callMember(
  link: Link,
  member: FrameworkMember,
  { method, path, body, maxAnswerBytes }: PeerRequest,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const known = toward(link, member);
  if (known === undefined) throw new Fault('PeerUnreachable', 'This node has not joined yet.');
  const { origin, ...rest } = known;
  return await link.deps.http.call(
    {
      ...rest,
      method,
      url: `${origin}${path}`,
      headers: { 'content-type': JSON_TYPE },
      ...(body === undefined ? {} : { body }),
      deadlineMs: LIMITS.peerCallMs,
      maxAnswerBytes,
    },
    signal,
  );
}

/** True when it answered. */
async function exchangeWith(link: Link, member: FrameworkMember, body: string, signal: AbortSignal): Promise<boolean> {
  const { deps, license } = link;
  try {
    const request: PeerRequest = { method: 'POST', path: EXCHANGE_PATH, body, maxAnswerBytes: LIMITS.peerBodyBytes };
    const answer = await callMember(link, member, request, signal);
    const said = jsonOf(answer.body);
    if (answer.status !== 200) deps.log.debug(`${member.name} did not exchange.`, { status: answer.status, why: said?.['message'] });
    else await takeFrom(deps, license, member, said);
    return answer.status === 200;
  } catch (cause) {
    if (signal.aborted) return true;
    if (!isFault(cause)) throw cause;
    deps.log.debug(`${member.name} was not reached for the exchange.`, { error: cause });
    return false;
  }
}

/** By the CA, and exactly that member in the life that is known here. */
function peerTrust(identity: Identity, member: FrameworkMember): Trust {
  return {
    kind: 'authority',
    authority: identity.authority,
    endedForMs: LIMITS.renewalAcceptedMs,
    accepts: (facts) => {
      const judged = memberOfSubject(facts, [member]);
      return 'refused' in judged ? judged.refused : undefined;
    },
  };
}

function tellOf(license: PeerLinkParts['license']): string {
  return JSON.stringify({ license: license.counted() ?? null, seats: license.seats() ?? null });
}

async function takeFrom(
  { log }: LinkDeps,
  license: PeerLinkParts['license'],
  from: FrameworkMember,
  said: JsonObject | undefined,
): Promise<void> {
  const record = said?.['license'] ?? undefined;
  if (record !== undefined) {
    const taken = await license.takeRecord(record);
    if (!taken.ok) log.debug(`What ${from.name} holds of the license was not taken.`, { why: taken.why });
    else if (taken.isNew) log.info(`A newer license statement came from ${from.name}.`);
  }
  await license.takeSeats(said?.['seats']);
}

function jsonOf(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function urlHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
