/**
 * The namespaces, the ServiceAccount and the roles that come with a director.
 *
 * I1: the extension servers' role holds what they need and nothing else.
 * I2: no role for organizations lets write what is the provider's (hosts, quotas, releases, namespaces), and `view` shows no Secret.
 */

import type { JsonObject } from '../../model/json.ts';
import { API_GROUP } from '../../model/resource.ts';
import { EXTENSION_ACCOUNT } from './authorizer.ts';
import type { BundledObject } from './bundle.ts';
import { GROUP_ADMINS, GROUP_AUTHENTICATED, SYSTEM_NAMESPACE } from './identity.ts';
import { RBAC_GROUP } from './rbac.ts';

/** To be raised with every change of this file's objects. */
export const ROLES_BUNDLE = 6;

const READ = ['get', 'list', 'watch'];
const CHANGE = ['patch', 'update'];
const WRITE = ['create', ...CHANGE, 'delete', 'deletecollection'];

interface Rule {
  readonly groups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Of these objects alone. */
  readonly names?: readonly string[];
}

function rule(group: string, resources: readonly string[], verbs: readonly string[]): Rule {
  return { groups: [group], resources, verbs };
}

const EXTENSION_RULES: readonly Rule[] = [
  rule(API_GROUP, ['clusters'], [...READ, ...CHANGE]),
  rule(API_GROUP, ['clusters/status'], ['get', ...CHANGE]),
  rule(API_GROUP, ['clusternodes'], [...READ, 'create', ...CHANGE, 'delete']),
  rule(API_GROUP, ['virtualdatacenters'], READ),
  rule(API_GROUP, ['virtualdatacenters/status'], ['get', ...CHANGE]),
  rule(API_GROUP, ['hosts', 'clusterreleases', 'serverconfigs', 'sites'], READ),
  // To let go of a Site for a cluster that is gone.
  rule(API_GROUP, ['sites/status'], ['get', ...CHANGE]),
  rule('', ['events'], ['get', 'create', ...CHANGE]),
  rule('', ['namespaces'], READ),
  // Of nodes, by which their silence is noticed.
  rule('coordination.k8s.io', ['leases'], READ),
];

/** Leases by which the extension servers know each other, in outrigger-system only. */
const EXTENSION_LEASE_RULES: readonly Rule[] = [rule('coordination.k8s.io', ['leases'], [...READ, 'create', ...CHANGE, 'delete'])];

/** Its own token, to be renewed before it ends. */
const EXTENSION_TOKEN_RULES: readonly Rule[] = [{ ...rule('', ['serviceaccounts/token'], ['create']), names: [EXTENSION_ACCOUNT] }];

const VIEW_RULES: readonly Rule[] = [
  rule(API_GROUP, ['clusters', 'clusters/status', 'clusters/scale', 'clusternodes', 'clusternodes/status'], READ),
  rule(API_GROUP, ['virtualdatacenters', 'virtualdatacenters/status'], READ),
  rule(API_GROUP, ['sites', 'sites/status', 'universallicenses', 'universallicenses/status', 'drills', 'drills/status'], READ),
  // Through the tunnels: what pods wrote.
  rule(API_GROUP, ['clusternodes/log'], ['get']),
  rule('', ['configmaps', 'events', 'namespaces', 'serviceaccounts'], READ),
  rule('coordination.k8s.io', ['leases'], READ),
];

const EDIT_RULES: readonly Rule[] = [
  ...VIEW_RULES,
  rule(API_GROUP, ['clusters'], WRITE),
  rule(API_GROUP, ['clusters/scale'], CHANGE),
  rule(API_GROUP, ['sites', 'drills'], WRITE),
  // Through the tunnels: services and portal. What a license entitles to is the provider's to write.
  rule(API_GROUP, ['clusters/proxy'], ['get', 'create', 'update', 'patch', 'delete']),
  rule('', ['configmaps', 'serviceaccounts'], WRITE),
  rule('', ['secrets'], [...READ, ...WRITE]),
  rule('', ['serviceaccounts/token'], ['create']),
];

const ADMIN_RULES: readonly Rule[] = [...EDIT_RULES, rule(RBAC_GROUP, ['roles', 'rolebindings'], [...READ, ...WRITE])];

