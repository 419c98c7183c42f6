/**
 * Role-based access control: what Roles and ClusterRoles give to whom through their bindings, kept in step with the store.
 *
 * I1: a right is given exactly when a binding that names the caller (or one of its groups) leads to a role that is there and has a rule for it;
 *     a RoleBinding gives only within its namespace.
 * I2: a change of a role or binding holds for the next request after the store's copy has it.
 */

import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import type { EntityKey, EntityStore, StoredEntity } from '../../ports/store.ts';
import { follow } from './follow.ts';
import type { Attributes, Identity } from './identity.ts';
import { askedBy, ruleAllows, rulesOf } from './policy-rule.ts';
import type { Asked, PolicyRule } from './policy-rule.ts';
import { part, text } from './stored-object.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';

export interface Rbac {
  allows(identity: Identity, attributes: Attributes): boolean;
  /** All rules that hold for the caller: everywhere, and in `namespace` ('' for none). */
  rulesFor(identity: Identity, namespace: string): readonly PolicyRule[];
  /** Rules of a role; undefined when there is none. `namespace` '' for a ClusterRole. */
  role(namespace: string, name: string): readonly PolicyRule[] | undefined;
  close(): void;
}

interface Binding {
  /** '': everywhere. */
  readonly namespace: string;
  readonly role: string;
  readonly subjects: readonly string[];
}

interface Grants {
  readonly everywhere: readonly PolicyRule[];
  readonly within: ReadonlyMap<string, readonly PolicyRule[]>;
}

interface KnownGrants {
  readonly version: number;
  readonly grants: Grants;
}

const NO_RULES: readonly PolicyRule[] = [];

export function openRbac(store: EntityStore): Rbac {
  const roles = new Map<string, readonly PolicyRule[]>();
  const bindings = new Map<string, Binding>();
  let version = 0;
  let bySubject: ReadonlyMap<string, readonly Binding[]> | undefined;
  const touched = (): void => {
    version++;
    bySubject = undefined;
  };
  const stops = [
    ...['clusterroles', 'roles'].map((resource) => followMap(store, resource, roles, readRole, touched)),
    ...['clusterrolebindings', 'rolebindings'].map((resource) => followMap(store, resource, bindings, readBinding, touched)),
  ];
  const known = new WeakMap<Identity, KnownGrants>();
  const grantsOf = (identity: Identity): Grants => {
    const entry = known.get(identity);
    if (entry?.version === version) return entry.grants;
    bySubject ??= indexSubjects(bindings.values());
    const grants = collect(identity, bySubject, roles);
    known.set(identity, { version, grants });
    return grants;
  };
  return {
    allows: (identity, attributes) => {
      const asked = askedBy(attributes);
      const { everywhere, within } = grantsOf(identity);
      if (anyAllows(everywhere, asked)) return true;
      const local = within.get(namespaceOf(attributes));
      return local !== undefined && anyAllows(local, asked);
    },
    rulesFor: (identity, namespace) => {
      const { everywhere, within } = grantsOf(identity);
      return [...everywhere, ...(within.get(namespace) ?? NO_RULES)];
    },
    role: (namespace, name) => roles.get(placeOf(namespace, name)),
    close: () => stops.forEach((stop) => stop()),
  };
}

/** A request for a Namespace itself counts as made within it, as in Kubernetes, so that its members can read it. */
function namespaceOf(attributes: Attributes): string {
  const isNamespace = attributes.resource === 'namespaces' && attributes.group === '';
  return isNamespace && attributes.namespace === '' ? attributes.name : attributes.namespace;
}

function anyAllows(rules: readonly PolicyRule[], asked: Asked): boolean {
  for (const rule of rules) {
    if (ruleAllows(rule, asked)) return true;
  }
  return false;
}

