/**
 * Rules between Clusters, Sites and the ServerConfig: who may have more than one node where, one cluster a site, and nothing is deleted that is
 * plugged in.
 *
 * A copy that is behind may let two clusters name one Site at the same moment: then the plug (`Site.status.cluster`, changed by compare-and-swap)
 * decides, and the other says SiteTaken. It may let a cluster pass by an environment that is just changing: then that change is judged by a copy
 * that shows the cluster, or the next write of either says it.
 *
 * I1: eligibility is judged at every write that could break it: of a Cluster's site, workers, nodeRestart or failover; of a Site's environment; of the
 *     ServerConfig's list. What was broken before and is not touched by a write does not refuse it.
 * I2: a Site that a Cluster names or that is plugged in, and a Cluster that is plugged in, are not deleted, unless a person forces it.
 * I3: the garbage collector is not asked: a namespace that is deleted takes all of it along.
 */

import { canonicalJson } from '../../base/canonical.ts';
import { activeConfig } from '../../decide/server-config.ts';
import { eligibilityProblem, together } from '../../decide/eligibility.ts';
import type { EligibleSpec } from '../../decide/eligibility.ts';
import { leftBehindBy } from '../../decide/site-duty.ts';
import { isForced } from '../../decide/site-release.ts';
import { CLUSTERS, SERVER_CONFIGS, SITES } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ResourceAddress } from '../../model/core-kinds.ts';
import type { JsonObject } from '../../model/json.ts';
import { ANNOTATION_FORCE_DELETE } from '../../model/labels.ts';
import { API_GROUP } from '../../model/resource.ts';
import type { ServerConfig } from '../../model/server-config.ts';
import type { Site } from '../../model/site.ts';
import type { EntityStore, StoredEntity } from '../../ports/store.ts';
import { subjectOf } from '../api/resource-type.ts';
import { forbidden } from '../api/status.ts';
import type { Refused } from '../api/status.ts';
import type { AdmissionRequest, AdmissionRule, Completion } from './admission.ts';

type Reader = Pick<EntityStore, 'get' | 'list'>;

/** How many clusters a refusal names. */
const NAMED_MAX = 10;

/** Rules for writes of Clusters, Sites and ServerConfigs. */
export function siteRules(store: Reader): readonly AdmissionRule[] {
  const world = worldOf(store);
  return [
    (request) => (isOf(request, 'clusters') ? clusterRule(world, request) : undefined),
    (request) => (isOf(request, 'sites') ? siteRule(world, request) : undefined),
    (request) => (isOf(request, 'serverconfigs') ? configRule(world, request) : undefined),
  ];
}

/**
 * A forced removal says what it leaves behind before it happens: the write that puts the annotation on a Site that is plugged in also puts the
 * sentences into its status, so that who deletes it next has read them, or finds them in the answer to the deletion.
 */
export function siteLeftBehind(): Completion {
  return (request) => {
    const { next, old, operation } = request;
    if (!isOf(request, 'sites') || operation !== 'update' || next === undefined || old === undefined) return;
    const [was, becomes] = [siteOf(old), siteOf(next)];
    if (isForced(was.metadata.annotations) || !isForced(becomes.metadata.annotations)) return;
    const name = becomes.status?.cluster?.name;
    if (name === undefined || !hasServers(becomes)) return;
    const left = leftBehindBy(becomes, `the site is removed by force while cluster ${name} is plugged in`);
    if (left.length === 0) return;
    const before = becomes.status?.leftBehind ?? [];
    const all = [...new Set([...before, ...left.map((one) => one.slice(0, 512))])].slice(-32);
    next['status'] = { ...(next['status'] as JsonObject), leftBehind: all };
  };
}

interface World {
  readonly clusters: (namespace?: string) => readonly Cluster[];
  readonly site: (namespace: string, name: string) => Site | undefined;
  readonly sites: (namespace: string) => readonly Site[];
  readonly configs: () => readonly ServerConfig[];
}

