/**
 * The kinds of Kubernetes' own that the director serves, each defined as a CustomResourceDefinition would define it, plus its traits.
 */

import { LIMITS } from '../../model/limits.ts';
import type { JsonObject } from '../../model/json.ts';
import type { PrinterColumn } from '../../model/resource.ts';
import {
  clusterRoleSchema,
  configMapSchema,
  crdSchema,
  eventSchema,
  leaseSchema,
  namespaceSchema,
  roleBindingSchema,
  roleSchema,
  secretSchema,
  serviceAccountSchema,
} from './builtin-schemas.ts';
import { ALL_VERBS } from './resource-type.ts';
import type { Traits, Verb } from './resource-type.ts';
import type { ListMerge } from './strategic-patch.ts';

export interface BuiltIn {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  readonly schema: JsonObject;
  readonly columns: readonly PrinterColumn[];
  readonly selectableFields: readonly string[];
  readonly traits: Partial<Traits>;
  readonly verbs: readonly Verb[];
}

export const CRD_GROUP = 'apiextensions.k8s.io';
export const CRD_PLURAL = 'customresourcedefinitions';
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
/** Held by a namespace until nothing is left in it. */
export const NAMESPACE_FINALIZER = 'outrigger.dev/namespace-content';
const RBAC_GROUP = 'rbac.authorization.k8s.io';

const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

interface Short {
  readonly kind: string;
  readonly plural: string;
  readonly schema: JsonObject;
  readonly columns: readonly PrinterColumn[];
  readonly group?: string;
  readonly shortNames?: readonly string[];
  readonly namespaced?: boolean;
  readonly hasStatus?: boolean;
  readonly selectableFields?: readonly string[];
  readonly traits?: Partial<Traits>;
  readonly verbs?: readonly Verb[];
}

/** As patchStrategy and patchMergeKey of ObjectMeta have it. */
const METADATA_LISTS: ListMerge = { 'metadata.finalizers': '', 'metadata.ownerReferences': 'uid' };

function builtIn(short: Short): BuiltIn {
  return {
    group: '',
    version: 'v1',
    singular: short.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    hasStatus: false,
    selectableFields: [],
    verbs: ALL_VERBS,
    ...short,
    traits: { generation: false, unconditionalUpdate: true, ...short.traits, listMerge: { ...METADATA_LISTS, ...short.traits?.listMerge } },
  };
}

const REFERENCE_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

export const BUILT_INS: readonly BuiltIn[] = [
  builtIn({
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    namespaced: false,
    hasStatus: true,
    schema: namespaceSchema,
    columns: [{ name: 'Status', type: 'string', jsonPath: '.status.phase' }, AGE],
    selectableFields: ['status.phase'],
    traits: {
      listMerge: { 'status.conditions': 'type' },
      nameRule: 'label',
      cleanupFinalizer: NAMESPACE_FINALIZER,
      immortal: ['default', 'outrigger-system'],
    },
  }),
  builtIn({
    kind: 'Secret',
    plural: 'secrets',
    schema: secretSchema,
    columns: [{ name: 'Type', type: 'string', jsonPath: '.type' }, AGE],
    selectableFields: ['type'],
    traits: { base64Input: { from: 'stringData', into: 'data' } },
  }),
  builtIn({ kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'], schema: configMapSchema, columns: [AGE] }),
  builtIn({
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    schema: eventSchema,
    columns: [
      { name: 'Last Seen', type: 'date', jsonPath: '.lastTimestamp' },
      { name: 'Type', type: 'string', jsonPath: '.type' },
      { name: 'Reason', type: 'string', jsonPath: '.reason' },
      { name: 'Kind', type: 'string', jsonPath: '.involvedObject.kind' },
      { name: 'Object', type: 'string', jsonPath: '.involvedObject.name' },
      { name: 'Source', type: 'string', jsonPath: '.source.component', priority: 1 },
      { name: 'Count', type: 'integer', jsonPath: '.count', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: '.message' },
    ],
    selectableFields: [
      ...REFERENCE_FIELDS.map((field) => `involvedObject.${field}`),
      'reason',
      'type',
      'source.component',
      'reportingComponent',
    ],
  }),
  builtIn({
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    schema: serviceAccountSchema,
    columns: [AGE],
    traits: { listMerge: { secrets: 'name', imagePullSecrets: 'name' } },
  }),
  // There are none, and none can be made: `kubectl cluster-info` lists them before it says where the API is.
  builtIn({
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    schema: { type: 'object', description: 'Not served here: the services of a cluster are in its own API.' },
    columns: [AGE],
    verbs: ['get', 'list', 'watch'],
  }),
  builtIn({
    group: 'coordination.k8s.io',
    kind: 'Lease',
    plural: 'leases',
    schema: leaseSchema,
    columns: [{ name: 'Holder', type: 'string', jsonPath: '.spec.holderIdentity' }, AGE],
    // 335 a second at ten thousand clusters, and to each watcher every one in a write of its own.
    traits: { gatherMs: LIMITS.leaseEventsMs },
  }),
  builtIn({ group: RBAC_GROUP, kind: 'Role', plural: 'roles', schema: roleSchema, columns: [AGE], traits: { nameRule: 'path' } }),
  builtIn({
    group: RBAC_GROUP,
    kind: 'ClusterRole',
    plural: 'clusterroles',
    namespaced: false,
    schema: clusterRoleSchema,
    columns: [AGE],
    traits: { nameRule: 'path' },
  }),
  builtIn({
    group: RBAC_GROUP,
    kind: 'RoleBinding',
    plural: 'rolebindings',
    schema: roleBindingSchema,
    columns: [{ name: 'Role', type: 'string', jsonPath: '.roleRef.name' }, AGE],
    traits: { nameRule: 'path' },
  }),
  builtIn({
    group: RBAC_GROUP,
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
    schema: roleBindingSchema,
    columns: [{ name: 'Role', type: 'string', jsonPath: '.roleRef.name' }, AGE],
    traits: { nameRule: 'path' },
  }),
  builtIn({
    group: CRD_GROUP,
    kind: 'CustomResourceDefinition',
    plural: CRD_PLURAL,
    shortNames: ['crd', 'crds'],
    namespaced: false,
    hasStatus: true,
    schema: crdSchema,
    columns: [{ name: 'Created At', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
    traits: { generation: true, unconditionalUpdate: false, cleanupFinalizer: CRD_FINALIZER },
  }),
];
