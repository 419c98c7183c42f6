/**
 * The protobuf messages that clients send although we would take JSON: field numbers of Kubernetes' generated.proto files.
 *
 * kubectl creates its typed objects so (namespaces, secrets, roles, reviews, …), and does not fall back. Field numbers are from k8s.io/api
 * and k8s.io/apimachinery (core/v1, rbac/v1, authentication/v1, authorization/v1, meta/v1); they never change there.
 */

/** Scalars by their JSON form. `bytes`: base64. `time`: RFC 3339. `int`: varint. */
export type FieldType = 'string' | 'bytes' | 'bool' | 'int' | 'time' | 'microTime' | 'map' | 'bytesMap' | MessageName;

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly repeated: boolean;
}

export type Message = Readonly<Record<number, Field>>;

export type MessageName = keyof typeof SHAPES;

const one = (name: string, type: string): readonly [string, string] => [name, type];
const many = (name: string, type: string): readonly [string, string, true] => [name, type, true];

const SHAPES = {
  ObjectMeta: {
    1: one('name', 'string'),
    2: one('generateName', 'string'),
    3: one('namespace', 'string'),
    5: one('uid', 'string'),
    6: one('resourceVersion', 'string'),
    7: one('generation', 'int'),
    8: one('creationTimestamp', 'time'),
    9: one('deletionTimestamp', 'time'),
    10: one('deletionGracePeriodSeconds', 'int'),
    11: one('labels', 'map'),
    12: one('annotations', 'map'),
    13: many('ownerReferences', 'OwnerReference'),
    14: many('finalizers', 'string'),
  },
  OwnerReference: {
    1: one('kind', 'string'),
    3: one('name', 'string'),
    4: one('uid', 'string'),
    5: one('apiVersion', 'string'),
    6: one('controller', 'bool'),
    7: one('blockOwnerDeletion', 'bool'),
  },
  Namespace: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'NamespaceSpec') },
  NamespaceSpec: { 1: many('finalizers', 'string') },
  ConfigMap: { 1: one('metadata', 'ObjectMeta'), 2: one('data', 'map'), 3: one('binaryData', 'bytesMap'), 4: one('immutable', 'bool') },
  Secret: {
    1: one('metadata', 'ObjectMeta'),
    2: one('data', 'bytesMap'),
    3: one('type', 'string'),
    4: one('stringData', 'map'),
    5: one('immutable', 'bool'),
  },
  ServiceAccount: { 1: one('metadata', 'ObjectMeta'), 4: one('automountServiceAccountToken', 'bool') },
  ObjectReference: {
    1: one('kind', 'string'),
    2: one('namespace', 'string'),
    3: one('name', 'string'),
    4: one('uid', 'string'),
    5: one('apiVersion', 'string'),
    6: one('resourceVersion', 'string'),
    7: one('fieldPath', 'string'),
  },
  Event: {
    1: one('metadata', 'ObjectMeta'),
    2: one('involvedObject', 'ObjectReference'),
    3: one('reason', 'string'),
    4: one('message', 'string'),
    5: one('source', 'EventSource'),
    6: one('firstTimestamp', 'time'),
    7: one('lastTimestamp', 'time'),
    8: one('count', 'int'),
    9: one('type', 'string'),
    10: one('eventTime', 'microTime'),
    11: one('series', 'EventSeries'),
    12: one('action', 'string'),
    13: one('related', 'ObjectReference'),
    14: one('reportingComponent', 'string'),
    15: one('reportingInstance', 'string'),
  },
  EventSource: { 1: one('component', 'string'), 2: one('host', 'string') },
  EventSeries: { 1: one('count', 'int'), 2: one('lastObservedTime', 'microTime') },
  PolicyRule: {
    1: many('verbs', 'string'),
    2: many('apiGroups', 'string'),
    3: many('resources', 'string'),
    4: many('resourceNames', 'string'),
    5: many('nonResourceURLs', 'string'),
  },
  Role: { 1: one('metadata', 'ObjectMeta'), 2: many('rules', 'PolicyRule') },
  Binding: { 1: one('metadata', 'ObjectMeta'), 2: many('subjects', 'Subject'), 3: one('roleRef', 'RoleRef') },
  Subject: { 1: one('kind', 'string'), 2: one('apiGroup', 'string'), 3: one('name', 'string'), 4: one('namespace', 'string') },
  RoleRef: { 1: one('apiGroup', 'string'), 2: one('kind', 'string'), 3: one('name', 'string') },
  SelfSubjectReview: { 1: one('metadata', 'ObjectMeta') },
  SelfSubjectAccessReview: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'AccessReviewSpec') },
  AccessReviewSpec: { 1: one('resourceAttributes', 'ResourceAttributes'), 2: one('nonResourceAttributes', 'NonResourceAttributes') },
  ResourceAttributes: {
    1: one('namespace', 'string'),
    2: one('verb', 'string'),
    3: one('group', 'string'),
    4: one('version', 'string'),
    5: one('resource', 'string'),
    6: one('subresource', 'string'),
    7: one('name', 'string'),
  },
  NonResourceAttributes: { 1: one('path', 'string'), 2: one('verb', 'string') },
  TokenRequest: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'TokenRequestSpec') },
  TokenRequestSpec: { 1: many('audiences', 'string'), 4: one('expirationSeconds', 'int') },
  DeleteOptions: {
    1: one('gracePeriodSeconds', 'int'),
    2: one('preconditions', 'Preconditions'),
    4: one('propagationPolicy', 'string'),
    5: many('dryRun', 'string'),
  },
  Preconditions: { 1: one('uid', 'string'), 2: one('resourceVersion', 'string') },
} as const;

/** Kinds that are taken in protobuf, and their messages. */
export const PROTOBUF_KINDS: ReadonlyMap<string, MessageName> = new Map([
  ['v1/Namespace', 'Namespace'],
  ['v1/ConfigMap', 'ConfigMap'],
  ['v1/Secret', 'Secret'],
  ['v1/ServiceAccount', 'ServiceAccount'],
  ['v1/Event', 'Event'],
  ['v1/DeleteOptions', 'DeleteOptions'],
  ['meta.k8s.io/v1/DeleteOptions', 'DeleteOptions'],
  ['rbac.authorization.k8s.io/v1/Role', 'Role'],
  ['rbac.authorization.k8s.io/v1/ClusterRole', 'Role'],
  ['rbac.authorization.k8s.io/v1/RoleBinding', 'Binding'],
  ['rbac.authorization.k8s.io/v1/ClusterRoleBinding', 'Binding'],
  ['authentication.k8s.io/v1/SelfSubjectReview', 'SelfSubjectReview'],
  ['authentication.k8s.io/v1/TokenRequest', 'TokenRequest'],
  ['authorization.k8s.io/v1/SelfSubjectAccessReview', 'SelfSubjectAccessReview'],
]);

const messages = new Map<MessageName, Message>(
  Object.entries(SHAPES).map(([name, shape]) => [
    name as MessageName,
    Object.fromEntries(
      Object.entries(shape).map(([number, [field, type, repeated]]) => [
        number,
        { name: field, type: type as FieldType, repeated: repeated === true },
      ]),
    ),
  ]),
);

export function messageOf(name: MessageName): Message {
  return messages.get(name) ?? {};
}

export function isMessage(type: FieldType): type is MessageName {
  return messages.has(type as MessageName);
}
