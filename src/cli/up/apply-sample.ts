/**
 * Puts the sample into the control plane, once.
 *
 * What was made is written into a ConfigMap in the store itself, so that the memory goes where the data goes: a person who deletes the sample
 * cluster (or all of it) does not find it back after the next start, and an empty database gets it anew.
 *
 * I1: an object that is there is never changed, but for what follows from this very run: where our connection servers listen, and their password.
 * I2: the mark is written after the objects, so that a start that was killed in between is made good by the next one.
 */

import { CLUSTERS, CLUSTER_RELEASES, HOSTS, SITES, UNIVERSAL_LICENSES, VIRTUAL_DATA_CENTERS } from '../../model/addresses.ts';
import { NAMESPACES, SECRETS } from '../../model/core-kinds.ts';
import type { AnyEntity, ResourceAddress } from '../../model/core-kinds.ts';
import { canonicalJson } from '../../base/canonical.ts';
import { Fault } from '../../model/fault.ts';
import type { Site } from '../../model/site.ts';
import type { Answer, EntityApi } from '../../ports/api.ts';
import { SAMPLE_NAMESPACE, SAMPLE_SITE, SAMPLE_SITE_SECRET } from './sample.ts';
import { hostObject, licenseObject, namespaceObject, siteObject, siteSecretObject, virtualDataCenterObject } from './sample.ts';
import type { SampleOrder, SampleServer } from './sample.ts';

interface ConfigMap extends AnyEntity {
  readonly data?: Readonly<Record<string, string>>;
}

const CONFIG_MAPS: ResourceAddress<ConfigMap> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', scope: 'Namespaced' };
const SYSTEM_NAMESPACE = 'outrigger-system';
const MARK = 'outrigger-up';

/** What the sample site is made of, by whoever runs its connection servers. */
export interface SiteOrder {
  readonly username: string;
  readonly password: string;
  readonly servers: readonly SampleServer[];
  readonly nowMs: number;
}

/** True when the sample's site is there, or is to be made: then its connection servers are needed. */
export async function needsSite(api: EntityApi, withSample: boolean, signal: AbortSignal): Promise<boolean> {
  if (withSample && (await readMark(api, signal))['site'] === undefined) return true;
  return (await api.get(SITES, SAMPLE_NAMESPACE, SAMPLE_SITE, signal)).ok;
}

/** The Host, always; the rest as far as it was never made. `site`: undefined when it is not needed. */
export async function applySample(
  api: EntityApi,
  order: SampleOrder,
  withCluster: boolean,
  site: SiteOrder | undefined,
  signal: AbortSignal,
): Promise<void> {
  await ensure(api, HOSTS, '', hostObject(order), signal);
  const made = await readMark(api, signal);
  if (made['organization'] === undefined) {
    for (const release of order.releases) await ensure(api, CLUSTER_RELEASES, '', release, signal);
    await ensure(api, NAMESPACES, '', namespaceObject(), signal);
    await ensure(api, VIRTUAL_DATA_CENTERS, SAMPLE_NAMESPACE, virtualDataCenterObject(order), signal);
    await writeMark(api, 'organization', signal);
  }
  if (site !== undefined) await applySite(api, site, made['site'] !== undefined, signal);
  if (withCluster && made['cluster'] === undefined) {
    await ensure(api, CLUSTERS, SAMPLE_NAMESPACE, order.cluster, signal);
    await writeMark(api, 'cluster', signal);
  }
}

async function applySite(api: EntityApi, order: SiteOrder, isMade: boolean, signal: AbortSignal): Promise<void> {
  const secret = siteSecretObject(order.username, order.password);
  if (isMade) return await followServers(api, order, secret, signal);
  await ensure(api, SECRETS, SAMPLE_NAMESPACE, secret, signal);
  await ensure(api, UNIVERSAL_LICENSES, SAMPLE_NAMESPACE, licenseObject(order.nowMs), signal);
  await ensure(api, SITES, SAMPLE_NAMESPACE, siteObject(order.servers), signal);
  await followServers(api, order, secret, signal);
  await writeMark(api, 'site', signal);
}

/** What is ours of the site and changes by itself: where our servers listen, and their password. The rest, pins too, is the person's. */
async function followServers(api: EntityApi, order: SiteOrder, secret: { readonly data?: object }, signal: AbortSignal): Promise<void> {
  const kept = await api.mergePatch(SECRETS, SAMPLE_NAMESPACE, SAMPLE_SITE_SECRET, { data: { ...secret.data } }, signal);
  if (!kept.ok && kept.reason !== 'NotFound') throw refused('The Secret of the sample site was refused', kept);
  const site = await api.get<Site>(SITES, SAMPLE_NAMESPACE, SAMPLE_SITE, signal);
  if (!site.ok) return;
  const before = site.value.spec.connectionServers;
  const urlOf = new Map(order.servers.map(({ name, url }) => [name, url]));
  const connectionServers = before.map((server) => ({ ...server, url: urlOf.get(server.name) ?? server.url }));
  if (canonicalJson(connectionServers) === canonicalJson(before)) return;
  const patched = await api.mergePatch(SITES, SAMPLE_NAMESPACE, SAMPLE_SITE, { spec: { connectionServers } }, signal);
  if (!patched.ok) throw refused('The new addresses of the sample site were refused', patched);
}

/** Creates the object; one that is there already is as good. */
async function ensure(api: EntityApi, address: ResourceAddress, namespace: string, object: object, signal: AbortSignal): Promise<void> {
  const answer = await api.create(address, namespace, object, signal);
  if (!answer.ok && answer.reason !== 'AlreadyExists') throw refused(`The ${address.kind} of the sample was refused`, answer);
}

async function readMark(api: EntityApi, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  const answer = await api.get<ConfigMap>(CONFIG_MAPS, SYSTEM_NAMESPACE, MARK, signal);
  if (answer.ok) return answer.value.data ?? {};
  if (answer.reason === 'NotFound') return {};
  throw refused('What was made before cannot be read', answer);
}

async function writeMark(api: EntityApi, what: string, signal: AbortSignal): Promise<void> {
  const data = { [what]: 'made' };
  const patched = await api.mergePatch<ConfigMap>(CONFIG_MAPS, SYSTEM_NAMESPACE, MARK, { data }, signal);
  if (patched.ok) return;
  if (patched.reason !== 'NotFound') throw refused('What was made cannot be written down', patched);
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: MARK, namespace: SYSTEM_NAMESPACE }, data };
  await ensure(api, CONFIG_MAPS, SYSTEM_NAMESPACE, map, signal);
}

function refused(what: string, answer: Exclude<Answer<unknown>, { ok: true }>): Fault {
  return new Fault('DirectorRefused', `${what}: ${answer.message}`);
}