function followMap<T>(
  store: EntityStore,
  resource: string,
  map: Map<string, T>,
  read: (entity: StoredEntity) => T | undefined,
  touched: () => void,
): () => void {
  const mine = new Set<string>();
  const set = (entity: StoredEntity): void => {
    const place = `${resource}:${keyPlace(entity.key)}`;
    const value = read(entity);
    if (value === undefined) map.delete(place);
    else map.set(place, value);
    mine.add(place);
  };
  return follow(store, RBAC_GROUP, resource, {
    reset: (all) => {
      for (const place of mine) map.delete(place);
      mine.clear();
      all.forEach(set);
      touched();
    },
    changed: ({ type, entity }) => {
      if (type === 'DELETED') map.delete(`${resource}:${keyPlace(entity.key)}`);
      else set(entity);
      touched();
    },
  });
}

function keyPlace(key: EntityKey): string {
  return `${key.namespace}/${key.name}`;
}

/** Where a role is found: ClusterRoles have no namespace. */
function placeOf(namespace: string, name: string): string {
  return `${namespace === '' ? 'clusterroles' : 'roles'}:${namespace}/${name}`;
}

function readRole(entity: StoredEntity): readonly PolicyRule[] {
  return rulesOf(entity.object());
}

function readBinding(entity: StoredEntity): Binding | undefined {
  const object = entity.object();
  const { namespace } = entity.key;
  const role = referredRole(object, namespace);
  const subjects = object['subjects'];
  if (role === undefined || !Array.isArray(subjects)) return undefined;
  return {
    namespace,
    role: placeOf(role.namespace, role.name),
    subjects: subjects.filter(isJsonObject).flatMap((one) => subjectKey(one, namespace)),
  };
}

/** The role that a binding in `namespace` leads to; undefined when its roleRef makes no sense there. */
export function referredRole(binding: JsonObject, namespace: string): { readonly namespace: string; readonly name: string } | undefined {
  const reference = part(binding, 'roleRef');
  const name = text(reference['name']);
  const group = text(reference['apiGroup']) ?? RBAC_GROUP;
  if (name === undefined || group !== RBAC_GROUP) return undefined;
  if (reference['kind'] === 'ClusterRole') return { namespace: '', name };
  return reference['kind'] === 'Role' && namespace !== '' ? { namespace, name } : undefined;
}

/** As `keysOf` writes them. A ServiceAccount's namespace defaults to that of a RoleBinding. */
function subjectKey(subject: JsonObject, bindingNamespace: string): string[] {
  const name = text(subject['name']);
  if (name === undefined) return [];
  if (subject['kind'] === 'User') return [`user:${name}`];
  if (subject['kind'] === 'Group') return [`group:${name}`];
  if (subject['kind'] !== 'ServiceAccount') return [];
  const namespace = text(subject['namespace']) ?? bindingNamespace;
  return namespace === '' ? [] : [`user:${serviceAccountName(namespace, name)}`];
}

/** The user name of a ServiceAccount, as in Kubernetes. */
export function serviceAccountName(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

function indexSubjects(bindings: Iterable<Binding>): ReadonlyMap<string, readonly Binding[]> {
  const index = new Map<string, Binding[]>();
  for (const binding of bindings) {
    for (const subject of binding.subjects) {
      const list = index.get(subject);
      if (list === undefined) index.set(subject, [binding]);
      else list.push(binding);
    }
  }
  return index;
}

function collect(
  identity: Identity,
  bySubject: ReadonlyMap<string, readonly Binding[]>,
  roles: ReadonlyMap<string, readonly PolicyRule[]>,
): Grants {
  const everywhere: PolicyRule[] = [];
  const within = new Map<string, PolicyRule[]>();
  for (const key of [`user:${identity.name}`, ...identity.groups.map((group) => `group:${group}`)]) {
    for (const binding of bySubject.get(key) ?? []) {
      const rules = roles.get(binding.role) ?? NO_RULES;
      if (binding.namespace === '') everywhere.push(...rules);
      else within.set(binding.namespace, [...(within.get(binding.namespace) ?? []), ...rules]);
    }
  }
  return { everywhere, within };
}
