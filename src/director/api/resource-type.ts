/**
 * A kind as the API serves it: made from a CustomResourceDefinition, or from a built-in definition of the same form.
 *
 * The verbs know nothing but this. Where a kind needs something of its own (a namespace must be emptied before it goes, an event dies after
 * an hour), it is a trait that any kind could have, never an `if` about its name.
 */

import type { Json, JsonObject } from '../../model/json.ts';
import type { EntityKey } from '../../ports/store.ts';
import type { CompiledSchema } from '../schema/compile-schema.ts';
import type { CompiledColumn } from '../schema/printer-column.ts';
import type { NameRule } from './names.ts';
import type { ListMerge } from './strategic-patch.ts';
import type { Subject } from './status.ts';

export type Verb = 'create' | 'get' | 'list' | 'watch' | 'update' | 'patch' | 'delete' | 'deletecollection';
/** In the order in which discovery of the reference lists them. */
export const ALL_VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/** Dotted paths (`.spec.workers`) as a CRD has them. */
export interface ScalePaths {
  readonly spec: readonly string[];
  readonly status: readonly string[];
  readonly selector: readonly string[] | undefined;
}

export interface Traits {
  readonly nameRule: NameRule;
  /** `metadata.generation` counts changes outside of metadata and status. */
  readonly generation: boolean;
  /** A PUT without resourceVersion replaces whatever is there. */
  readonly unconditionalUpdate: boolean;
  /** Put on by the first deletion and dropped by the garbage collector, once what the object holds together is gone. */
  readonly cleanupFinalizer: string | undefined;
  /** These are never deleted. */
  readonly immortal: readonly string[];
  /** Plain texts of `from` end up in base64 in `into`; `from` is never stored. */
  readonly base64Input: { readonly from: string; readonly into: string } | undefined;
  /** Strategic merge patches are taken, and merge these lists; undefined: they are refused, as for every CustomResourceDefinition. */
  readonly listMerge: ListMerge | undefined;
  /** Watches may be told of changes up to so much later, several in one write; 0: each as it happens. For what is many and urgent to nobody. */
  readonly gatherMs: number;
}

export interface ResourceType extends Traits {
  readonly group: string;
  readonly version: string;
  /** `v1`, `outrigger.dev/v1`. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly hasStatus: boolean;
  readonly scale: ScalePaths | undefined;
  readonly columns: readonly CompiledColumn[];
  /** Dotted paths without the leading dot. */
  readonly selectableFields: readonly string[];
  readonly schema: CompiledSchema;
  /** openAPIV3Schema as it was given, for OpenAPI. */
  readonly openApi: JsonObject;
  /** The definition is being deleted: nothing new is accepted. */
  readonly terminating: boolean;
}

export const DEFAULT_TRAITS: Traits = {
  nameRule: 'subdomain',
  generation: true,
  unconditionalUpdate: false,
  cleanupFinalizer: undefined,
  immortal: [],
  base64Input: undefined,
  listMerge: undefined,
  gatherMs: 0,
};

/** What a refusal about `name` of this kind speaks of: the plural, except in 422. */
export function subjectOf(type: ResourceType, name: string): Subject {
  return { group: type.group, resource: type.plural, name };
}

export function kindSubjectOf(type: ResourceType, name: string): Subject {
  return { group: type.group, resource: type.kind, name };
}

export function keyOf(type: ResourceType, namespace: string, name: string): EntityKey {
  return { group: type.group, resource: type.plural, namespace: type.namespaced ? namespace : '', name };
}

export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `.spec.workers` as its parts. */
export function dottedPath(path: string): readonly string[] {
  return path.split('.').filter((part) => part !== '');
}

/** The value at `path`; undefined when something on the way is missing. */
export function valueAt(object: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = object;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}
