/**
 * The kinds of Kubernetes' own that shells read and write through the API: how each is addressed, and the fields that we use.
 */

import type { Entity, ObjectMeta } from './resource.ts';

/** Where the API serves a kind. `Kind` is a phantom that ties the address to the type of its objects. */
export interface ResourceAddress<T = unknown> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** Never set at run time. */
  readonly object?: T;
}

export interface Lease {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface ConfigMap {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly data?: Readonly<Record<string, string>>;
}

export interface Secret {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly type?: string;
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface CoreEvent {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly involvedObject: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly count?: number;
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly source?: { readonly component?: string };
}

export interface Namespace {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: 'Active' | 'Terminating' };
}

export const LEASES: ResourceAddress<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  scope: 'Namespaced',
};
export const SECRETS: ResourceAddress<Secret> = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', scope: 'Namespaced' };
export const CONFIG_MAPS: ResourceAddress<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  scope: 'Namespaced',
};
export const EVENTS: ResourceAddress<CoreEvent> = { group: '', version: 'v1', plural: 'events', kind: 'Event', scope: 'Namespaced' };
export const NAMESPACES: ResourceAddress<Namespace> = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  scope: 'Cluster',
};

/** Anything with metadata, which is all that generic code may assume. */
export type AnyEntity = Pick<Entity, 'apiVersion' | 'kind' | 'metadata'>;