function worldOf(store: Reader): World {
  // Each state is parsed once.
  const known = new WeakMap<StoredEntity, JsonObject>();
  const read = <T>(_address: ResourceAddress<T>, entity: StoredEntity): T => {
    let object = known.get(entity);
    if (object === undefined) known.set(entity, (object = entity.object()));
    return object as unknown as T;
  };
  const listed = <T>(address: ResourceAddress<T>, namespace?: string): readonly T[] =>
    store.list(address.group, address.plural, namespace).map((entity) => read(address, entity));
  return {
    clusters: (namespace) => listed(CLUSTERS, namespace),
    sites: (namespace) => listed(SITES, namespace),
    site: (namespace, name) => {
      const entity = store.get({ group: SITES.group, resource: SITES.plural, namespace, name });
      return entity === undefined ? undefined : read(SITES, entity);
    },
    configs: () => listed(SERVER_CONFIGS),
  };
}

function siteOf(object: JsonObject): Site {
  return object as unknown as Site;
}

function isOf({ type, subresource }: AdmissionRequest, plural: string): boolean {
  return type.group === API_GROUP && type.plural === plural && subresource !== 'status';
}

// ---- Clusters ---------------------------------------------------------------------------------------------------------------------------

function clusterRule(world: World, request: AdmissionRequest): Refused | undefined {
  const { operation, namespace, name, type } = request;
  if (operation === 'delete') return clusterDeletion(world, request);
  const next = request.next as unknown as Cluster;
  const old = request.old as unknown as Cluster | undefined;
  const { site } = next.spec;
  if (site === undefined || next.metadata.deletionTimestamp !== undefined) return undefined;
  const subject = subjectOf(type, name);
  if (old?.spec.site !== site) {
    const taken = takenBy(world, namespace, name, next.metadata.uid, site);
    if (taken !== undefined) return forbidden(subject, `spec.site: ${taken}`);
  }
  const named = world.site(namespace, site);
  // A Site that does not exist yet is waited for, as a release is; its creation is judged then.
  if (named === undefined || (old !== undefined && isSamePlacement(old, next))) return undefined;
  const problem = eligibilityProblem(eligibleSpec(next), placeOf(named), activeConfig(world.configs()).eligibleEnvironments);
  return problem === undefined ? undefined : forbidden(subject, problem);
}

function isSamePlacement(old: Cluster, next: Cluster): boolean {
  return old.spec.site === next.spec.site && canonicalJson(eligibleSpec(old)) === canonicalJson(eligibleSpec(next));
}

function eligibleSpec({ spec }: Cluster): EligibleSpec {
  const { workers = 0, availability } = spec;
  return { workers, availability: { failover: availability?.failover ?? 'None', nodeRestart: availability?.nodeRestart ?? 'Off' } };
}

/** Why `site` is not free for the cluster. */
function takenBy(world: World, namespace: string, name: string, uid: string, site: string): string | undefined {
  const other = world.clusters(namespace).find((one) => one.spec.site === site && one.metadata.name !== name);
  if (other !== undefined)
    return `cluster ${other.metadata.name} names site ${site} already, and a site has at most one cluster; take it out there first, or choose another site`;
  const plugged = world.site(namespace, site)?.status?.cluster;
  if (plugged === undefined || plugged.uid === uid) return undefined;
  return `cluster ${plugged.name} is still plugged into site ${site}; wait until it is unplugged (kubectl get site ${site} -n ${namespace}), or choose another site`;
}

function clusterDeletion(world: World, { type, namespace, name, old }: AdmissionRequest): Refused | undefined {
  const cluster = old as unknown as Cluster;
  const { uid, annotations, deletionTimestamp } = cluster.metadata;
  if (isForced(annotations) || deletionTimestamp !== undefined) return undefined;
  const plugged = world.sites(namespace).find((site) => site.status?.cluster?.uid === uid);
  if (plugged === undefined) return undefined;
  const site = plugged.metadata.name;
  return forbidden(
    subjectOf(type, name),
    `it is plugged into site ${site}; unplug first: outrigger site unpair ${site} -n ${namespace} (takes spec.site out), ${orForce('cluster', name, namespace)}`,
  );
}

// ---- Sites ------------------------------------------------------------------------------------------------------------------------------

