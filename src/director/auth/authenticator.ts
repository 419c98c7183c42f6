/**
 * Who is calling? A client certificate of our authority, a ServiceAccount's token, or that of a console's session; nothing else, and nothing means 401.
 *
 * Verifying costs a few tenths of a millisecond, so what was verified is remembered: certificates by connection (it has one, judged once) and by
 * hash, tokens by hash. What can change afterwards (the time, a revocation, the ServiceAccount's life, the signing keys) is looked at with every request.
 *
 * I1: an identity comes only from a certificate signed by our authority for clients, within its time, or from a token that verifies.
 * I2: memory is bounded, and no credential is kept in it, only hashes. Hashes are what is compared, so timing tells nothing.
 * I3: a credential that is wrong is refused; it never falls back to anonymous, save on the open paths.
 * I4: a revoked certificate is refused from the moment this director's copy of the store shows it, also on connections that were let in before.
 */

import { hash } from 'node:crypto';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EntityStore } from '../../ports/store.ts';
import type { Certificates } from '../../ports/x509.ts';
import { isSessionToken } from '../../model/console-session.ts';
import type { ConsoleSessions } from './console-session.ts';
import { ANONYMOUS, isOpenPath, isRefused } from './identity.ts';
import type { Authenticator, Connection, Credentials, Identity, Refused } from './identity.ts';
import type { ServiceAccountTokens, VerifiedToken } from './service-account.ts';
import type { Standing } from './standing.ts';
import { identityOf } from './subject.ts';

export interface AuthenticatorParts {
  readonly store: EntityStore;
  readonly clock: Clock;
  readonly x509: Certificates;
  /** PEM. */
  readonly caCertificate: string;
  readonly tokens: ServiceAccountTokens;
  readonly sessions: Pick<ConsoleSessions, 'judge'>;
  readonly standing: Standing;
}

/** A certificate that was judged: who bears it, and when. */
interface Judged {
  readonly answer: Identity | Refused;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

interface Memory {
  readonly byConnection: WeakMap<object, Judged>;
  readonly byCertificate: Map<string, Judged>;
  readonly byToken: Map<string, VerifiedToken>;
}

const NO_CREDENTIAL: Refused = { refused: 'Unauthorized: send a client certificate, or a bearer token in the Authorization header.' };
const NOT_OURS: Refused = { refused: "Unauthorized: the client certificate was not signed by this director's authority." };
const NOT_FOR_CLIENTS: Refused = { refused: 'Unauthorized: the certificate is not one for clients.' };
const TOO_EARLY: Refused = { refused: 'Unauthorized: the client certificate is not valid yet; compare the clocks.' };
const TOO_LATE: Refused = {
  refused:
    'Unauthorized: the client certificate has expired. Nodes and hosts renew theirs at /outrigger/v1/renew, people get another kubeconfig.',
};
const NOT_BEARER: Refused = { refused: 'Unauthorized: the Authorization header must be "Bearer <token>".' };
const ACCOUNT_GONE: Refused = { refused: 'Unauthorized: the ServiceAccount of this token is gone.' };
const TOKEN_EXPIRED: Refused = { refused: 'Unauthorized: the bearer token has expired. Request another one.' };

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const memory: Memory = { byConnection: new WeakMap(), byCertificate: new Map(), byToken: new Map() };
  return { authenticate: (credentials) => authenticate(parts, memory, credentials) };
}

function authenticate(
  parts: AuthenticatorParts,
  memory: Memory,
  credentials: Credentials,
): Identity | Refused | Promise<Identity | Refused> {
  const byCertificate = judgeCertificate(parts, memory, credentials);
  if (byCertificate !== undefined && !isRefused(byCertificate)) return byCertificate;
  if (credentials.authorization !== undefined) return judgeHeader(parts, memory, credentials.authorization);
  if (credentials.path !== undefined && isOpenPath(credentials.path)) return ANONYMOUS;
  return byCertificate ?? NO_CREDENTIAL;
}

