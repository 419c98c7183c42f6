/**
 * Keys, certificate requests and the reading of certificates with Node's own crypto: the half of `ports/x509.ts` that agents and hosts use.
 *
 * A PKCS#10 request is written here by hand, 30 lines of DER: the X.509 library costs 20 MB of memory once loaded, which an agent does not have to
 * spare (its promise is 64 MB), and a request that says nothing but "this is my key" has a fixed form (RFC 2986).
 *
 * I1: bytes that are no certificate are answered with undefined.
 */

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import type { Certificates, CertificateFacts, KeyPair } from '../ports/x509.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const VERSION_0 = Buffer.from([0x02, 0x01, 0x00]);
/** An empty distinguished name. */
const NO_SUBJECT = Buffer.from([SEQUENCE, 0x00]);
/** `[0]`: no attributes. */
const NO_ATTRIBUTES = Buffer.from([0xa0, 0x00]);
/** AlgorithmIdentifier of ecdsa-with-SHA256, 1.2.840.10045.4.3.2. */
const ECDSA_SHA256 = Buffer.from([SEQUENCE, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);

export function certificates(): Certificates {
  // Thousands of leaves are compared with the one authority: it is parsed once.
  let authority: { readonly text: string; readonly parsed: X509Certificate } | undefined;
  const authorityOf = (certificate: string | Uint8Array): X509Certificate | undefined => {
    if (typeof certificate !== 'string') return parse(certificate);
    if (authority?.text === certificate) return authority.parsed;
    const parsed = parse(certificate);
    if (parsed !== undefined) authority = { text: certificate, parsed };
    return parsed;
  };
  const isIssuedBy = (certificate: string | Uint8Array, by: string | Uint8Array): boolean => {
    const leaf = parse(certificate);
    const issuer = authorityOf(by);
    return leaf !== undefined && issuer !== undefined && leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
  };
  return { newKey, createRequest, read: readCertificate, publicKeyHash, isIssuedBy };
}

export function newKey(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKeyDer: publicKey.export({ type: 'spki', format: 'der' }),
  };
}

export function createRequest(privateKeyPem: string): string {
  const key = createPrivateKey(privateKeyPem);
  const publicKeyDer = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const info = der(SEQUENCE, VERSION_0, NO_SUBJECT, publicKeyDer, NO_ATTRIBUTES);
  const signature = sign('sha256', info, key);
  const request = der(SEQUENCE, info, ECDSA_SHA256, der(BIT_STRING, Buffer.from([0]), signature));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

export function readCertificate(certificate: string | Uint8Array): CertificateFacts | undefined {
  const parsed = parse(certificate);
  if (parsed === undefined) return undefined;
  // Node's types leave this out; it gives each attribute of the subject as text or, when it is there several times, as a list.
  const { subject } = parsed.toLegacyObject() as { readonly subject?: Readonly<Record<string, string | string[] | undefined>> };
  const usages: readonly string[] = parsed.keyUsage ?? [];
  return {
    commonNames: [subject?.['CN'] ?? []].flat(),
    organizations: [subject?.['O'] ?? []].flat(),
    notBeforeMs: parsed.validFromDate.getTime(),
    notAfterMs: parsed.validToDate.getTime(),
    clientAuth: usages.includes(CLIENT_AUTH),
    serverAuth: usages.includes(SERVER_AUTH),
    isAuthority: parsed.ca,
    serialNumber: parsed.serialNumber,
    // Only made when asked for: it takes longer than all the rest, and who checks a client does not need it.
    get publicKeyDer() {
      return parsed.publicKey.export({ type: 'spki', format: 'der' });
    },
  };
}

export function publicKeyHash(certificate: string | Uint8Array): string | undefined {
  const parsed = parse(certificate);
  if (parsed === undefined) return undefined;
  const hash = createHash('sha256').update(parsed.publicKey.export({ type: 'spki', format: 'der' }));
  return `sha256:${hash.digest('hex')}`;
}

/** `sha256:<hex>` of the certificate itself (of a PEM chain: the first), as connection servers are pinned; undefined when it is none. */
export function certificateThumbprint(certificate: string | Uint8Array): string | undefined {
  const parsed = parse(certificate);
  return parsed === undefined ? undefined : `sha256:${createHash('sha256').update(parsed.raw).digest('hex')}`;
}

/** True when the private key (PEM) is that of the certificate; false also when either cannot be read. */
export function isKeyOf(privateKeyPem: string, certificate: string | Uint8Array): boolean {
  try {
    return parse(certificate)?.checkPrivateKey(createPrivateKey(privateKeyPem)) === true;
  } catch {
    return false;
  }
}

function parse(certificate: string | Uint8Array): X509Certificate | undefined {
  try {
    const parsed = new X509Certificate(certificate);
    // A key that Node cannot read throws only when it is asked for.
    return parsed.publicKey.type === 'public' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), derLength(content.length), content]);
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  return length < 0x100 ? Buffer.from([0x81, length]) : Buffer.from([0x82, length >> 8, length & 0xff]);
}
