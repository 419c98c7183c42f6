/**
 * Schemas for the OpenAPI documents: a kind's own, and those of meta/v1 that all kinds share.
 *
 * Names are those of Kubernetes (`io.k8s.api.core.v1.Namespace`; for other groups the group reversed: `dev.outrigger.v1.Cluster`).
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { METADATA_SCHEMA } from '../schema/metadata-schema.ts';
import type { ResourceType } from './resource-type.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
export const OBJECT_META = `${META}.ObjectMeta`;
export const LIST_META = `${META}.ListMeta`;
export const STATUS = `${META}.Status`;
export const DELETE_OPTIONS = `${META}.DeleteOptions`;
export const PATCH = `${META}.Patch`;
export const SCALE = 'io.k8s.api.autoscaling.v1.Scale';

const API_VERSION: JsonObject = {
  type: 'string',
  description: 'APIVersion defines the versioned schema of this representation of an object, for example outrigger.dev/v1.',
};
const KIND: JsonObject = {
  type: 'string',
  description: 'Kind is the REST resource that this object represents, in CamelCase. It cannot be changed.',
};

const META_DESCRIPTIONS: Readonly<Record<string, string>> = {
  annotations: 'Free texts by key, for tools. Not selectable.',
  creationTimestamp: 'When the object was created; set by the server.',
  deletionTimestamp: 'When deletion was asked for; set by the server. The object goes when its finalizers are gone.',
  finalizers: 'Who still has to clean up before the object goes.',
  generateName: 'Beginning of a name that the server completes, when name is empty.',
  generation: 'Which version of the spec this is; set by the server.',
  labels: 'Texts by key, by which objects are selected.',
  name: 'Name, unique within its namespace and kind. It cannot be changed.',
  namespace: 'The namespace in which the name is unique. It cannot be changed.',
  ownerReferences: 'Objects that this one belongs to: when all of them are gone, so is it.',
  resourceVersion: 'Revision of the last write; set by the server. In a write: the state that it is meant for.',
  uid: 'Unique in time and space; set by the server.',
};

/** `#/components/schemas/` for version 3, `#/definitions/` for version 2. */
export type Refs = '#/components/schemas/' | '#/definitions/';

export function schemaName(group: string, version: string, kind: string): string {
  if (group === '') return `io.k8s.api.core.${version}.${kind}`;
  if (group.endsWith('.k8s.io') && group !== 'apiextensions.k8s.io') return `io.k8s.api.${group.split('.')[0] ?? group}.${version}.${kind}`;
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`;
}

export function typeSchemas(type: ResourceType, refs: Refs): JsonObject {
  const { group, version, kind, listKind } = type;
  const gvk = (name: string): JsonObject[] => [{ group, version, kind: name }];
  const { properties, ...rest } = type.openApi;
  const own = isJsonObject(properties ?? null) ? (properties as JsonObject) : {};
  const name = schemaName(group, version, kind);
  const schema: JsonObject = {
    ...rest,
    type: 'object',
    properties: {
      ...own,
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { description: "Standard object's metadata.", allOf: [{ $ref: refs + OBJECT_META }], default: {} },
    },
    'x-kubernetes-group-version-kind': gvk(kind),
  };
  const list: JsonObject = {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { description: 'Standard list metadata.', allOf: [{ $ref: refs + LIST_META }] },
      items: { type: 'array', items: { $ref: refs + name }, description: `List of ${type.plural}.` },
    },
    'x-kubernetes-group-version-kind': gvk(listKind),
  };
  return { [name]: forVersion(schema, refs), [schemaName(group, version, listKind)]: list };
}

/** Version 2 has no nullable, anyOf and the like; what it cannot say is left out. */
function forVersion(schema: JsonObject, refs: Refs): JsonObject {
  return refs === '#/definitions/' ? (withoutNewer(schema) as JsonObject) : schema;
}

const NEWER = new Set(['nullable', 'anyOf', 'oneOf', 'not']);

function withoutNewer(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNewer);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (NEWER.has(key) && !isFieldMap(value) ? [] : [[key, withoutNewer(one)]])),
  );
}

/** Below `properties` keys are names of fields, whatever they are called. */
function isFieldMap(value: JsonObject): boolean {
  return Object.values(value).every((one) => isJsonObject(one)) && value['type'] === undefined;
}

export function sharedSchemas(refs: Refs): JsonObject {
  return {
    [OBJECT_META]: objectMeta(),
    [LIST_META]: {
      description: 'ListMeta is what every list has in common.',
      type: 'object',
      properties: {
        continue: { type: 'string', description: 'Token for the next page; empty: this is the last.' },
        remainingItemCount: { type: 'integer', format: 'int64' },
        resourceVersion: { type: 'string', description: 'The revision that the list shows.' },
      },
    },
    [DELETE_OPTIONS]: {
      description: 'DeleteOptions may stand in the body of a deletion.',
      type: 'object',
      properties: {
        apiVersion: API_VERSION,
        kind: KIND,
        dryRun: { type: 'array', items: { type: 'string' } },
        gracePeriodSeconds: { type: 'integer', format: 'int64', description: 'Not used.' },
        preconditions: { type: 'object', properties: { uid: { type: 'string' }, resourceVersion: { type: 'string' } } },
        propagationPolicy: { type: 'string', description: 'Background (default), Foreground or Orphan.' },
      },
    },
    [PATCH]: { description: 'Patch is a JSON patch or a merge patch.', type: 'object' },
    [STATUS]: statusSchema(refs),
    [SCALE]: scaleSchema(refs),
  };
}

function objectMeta(): JsonObject {
  const properties = (METADATA_SCHEMA['properties'] ?? {}) as JsonObject;
  const described = Object.entries(properties).map(([name, schema]): [string, Json] => {
    const description = META_DESCRIPTIONS[name];
    return [name, description === undefined || !isJsonObject(schema) ? schema : { ...schema, description }];
  });
  return {
    description: 'ObjectMeta is what every stored object has in common.',
    type: 'object',
    properties: Object.fromEntries(described),
  };
}

function statusSchema(refs: Refs): JsonObject {
  return {
    description: 'Status is an answer that is no object.',
    type: 'object',
    properties: {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { allOf: [{ $ref: refs + LIST_META }] },
      status: { type: 'string' },
      message: { type: 'string' },
      reason: { type: 'string' },
      code: { type: 'integer', format: 'int32' },
      details: { type: 'object' },
    },
    'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'Status' }],
  };
}

function scaleSchema(refs: Refs): JsonObject {
  const replicas: JsonObject = { type: 'integer', format: 'int32' };
  return {
    description: 'Scale is the number of replicas of an object.',
    type: 'object',
    properties: {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { allOf: [{ $ref: refs + OBJECT_META }] },
      spec: { type: 'object', properties: { replicas } },
      status: { type: 'object', properties: { replicas, selector: { type: 'string' } } },
    },
    'x-kubernetes-group-version-kind': [{ group: 'autoscaling', version: 'v1', kind: 'Scale' }],
  };
}
