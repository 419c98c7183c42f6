/**
 * The one case in which a client names the uid of what it creates: a ClusterNode that runs on a host and that this director does not know.
 *
 * A director that was restored from an older copy lacks it. Under its own uid its agent's certificate counts again, and its host knows it as its own.
 *
 * I1: nobody else's uid can be taken: an object of that uid that lives, or lived here, refuses it; so does a host that does not report it.
 * I2: only who may `adopt` the Host (the provider: hosts are his) may do it; everywhere else a uid in a create is dropped as ever.
 */

import { adoptionRefusal } from '../../decide/adoption.ts';
import { CLUSTERS, HOSTS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import type { ResourceAddress } from '../../model/core-kinds.ts';
import type { Host } from '../../model/host.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { ANNOTATION_ADOPTED } from '../../model/labels.ts';
import { API_GROUP, API_VERSION } from '../../model/resource.ts';
import type { Caller, Engine } from './engine.ts';
import { metadataOf, textOf } from './metadata.ts';
import { subjectOf } from './resource-type.ts';
import type { ResourceType } from './resource-type.ts';
import { accepted, forbidden, invalid } from './status.ts';
import type { Outcome } from './status.ts';

const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where the object is to be made. */
interface Nursery {
  readonly type: ResourceType;
  readonly namespace: string;
}

/** The uid that the object is to bear; undefined: a new one, as ever. */
export async function adoptedUid(
  engine: Engine,
  caller: Caller,
  { type, namespace }: Nursery,
  given: JsonObject,
): Promise<Outcome<string | undefined>> {
  const metadata = metadataOf(given);
  const host = textOf(objectAt(metadata['annotations'])[ANNOTATION_ADOPTED]);
  if (type.group !== API_GROUP || type.plural !== 'clusternodes' || host === '') return accepted(undefined);
  const [name, uid] = [textOf(metadata['name']), textOf(metadata['uid'])];
  const subject = subjectOf(type, name);
  const asked = { verb: 'adopt', group: API_GROUP, version: API_VERSION, resource: 'hosts', subresource: '', namespace: '', name: host };
  const decision = engine.authorizer.authorize(caller.identity, asked);
  if (!decision.allowed) return forbidden(subject, `a node is adopted only by who may adopt from its host: ${decision.reason}`);
  if (!UID.test(uid)) {
    const message = `Invalid value: ${JSON.stringify(uid)}: a node is adopted under the uid that it runs with (Host.status.unclaimedNodes)`;
    return invalid(subject, [{ reason: 'FieldValueInvalid', message, field: 'metadata.uid' }]);
  }
  await engine.store.fresh(caller.signal);
  const spec = objectAt(given['spec']);
  const living = engine.store.list(API_GROUP, 'clusternodes').find((entity) => entity.uid === uid);
  const why = adoptionRefusal({
    node: { metadata: { ...metadata, namespace }, spec } as unknown as ClusterNode,
    host: read<Host>(engine, HOSTS, '', host),
    cluster: read<Cluster>(engine, CLUSTERS, namespace, textOf(spec['cluster'])),
    living: living === undefined ? undefined : `${living.key.namespace}/${living.key.name}`,
    isBuried: (await engine.store.tombstone(uid, caller.signal)) !== undefined,
  });
  return why === undefined ? accepted(uid) : forbidden(subject, `it is not adopted: ${why}`);
}

function read<T>({ store }: Engine, address: ResourceAddress<T>, namespace: string, name: string): T | undefined {
  const entity = store.get({ group: address.group, resource: address.plural, namespace, name });
  return entity === undefined ? undefined : (entity.object() as unknown as T);
}

function objectAt(value: Json | undefined): JsonObject {
  return value !== undefined && isJsonObject(value) ? value : {};
}
