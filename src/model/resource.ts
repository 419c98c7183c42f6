/**
 * What every entity has in common: metadata, conditions, references, and the definition of a kind.
 *
 * Field names and meanings are those of the Kubernetes API conventions.
 */

import type { InferSchema, ObjectSchema } from './schema.ts';

/** The one API group of Outrigger's own kinds. */
export const API_GROUP = 'outrigger.dev';
export const API_VERSION = 'v1';

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Metadata of a stored entity. `resourceVersion` is the revision of the last write, as decimal text. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface Entity<Spec = unknown, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly status?: Status;
}

/** What a caller sends to create an entity: the director fills in the rest. */
export interface NewEntity<Spec = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    /** Taken only where a node is adopted (src/director/api/adoption.ts). */
    readonly uid?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
  readonly spec: Spec;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** 0 is always shown, 1 only with `-o wide`. */
  readonly priority?: number;
}

/** One kind: the source of its types, its CustomResourceDefinition and its reference page. */
export interface KindDefinition<Spec extends ObjectSchema = ObjectSchema, Status extends ObjectSchema = ObjectSchema> {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly scope: 'Namespaced' | 'Cluster';
  readonly description: string;
  readonly spec: Spec;
  /** Absent: the kind has no status subresource. */
  readonly status: Status;
  /** Rules that see spec and status at once. */
  readonly rules?: readonly { readonly rule: string; readonly message: string; readonly fieldPath?: string }[];
  readonly columns: readonly PrinterColumn[];
  /** JSONPaths of fields that lists and watches may be selected by, besides name and namespace. */
  readonly selectableFields?: readonly string[];
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string };
}

/** The entity type that follows from a definition. */
export type EntityOf<D> = D extends { readonly spec: infer S; readonly status: infer T } ? Entity<InferSchema<S>, InferSchema<T>> : never;
export type SpecOf<D> = D extends { readonly spec: infer S } ? InferSchema<S> : never;
export type StatusOf<D> = D extends { readonly status: infer T } ? InferSchema<T> : never;

/** `outrigger.dev/v1`. */
export const GROUP_VERSION = `${API_GROUP}/${API_VERSION}`;
