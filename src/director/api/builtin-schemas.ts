/**
 * The structural schemas of the kinds that are Kubernetes' own, as far as Outrigger serves them.
 *
 * The same form as in a CustomResourceDefinition, so that nothing but the definition tells them apart from any other kind. Fields that are
 * not listed are pruned, with a warning or a refusal, like everywhere.
 */

import type { JsonObject } from '../../model/json.ts';

const text: JsonObject = { type: 'string' };
const texts: JsonObject = { type: 'array', items: text };
const flag: JsonObject = { type: 'boolean' };
const time: JsonObject = { type: 'string', format: 'date-time', nullable: true };
const textMap: JsonObject = { type: 'object', additionalProperties: text };
const bytesMap: JsonObject = { type: 'object', additionalProperties: { type: 'string', format: 'byte' } };
const anything: JsonObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function object(properties: JsonObject, required: readonly string[] = [], description?: string): JsonObject {
  return {
    type: 'object',
    properties,
    ...(required.length === 0 ? {} : { required: [...required] }),
    ...(description === undefined ? {} : { description }),
  };
}

function list(items: JsonObject): JsonObject {
  return { type: 'array', items };
}

const condition = object({
  type: text,
  status: text,
  reason: text,
  message: text,
  lastTransitionTime: time,
  observedGeneration: { type: 'integer', format: 'int64' },
});

export const namespaceSchema = object(
  {
    spec: object({ finalizers: texts }),
    status: {
      ...object({ phase: { type: 'string', enum: ['Active', 'Terminating'], default: 'Active' }, conditions: list(condition) }),
      default: {},
    },
  },
  [],
  'A namespace is an organization: everything that belongs to it lives in it, and goes with it.',
);

const UNCHANGED_ONCE_IMMUTABLE = [
  {
    rule: '!has(oldSelf.immutable) || !oldSelf.immutable || (has(self.immutable) && self.immutable && has(self.data) == has(oldSelf.data) && (!has(self.data) || self.data == oldSelf.data))',
    message: 'an immutable object cannot be changed; delete it and create another',
    reason: 'FieldValueForbidden',
  },
];

export const configMapSchema: JsonObject = {
  ...object({ data: textMap, binaryData: bytesMap, immutable: flag }, [], 'Configuration as keys and values.'),
  'x-kubernetes-validations': UNCHANGED_ONCE_IMMUTABLE,
};

export const secretSchema: JsonObject = {
  ...object(
    {
      data: { ...bytesMap, description: 'Values in base64. They are sealed before they reach the database.' },
      stringData: { ...textMap, description: 'Plain values; they are kept in data, and never shown here.' },
      type: {
        type: 'string',
        default: 'Opaque',
        'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'cannot be changed; delete the Secret and create another' }],
      },
      immutable: flag,
    },
    [],
    'Something that must not be read by everybody. Sealed at rest.',
  ),
  'x-kubernetes-validations': UNCHANGED_ONCE_IMMUTABLE,
};

const reference = object({
  apiVersion: text,
  kind: text,
  namespace: text,
  name: text,
  uid: text,
  resourceVersion: text,
  fieldPath: text,
});

export const eventSchema = object(
  {
    involvedObject: reference,
    related: reference,
    reason: text,
    message: { type: 'string', maxLength: 16384 },
    type: text,
    action: text,
    count: { type: 'integer', format: 'int32' },
    firstTimestamp: time,
    lastTimestamp: time,
    eventTime: time,
    source: object({ component: text, host: text }),
    series: object({ count: { type: 'integer', format: 'int32' }, lastObservedTime: time }),
    reportingComponent: text,
    reportingInstance: text,
  },
  ['involvedObject'],
  'Something that happened to an object. Kept for one hour.',
);

export const leaseSchema = object(
  {
    spec: object({
      holderIdentity: text,
      leaseDurationSeconds: { type: 'integer', format: 'int32', minimum: 1 },
      acquireTime: time,
      renewTime: time,
      leaseTransitions: { type: 'integer', format: 'int32', minimum: 0 },
      strategy: text,
      preferredHolder: text,
    }),
  },
  [],
  'Who holds something, and when that was last renewed.',
);

export const serviceAccountSchema = object(
  { secrets: list(reference), imagePullSecrets: list(object({ name: text })), automountServiceAccountToken: flag },
  [],
  'An identity for a program; its tokens come from TokenRequest.',
);

const policyRule = object(
  { apiGroups: texts, resources: texts, resourceNames: texts, nonResourceURLs: texts, verbs: { ...texts, minItems: 1 } },
  ['verbs'],
);

export const roleSchema = object({ rules: { ...list(policyRule), nullable: true } }, [], 'What may be done, within its namespace.');
export const clusterRoleSchema = object(
  { rules: { ...list(policyRule), nullable: true }, aggregationRule: anything },
  [],
  'What may be done, everywhere or wherever a RoleBinding names it.',
);

export const roleBindingSchema = object(
  {
    roleRef: {
      ...object(
        {
          apiGroup: { ...text, default: 'rbac.authorization.k8s.io' },
          kind: { type: 'string', enum: ['Role', 'ClusterRole'] },
          name: { type: 'string', minLength: 1 },
        },
        ['kind', 'name'],
      ),
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'cannot change roleRef; delete the binding and create another' }],
    },
    subjects: list(
      object(
        {
          apiGroup: text,
          kind: { type: 'string', enum: ['User', 'Group', 'ServiceAccount'] },
          name: { type: 'string', minLength: 1 },
          namespace: text,
        },
        ['kind', 'name'],
      ),
    ),
  },
  ['roleRef'],
  'Who may do what a role says.',
);

const column = object(
  { name: text, type: text, format: text, description: text, priority: { type: 'integer', format: 'int32' }, jsonPath: text },
  ['name', 'type', 'jsonPath'],
);

const names = { plural: text, singular: text, kind: text, listKind: text, shortNames: texts, categories: texts };

const crdVersion = object(
  {
    name: text,
    served: flag,
    storage: flag,
    deprecated: flag,
    deprecationWarning: text,
    schema: object({ openAPIV3Schema: anything }),
    subresources: object({
      status: anything,
      scale: object({ specReplicasPath: text, statusReplicasPath: text, labelSelectorPath: text }, [
        'specReplicasPath',
        'statusReplicasPath',
      ]),
    }),
    additionalPrinterColumns: list(column),
    selectableFields: list(object({ jsonPath: text }, ['jsonPath'])),
  },
  ['name', 'served', 'storage'],
);

const FIXED = [{ rule: 'self == oldSelf', message: 'cannot be changed; delete the definition and create another' }];

export const crdSchema = object(
  {
    spec: object(
      {
        group: { ...text, 'x-kubernetes-validations': FIXED },
        scope: { type: 'string', enum: ['Namespaced', 'Cluster'], 'x-kubernetes-validations': FIXED },
        names: object(names, ['plural', 'kind']),
        versions: { ...list(crdVersion), minItems: 1 },
        conversion: { ...object({ strategy: { type: 'string', enum: ['None'] } }, ['strategy']), default: { strategy: 'None' } },
        preserveUnknownFields: { type: 'boolean' },
      },
      ['group', 'names', 'scope', 'versions'],
    ),
    status: object({ conditions: list(condition), acceptedNames: object(names), storedVersions: texts }),
  },
  ['spec'],
  'Defines a kind: its names, its schema and how it is shown.',
);
