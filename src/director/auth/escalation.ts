/**
 * Nobody gives away what he does not have: who writes a role must hold every right in it, and who binds one must hold every right of the role bound.
 *
 * As in Kubernetes, the verbs `escalate` (on the role) and `bind` (on the role that is bound) lift this.
 *
 * I1: no sequence of writes of roles and bindings gives a caller, or anybody else, a right that the caller did not hold, unless by `escalate` or `bind`.
 */

import { LIMITS } from '../../model/limits.ts';
import { sameJson } from './changes.ts';
import type { Attributes, Identity, WriteContent } from './identity.ts';
import { countRights, rulesOf, uncovered } from './policy-rule.ts';
import type { PolicyRule } from './policy-rule.ts';
import { RBAC_GROUP, referredRole } from './rbac.ts';
import type { Rbac } from './rbac.ts';

const ROLES: ReadonlySet<string> = new Set(['roles', 'clusterroles']);
const BINDINGS: ReadonlySet<string> = new Set(['rolebindings', 'clusterrolebindings']);

/** Why this write of a role or binding would raise rights; undefined when it does not, or is of something else. */
export function escalationIn(rbac: Rbac, identity: Identity, attributes: Attributes, content: WriteContent): string | undefined {
  if (attributes.group !== RBAC_GROUP || content.next === undefined) return undefined;
  if (ROLES.has(attributes.resource)) return roleEscalation(rbac, identity, attributes, content);
  if (BINDINGS.has(attributes.resource)) return bindingEscalation(rbac, identity, attributes, content);
  return undefined;
}

function roleEscalation(rbac: Rbac, identity: Identity, attributes: Attributes, { old, next = {} }: WriteContent): string | undefined {
  if (old !== undefined && sameJson(old['rules'], next['rules'])) return undefined;
  if (rbac.allows(identity, { ...attributes, verb: 'escalate' })) return undefined;
  return lackingRight(rbac, identity, attributes.namespace, rulesOf(next), 'a role');
}

function bindingEscalation(rbac: Rbac, identity: Identity, attributes: Attributes, { old, next = {} }: WriteContent): string | undefined {
  if (old !== undefined && sameJson(old['roleRef'], next['roleRef']) && sameJson(old['subjects'], next['subjects'])) return undefined;
  const role = referredRole(next, attributes.namespace);
  if (role === undefined) return 'roleRef must name a ClusterRole, or in a RoleBinding a Role of the same namespace';
  const resource = role.namespace === '' ? 'clusterroles' : 'roles';
  const asked = { verb: 'bind', group: RBAC_GROUP, version: 'v1', resource, name: role.name };
  if (rbac.allows(identity, { ...asked, namespace: attributes.namespace })) return undefined;
  const rules = rbac.role(role.namespace, role.name);
  if (rules === undefined) return `${resource} "${role.name}" is not there, so nobody can tell what binding it would give: create it first`;
  return lackingRight(rbac, identity, attributes.namespace, rules, `the role "${role.name}"`);
}

function lackingRight(rbac: Rbac, identity: Identity, namespace: string, wanted: readonly PolicyRule[], what: string): string | undefined {
  if (countRights(wanted) > LIMITS.roleCombinations) {
    return `${what} holds more than ${LIMITS.roleCombinations} combinations of verb, resource and name, too many to be compared with your rights: split it`;
  }
  const lacking = uncovered(wanted, rbac.rulesFor(identity, namespace));
  return lacking === undefined ? undefined : `you would give a right that you do not hold: ${lacking}`;
}
