/**
 * The door to a Kubernetes-style API: what extension servers, hosts, agents and commands need of a director, and nothing more.
 *
 * Two implementations: over the official Kubernetes client (src/client), and a small one for agents and hosts, which must stay light
 * (src/platform). The simulator brings a third, which stalls and forgets.
 *
 * I1: a write that lost its compare-and-swap is an answer (`Conflict`), never an exception.
 * I2: a call that ended without an answer throws `Fault` DirectorUnreachable; a write may then have happened.
 */

import type { ResourceAddress } from '../model/core-kinds.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { WireRefusal } from '../model/wire.ts';

export type Refusal = WireRefusal;

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: Refusal; readonly message: string };

export interface Selection {
  /** Absent: all namespaces, or the cluster scope. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface Listed<T> {
  readonly items: T[];
  /** Revision that the list shows. */
  readonly resourceVersion: string;
}

export interface DeletePreconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface EntityApi {
  /** Linearizable read of one object. */
  get<T>(address: ResourceAddress<T>, namespace: string, name: string, signal: AbortSignal): Promise<Answer<T>>;
  /** Linearizable list. */
  list<T>(address: ResourceAddress<T>, selection: Selection, signal: AbortSignal): Promise<Answer<Listed<T>>>;
  create<T>(address: ResourceAddress<T>, namespace: string, object: object, signal: AbortSignal): Promise<Answer<T>>;
  /** Replaces the object; guarded by the resourceVersion within it. `subresource`: only that part is taken. */
  replace<T>(
    address: ResourceAddress<T>,
    namespace: string,
    name: string,
    object: object,
    signal: AbortSignal,
    subresource?: 'status',
  ): Promise<Answer<T>>;
  /** RFC 7386 merge patch. A `metadata.resourceVersion` or `metadata.uid` within it is a precondition. */
  mergePatch<T>(
    address: ResourceAddress<T>,
    namespace: string,
    name: string,
    patch: JsonObject,
    signal: AbortSignal,
    subresource?: 'status',
  ): Promise<Answer<T>>;
  delete(
    address: ResourceAddress,
    namespace: string,
    name: string,
    preconditions: DeletePreconditions,
    signal: AbortSignal,
  ): Promise<Answer<void>>;
  /**
   * Events after `resourceVersion`, in order, without loss, until the signal aborts or the server ends the stream.
   * Returns `Expired` when the revision is too old: list again. Returns ok when the stream ended; watch again from the last revision seen.
   */
  watch<T>(
    address: ResourceAddress<T>,
    selection: Selection & { readonly resourceVersion: string },
    onEvent: (event: WatchEvent<T>) => void,
    signal: AbortSignal,
  ): Promise<Answer<void>>;
  /** POST of JSON to one of the director's own paths (`/outrigger/v1/…`). */
  post(path: string, body: Json, signal: AbortSignal): Promise<Answer<Json>>;
  /** The same API, whose calls bear this `traceparent` (W3C): the director tells them below that span. Absent: nothing is traced by it. */
  traced?(traceparent: string): EntityApi;
}
