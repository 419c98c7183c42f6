/**
 * What a connection server says of itself (docs/reference/connection-server.md), asked over its pinned connection and believed only as far as it has the
 * shape that it should have.
 *
 * I1: whatever a server answers, the outcome is facts or a `Fault` with a sentence.
 */

import type { ServerFacts } from '../../decide/server-choice.ts';
import { Fault } from '../../model/fault.ts';
import type { FrameworkSite } from '../../model/framework.ts';
import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MutualAnswer } from '../../ports/mutual-http.ts';
import type { Upstream, UpstreamCall } from '../../ports/upstream.ts';

export interface Asked {
  readonly name: string;
  readonly upstream: Upstream;
  readonly credentials: FrameworkSite['credentials'];
}

/** Seats as one server counts them. */
export interface SeatsOf {
  readonly concurrent: number;
  readonly users: readonly string[];
}

const INSTANCE = /^[0-9A-Za-z_-]{1,64}$/;
const USER_HASH = /^[0-9a-f]{32}$/;
const TEXT_CHARS = 512;

/** Health, version and capacity, within one deadline. */
export async function lookAt(server: Asked, clock: Clock, signal: AbortSignal): Promise<ServerFacts> {
  const untilMs = clock.monotonicMs() + LIMITS.serverLookMs;
  const ask = async (target: string): Promise<MutualAnswer> =>
    await call(server, { method: 'GET', target, deadlineMs: Math.max(1, untilMs - clock.monotonicMs()) }, signal);
  const health = bodyOf(server, await ask('/v1/health'), [200, 503]);
  if (health['status'] !== 'Ok' && health['status'] !== 'Draining')
    throw new Fault('PeerAnswerInvalid', `${server.name} is not healthy: ${textOf(health['message'])}`);
  const { instance, version, product } = bodyOf(server, await ask('/v1/version'), [200]);
  const { capacity, used, draining } = bodyOf(server, await ask('/v1/capacity'), [200]);
  if (product !== 'outrigger-connection-server' || typeof instance !== 'string' || !INSTANCE.test(instance) || typeof version !== 'string')
    throw invalid(server, '/v1/version');
  if (!isCount(capacity) || !isCount(used)) throw invalid(server, '/v1/capacity');
  return {
    instance,
    version: version.slice(0, TEXT_CHARS),
    capacity,
    used,
    draining: draining === true || health['status'] === 'Draining',
  };
}

export async function countSeatsAt(server: Asked, signal: AbortSignal): Promise<SeatsOf> {
  const order = {
    method: 'GET',
    target: '/v1/sessions',
    deadlineMs: LIMITS.callDeadlineMs,
    maxAnswerBytes: LIMITS.seatAnswerBytes,
  } as const;
  const { concurrent, users } = bodyOf(server, await call(server, order, signal), [200]);
  if (!isCount(concurrent) || !Array.isArray(users)) throw invalid(server, '/v1/sessions');
  const known = users.filter((user): user is string => typeof user === 'string' && USER_HASH.test(user));
  return { concurrent, users: known.slice(0, LIMITS.sessionUsersSeen) };
}

/** Resolves with the serial that the server holds now. */
export async function deliverLicense(server: Asked, token: string, signal: AbortSignal): Promise<number> {
  const order = { method: 'PUT', target: '/v1/license', deadlineMs: LIMITS.callDeadlineMs, body: JSON.stringify({ token }) } as const;
  const { serial } = bodyOf(server, await call(server, order, signal), [200]);
  if (!isCount(serial)) throw invalid(server, '/v1/license');
  return serial;
}

type Order = Pick<UpstreamCall, 'method' | 'target' | 'deadlineMs'> & Partial<Pick<UpstreamCall, 'body' | 'maxAnswerBytes'>>;

/** A call in the name of the site's account. */
export async function call({ upstream, credentials }: Asked, order: Order, signal: AbortSignal): Promise<MutualAnswer> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (order.body !== undefined) headers['content-type'] = 'application/json';
  if (credentials !== undefined) headers['authorization'] = basic(credentials);
  return await upstream.call({ maxAnswerBytes: LIMITS.connectionServerBodyBytes, ...order, headers }, signal);
}

function basic({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A JSON object from an answer; undefined: it is none. */
export function parsed(answer: MutualAnswer): JsonObject | undefined {
  try {
    const body: unknown = JSON.parse(answer.body.toString('utf8'));
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function bodyOf(server: Asked, answer: MutualAnswer, statuses: readonly number[]): JsonObject {
  const body = parsed(answer);
  if (answer.status === 401)
    throw new Fault(
      'PeerAnswerInvalid',
      `${server.name} refuses the site's user name and password; correct the Secret that the Site names.`,
    );
  if (!statuses.includes(answer.status))
    throw new Fault('PeerAnswerInvalid', `${server.name} answered with status ${answer.status}: ${textOf(body?.['message'])}`);
  if (body === undefined)
    throw new Fault('PeerAnswerInvalid', `${server.name} answered something that is no JSON object; see what runs there.`);
  return body;
}

function invalid({ name }: Asked, target: string): Fault {
  return new Fault(
    'PeerAnswerInvalid',
    `${name} answered ${target} with something else than a connection server says; see what runs there.`,
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, TEXT_CHARS) : 'it does not say why.';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
