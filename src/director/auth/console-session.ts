/**
 * Sessions of the console: a one-time link is exchanged for one, its token says who calls, a person ends it.
 *
 * POST   /outrigger/v1/console/session {code} → {token, user, expiresAt}   open to everybody who holds a code
 * DELETE /outrigger/v1/console/session        → {}                         by the session that shall end
 *
 * I1: one link, one session: of several exchanges at once exactly one wins, because one deletion of the link's Secret does.
 * I2: unknown, wrong and used codes are refused with the same sentence; that a link is expired hears only who knows all of it.
 * I3: a session holds until it expires, and no longer than its Secret is there: deleting it ends the session at every director.
 * I4: what is stored are hashes; hashes are compared in constant time.
 * I5: only directors and administrators write links and sessions: whoever could write one would be an administrator.
 */

import { timingSafeEqual } from 'node:crypto';
import {
  CONSOLE_LINK_TYPE,
  CONSOLE_SESSION_TYPE,
  consoleData,
  linkSecretName,
  parseLinkCode,
  parseSessionToken,
  readConsoleFields,
  sessionSecretName,
  sessionToken,
} from '../../model/console-session.ts';
import type { ConsoleFields, ConsoleProof } from '../../model/console-session.ts';
import { isJsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { NewJoinSecret } from '../../ports/join-secret.ts';
import type { Log } from '../../ports/log.ts';
import type { StoredEntity } from '../../ports/store.ts';
import { badRequestStatus, forbiddenStatus, methodStatus, tooManyStatus, unauthorizedStatus } from './answer.ts';
import { GROUP_ADMINS, GROUP_AUTHENTICATED, SYSTEM_NAMESPACE } from './identity.ts';
import type { Attributes, AuthAnswer, Identity, OwnRequest, OwnRoute, Refused, WriteContent } from './identity.ts';
import { createRefusalLimit } from './refusal-limit.ts';
import type { RefusalLimit } from './refusal-limit.ts';
import { sha256 } from './service-account.ts';
import { bodyOf, part, secretData, secretKey, secretObject, text, timeText } from './stored-object.ts';
import type { ObjectMaker } from './stored-object.ts';

export interface ConsoleParts extends ObjectMaker {
  readonly newSecret: NewJoinSecret;
  readonly log: Log;
}

/** A session that was read from its Secret. */
interface Known {
  readonly revision: number;
  readonly fields: ConsoleFields;
  readonly identity: Identity;
}

export interface ConsoleSessions {
  /** Whose session `token` is; a promise when this director's copy does not hold it yet. */
  judge(token: string): Identity | Refused | Promise<Identity | Refused>;
  readonly route: OwnRoute;
}

const NO_GOOD =
  'This link lets nobody in: it was used already, or this director knows none like it. Each link lets in once. Make another one: outrigger console link';
const OVER: Refused = { refused: 'Unauthorized: this session of the console has ended. Log in again.' };
const NO_HASH = '0'.repeat(64);
/** A code or an Authorization header is shorter. */
const CODE_CHARACTERS = 128;
const FRESH_DEADLINE_MS = 5_000;

export function createConsoleSessions(parts: ConsoleParts): ConsoleSessions {
  const known = new Map<string, Known>();
  const limit = createRefusalLimit(parts.clock);
  return {
    judge: (token) => {
      const proof = parseSessionToken(token);
      if (proof === undefined) return OVER;
      return judge(parts, known, proof) ?? judgeFresh(parts, known, proof);
    },
    route: (request, signal) => answer(parts, known, limit, request, signal),
  };
}

/** Undefined: this copy knows no such session; another director may just have made it. */
function judge(parts: ConsoleParts, known: Map<string, Known>, proof: ConsoleProof): Identity | Refused | undefined {
  const session = lookUp(parts, known, proof.id);
  if (session === undefined) return undefined;
  const { fields, identity } = session;
  if (!matches(fields.tokenHash, proof.secret) || Date.parse(fields.expiresAt) <= parts.clock.nowMs()) return OVER;
  return identity;
}

async function judgeFresh(parts: ConsoleParts, known: Map<string, Known>, proof: ConsoleProof): Promise<Identity | Refused> {
  await parts.store.fresh(AbortSignal.timeout(FRESH_DEADLINE_MS));
  return judge(parts, known, proof) ?? OVER;
}

/** The same identity for the same session, as long as its Secret is unchanged. */
function lookUp({ store }: ConsoleParts, known: Map<string, Known>, id: string): Known | undefined {
  const secret = store.get(secretKey(SYSTEM_NAMESPACE, sessionSecretName(id)));
  const before = known.get(id);
  if (secret !== undefined && before?.revision === secret.revision) return before;
  known.delete(id);
  const fields = secret === undefined ? undefined : fieldsOf(CONSOLE_SESSION_TYPE, secret);
  if (secret === undefined || fields === undefined) return undefined;
  const identity: Identity = { kind: 'admin', name: fields.user, groups: [GROUP_ADMINS, GROUP_AUTHENTICATED] };
  const session = { revision: secret.revision, fields, identity };
  known.set(id, session);
  if (known.size > LIMITS.verifiedCredentials) known.delete(known.keys().next().value ?? id);
  return session;
}

function fieldsOf(wanted: Parameters<typeof readConsoleFields>[0], secret: StoredEntity): ConsoleFields | undefined {
  const object = secret.object();
  return readConsoleFields(wanted, text(object['type']), secretData(object));
}

function matches(tokenHash: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(tokenHash, 'latin1'), Buffer.from(sha256(secret), 'latin1'));
}

