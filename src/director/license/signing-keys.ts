/**
 * The keys that licenses are signed with, in the sealed Secret outrigger-system/license-signing-keys, for all directors.
 *
 * Each value is {certificate, privateKey}; the names sort, the last one signs. A rotation adds one and takes the private keys of the others away: their
 * certificates stay for the record. Statements carry their certificate, so what an older key signed is verified as before.
 *
 * I1: the first key is made by whichever director creates the Secret first; all others sign with it too.
 * I2: a rotation takes effect in every director as soon as it sees the Secret's new state, without a restart.
 */

import { Fault } from '../../model/fault.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { LicenseSigner, OpenLicenseKey } from '../../ports/license-signer.ts';
import type { StoredEntity } from '../../ports/store.ts';
import type { StoreAuthority } from '../auth/authority.ts';
import { SYSTEM_NAMESPACE } from '../auth/identity.ts';
import { createOrRead, replaceObject, secretData, secretKey, secretObject } from '../auth/stored-object.ts';
import type { ObjectMaker } from '../auth/stored-object.ts';

const KEYS_SECRET = 'license-signing-keys';
const PLACE = secretKey(SYSTEM_NAMESPACE, KEYS_SECRET);
const DIGITS = 6;

export interface KeyParts extends ObjectMaker {
  readonly authority: StoreAuthority;
  readonly signer: LicenseSigner;
}

export interface SigningKeys {
  /** The newest key. */
  current(): Promise<OpenLicenseKey>;
  /** Adds a key, which signs from now on. Returns its name. Throws `Fault` Overloaded when others change the Secret all the time. */
  rotate(signal: AbortSignal): Promise<string>;
}

interface StoredKey {
  readonly certificate: string;
  readonly privateKey: string | undefined;
}

export async function openSigningKeys(parts: KeyParts, signal: AbortSignal): Promise<SigningKeys> {
  const stored = await createOrRead(parts, PLACE, async () => secretOf({ [nameOf(1)]: await newKey(parts) }), signal);
  let opened = { revision: stored.revision, key: openNewest(parts, stored) };
  await opened.key;
  return {
    current: () => {
      const now = parts.store.get(PLACE);
      // A Secret that was deleted under us leaves the key that we know.
      if (now !== undefined && now.revision !== opened.revision) opened = { revision: now.revision, key: openNewest(parts, now) };
      return opened.key;
    },
    rotate: (work) => rotate(parts, work),
  };
}

async function newKey({ signer, authority }: KeyParts): Promise<string> {
  const { privateKey, publicKeyDer } = await signer.newKey();
  const { certificatePem } = await authority.issueLicenseSigner(publicKeyDer);
  return JSON.stringify({ certificate: certificatePem, privateKey });
}

function openNewest({ signer }: KeyParts, secret: StoredEntity): Promise<OpenLicenseKey> {
  const [, newest] = sorted(secret).at(-1) ?? [];
  const stored = readKey(newest);
  const opened =
    stored?.privateKey === undefined
      ? Promise.reject(
          new Fault(
            'SealBroken',
            `There is no key to sign licenses with in the Secret ${SYSTEM_NAMESPACE}/${KEYS_SECRET}. Restore it from a backup, or make another one: outrigger license rotate-key.`,
          ),
        )
      : signer.open(stored.privateKey, stored.certificate);
  // Whoever needs it awaits it; a failure must not count as unhandled until then.
  opened.catch(() => undefined);
  return opened;
}

async function rotate(parts: KeyParts, signal: AbortSignal): Promise<string> {
  const made = await newKey(parts);
  for (let round = 0; round < LIMITS.writeTries; round++) {
    await parts.store.fresh(signal);
    const secret = parts.store.get(PLACE);
    const before = secret === undefined ? [] : sorted(secret);
    const name = nameOf(Number(before.at(-1)?.[0] ?? 0) + 1);
    const kept = before.slice(-LIMITS.licenseCertificatesKept).map(([old, value]) => [old, withoutPrivateKey(value)] as const);
    const next = Object.fromEntries([...kept, [name, made] as const]);
    if (secret === undefined) {
      await createOrRead(parts, PLACE, () => secretOf(next), signal);
    } else {
      const outcome = await replaceObject(parts.store, secret, { ...secret.object(), data: encoded(next) }, signal);
      if (outcome.ok) return name;
    }
  }
  throw new Fault('Overloaded', 'The signing keys of licenses were changed by others at each try; try again.');
}

function sorted(secret: StoredEntity): [string, string][] {
  return Array.from(secretData(secret.object())).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function readKey(value: string | undefined): StoredKey | undefined {
  const body = parsed(value);
  if (body === undefined || typeof body['certificate'] !== 'string') return undefined;
  const privateKey = body['privateKey'];
  return { certificate: body['certificate'], privateKey: typeof privateKey === 'string' ? privateKey : undefined };
}

function withoutPrivateKey(value: string): string {
  return JSON.stringify({ certificate: readKey(value)?.certificate ?? '' });
}

function parsed(text: string | undefined): JsonObject | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Json;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function nameOf(number: number): string {
  return String(number).padStart(DIGITS, '0');
}

function secretOf(data: Readonly<Record<string, string>>): JsonObject {
  return secretObject(SYSTEM_NAMESPACE, KEYS_SECRET, 'Opaque', data);
}

function encoded(data: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'utf8').toString('base64')]));
}
