/**
 * Discovery: which groups, versions and resources are served, in the aggregated form (one answer) and in the old one (one a group-version).
 *
 * I1: an answer is a function of the kinds that are served, made once for each change of them; its etag says which it is.
 */

import { hash } from 'node:crypto';
import type { JsonObject } from '../../model/json.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { ResourceType } from './resource-type.ts';
import { VIRTUAL_RESOURCES } from './virtual.ts';

export const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const SUBRESOURCE_VERBS = ['get', 'patch', 'update'];

const GATEWAY_SUBRESOURCES: Readonly<Record<string, readonly { readonly name: string; readonly verbs: readonly string[] }[]>> = {
  [`clusters.${API_GROUP}`]: [{ name: 'proxy', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  [`clusternodes.${API_GROUP}`]: [{ name: 'log', verbs: ['get'] }],
};

export interface Document {
  readonly body: Buffer;
  /** With its quotes. */
  readonly etag: string;
}

export function documentOf(value: JsonObject): Document {
  return documentOfBytes(Buffer.from(JSON.stringify(value), 'utf8'));
}

export function documentOfBytes(body: Buffer): Document {
  return { body, etag: `"${hash('sha256', body, 'hex').toUpperCase()}"` };
}

/** Group and version as it stands in discovery. */
interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** All group-versions that hold anything, the core group first. */
export function groupVersions(types: readonly ResourceType[]): readonly GroupVersion[] {
  const seen = new Map<string, GroupVersion>();
  for (const { group, version } of [...types, ...VIRTUAL_RESOURCES]) seen.set(`${group}/${version}`, { group, version });
  return [...seen.values()].sort((a, b) => (a.group === b.group ? compare(a.version, b.version) : compare(a.group, b.group)));
}

/** `/api` (the core group) or `/apis` (all others), aggregated. */
export function aggregated(types: readonly ResourceType[], core: boolean): JsonObject {
  const all = groupVersions(types).filter(({ group }) => (group === '') === core);
  const groups = [...new Set(all.map(({ group }) => group))];
  const items = groups.map((group): JsonObject => {
    const versions = all.filter((one) => one.group === group).map(({ version }) => aggregatedVersion(types, group, version));
    return { metadata: group === '' ? {} : { name: group }, versions };
  });
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function aggregatedVersion(types: readonly ResourceType[], group: string, version: string): JsonObject {
  const stored = inGroup(types, group, version).map(aggregatedType);
  const virtual = VIRTUAL_RESOURCES.filter((one) => one.group === group && one.version === version && one.parent === undefined).map(
    ({ plural, kind, singular, namespaced }): JsonObject => ({
      resource: plural,
      responseKind: { group, version, kind },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      singularResource: singular,
      verbs: ['create'],
    }),
  );
  return { version, freshness: 'Current', resources: [...stored, ...virtual] };
}

function aggregatedType(type: ResourceType): JsonObject {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories, verbs } = type;
  const subresources = subresourcesOf(type).map(({ name, gvk, verbs: can }): JsonObject => ({
    subresource: name,
    responseKind: { ...gvk },
    verbs: [...can],
  }));
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: [...verbs],
    ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
    ...(categories.length === 0 ? {} : { categories: [...categories] }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

export interface Subresource {
  readonly name: string;
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
}

export function subresourcesOf(type: ResourceType): readonly Subresource[] {
  const { group, version, kind, plural } = type;
  const own: Subresource[] = [];
  if (type.hasStatus) own.push({ name: 'status', gvk: { group, version, kind }, verbs: SUBRESOURCE_VERBS });
  if (type.scale !== undefined)
    own.push({ name: 'scale', gvk: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: SUBRESOURCE_VERBS });
  // What leads through tunnels is the gateway's (src/director/gateway).
  for (const { name, verbs } of GATEWAY_SUBRESOURCES[`${plural}.${group}`] ?? []) own.push({ name, gvk: { group, version, kind }, verbs });
  for (const { group: at, parent, plural: below, responseGroup, kind: responseKind } of VIRTUAL_RESOURCES) {
    if (at !== group || parent !== type.plural) continue;
    own.push({ name: below, gvk: { group: responseGroup, version: 'v1', kind: responseKind }, verbs: ['create'] });
  }
  return own;
}

export function inGroup(types: readonly ResourceType[], group: string, version: string): readonly ResourceType[] {
  return types.filter((type) => type.group === group && type.version === version);
}

/** `/api` in the old form. */
export function coreVersions(): JsonObject {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

/** `/apis` in the old form. */
export function groupList(types: readonly ResourceType[]): JsonObject {
  const names = [...new Set(groupVersions(types).map(({ group }) => group))].filter((group) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map((name) => groupBody(types, name)) };
}

/** `/apis/<group>`; undefined: there is no such group. */
export function group(types: readonly ResourceType[], name: string): JsonObject | undefined {
  const known = name !== '' && groupVersions(types).some((one) => one.group === name);
  return known ? { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(types, name) } : undefined;
}

function groupBody(types: readonly ResourceType[], name: string): JsonObject {
  const versions = groupVersions(types)
    .filter((one) => one.group === name)
    .map(({ version }): JsonObject => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] ?? {} };
}

/** `/api/v1` or `/apis/<group>/<version>` in the old form; undefined: there is no such group-version. */
export function resourceList(types: readonly ResourceType[], name: string, version: string): JsonObject | undefined {
  if (!groupVersions(types).some((one) => one.group === name && one.version === version)) return undefined;
  const resources = inGroup(types, name, version).flatMap(listedType);
  for (const { group: at, version: atVersion, plural, singular, kind, namespaced, parent } of VIRTUAL_RESOURCES) {
    if (at !== name || atVersion !== version || parent !== undefined) continue;
    resources.push({ name: plural, singularName: singular, namespaced, kind, verbs: ['create'] });
  }
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: name === '' ? version : `${name}/${version}`, resources };
}

function listedType(type: ResourceType): JsonObject[] {
  const { plural, singular, kind, namespaced, shortNames, categories } = type;
  const own: JsonObject = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: [...type.verbs],
    ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
    ...(categories.length === 0 ? {} : { categories: [...categories] }),
  };
  const below = subresourcesOf(type).map(({ name, gvk, verbs }): JsonObject => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...(gvk.group === type.group ? {} : { group: gvk.group, version: gvk.version }),
    kind: gvk.kind,
    verbs: [...verbs],
  }));
  return [own, ...below];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
