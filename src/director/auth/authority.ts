/**
 * The certificate authority of this store, and what it signs: certificates of nodes, hosts and admins, and of the directors themselves.
 *
 * Its private key lies sealed in the Secret outrigger-system/ca, because every director needs it. It is made at the first start by whichever
 * director creates that Secret first.
 *
 * I1: all directors of one store sign with the same key.
 * I2: no leaf outlives the authority.
 */

import { GROUP_ADMINS, SYSTEM_NAMESPACE } from './identity.ts';
import { LIMITS } from '../../model/limits.ts';
import { Fault } from '../../model/fault.ts';
import { LICENSE_SIGNERS } from '../../model/license-statement.ts';
import type { Log } from '../../ports/log.ts';
import type { CertificateAuthority, CertificateIssuer, KeyPair } from '../../ports/x509.ts';
import { createOrRead, secretData, secretKey, secretObject } from './stored-object.ts';
import type { ObjectMaker } from './stored-object.ts';
import { adminSubject, hostSubject, nodeSubject } from './subject.ts';
import type { SubjectNames } from './subject.ts';

const CA_SECRET = 'ca';
const CERTIFICATE_FIELD = 'tls.crt';
const KEY_FIELD = 'tls.key';
/** From here on the log says at each start that the authority must be replaced. */
const WARN_BEFORE_END_MS = LIMITS.leafLifetimeMs;

export interface Issued {
  readonly certificatePem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface IssuedWithKey extends Issued {
  readonly privateKeyPem: string;
}

/** What the director's own parts ask of the authority. */
export interface StoreAuthority {
  readonly certificatePem: string;
  /** `sha256:<hex>` of the CA's SubjectPublicKeyInfo: what joining machines pin. */
  readonly publicKeyHash: string;
  /** `earliestMs`: it begins no sooner, so that it outlives a revocation. */
  issueNode(uid: string, incarnation: number, publicKeyDer: Uint8Array, earliestMs?: number): Promise<Issued>;
  issueHost(host: string, publicKeyDer: Uint8Array): Promise<Issued>;
  issueAdmin(name: string): Promise<IssuedWithKey>;
  /** For the key that licenses are signed with (Ed25519); it lives as long as the authority, because statements are verified by the time that they name. */
  issueLicenseSigner(publicKeyDer: Uint8Array): Promise<Issued>;
  /** For a director; `names`: DNS names and addresses that it is reached by. `certificatePem` is the chain: leaf, then CA. */
  issueServing(names: readonly string[]): Promise<IssuedWithKey>;
}

export interface AuthorityParts extends ObjectMaker {
  readonly x509: CertificateIssuer;
  readonly log: Log;
}

export async function openAuthority(parts: AuthorityParts, signal: AbortSignal): Promise<StoreAuthority> {
  const { x509, clock, log } = parts;
  const stored = await createOrRead(parts, secretKey(SYSTEM_NAMESPACE, CA_SECRET), () => newAuthority(parts), signal);
  const data = secretData(stored.object());
  const certificatePem = data.get(CERTIFICATE_FIELD);
  const privateKeyPem = data.get(KEY_FIELD);
  if (certificatePem === undefined || privateKeyPem === undefined) {
    throw new Fault(
      'CertificateInvalid',
      `The Secret ${SYSTEM_NAMESPACE}/${CA_SECRET} lacks ${CERTIFICATE_FIELD} or ${KEY_FIELD}. Restore it from a backup.`,
    );
  }
  const authority = await x509.openAuthority(certificatePem, privateKeyPem);
  if (authority.notAfterMs - clock.nowMs() < WARN_BEFORE_END_MS) {
    log.warn('The certificate authority ends within a year; certificates signed from now on end with it.', {
      notAfter: new Date(authority.notAfterMs).toISOString(),
    });
  }
  return withAuthority(parts, authority);
}

async function newAuthority(parts: AuthorityParts): Promise<ReturnType<typeof secretObject>> {
  const nowMs = parts.clock.nowMs();
  const made = await parts.x509.createAuthority(
    `outrigger-ca-${parts.random.uuid().slice(0, 8)}`,
    nowMs - LIMITS.certificateBackdateMs,
    nowMs + LIMITS.caLifetimeMs,
  );
  parts.log.info('Made the certificate authority of this store.');
  return secretObject(SYSTEM_NAMESPACE, CA_SECRET, 'kubernetes.io/tls', {
    [CERTIFICATE_FIELD]: made.certificatePem,
    [KEY_FIELD]: made.privateKeyPem,
  });
}

function withAuthority(parts: AuthorityParts, authority: CertificateAuthority): StoreAuthority {
  const { x509, clock } = parts;
  const life = (): { notBeforeMs: number; notAfterMs: number } => {
    const nowMs = clock.nowMs();
    return { notBeforeMs: nowMs - LIMITS.certificateBackdateMs, notAfterMs: Math.min(nowMs + LIMITS.leafLifetimeMs, authority.notAfterMs) };
  };
  const client = async (
    subject: SubjectNames,
    publicKeyDer: Uint8Array,
    usage: 'client' | 'node' = 'client',
    earliestMs = 0,
  ): Promise<Issued> => {
    const whole = life();
    const span = { ...whole, notBeforeMs: Math.max(whole.notBeforeMs, earliestMs) };
    return { ...span, certificatePem: await authority.issue({ ...subject, ...span, publicKeyDer, usage }) };
  };
  const withKey = (key: KeyPair, issued: Issued): IssuedWithKey => ({ ...issued, privateKeyPem: key.privateKeyPem });
  return {
    certificatePem: authority.certificatePem,
    publicKeyHash: authority.publicKeyHash,
    issueNode: (uid, incarnation, publicKeyDer, earliestMs) => client(nodeSubject(uid, incarnation), publicKeyDer, 'node', earliestMs),
    issueHost: (host, publicKeyDer) => client(hostSubject(host), publicKeyDer),
    issueAdmin: async (name) => {
      const key = x509.newKey();
      return withKey(key, await client(adminSubject(name), key.publicKeyDer));
    },
    issueLicenseSigner: async (publicKeyDer) => {
      const { notBeforeMs, notAfterMs } = authority;
      const names = { commonName: 'outrigger:license-signer', organization: LICENSE_SIGNERS };
      const certificatePem = await authority.issue({ ...names, notBeforeMs, notAfterMs, publicKeyDer, usage: 'signer' });
      return { certificatePem, notBeforeMs, notAfterMs };
    },
    issueServing: async (names) => {
      const key = x509.newKey();
      const span = life();
      const leaf = await authority.issue({
        commonName: 'outrigger-director',
        ...span,
        publicKeyDer: key.publicKeyDer,
        usage: 'server',
        names,
      });
      return withKey(key, { ...span, certificatePem: leaf + authority.certificatePem });
    },
  };
}

/** True for a certificate that `issueAdmin` of this very authority made and that holds at least until `untilMs`. */
export function isLivingAdmin(x509: CertificateIssuer, authority: StoreAuthority, certificatePem: string, untilMs: number): boolean {
  const facts = x509.read(certificatePem);
  if (facts === undefined || facts.notAfterMs < untilMs || !facts.organizations.includes(GROUP_ADMINS)) return false;
  return x509.isIssuedBy(certificatePem, authority.certificatePem);
}
