/**
 * Puts the sample into the control plane, once.
 *
 * What was made is written into a ConfigMap in the store itself, so that the memory goes where the data goes: a person who deletes the sample
 * cluster (or all of it) does not find it back after the next start, and an empty database gets it anew.
 *
 * I1: an object that is there is never changed.
 * I2: the mark is written after the objects, so that a start that was killed in between is made good by the next one.
 */

import { CLUSTERS, CLUSTER_RELEASES, HOSTS, VIRTUAL_DATA_CENTERS } from '../../model/addresses.ts';
import { NAMESPACES } from '../../model/core-kinds.ts';
import type { AnyEntity, ResourceAddress } from '../../model/core-kinds.ts';
import { Fault } from '../../model/fault.ts';
import type { Answer, EntityApi } from '../../ports/api.ts';
import { SAMPLE_NAMESPACE, hostObject, namespaceObject, virtualDataCenterObject } from './sample.ts';
import type { SampleOrder } from './sample.ts';

interface ConfigMap extends AnyEntity {
  readonly data?: Readonly<Record<string, string>>;
}

const CONFIG_MAPS: ResourceAddress<ConfigMap> = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', scope: 'Namespaced' };
const SYSTEM_NAMESPACE = 'outrigger-system';
const MARK = 'outrigger-up';

/** The Host, always; the rest as far as it was never made. */
export async function applySample(api: EntityApi, order: SampleOrder, withCluster: boolean, signal: AbortSignal): Promise<void> {
  await ensure(api, HOSTS, '', hostObject(order), signal);
  const made = await readMark(api, signal);
  if (made['organization'] === undefined) {
    for (const release of order.releases) await ensure(api, CLUSTER_RELEASES, '', release, signal);
    await ensure(api, NAMESPACES, '', namespaceObject(), signal);
    await ensure(api, VIRTUAL_DATA_CENTERS, SAMPLE_NAMESPACE, virtualDataCenterObject(order), signal);
    await writeMark(api, 'organization', signal);
  }
  if (withCluster && made['cluster'] === undefined) {
    await ensure(api, CLUSTERS, SAMPLE_NAMESPACE, order.cluster, signal);
    await writeMark(api, 'cluster', signal);
  }
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
