/**
 * Orphans for tests: each kind that a paused server, an agent or a host may leave after a cluster went, written by the admin.
 */
import { createJoinToken } from '../../src/client/join-token.ts';
import { CLUSTER_NODES, HOSTS, SITES, UNIVERSAL_LICENSES, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import type { ResourceAddress } from '../../src/model/core-kinds.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { FINALIZER_NODE, reservationKey } from '../../src/model/labels.ts';
import { newJoinSecret } from '../../src/platform/join-secret.ts';
import type { Answer } from '../../src/ports/api.ts';
import { NAMESPACE } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { leaseOf, leaseSpec } from './hollow-agent.ts';

const CALL_MS = 15_000;

export async function patchStatus<T>(
  plane: ControlPlane,
  address: ResourceAddress<T>,
  namespace: string,
  name: string,
  status: JsonObject,
): Promise<void> {
  const answer = await plane.api.mergePatch(address, namespace, name, { status }, AbortSignal.timeout(CALL_MS), 'status');
  if (!answer.ok) throw new Error(answer.message);
}

/** What a server that was paused, an agent or a host may write after all went; and what nobody sweeps. */
export async function plantOrphans(plane: ControlPlane, node: ClusterNode): Promise<void> {
  const { spec, metadata } = node;
  const { name, labels } = metadata;
  const signal = AbortSignal.timeout(CALL_MS);
  const head = { apiVersion: 'outrigger.dev/v1' };
  const { host: _, ...unclaimed } = spec;
  const { cpuMillis, memoryMiB } = spec.resources;
  await patchStatus(plane, VIRTUAL_DATA_CENTERS, NAMESPACE, 'main', {
    reservations: { [reservationKey(spec.clusterUid, 0)]: { cluster: spec.cluster, node: name, generation: 1, cpuMillis, memoryMiB } },
    reserved: { nodes: 1, cpuMillis, memoryMiB },
  });
  const meta = { name, namespace: NAMESPACE, finalizers: [FINALIZER_NODE], ...(labels === undefined ? {} : { labels }) };
  await created(plane.api.create(CLUSTER_NODES, NAMESPACE, { ...head, kind: 'ClusterNode', metadata: meta, spec: unclaimed }, signal));
  const { ownerReferences: __, ...bare } = (leaseOf(metadata, leaseSpec(name, 1_000)) as { metadata: JsonObject }).metadata;
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: bare, spec: leaseSpec(name, 1_000) };
  await created(plane.api.create(LEASES, NAMESPACE, lease, signal));
  // One that names its owner: the director's own collector takes it away.
  await created(plane.api.create(LEASES, NAMESPACE, leaseOf({ ...metadata, uid: spec.clusterUid }, leaseSpec(name, 1_000)), signal));
  const bearer = { kind: 'node', uid: metadata.uid, name, incarnation: 1 } as const;
  await created(createJoinToken(plane.api, newJoinSecret, { namespace: NAMESPACE, bearer, nowMs: Date.now() }, signal));
  const site = { environment: 'OnPremises', connectionServers: [{ name: 'cs-1', url: 'https://127.0.0.1:9' }] };
  await created(
    plane.api.create(SITES, NAMESPACE, { ...head, kind: 'Site', metadata: { name: 'berth', namespace: NAMESPACE }, spec: site }, signal),
  );
  await patchStatus(plane, SITES, NAMESPACE, 'berth', { cluster: { name: spec.cluster, uid: spec.clusterUid } });
  const license = { seats: 10, start: '2026-01-01T00:00:00Z', end: '2036-01-01T00:00:00Z' };
  const gold = { ...head, kind: 'UniversalLicense', metadata: { name: 'gold', namespace: NAMESPACE }, spec: license };
  await created(plane.api.create(UNIVERSAL_LICENSES, NAMESPACE, gold, signal));
  await patchStatus(plane, UNIVERSAL_LICENSES, NAMESPACE, 'gold', {
    sites: { elsewhere: { siteUid: spec.clusterUid, syncedAt: '2026-01-01T00:00:00Z' } },
  });
  const { cluster, clusterUid, virtualDataCenter, role, attempt, index, incarnation } = spec;
  const runs = { uid: metadata.uid, namespace: NAMESPACE, name, cluster, clusterUid, virtualDataCenter, role, attempt, index, incarnation };
  await patchStatus(plane, HOSTS, '', 'vanished', { unclaimedNodes: [{ ...runs, why: 'Unknown' }] });
}

async function created(call: Promise<Answer<unknown>>): Promise<void> {
  const answer = await call;
  if (!answer.ok) throw new Error(answer.message);
}