// ---- log-in and log-out -----------------------------------------------------------------------------------------------------------------

async function answer(
  parts: ConsoleParts,
  known: Map<string, Known>,
  limit: RefusalLimit,
  request: OwnRequest,
  signal: AbortSignal,
): Promise<AuthAnswer> {
  const { method, remoteAddress } = request;
  if (method === 'DELETE') return await logOut(parts, known, request, signal);
  if (method !== 'POST') return methodStatus('POST and DELETE');
  const waitSeconds = limit.waitSeconds(remoteAddress);
  if (waitSeconds > 0) return tooManyStatus('Too many refused attempts from this address; wait a minute.', waitSeconds);
  const body = request.body ?? null;
  const code = isJsonObject(body) ? text(body['code']) : undefined;
  if (code === undefined || code.length > CODE_CHARACTERS) return badRequestStatus('code must be the text behind #code= in the link');
  const given = await exchange(parts, code, signal);
  if (given.status === 201) parts.log.info('A person logged in to the console.', { audit: true, remoteAddress, user: given.body['user'] });
  else {
    limit.refused(remoteAddress);
    parts.log.warn('A log-in to the console was refused.', { audit: true, remoteAddress, why: given.body['message'] });
  }
  return given;
}

async function exchange(parts: ConsoleParts, code: string, signal: AbortSignal): Promise<AuthAnswer> {
  const { store, clock } = parts;
  const proof = parseLinkCode(code);
  await store.fresh(signal);
  const link = proof === undefined ? undefined : store.get(secretKey(SYSTEM_NAMESPACE, linkSecretName(proof.id)));
  const fields = link === undefined ? undefined : fieldsOf(CONSOLE_LINK_TYPE, link);
  const isRight = matches(fields?.tokenHash ?? NO_HASH, proof?.secret ?? '');
  if (link === undefined || fields === undefined || !isRight) return forbiddenStatus(NO_GOOD);
  const nowMs = clock.nowMs();
  if (Date.parse(fields.expiresAt) <= nowMs)
    return forbiddenStatus(`This link expired at ${fields.expiresAt}. Make another one: outrigger console link`);
  const spent = await store.write({ op: 'delete', key: link.key, uid: link.uid, ifRevision: link.revision }, signal);
  return spent.ok ? await open(parts, fields.user, nowMs, signal) : forbiddenStatus(NO_GOOD);
}

async function open(parts: ConsoleParts, user: string, nowMs: number, signal: AbortSignal): Promise<AuthAnswer> {
  const { id, secret, hash } = parts.newSecret();
  const expiresAt = timeText(nowMs + LIMITS.consoleSessionTtlMs);
  const name = sessionSecretName(id);
  const uid = parts.random.uuid();
  const object = secretObject(SYSTEM_NAMESPACE, name, CONSOLE_SESSION_TYPE, consoleData({ tokenHash: hash, expiresAt, user }));
  const metadata = { ...part(object, 'metadata'), uid, creationTimestamp: timeText(nowMs) };
  const key = secretKey(SYSTEM_NAMESPACE, name);
  const made = await parts.store.write({ op: 'create', key, uid, body: bodyOf({ ...object, metadata }) }, signal);
  return made.ok ? { status: 201, body: { token: sessionToken({ id, secret }), user, expiresAt } } : forbiddenStatus(NO_GOOD);
}

async function logOut(parts: ConsoleParts, known: Map<string, Known>, request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer> {
  const token = /^Bearer +(\S+)$/i.exec(request.credentials.authorization?.slice(0, CODE_CHARACTERS) ?? '')?.[1] ?? '';
  const proof = parseSessionToken(token);
  await parts.store.fresh(signal);
  const identity = proof === undefined ? OVER : (judge(parts, known, proof) ?? OVER);
  if (proof === undefined || 'refused' in identity) return unauthorizedStatus(OVER.refused);
  const secret = parts.store.get(secretKey(SYSTEM_NAMESPACE, sessionSecretName(proof.id)));
  if (secret !== undefined)
    await parts.store.write({ op: 'delete', key: secret.key, uid: secret.uid, ifRevision: secret.revision }, signal);
  parts.log.info('A person logged out of the console.', { audit: true, user: identity.name, remoteAddress: request.remoteAddress });
  return { status: 200, body: {} };
}

// ---- who may write them, and how they go ------------------------------------------------------------------------------------------------

/** Why somebody who is no administrator may not write this Secret (I5). */
export function consoleSecretIn({ group, resource }: Attributes, { next }: WriteContent): string | undefined {
  const type = group === '' && resource === 'secrets' ? text(next?.['type']) : undefined;
  return type === CONSOLE_LINK_TYPE || type === CONSOLE_SESSION_TYPE
    ? `Secrets of the type ${type} let their bearer in as an administrator; only administrators write them`
    : undefined;
}

/** Whether a link or session can be used no more. */
export function isOverConsoleSecret(secret: StoredEntity, nowMs: number): boolean {
  if (secret.key.namespace !== SYSTEM_NAMESPACE || !/^console-(?:link|session)-/.test(secret.key.name)) return false;
  const fields = fieldsOf(CONSOLE_LINK_TYPE, secret) ?? fieldsOf(CONSOLE_SESSION_TYPE, secret);
  return fields !== undefined && Date.parse(fields.expiresAt) <= nowMs;
}
