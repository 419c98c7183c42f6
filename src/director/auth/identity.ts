/**
 * Who calls, what the call asks for, and the doors through which the API layer learns whether it may: the types that authentication,
 * authorization and the API share.
 *
 * How one request passes: `isOwnPath` → `OwnPaths.handle` (it authenticates by itself). Otherwise `authenticate` (401 when refused) →
 * `authorize` on the attributes (403) → for a write, once the next state is known and before admission, `authorizeWrite` on its content (403).
 *
 * I1: a decision that refuses carries a whole sentence for the caller, ready to be the message of a Status 403.
 * I2: nothing here throws for bad input: whatever a caller sends ends as a refusal.
 */

import { CONSOLE_SESSION_PATH } from '../../model/console-session.ts';
import type { Json, JsonObject } from '../../model/json.ts';

/** `user`: a client certificate of our CA that is none of the others. `anonymous` exists on open paths only. */
export type IdentityKind = 'admin' | 'user' | 'serviceAccount' | 'node' | 'host' | 'anonymous';

/** Immutable, and the same object for the same credential as long as it is cached: usable as a WeakMap key. */
export interface Identity {
  readonly kind: IdentityKind;
  /** For people and for RBAC: `admin`, `system:serviceaccount:<namespace>:<name>`, `outrigger:node:<uid>:<incarnation>`, … */
  readonly name: string;
  readonly groups: readonly string[];
  /** Of the ServiceAccount. */
  readonly uid?: string;
  readonly node?: { readonly uid: string; readonly incarnation: number };
  /** Name of the Host. */
  readonly host?: string;
}

/** What a request asks for. `namespace` is '' for cluster scoped resources and for lists of all namespaces; `name` is '' for lists and creations. */
export interface Attributes {
  /** get, list, watch, create, update, patch, delete, deletecollection; for other paths the HTTP method in lower case. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name: string;
  /** As in the query, decoded, not parsed. */
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Set for a request that is not for a resource (`/version`, `/apis`, `/metrics`): then the fields above but the verb are ''. */
  readonly path?: string;
}

/** `reason`: when refused, the message of the Status 403; when allowed, which rule allowed it (for the log). */
export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** What a request brought to prove who it is. */
export interface Credentials {
  /** The `Authorization` header. */
  readonly authorization?: string | undefined;
  /**
   * The peer's leaf certificate, DER, or how to get it (called only when `connection` is not known yet, as asking Node for it is slow). TLS must
   * ask for one (`requestCert`) without judging it (`rejectUnauthorized: false`).
   */
  readonly peerCertificate?: Uint8Array | (() => Uint8Array | undefined) | undefined;
  /** Path of the request: without a credential the open paths get the anonymous identity, all others are refused. */
  readonly path?: string | undefined;
  /** The connection (TLS socket, HTTP/2 session) as an object: its certificate is then judged once, not at each request. */
  readonly connection?: Connection | undefined;
}

/** What of a connection is needed to end it when its certificate falls; one that has neither is only told apart. */
export interface Connection {
  cut?(): void;
  /** Called once. */
  onClosed?(listener: () => void): void;
}

/** 401: `refused` is its message. */
export interface Refused {
  readonly refused: string;
}

export interface Authenticator {
  /** At once for what is cached, else a promise. Never rejects but with a `Fault` of the store. */
  authenticate(credentials: Credentials): Identity | Refused | Promise<Identity | Refused>;
}

/** The states around a write. create: only `next`; delete: only `old`; both without being changed by the callee. */
export interface WriteContent {
  readonly old?: JsonObject | undefined;
  readonly next?: JsonObject | undefined;
}

export interface Authorizer {
  /** May this identity ask for this at all? From the attributes alone; some writes are then still refused by `authorizeWrite`. */
  authorize(identity: Identity, attributes: Attributes): Decision;
  /**
   * May it write exactly this? Call it for each write (create, update, patch, delete, each of a deletecollection) after `authorize`.
   * `old` must be the state that the write's compare-and-swap is guarded by. Without a subresource `next` is the whole object as it would be
   * stored; with `status` or `scale` too.
   */
  authorizeWrite(identity: Identity, attributes: Attributes, content: WriteContent): Decision;
}

/** What is sent back: a status, and a JSON body (for refusals a Kubernetes Status). */
export interface AuthAnswer {
  readonly status: number;
  readonly body: JsonObject;
  /** Further headers, for example `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OwnRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Parsed JSON; undefined when there was no body or it was not JSON. */
  readonly body: Json | undefined;
  readonly credentials: Credentials;
  /** IP address of the caller, for the rate limit. */
  readonly remoteAddress: string;
}

export type OwnRoute = (request: OwnRequest, signal: AbortSignal) => Promise<AuthAnswer>;

/** `/outrigger/v1/{join,renew,hello}`, and what other parts of the director add; their paths stand in OWN_PATHS too. */
export interface OwnPaths {
  handle(request: OwnRequest, signal: AbortSignal): Promise<AuthAnswer>;
  /** Answers `path` with `route`, which authenticates by itself. */
  add(path: string, route: OwnRoute): void;
}

/**
 * Answers to the reviews and to TokenRequest, from decoded JSON (protobuf is decoded by the API layer). The two self reviews are open to
 * everybody who is authenticated; `tokenRequest` must have passed `authorize` as create of `serviceaccounts/token`.
 */
export interface Reviews {
  tokenRequest(namespace: string, serviceAccount: string, body: Json | undefined, signal: AbortSignal): Promise<AuthAnswer>;
  selfSubjectAccessReview(identity: Identity, body: Json | undefined): AuthAnswer;
  selfSubjectReview(identity: Identity, body: Json | undefined): AuthAnswer;
}

export const GROUP_ADMINS = 'outrigger:admins';
export const GROUP_NODES = 'outrigger:nodes';
export const GROUP_HOSTS = 'outrigger:hosts';
export const GROUP_AUTHENTICATED = 'system:authenticated';
export const GROUP_UNAUTHENTICATED = 'system:unauthenticated';

/** Where the provider's own objects live. */
export const SYSTEM_NAMESPACE = 'outrigger-system';

/** Open to everybody: the probes, and the door by which the nameless get a name. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/outrigger/v1/join']);
const OWN_PATHS: ReadonlySet<string> = new Set([
  '/outrigger/v1/join',
  '/outrigger/v1/renew',
  '/outrigger/v1/hello',
  '/outrigger/v1/tombstones',
  '/outrigger/v1/license',
  '/outrigger/v1/license/rotate-key',
  '/outrigger/v1/metrics',
  CONSOLE_SESSION_PATH,
]);

export function isOpenPath(path: string): boolean {
  return OPEN_PATHS.has(path);
}

export function isOwnPath(path: string): boolean {
  return OWN_PATHS.has(path);
}

export function isRefused(answer: Identity | Refused): answer is Refused {
  return 'refused' in answer;
}

export const ANONYMOUS: Identity = { kind: 'anonymous', name: 'system:anonymous', groups: [GROUP_UNAUTHENTICATED] };