function siteRule(world: World, request: AdmissionRequest): Refused | undefined {
  const { operation, namespace, name, type } = request;
  if (operation === 'delete') return siteDeletion(world, request);
  const next = request.next as unknown as Site;
  const old = request.old as unknown as Site | undefined;
  if (old?.spec.environment === next.spec.environment) return undefined;
  const eligible = activeConfig(world.configs()).eligibleEnvironments;
  const hit = world.clusters(namespace).filter((cluster) => cluster.spec.site === name && cluster.metadata.deletionTimestamp === undefined);
  for (const cluster of hit) {
    const problem = eligibilityProblem(eligibleSpec(cluster), { name, environment: next.spec.environment }, eligible);
    if (problem !== undefined)
      return forbidden(subjectOf(type, name), `cluster ${cluster.metadata.name} names it, and ${problem}, all of it in that cluster`);
  }
  return undefined;
}

function siteDeletion(world: World, { type, namespace, name, old }: AdmissionRequest): Refused | undefined {
  const site = old as unknown as Site;
  if (isForced(site.metadata.annotations)) return undefined;
  const named = world.clusters(namespace).find((cluster) => cluster.spec.site === name)?.metadata.name;
  const plugged = site.status?.cluster?.name;
  const who = plugged ?? named;
  if (who === undefined) return undefined;
  const what = plugged === undefined ? `cluster ${who} names it in spec.site` : `cluster ${who} is plugged in`;
  return forbidden(
    subjectOf(type, name),
    `${what}; unplug first: outrigger site unpair ${name} -n ${namespace} (takes spec.site out), ${orForce('site', name, namespace)}`,
  );
}

function orForce(kind: string, name: string, namespace: string): string {
  return `or skip that: kubectl annotate ${kind} ${name} -n ${namespace} ${ANNOTATION_FORCE_DELETE}=true; the Site's status.leftBehind then says what stays at the connection servers`;
}

// ---- ServerConfigs ----------------------------------------------------------------------------------------------------------------------

function configRule(world: World, { operation, name, type, next }: AdmissionRequest): Refused | undefined {
  const before = world.configs();
  const others = before.filter((config) => config.metadata.name !== name);
  const after = operation === 'delete' || next === undefined ? others : [...others, next as unknown as ServerConfig];
  const [old, eligible] = [activeConfig([...before]).eligibleEnvironments, activeConfig([...after]).eligibleEnvironments];
  const taken = old.filter((environment) => !eligible.includes(environment));
  if (taken.length === 0) return undefined;
  const hits = world.clusters().flatMap((cluster) => problemUnder(world, cluster, taken, eligible));
  if (hits.length === 0) return undefined;
  const more = hits.length > NAMED_MAX ? ` and ${hits.length - NAMED_MAX} more` : '';
  return forbidden(
    subjectOf(type, name),
    `spec.eligibleEnvironments would lose ${together(taken)}, where these clusters have more than a primary: ${hits.slice(0, NAMED_MAX).join(', ')}${more}; keep the environment, or first set spec.workers to 0, spec.availability.nodeRestart to Off and spec.availability.failover to None there, or take spec.site out`,
  );
}

/** The cluster as `namespace/name` when it would not be eligible any more. */
function problemUnder(world: World, cluster: Cluster, taken: readonly string[], eligible: readonly string[]): readonly string[] {
  const { namespace = '', name, deletionTimestamp } = cluster.metadata;
  if (cluster.spec.site === undefined || deletionTimestamp !== undefined) return [];
  const site = world.site(namespace, cluster.spec.site);
  if (site === undefined || !taken.includes(site.spec.environment)) return [];
  return eligibilityProblem(eligibleSpec(cluster), placeOf(site), eligible) === undefined ? [] : [`${namespace}/${name}`];
}

// ---- small pieces -----------------------------------------------------------------------------------------------------------------------

function placeOf({ metadata, spec }: Site): { readonly name: string; readonly environment: string } {
  return { name: metadata.name, environment: spec.environment };
}

/** A body that validation has not judged yet may lack them. */
function hasServers({ spec }: Site): boolean {
  return Array.isArray(spec?.connectionServers) && spec.connectionServers.every((one) => typeof one === 'object' && one !== null);
}
