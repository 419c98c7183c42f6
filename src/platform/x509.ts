/**
 * The certificate authority's half of `ports/x509.ts`: the one door to @peculiar/x509.
 *
 * Only directors load it. The library needs `reflect-metadata` to be there before it.
 *
 * I1: a request counts only with a P-256 key and a signature by that very key.
 * I2: a leaf can never sign: basic constraints say so, and its usage is one of client, server and signer of documents.
 */

import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension, JsonName } from '@peculiar/x509';
import { Fault } from '../model/fault.ts';
import type { CertificateAuthority, CertificateIssuer, LeafOrder, RequestFacts, SelfSignedOrder } from '../ports/x509.ts';
import { certificates, newKey, publicKeyHash, readCertificate } from './certificate.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ED25519 = { name: 'Ed25519' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const USAGES: Readonly<Record<LeafOrder['usage'], ExtendedKeyUsage[]>> = {
  client: [ExtendedKeyUsage.clientAuth],
  server: [ExtendedKeyUsage.serverAuth],
  node: [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth],
  signer: [ExtendedKeyUsage.codeSigning],
};
/** What all leaves have, and all of one usage: made once, because making them is a fifth of making a certificate. */
const LEAF_CONSTRAINTS = new BasicConstraintsExtension(false, undefined, true);
const LEAF_KEY_USAGE = new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true);
const LEAF_USAGE: Readonly<Record<LeafOrder['usage'], Extension>> = {
  client: new ExtendedKeyUsageExtension(USAGES.client),
  server: new ExtendedKeyUsageExtension(USAGES.server),
  node: new ExtendedKeyUsageExtension(USAGES.node),
  signer: new ExtendedKeyUsageExtension(USAGES.signer),
};
/** RFC 5280: at most 20 octets, positive. */
const SERIAL_BYTES = 16;

export function certificateIssuer(): CertificateIssuer {
  return { ...certificates(), createAuthority, createSelfSigned, openAuthority, readRequest };
}

async function createAuthority(
  commonName: string,
  notBeforeMs: number,
  notAfterMs: number,
): Promise<{ certificatePem: string; privateKeyPem: string }> {
  const { privateKeyPem, publicKeyDer } = newKey();
  const publicKey = await importPublic(publicKeyDer);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: name(commonName),
    issuer: name(commonName),
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: SIGNING,
    publicKey,
    signingKey: await importPrivate(privateKeyPem),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem };
}

async function createSelfSigned(order: SelfSignedOrder): Promise<{ certificatePem: string; privateKeyPem: string }> {
  const { privateKeyPem, publicKeyDer } = newKey();
  const publicKey = await importPublic(publicKeyDer);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: name(order.commonName),
    issuer: name(order.commonName),
    notBefore: new Date(order.notBeforeMs),
    notAfter: new Date(order.notAfterMs),
    signingAlgorithm: SIGNING,
    publicKey,
    signingKey: await importPrivate(privateKeyPem),
    extensions: [...leafExtensions({ ...order, publicKeyDer, usage: 'server' }), await SubjectKeyIdentifierExtension.create(publicKey)],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem };
}

async function openAuthority(certificatePem: string, privateKeyPem: string): Promise<CertificateAuthority> {
  const facts = readCertificate(certificatePem);
  const hash = publicKeyHash(certificatePem);
  if (facts === undefined || hash === undefined || !facts.isAuthority || !belongTogether(privateKeyPem, facts.publicKeyDer)) {
    throw new Fault(
      'CertificateInvalid',
      "The stored CA's certificate and private key do not belong together. Restore the Secret outrigger-system/ca from a backup.",
    );
  }
  const authority = new X509Certificate(certificatePem);
  const signingKey = await importPrivate(privateKeyPem);
  const authorityKeyId = await AuthorityKeyIdentifierExtension.create(await importPublic(facts.publicKeyDer));
  return {
    certificatePem,
    publicKeyHash: hash,
    notBeforeMs: facts.notBeforeMs,
    notAfterMs: facts.notAfterMs,
    issue: async (order) => {
      const publicKey = await importPublic(order.publicKeyDer, order.usage === 'signer' ? ED25519 : P256);
      const certificate = await X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: name(order.commonName, order.organization),
        issuer: authority.subjectName,
        notBefore: new Date(order.notBeforeMs),
        notAfter: new Date(order.notAfterMs),
        signingAlgorithm: SIGNING,
        publicKey,
        signingKey,
        extensions: [...leafExtensions(order), authorityKeyId, await SubjectKeyIdentifierExtension.create(publicKey)],
      });
      return `${certificate.toString('pem')}\n`;
    },
  };
}

function leafExtensions(order: LeafOrder): Extension[] {
  const names = (order.names ?? []).map((text) =>
    isIP(text) === 0 ? ({ type: 'dns', value: text } as const) : ({ type: 'ip', value: text } as const),
  );
  return [
    LEAF_CONSTRAINTS,
    LEAF_KEY_USAGE,
    LEAF_USAGE[order.usage],
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
  ];
}

async function readRequest(pem: string): Promise<RequestFacts | { readonly refused: string }> {
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(pem);
  } catch {
    return { refused: 'csr is not a PKCS#10 certificate request in PEM' };
  }
  const publicKeyDer = new Uint8Array(request.publicKey.rawData);
  if (!isP256(publicKeyDer)) return { refused: 'the key of csr is not an EC P-256 key' };
  const signed = await request.verify().catch(() => false);
  if (!signed) return { refused: 'the signature of csr is not that of the key in it' };
  return { der: new Uint8Array(request.rawData), publicKeyDer };
}

function isP256(publicKeyDer: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKeyDer), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}

function belongTogether(privateKeyPem: string, publicKeyDer: Uint8Array): boolean {
  try {
    const own = createPublicKey(createPrivateKey(privateKeyPem)).export({ type: 'spki', format: 'der' });
    return own.equals(publicKeyDer);
  } catch {
    return false;
  }
}

/** As data, not as text to be parsed: a name with a comma or an equals sign stays one name. */
function name(commonName: string, organization?: string): JsonName {
  return [...(organization === undefined ? [] : [{ O: [organization] }]), { CN: [commonName] }];
}

function serial(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function importPublic(der: Uint8Array, algorithm: typeof P256 | typeof ED25519 = P256): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('spki', Buffer.from(der), algorithm, true, ['verify']);
}

function importPrivate(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, P256, false, ['sign']);
}
