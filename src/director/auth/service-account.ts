/**
 * Tokens of ServiceAccounts: signed here, checked here, good as long as the ServiceAccount lives.
 *
 * The signing keys lie sealed in the Secret outrigger-system/service-account-keys, for all directors. They are read again whenever that Secret
 * changes, so keys can be rotated without a restart: the values sort by name, the last one signs, all of them verify.
 *
 * I1: a token holds for its audience, until it expires, and no longer than a ServiceAccount with its uid is there.
 */

import { createHash } from 'node:crypto';
import { LIMITS } from '../../model/limits.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Jws, JwsKeySet } from '../../ports/jws.ts';
import type { EntityKey, StoredEntity } from '../../ports/store.ts';
import { GROUP_AUTHENTICATED, SYSTEM_NAMESPACE } from './identity.ts';
import type { Identity, Refused } from './identity.ts';
import { serviceAccountName } from './rbac.ts';
import { createOrRead, part, secretData, secretKey, secretObject, text } from './stored-object.ts';
import type { ObjectMaker } from './stored-object.ts';

const KEYS_SECRET = 'service-account-keys';
const FIRST_KEY = '0001';
const ISSUER = 'outrigger';
/** Who must be among a token's audiences for it to be good here; also what a request without audiences gets. */
export const API_AUDIENCE = 'outrigger';

export interface MintedToken {
  readonly token: string;
  readonly expiresAtMs: number;
  readonly audiences: readonly string[];
}

export interface VerifiedToken {
  readonly identity: Identity;
  /** Where the ServiceAccount is, and its uid. */
  readonly account: EntityKey;
  readonly uid: string;
  readonly expiresAtMs: number;
  /** The state of the signing keys that it was verified with. */
  readonly keysRevision: number;
}

export interface ServiceAccountTokens {
  /** `lifeMs` is brought within the limits. */
  mint(account: { namespace: string; name: string; uid: string }, audiences: readonly string[], lifeMs: number): Promise<MintedToken>;
  /** Signature, issuer, audience, time; whether the ServiceAccount still lives is asked by the caller at each use. */
  verify(token: string): Promise<VerifiedToken | Refused>;
  /** Changes whenever the signing keys do: what was verified under another one must be verified again. */
  keysRevision(): number;
}

export interface TokenParts extends ObjectMaker {
  readonly jws: Jws;
}

export async function openServiceAccountTokens(parts: TokenParts, signal: AbortSignal): Promise<ServiceAccountTokens> {
  const place = secretKey(SYSTEM_NAMESPACE, KEYS_SECRET);
  const make = async (): Promise<JsonObject> =>
    secretObject(SYSTEM_NAMESPACE, KEYS_SECRET, 'Opaque', { [FIRST_KEY]: await parts.jws.newKey() });
  const stored = await createOrRead(parts, place, make, signal);
  let opened = { revision: stored.revision, keys: openKeys(parts.jws, stored) };
  await opened.keys;
  const current = (): typeof opened => {
    const now = parts.store.get(place);
    // A Secret that was deleted under us leaves the keys that we know.
    if (now !== undefined && now.revision !== opened.revision) opened = { revision: now.revision, keys: openKeys(parts.jws, now) };
    return opened;
  };
  return {
    mint: async (account, audiences, lifeMs) => mint(parts, await current().keys, account, audiences, lifeMs),
    verify: async (token) => {
      const { revision, keys } = current();
      return readClaims(await (await keys).verify(token), parts.clock.nowMs(), revision);
    },
    keysRevision: () => current().revision,
  };
}

function openKeys(jws: Jws, secret: StoredEntity): Promise<JwsKeySet> {
  const values = Array.from(secretData(secret.object())).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const keys = jws.openKeys(values.map(([, value]) => value));
  // Whoever needs them awaits them; a failure must not count as unhandled until then.
  keys.catch(() => undefined);
  return keys;
}

async function mint(
  { clock, random }: TokenParts,
  keys: JwsKeySet,
  account: { namespace: string; name: string; uid: string },
  audiences: readonly string[],
  lifeMs: number,
): Promise<MintedToken> {
  const issuedAt = Math.floor(clock.nowMs() / 1000);
  const life = Math.min(Math.max(lifeMs, LIMITS.serviceAccountTokenMinMs), LIMITS.serviceAccountTokenMaxMs);
  const expires = issuedAt + Math.floor(life / 1000);
  const { namespace, name, uid } = account;
  const token = await keys.sign({
    iss: ISSUER,
    sub: serviceAccountName(namespace, name),
    aud: [...audiences],
    iat: issuedAt,
    exp: expires,
    jti: random.uuid(),
    'kubernetes.io': { namespace, serviceaccount: { name, uid } },
  });
  return { token, expiresAtMs: expires * 1000, audiences };
}

function readClaims(claims: JsonObject | undefined, nowMs: number, keysRevision: number): VerifiedToken | Refused {
  if (claims === undefined || claims['iss'] !== ISSUER) return { refused: 'The bearer token was not signed by this director.' };
  const audiences = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']];
  if (!audiences.includes(API_AUDIENCE)) return { refused: 'The bearer token is meant for another audience.' };
  const bound = part(claims, 'kubernetes.io');
  const bearer = part(bound, 'serviceaccount');
  const [namespace, name, uid] = [text(bound['namespace']), text(bearer['name']), text(bearer['uid'])];
  const expires = claims['exp'];
  if (namespace === undefined || name === undefined || uid === undefined || typeof expires !== 'number')
    return { refused: 'The bearer token is no token of a ServiceAccount.' };
  if (claims['sub'] !== serviceAccountName(namespace, name)) return { refused: 'The bearer token contradicts itself.' };
  if (expires * 1000 <= nowMs) return { refused: 'The bearer token has expired. Request another one.' };
  const account = { group: '', resource: 'serviceaccounts', namespace, name };
  return { identity: identityOf(namespace, name, uid), account, uid, expiresAtMs: expires * 1000, keysRevision };
}

function identityOf(namespace: string, name: string, uid: string): Identity {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, GROUP_AUTHENTICATED];
  return { kind: 'serviceAccount', name: serviceAccountName(namespace, name), groups, uid };
}

/** Hex SHA-256. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
