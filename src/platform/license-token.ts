/**
 * Reads signed license statements with Node's own crypto (src/ports/license-token.ts): a node that only verifies need not carry the library for tokens.
 *
 * I1: EdDSA only, by the certificate in the token, issued by the given CA with `O=outrigger:license-signers`, valid when the statement was signed.
 * I2: whatever comes from outside is an answer with a sentence, never an exception.
 */

import { verify, X509Certificate } from 'node:crypto';
import { readStatement } from '../decide/license-claims.ts';
import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import { LICENSE_SIGNERS } from '../model/license-statement.ts';
import { LIMITS } from '../model/limits.ts';
import type { LicenseTokenRead } from '../ports/license-token.ts';
import { certificates } from './certificate.ts';

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export function readLicenseToken(token: string, authority: string): LicenseTokenRead {
  if (token.length > LIMITS.licenseTokenChars || !COMPACT.test(token))
    return refused(
      'The license is not a signed statement (three parts, base64url, joined by dots); it was cut short or altered on its way.',
    );
  const [head = '', body = '', signature = ''] = token.split('.');
  const header = jsonOf(head);
  if (header?.['alg'] !== 'EdDSA') return refused('The license is not signed by EdDSA, so it was not used.');
  const der = certificateOf(header);
  if (der === undefined) return refused('The license carries no certificate of its signer (x5c), so it was not used.');
  const unfit = signerRefusal(der, authority);
  if (unfit !== undefined) return refused(unfit);
  const signed = verify(
    null,
    Buffer.from(`${head}.${body}`, 'latin1'),
    new X509Certificate(der).publicKey,
    Buffer.from(signature, 'base64url'),
  );
  if (!signed) return refused('The signature of the license is wrong: it was altered or damaged on its way, so it was not used.');
  const statement = readStatement(jsonOf(body));
  if (typeof statement === 'string') return refused(statement);
  const facts = certificates().read(der);
  if (facts === undefined || statement.trustedMs < facts.notBeforeMs || statement.trustedMs > facts.notAfterMs)
    return refused(
      `The license says that it was signed on ${dayOf(statement.trustedMs)}, when its signer's certificate did not hold; look at the clocks of the directors.`,
    );
  return { ok: true, statement };
}

function signerRefusal(der: Buffer, authority: string): string | undefined {
  const facts = certificates().read(der);
  if (facts === undefined) return 'The certificate in the license cannot be read, so the license was not used.';
  if (!certificates().isIssuedBy(der, authority))
    return 'The license was signed by somebody whom this control plane does not vouch for, so it was not used.';
  if (facts.organizations.length !== 1 || facts.organizations[0] !== LICENSE_SIGNERS || facts.isAuthority)
    return `The license was signed with a certificate that is not for licenses (O=${LICENSE_SIGNERS}), so it was not used.`;
  if (new X509Certificate(der).publicKey.asymmetricKeyType !== 'ed25519')
    return 'The license was not signed with an Ed25519 key, so it was not used.';
  return undefined;
}

function certificateOf(header: JsonObject): Buffer | undefined {
  const chain = header['x5c'];
  const first: unknown = Array.isArray(chain) ? chain[0] : undefined;
  return typeof first === 'string' && BASE64.test(first) ? Buffer.from(first, 'base64') : undefined;
}

function jsonOf(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(why: string): LicenseTokenRead {
  return { ok: false, why };
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
