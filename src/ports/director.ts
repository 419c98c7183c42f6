/**
 * The door to the directors as agents and hosts use it: joining, proving who one is, and noticing in which era an answer was given.
 *
 * I1: nothing that a caller knows (a token, a certificate) is sent to a server before it has shown that it belongs to the pinned CA.
 * I2: an answer of an era that is older than the one known, or foreign, reaches no caller: it throws `Fault` DirectorOutdated.
 */

import type { EntityApi } from './api.ts';
import type { Era } from './store.ts';

export interface Identity {
  /** PEM. */
  readonly certificate: string;
  /** PKCS#8 PEM. A secret. */
  readonly privateKey: string;
  /** The CA by which directors are known, PEM. */
  readonly authority: string;
}

/** What a join or a renewal gives. */
export interface IssuedIdentity {
  readonly certificate: string;
  readonly authority: string;
  readonly era: Era;
}

/** The node that a token was for, as the director knows it. */
export interface JoinedNode {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly incarnation: number;
  readonly cluster: string;
  readonly clusterUid: string;
  /** The attempt that made it; absent: an older director said it. */
  readonly attempt?: number;
  readonly role: 'Primary' | 'Worker';
}

/** What a machine says of itself on which a person lets it join. */
export interface JoiningMachine {
  /** src/model/joined-machine.ts. */
  readonly name: string;
  /** Wall clock, ms since 1970. */
  readonly now: number;
  /** The node that its folder holds already; `name` is `<namespace>/<name>`. */
  readonly holds?: { readonly uid: string; readonly name: string };
}

export interface JoinOutcome extends IssuedIdentity {
  /** Of a node's token; absent: the token was a host's, or the director is an older one. */
  readonly node?: JoinedNode;
  /** The address of this machine by which the director was reached; absent: it is not known. */
  readonly localAddress?: string;
}

export interface DirectorApi extends EntityApi {
  /** The youngest era that an answer was given in, or that `hold` named. */
  era(): Era | undefined;
  /** Called when `era` rises. */
  onEra(listener: (era: Era) => void): void;
  /** Takes `identity` from the next connection on, and makes that the next call. */
  useIdentity(identity: Identity): void;
  close(): void;
}

export interface DirectorOptions {
  /** https URLs; any of them will do. */
  readonly directors: readonly string[];
  readonly identity: Identity;
  /** The era that is known from before; undefined: none was met yet. */
  readonly era: Era | undefined;
  /** Time by which the certificates of directors are judged, ms since 1970. Absent: the wall clock, as people's own tools do. */
  readonly trustedNowMs?: () => number;
}

export interface JoinOrder {
  readonly directors: readonly string[];
  /** `sha256:<hex>` of the CA's public key. */
  readonly caHash: string;
  readonly token: string;
  /** PEM. */
  readonly request: string;
  /** Absent: an agent or a host daemon joins. */
  readonly machine?: JoiningMachine;
  /** The span that the request is sent below (W3C). Absent: nothing is traced. */
  readonly traceparent?: string | undefined;
}

export interface Directors {
  open(options: DirectorOptions): DirectorApi;
  /**
   * Throws `Fault` JoinRefused when the director says no, CertificateInvalid when no director shows the pinned CA, DirectorUnreachable when none
   * answers: then the same order may be given again, with the same outcome.
   */
  join(order: JoinOrder, signal: AbortSignal): Promise<JoinOutcome>;
  /** A new certificate for a new key, by the old certificate. Throws `Fault` JoinRefused, CertificateInvalid or DirectorUnreachable. */
  renew(api: DirectorApi, request: string, signal: AbortSignal): Promise<IssuedIdentity>;
}

/** The folder in which somebody keeps the proof of who he is. */
export interface IdentityStore {
  /** Undefined before the first join. Throws `Fault` NodeStoreDamaged when it is there and cannot be used. */
  load(): Promise<Identity | undefined>;
  /** The request that is under way: made at the first call, the same at every other, also after a crash, until `save`. */
  request(): Promise<string>;
  /** Keeps what the request under way led to. */
  save(issued: IssuedIdentity): Promise<Identity>;
}
