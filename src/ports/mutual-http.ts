/**
 * The door to HTTPS calls whose other end is known by its certificate: nodes and directors (of our CA), connection servers (by pin).
 *
 * Whom a certificate belongs to and whether it still holds is judged here and not by the TLS library, because that would read a wall clock:
 * certificates of our CA are judged by trusted time, pinned ones by their pin and their own dates under trusted time.
 *
 * I1: not one byte of a request leaves before the other end has been judged.
 * I2: an answer that is larger than its bound, slower than its deadline or malformed is a `Fault`, never a partial answer; the connection is cut.
 */

import type { CertificateFacts } from './x509.ts';
import type { Identity } from './director.ts';

export type Trust =
  | {
      /** Signed by this CA (PEM). */
      readonly kind: 'authority';
      readonly authority: string;
      /** Whose certificate is it? Why it is not accepted, or undefined: it is. */
      readonly accepts: (facts: CertificateFacts) => string | undefined;
      /** How long after its end a certificate still holds; 0 unless told. */
      readonly endedForMs?: number;
    }
  /** Exactly this certificate, `sha256:<64 hex>`. */
  | { readonly kind: 'pin'; readonly pin: string };

export interface MutualOrder {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** https://host:port/path?query */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly trust: Trust;
  /** Shown to the other end when it asks for a certificate. */
  readonly identity?: Identity;
  /** From now to the last byte of the answer. */
  readonly deadlineMs: number;
  readonly maxAnswerBytes: number;
  /** Time by which dates in certificates are judged, ms since 1970. */
  readonly trustedNowMs: number;
}

export interface MutualAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Why a certificate (DER) that somebody showed is not to be trusted; undefined: it is. `where` names who showed it. For servers that let peers in. */
export type JudgeCertificate = (der: Uint8Array | undefined, where: string, trust: Trust, trustedNowMs: number) => string | undefined;

/** What a server showed of itself in a handshake, judged by nobody. */
export interface ShownCertificate {
  /** `sha256:<64 hex>` of the DER. */
  readonly thumbprint: string;
  readonly facts: CertificateFacts;
  readonly selfSigned: boolean;
}

/** Where a connection is kept to, and by what the other end is judged. */
export interface KeptOrder {
  /** https://host:port */
  readonly origin: string;
  readonly trust: Trust;
  readonly identity?: Identity;
  /** Until it is open. */
  readonly deadlineMs: number;
  readonly trustedNowMs: number;
}

/** A connection for many small calls: one handshake, then as many exchanges as it lives. */
export interface KeptConnection {
  /** One at a time. Throws `Fault` as MutualHttp.call; after that the connection is closed. */
  call(
    request: Pick<MutualOrder, 'method' | 'body' | 'deadlineMs' | 'maxAnswerBytes'> & { readonly path: string },
    signal: AbortSignal,
  ): Promise<MutualAnswer>;
  isOpen(): boolean;
  close(): void;
}

/** Opens a connection that is kept until it is closed or breaks. The other end is judged once, at its handshake. Throws as MutualHttp.call. */
export type KeepConnection = (order: KeptOrder, signal: AbortSignal) => Promise<KeptConnection>;

export interface MutualHttp {
  /** Throws `Fault` PeerUnreachable, PeerUntrusted, PeerAnswerInvalid or DeadlineExceeded, with a sentence that names the URL's host. */
  call(order: MutualOrder, signal: AbortSignal): Promise<MutualAnswer>;
  /** Only the handshake: nothing is sent. Throws the same. */
  look(host: string, port: number, deadlineMs: number, signal: AbortSignal): Promise<ShownCertificate>;
  /** Addresses of a name. Throws `Fault` PeerUnreachable. */
  resolve(host: string, deadlineMs: number, signal: AbortSignal): Promise<readonly string[]>;
  /** Whether something listens there. Throws `Fault` PeerUnreachable or DeadlineExceeded. */
  reach(host: string, port: number, deadlineMs: number, signal: AbortSignal): Promise<void>;
}
