/**
 * Signed tokens: the one door to jose.
 *
 * I1: a token verifies only by ES256 and by a key of the set: the token's own header never chooses the algorithm.
 */

import { calculateJwkThumbprint, CompactSign, compactVerify, exportJWK, generateKeyPair, importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { Fault } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Jws, JwsKeySet } from '../ports/jws.ts';

const ALGORITHM = 'ES256';

interface OpenKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export function jws(): Jws {
  return { newKey, openKeys };
}

async function newKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const key = await exportJWK(privateKey);
  return JSON.stringify({ ...key, kid: await calculateJwkThumbprint(key) });
}

async function openKeys(texts: readonly string[]): Promise<JwsKeySet> {
  const keys = await Promise.all(texts.map(openKey));
  const byId = new Map(keys.map((key) => [key.kid, key]));
  const newest = keys.at(-1);
  if (newest === undefined)
    throw new Fault('SealBroken', 'There is no key to sign tokens with. Restore the Secret outrigger-system/service-account-keys.');
  return {
    sign: (claims) =>
      new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg: ALGORITHM, kid: newest.kid, typ: 'JWT' })
        .sign(newest.privateKey),
    verify: (token) => verify(byId, token),
  };
}

async function openKey(text: string): Promise<OpenKey> {
  try {
    const key = JSON.parse(text) as JWK;
    const { d: _private, ...open } = key;
    const privateKey = (await importJWK(key, ALGORITHM)) as CryptoKey;
    const publicKey = (await importJWK(open, ALGORITHM)) as CryptoKey;
    if (key.kid === undefined || privateKey.type !== 'private') throw new Error('it has no kid or no private part');
    return { kid: key.kid, privateKey, publicKey };
  } catch (cause) {
    throw new Fault(
      'SealBroken',
      'A key in the Secret outrigger-system/service-account-keys is damaged. Restore it from a backup, or delete it: all tokens must then be made anew.',
      { cause },
    );
  }
}

async function verify(keys: ReadonlyMap<string, OpenKey>, token: string): Promise<JsonObject | undefined> {
  try {
    const { payload } = await compactVerify(
      token,
      (header) => {
        const key = keys.get(header.kid ?? '');
        if (key === undefined) throw new Error('unknown key');
        return key.publicKey;
      },
      { algorithms: [ALGORITHM] },
    );
    const claims = JSON.parse(Buffer.from(payload).toString('utf8')) as Json;
    return isJsonObject(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}
