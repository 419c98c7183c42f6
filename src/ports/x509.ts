/**
 * The door to keys and certificates (X.509, EC P-256).
 *
 * Two halves: what everybody needs who holds a certificate (`Certificates`: agents and hosts, which must stay light), and what only the
 * authority needs (`CertificateIssuer`: directors).
 *
 * I1: a private key leaves this door only as the text that its owner asked for; it is never part of a certificate, request or message.
 * I2: bytes from outside that are not what they should be are an answer (undefined, or a sentence), never an exception.
 */

export interface KeyPair {
  /** PKCS#8. A secret. */
  readonly privateKeyPem: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
}

/** Several common names or organizations are possible in foreign certificates; ours have one common name and at most one organization. */
export interface CertificateFacts {
  readonly commonNames: readonly string[];
  readonly organizations: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Extended key usage names client (or server) authentication. */
  readonly clientAuth: boolean;
  readonly serverAuth: boolean;
  readonly isAuthority: boolean;
  /** Hex, upper case. */
  readonly serialNumber: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
}

export interface Certificates {
  newKey(): KeyPair;
  /** A PKCS#10 request, PEM, for the key; its subject says nothing, because the authority decides it. */
  createRequest(privateKeyPem: string): string;
  /** Of one certificate, PEM or DER (of a PEM chain: the first); undefined when it is none. */
  read(certificate: string | Uint8Array): CertificateFacts | undefined;
  /** `sha256:<hex>` of the certificate's SubjectPublicKeyInfo, as `kubeadm` pins a CA; undefined when it is none. */
  publicKeyHash(certificate: string | Uint8Array): string | undefined;
  /** True when `certificate` was signed by the key of `authority`; says nothing of time or purpose. */
  isIssuedBy(certificate: string | Uint8Array, authority: string | Uint8Array): boolean;
}

export interface LeafOrder {
  readonly commonName: string;
  readonly organization?: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** `signer`: signs documents (licenses); its key is Ed25519, that of all others EC P-256. It opens no TLS connection. */
  /** `node`: client and server in one; it bears no names, so it is nobody's server but for those who know the node by its subject. */
  readonly usage: 'client' | 'server' | 'node' | 'signer';
  /** DNS names and IP addresses of a server. */
  readonly names?: readonly string[];
}

/** A CA that is open for signing. Its private key stays inside. */
export interface CertificateAuthority {
  readonly certificatePem: string;
  /** `sha256:<hex>` of the CA's SubjectPublicKeyInfo. */
  readonly publicKeyHash: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Signs a leaf; PEM. */
  issue(order: LeafOrder): Promise<string>;
}

/** What a request holds that may be relied on: its signature is that of the key in it. */
export interface RequestFacts {
  readonly der: Uint8Array;
  readonly publicKeyDer: Uint8Array;
}

/** A server's certificate that its own key signs: whoever speaks to it knows it by its thumbprint. */
export interface SelfSignedOrder {
  readonly commonName: string;
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface CertificateIssuer extends Certificates {
  /** A new P-256 key and a certificate for it, PEM. */
  createSelfSigned(order: SelfSignedOrder): Promise<{ certificatePem: string; privateKeyPem: string }>;
  /** A new CA: P-256, self-signed. */
  createAuthority(commonName: string, notBeforeMs: number, notAfterMs: number): Promise<{ certificatePem: string; privateKeyPem: string }>;
  /** Rejects with `Fault` CertificateInvalid when key and certificate do not belong together. */
  openAuthority(certificatePem: string, privateKeyPem: string): Promise<CertificateAuthority>;
  /** A PKCS#10 request in PEM, checked: P-256 and signed by its own key. Otherwise a sentence that says what is wrong. */
  readRequest(pem: string): Promise<RequestFacts | { readonly refused: string }>;
}