/** What everybody who is somebody may: look around, and ask about himself. */
const BASIC_RULES: readonly Rule[] = [
  rule('authorization.k8s.io', ['selfsubjectaccessreviews'], ['create']),
  rule('authentication.k8s.io', ['selfsubjectreviews'], ['create']),
];
const DISCOVERY_PATHS = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', '/version', '/version/'];

export function bundledObjects(): BundledObject[] {
  const extension = { kind: 'ServiceAccount', name: EXTENSION_ACCOUNT, namespace: SYSTEM_NAMESPACE };
  const everybody = { apiGroup: RBAC_GROUP, kind: 'Group', name: GROUP_AUTHENTICATED };
  return [
    namespace(SYSTEM_NAMESPACE),
    namespace('default'),
    core('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: EXTENSION_ACCOUNT, namespace: SYSTEM_NAMESPACE },
    }),
    clusterRole('outrigger:extension', EXTENSION_RULES),
    clusterRoleBinding('outrigger:extension', 'outrigger:extension', extension),
    role('outrigger:extension-leases', EXTENSION_LEASE_RULES),
    roleBinding('outrigger:extension-leases', extension),
    role('outrigger:extension-token', EXTENSION_TOKEN_RULES),
    roleBinding('outrigger:extension-token', extension),
    clusterRole('outrigger:basic', BASIC_RULES, DISCOVERY_PATHS),
    clusterRoleBinding('outrigger:basic', 'outrigger:basic', everybody),
    clusterRole('cluster-admin', [rule('*', ['*'], ['*'])], ['*'], ['*']),
    clusterRoleBinding('cluster-admin', 'cluster-admin', { apiGroup: RBAC_GROUP, kind: 'Group', name: GROUP_ADMINS }),
    // For organizations: to be bound in their namespaces.
    clusterRole('admin', ADMIN_RULES),
    clusterRole('edit', EDIT_RULES),
    clusterRole('view', VIEW_RULES),
    // What an organization may choose from; everybody who is somebody may read it.
    clusterRole('outrigger:catalog', [rule(API_GROUP, ['clusterreleases'], READ)]),
    clusterRoleBinding('outrigger:catalog', 'outrigger:catalog', everybody),
  ];
}

function namespace(name: string): BundledObject {
  const metadata = { name, labels: { 'kubernetes.io/metadata.name': name } };
  return core('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata, spec: {}, status: { phase: 'Active' } });
}

function clusterRole(
  name: string,
  rules: readonly Rule[],
  paths: readonly string[] = [],
  pathVerbs: readonly string[] = ['get'],
): BundledObject {
  return rbac('clusterroles', { kind: 'ClusterRole', metadata: { name }, rules: rulesObject(rules, paths, pathVerbs) });
}

function role(name: string, rules: readonly Rule[]): BundledObject {
  return rbac('roles', { kind: 'Role', metadata: { name, namespace: SYSTEM_NAMESPACE }, rules: rulesObject(rules, [], []) });
}

function clusterRoleBinding(name: string, roleName: string, subject: JsonObject): BundledObject {
  const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: roleName };
  return rbac('clusterrolebindings', { kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects: [subject] });
}

function roleBinding(name: string, subject: JsonObject): BundledObject {
  const roleRef = { apiGroup: RBAC_GROUP, kind: 'Role', name };
  return rbac('rolebindings', { kind: 'RoleBinding', metadata: { name, namespace: SYSTEM_NAMESPACE }, roleRef, subjects: [subject] });
}

function rulesObject(rules: readonly Rule[], paths: readonly string[], pathVerbs: readonly string[]): JsonObject[] {
  const ofResources = rules.map(({ groups, resources, verbs, names }): JsonObject => ({
    apiGroups: [...groups],
    resources: [...resources],
    verbs: [...verbs],
    ...(names === undefined ? {} : { resourceNames: [...names] }),
  }));
  return paths.length === 0 ? ofResources : [...ofResources, { nonResourceURLs: [...paths], verbs: [...pathVerbs] }];
}

function core(resource: string, object: JsonObject): BundledObject {
  return { group: '', resource, object };
}

function rbac(resource: string, object: JsonObject): BundledObject {
  return { group: RBAC_GROUP, resource, object: { apiVersion: `${RBAC_GROUP}/v1`, ...object } };
}
