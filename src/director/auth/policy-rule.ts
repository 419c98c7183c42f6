/**
 * One rule of a Role or ClusterRole: what it allows, and whether it covers another rule. Pure.
 *
 * Semantics are those of Kubernetes' RBAC (pkg/apis/rbac/v1/evaluation_helpers.go and component-helpers/auth/rbac/validation/policy_comparator.go).
 *
 * I1: a member that is not what it should be allows nothing; it never widens a rule.
 * I2: a rule covers another only if it allows every request that the other allows.
 */

import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { Attributes } from './identity.ts';
import { valueRequired } from './selector.ts';

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** Empty: all names. */
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

const ANY = '*';

/** `rules` of a role as stored. */
export function rulesOf(role: JsonObject): PolicyRule[] {
  const rules = role['rules'];
  if (!Array.isArray(rules)) return [];
  return rules.filter(isJsonObject).flatMap((rule) => {
    const names = rule['resourceNames'];
    // A rule meant for some names must not become one for all of them because they cannot be read.
    const damaged = names !== undefined && names !== null && (!Array.isArray(names) || names.some((name) => typeof name !== 'string'));
    if (damaged) return [];
    return [
      {
        verbs: texts(rule['verbs']),
        apiGroups: texts(rule['apiGroups']),
        resources: texts(rule['resources']),
        resourceNames: texts(names),
        nonResourceURLs: texts(rule['nonResourceURLs']),
      },
    ];
  });
}

/** What the attributes come to when rules are matched: made once for a request, matched against many rules. */
export interface Asked {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  /** `resource/subresource`, or the resource. */
  readonly combined: string;
  readonly name: string;
  readonly path: string | undefined;
}

/** A list or watch narrowed to one name by its field selector counts as asking for that name, as in Kubernetes. */
export function askedBy(attributes: Attributes): Asked {
  const { verb, group, resource, subresource = '', path } = attributes;
  const name = attributes.name === '' ? (valueRequired(attributes.fieldSelector, 'metadata.name') ?? '') : attributes.name;
  return { verb, group, resource, subresource, combined: subresource === '' ? resource : `${resource}/${subresource}`, name, path };
}

export function ruleAllows(rule: PolicyRule, asked: Asked): boolean {
  if (!holds(rule.verbs, asked.verb)) return false;
  if (asked.path !== undefined) return rule.nonResourceURLs.some((url) => urlCovers(url, asked.path as string));
  if (!holds(rule.apiGroups, asked.group)) return false;
  if (!rule.resources.some((resource) => resourceCovers(resource, asked.combined, asked.subresource))) return false;
  return rule.resourceNames.length === 0 || rule.resourceNames.includes(asked.name);
}

/** One of the smallest rights that a rule is made of. `name` undefined: all names. `url` set: a path, and nothing else counts. */
interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
}

/** How many smallest rights the rules are made of; look before `uncovered`. */
export function countRights(rules: readonly PolicyRule[]): number {
  return rules.reduce(
    (sum, rule) =>
      sum +
      rule.verbs.length *
        (rule.nonResourceURLs.length + rule.apiGroups.length * rule.resources.length * Math.max(1, rule.resourceNames.length)),
    0,
  );
}

/** The first right within `wanted` that no rule of `held` covers, in words; undefined when all are covered. */
export function uncovered(wanted: readonly PolicyRule[], held: readonly PolicyRule[]): string | undefined {
  for (const rule of wanted) {
    for (const right of rightsOf(rule)) {
      if (!held.some((one) => ruleCovers(one, right))) return describeRight(right);
    }
  }
  return undefined;
}

function* rightsOf(rule: PolicyRule): Generator<Right> {
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs) yield { verb, group: '', resource: '', name: undefined, url };
    for (const group of rule.apiGroups) {
      for (const resource of rule.resources) yield* namedRights(rule, { verb, group, resource });
    }
  }
}

function* namedRights(rule: PolicyRule, right: Pick<Right, 'verb' | 'group' | 'resource'>): Generator<Right> {
  if (rule.resourceNames.length === 0) yield { ...right, name: undefined, url: undefined };
  for (const name of rule.resourceNames) yield { ...right, name, url: undefined };
}

function ruleCovers(rule: PolicyRule, right: Right): boolean {
  if (!holds(rule.verbs, right.verb)) return false;
  if (right.url !== undefined) return rule.nonResourceURLs.some((url) => urlCovers(url, right.url as string));
  if (!holds(rule.apiGroups, right.group)) return false;
  const slash = right.resource.indexOf('/');
  const subresource = slash === -1 ? '' : right.resource.slice(slash + 1);
  if (!rule.resources.some((resource) => resourceCovers(resource, right.resource, subresource))) return false;
  if (rule.resourceNames.length === 0) return true;
  return right.name !== undefined && rule.resourceNames.includes(right.name);
}

function holds(list: readonly string[], value: string): boolean {
  return list.includes(value) || list.includes(ANY);
}

// `*` is every resource and subresource; a star before the slash is that subresource of all resources.
function resourceCovers(resource: string, combined: string, subresource: string): boolean {
  if (resource === ANY || resource === combined) return true;
  return subresource !== '' && resource === `${ANY}/${subresource}`;
}

/** A `*` is allowed at the end only, as in Kubernetes. */
function urlCovers(url: string, path: string): boolean {
  if (url === ANY || url === path) return true;
  return url.endsWith(ANY) && path.startsWith(url.slice(0, -1));
}

function describeRight(right: Right): string {
  if (right.url !== undefined) return `${right.verb} ${right.url}`;
  const group = right.group === '' ? '' : `.${right.group}`;
  return `${right.verb} ${right.resource}${group}${right.name === undefined ? '' : ` "${right.name}"`}`;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