/** Undefined: there is none. */
function judgeCertificate(parts: AuthenticatorParts, memory: Memory, credentials: Credentials): Identity | Refused | undefined {
  const { connection } = credentials;
  let judged = connection === undefined ? undefined : memory.byConnection.get(connection);
  if (judged === undefined) {
    const certificate = typeof credentials.peerCertificate === 'function' ? credentials.peerCertificate() : credentials.peerCertificate;
    if (certificate === undefined || certificate.length === 0) return undefined;
    judged = judge(parts, memory, certificate);
    if (connection !== undefined) keep(parts, memory, connection, judged);
  }
  if (isRefused(judged.answer)) return judged.answer;
  const nowMs = parts.clock.nowMs();
  const { node } = judged.answer;
  // A certificate that follows a revocation begins with that, by the clock of whoever revoked.
  if (nowMs < judged.notBeforeMs - (node === undefined ? 0 : LIMITS.revocationAheadMs)) return TOO_EARLY;
  if (nowMs > judged.notAfterMs) return TOO_LATE;
  const why = node === undefined ? undefined : parts.standing.revoked(node, judged.notBeforeMs);
  return why === undefined ? judged.answer : { refused: `Unauthorized: ${why}` };
}

function keep({ standing }: AuthenticatorParts, memory: Memory, connection: Connection, judged: Judged): void {
  memory.byConnection.set(connection, judged);
  if (!isRefused(judged.answer) && judged.answer.node !== undefined) standing.watch(connection, judged.answer.node, judged.notBeforeMs);
}

function judge(parts: AuthenticatorParts, memory: Memory, certificate: Uint8Array): Judged {
  const digest = hash('sha256', certificate, 'base64');
  const known = memory.byCertificate.get(digest);
  if (known !== undefined) return known;
  const judged = verifyCertificate(parts, certificate);
  // What is not ours is not remembered: anybody can make such certificates, and they would drive out the others.
  if (judged.answer !== NOT_OURS) remember(memory.byCertificate, digest, judged);
  return judged;
}

function verifyCertificate({ x509, caCertificate }: AuthenticatorParts, certificate: Uint8Array): Judged {
  const facts = x509.read(certificate);
  if (facts === undefined || !x509.isIssuedBy(certificate, caCertificate)) return { answer: NOT_OURS, notBeforeMs: 0, notAfterMs: 0 };
  const { notBeforeMs, notAfterMs } = facts;
  const answer = facts.clientAuth && !facts.isAuthority ? identityOf(facts) : NOT_FOR_CLIENTS;
  return { answer, notBeforeMs, notAfterMs };
}

function judgeHeader(parts: AuthenticatorParts, memory: Memory, authorization: string): Identity | Refused | Promise<Identity | Refused> {
  if (authorization.length > LIMITS.authorizationBytes) return NOT_BEARER;
  const digest = hash('sha256', authorization, 'base64');
  const known = memory.byToken.get(digest);
  if (known !== undefined && known.keysRevision === parts.tokens.keysRevision()) return living(parts, known);
  const token = BEARER.exec(authorization)?.[1];
  if (token !== undefined && isSessionToken(token)) return parts.sessions.judge(token);
  return token === undefined ? NOT_BEARER : judgeToken(parts, memory, digest, token);
}

async function judgeToken(parts: AuthenticatorParts, memory: Memory, digest: string, token: string): Promise<Identity | Refused> {
  const verified = await parts.tokens.verify(token);
  if ('refused' in verified) return { refused: `Unauthorized: ${verified.refused}` };
  remember(memory.byToken, digest, verified);
  return living(parts, verified);
}

function living({ store, clock }: AuthenticatorParts, token: VerifiedToken): Identity | Refused {
  if (clock.nowMs() >= token.expiresAtMs) return TOKEN_EXPIRED;
  const account = store.get(token.account);
  return account?.uid === token.uid ? token.identity : ACCOUNT_GONE;
}

/** Beyond the bound the oldest goes. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size <= LIMITS.verifiedCredentials) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
