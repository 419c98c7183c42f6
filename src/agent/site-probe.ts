/**
 * Looks at connection servers as src/decide/pairing.ts asks for it, and says what was found.
 *
 * I1: what to look at next is asked for after each look; no request leaves that was not asked for, and each is pinned.
 * I2: every look has a deadline and every answer a bound, so that a check of all servers ends.
 */

import { nextLook, placeOf } from '../decide/pairing.ts';
import type { AnswerFacts, Look, PairingContext, Probed, ServerFacts, Tried } from '../decide/pairing.ts';
import { isFault } from '../model/fault.ts';
import type { Json } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { ConnectionServer } from '../model/site.ts';
import type { MutualAnswer, MutualHttp } from '../ports/mutual-http.ts';
import type { SiteCredentials } from './site-memory.ts';

export interface ProbeOrder {
  readonly server: ConnectionServer;
  readonly context: PairingContext;
  readonly credentials: SiteCredentials | undefined;
  /** Called after each look with all that is known by then. */
  readonly onFacts: (facts: ServerFacts) => void;
}

/** Looks until there is nothing more to look at. */
export async function probeServer(http: MutualHttp, order: ProbeOrder, signal: AbortSignal): Promise<ServerFacts> {
  const { server, context } = order;
  let facts: ServerFacts = {};
  for (;;) {
    signal.throwIfAborted();
    const look = nextLook(server, facts, context);
    if (look === undefined) return facts;
    facts = await withLook(http, order, facts, look, signal);
    order.onFacts(facts);
  }
}

async function withLook(http: MutualHttp, order: ProbeOrder, facts: ServerFacts, look: Look, signal: AbortSignal): Promise<ServerFacts> {
  const { host = '', port = 0 } = placeOf(order.server.url) ?? {};
  const ms = LIMITS.pairingLookMs;
  switch (look) {
    case 'Name':
      return { ...facts, addresses: await tried(() => http.resolve(host, ms, signal), signal) };
    case 'Port':
      return { ...facts, reached: await tried(async () => (await http.reach(host, port, ms, signal), true as const), signal) };
    case 'Certificate': {
      const shown = await tried(() => http.look(host, port, ms, signal), signal);
      if (!shown.ok) return { ...facts, shown };
      const { thumbprint, selfSigned, facts: certificate } = shown.value;
      return { ...facts, shown: { ok: true, value: { thumbprint, selfSigned, notAfterMs: certificate.notAfterMs } } };
    }
    default:
      return { ...facts, answers: { ...facts.answers, [look]: await ask(http, order, look, signal) } };
  }
}

async function ask(http: MutualHttp, order: ProbeOrder, what: Probed, signal: AbortSignal): Promise<Tried<AnswerFacts>> {
  return await tried(async () => {
    const { status, body } = await callServer(http, order, { method: 'GET', path: `/v1/${what}` }, signal);
    return { status, body: parsed(body) };
  }, signal);
}

export interface ServerCall {
  readonly server: { readonly url: string; readonly pin?: string };
  readonly context: Pick<PairingContext, 'trustedNowMs'>;
  readonly credentials: SiteCredentials | undefined;
}

/** One pinned request with the site's account. Throws `Fault`. */
export async function callServer(
  http: MutualHttp,
  { server, context, credentials }: ServerCall,
  { method, path }: { readonly method: 'GET' | 'DELETE'; readonly path: string },
  signal: AbortSignal,
): Promise<MutualAnswer> {
  const order = {
    method,
    url: `${server.url}${path}`,
    headers: {
      accept: 'application/json',
      ...(credentials === undefined ? {} : { authorization: basicAuthorization(credentials) }),
    },
    // Without a pin no certificate is the right one.
    trust: { kind: 'pin' as const, pin: server.pin ?? '' },
    deadlineMs: LIMITS.pairingLookMs,
    maxAnswerBytes: LIMITS.pairingAnswerBytes,
    trustedNowMs: context.trustedNowMs,
  };
  return await http.call(order, signal);
}

function basicAuthorization({ username, password }: SiteCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

function parsed(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

/** What the world refuses is a fact here. */
async function tried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<Tried<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (cause) {
    if (signal.aborted || !isFault(cause)) throw cause;
    return { ok: false, message: cause.message, untrusted: cause.code === 'PeerUntrusted' };
  }
}
