/**
 * Turns a kind's definition into its CustomResourceDefinition (apiextensions.k8s.io/v1), the form in which every kind enters the director.
 */

import type { JsonObject } from './json.ts';
import { API_GROUP, API_VERSION } from './resource.ts';
import type { KindDefinition } from './resource.ts';

/** Annotation with the number of the bundle that a CRD or ClusterRole came with; a director replaces only lower ones. */
export const ANNOTATION_BUNDLE = `${API_GROUP}/bundle`;

/** Raised whenever a bundled kind or role changes. */
export const BUNDLE = 6;

/** The CustomResourceDefinition of `definition`, as a client would post it. */
export function crdOf(definition: KindDefinition): JsonObject {
  const version: JsonObject = {
    name: API_VERSION,
    served: true,
    storage: true,
    schema: { openAPIV3Schema: rootSchema(definition) },
    subresources: {
      status: {},
      ...(definition.scale === undefined ? {} : { scale: { ...definition.scale } }),
    },
    additionalPrinterColumns: definition.columns.map((column) => ({ ...column })),
    ...(definition.selectableFields === undefined
      ? {}
      : { selectableFields: definition.selectableFields.map((jsonPath) => ({ jsonPath })) }),
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${definition.plural}.${API_GROUP}`, annotations: { [ANNOTATION_BUNDLE]: String(BUNDLE) } },
    spec: {
      group: API_GROUP,
      scope: definition.scope,
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural: definition.plural,
        singular: definition.singular,
        shortNames: [...definition.shortNames],
        categories: ['outrigger'],
      },
      versions: [version],
    },
  };
}

function rootSchema(definition: KindDefinition): JsonObject {
  const schema = {
    type: 'object',
    description: definition.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: definition.spec,
      status: definition.status,
    },
    ...(definition.rules === undefined ? {} : { 'x-kubernetes-validations': definition.rules }),
  };
  return structuredCloneJson(schema);
}

function structuredCloneJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
