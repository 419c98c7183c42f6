/**
 * Signed tokens: the one door to jose. Tokens of ServiceAccounts (ES256), and license statements (EdDSA; nodes verify them without this
 * library, src/platform/license-token.ts).
 *
 * I1: a token verifies only by ES256 and by a key of the set: the token's own header never chooses the algorithm.
 */

import { calculateJwkThumbprint, CompactSign, compactVerify, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { Fault } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Jws, JwsKeySet } from '../ports/jws.ts';
import type { LicenseKey, LicenseSigner, OpenLicenseKey } from '../ports/license-signer.ts';

const ALGORITHM = 'ES256';
const LICENSE_ALGORITHM = 'EdDSA';

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

// ---- license statements -----------------------------------------------------------------------------------------------------------------

export function licenseSigner(): LicenseSigner {
  return { newKey: newLicenseKey, open: openLicenseKey };
}

async function newLicenseKey(): Promise<LicenseKey> {
  const { privateKey, publicKey } = await generateKeyPair(LICENSE_ALGORITHM, { crv: 'Ed25519', extractable: true });
  return { privateKey: JSON.stringify(await exportJWK(privateKey)), publicKeyDer: derOf(await exportSPKI(publicKey)) };
}

async function openLicenseKey(text: string, certificate: string): Promise<OpenLicenseKey> {
  const key = await importLicenseKey(text);
  const x5c = [derOf(certificate).toString('base64')];
  return {
    sign: (statement) =>
      new CompactSign(Buffer.from(JSON.stringify(statement))).setProtectedHeader({ alg: LICENSE_ALGORITHM, typ: 'JWT', x5c }).sign(key),
  };
}

async function importLicenseKey(text: string): Promise<CryptoKey> {
  try {
    const key = (await importJWK(JSON.parse(text) as JWK, LICENSE_ALGORITHM)) as CryptoKey;
    if (key.type !== 'private') throw new Error('it has no private part');
    return key;
  } catch (cause) {
    throw new Fault(
      'SealBroken',
      'The newest key in the Secret outrigger-system/license-signing-keys is damaged. Restore it from a backup, or make another one: outrigger license rotate-key.',
      { cause },
    );
  }
}

/** What stands between the first two lines of PEM. */
function derOf(pem: string): Buffer {
  const [, body = ''] = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(pem) ?? [];
  return Buffer.from(body, 'base64');
}
