/**
 * What belongs to nothing that is there: found for people (`outrigger doctor`), each with who takes it away by itself and what to do when nobody does.
 *
 * I1: something is named an orphan only when its owner is surely not there: owners were listed after what they own, and a uid never comes back. Of a list
 *     that was not shown nothing is concluded.
 * I2: nothing is taken away here; who sweeps what does so under a license of its own (sweep.ts, the director's garbage collector, the hosts).
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Lease } from '../model/core-kinds.ts';
import type { Host } from '../model/host.ts';
import { NODE_LEASE_PREFIX, TUNNEL_LEASE_PREFIX } from '../model/labels.ts';
import { holderText } from '../model/joined-machine.ts';
import type { TokenFields } from '../model/bootstrap-token.ts';
import type { ObjectMeta } from '../model/resource.ts';
import type { Site } from '../model/site.ts';
import type { UniversalLicense } from '../model/universal-license.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { Area } from './doctor.ts';
import { notice, wrong } from './doctor.ts';
import type { Finding } from './doctor.ts';
import { clusterUidOfKey } from './reservation.ts';

/** A bootstrap token's Secret, read. */
export interface TokenSight {
  readonly metadata: ObjectMeta;
  readonly fields: TokenFields;
}

/** In the order in which they were listed. Undefined: it was not shown. */
export interface OrphanSight {
  readonly leases: readonly Lease[] | undefined;
  readonly tokens: readonly TokenSight[] | undefined;
  readonly licenses: readonly UniversalLicense[] | undefined;
  readonly dataCenters: readonly VirtualDataCenter[] | undefined;
  readonly sites: readonly Site[] | undefined;
  readonly hosts: readonly Host[] | undefined;
  readonly nodes: readonly ClusterNode[] | undefined;
  readonly clusters: readonly Cluster[] | undefined;
}

export type OrphanKind = 'Node' | 'Reservation' | 'Machine' | 'Lease' | 'Plug' | 'Seats' | 'Token';

export interface Orphan {
  readonly kind: OrphanKind;
  /** `<namespace>/<name>` of the object that it is, or in which it stands. */
  readonly where: string;
  /** What it is, and what it belonged to. */
  readonly what: string;
  /** Who takes it away by itself. Person: nobody else. */
  readonly sweptBy: 'ExtensionServer' | 'Director' | 'Person';
  /** What to do when it stays. */
  readonly todo: string;
}

/** All that has no owner, by kind. */
export function findOrphans(sight: OrphanSight): readonly Orphan[] {
  const { leases, tokens, licenses, dataCenters, sites, hosts, nodes, clusters } = sight;
  const clusterUids = uidsOf(clusters);
  const nodeUids = uidsOf(nodes);
  return [
    ...without(clusterUids, nodes, nodeOrphans),
    ...without(clusterUids, dataCenters, (vdc, owners) => reservationOrphans(vdc, owners, nodes)),
    ...without(clusterUids, hosts, machineOrphans),
    ...without(clusterUids, sites, plugOrphans),
    ...without(nodeUids, leases, leaseOrphans),
    ...without(nodeUids, tokens, tokenOrphans),
    ...without(uidsOf(sites), licenses, seatOrphans),
  ];
}

/** The areas under which the doctor tells of them. */
const AREAS: Readonly<Record<OrphanKind, Area>> = {
  Node: 'Nodes',
  Reservation: 'Clusters',
  Machine: 'Hosts',
  Lease: 'Nodes',
  Plug: 'Clusters',
  Seats: 'Licenses',
  Token: 'Nodes',
};
const SWEEPERS = { ExtensionServer: 'An extension server', Director: 'A director' } as const;

export function judgeOrphans(orphans: readonly Orphan[]): readonly Finding[] {
  return orphans.map(({ kind, what, sweptBy, todo }) => {
    if (sweptBy === 'Person') return wrong(AREAS[kind], what, todo);
    return notice(AREAS[kind], what, `${SWEEPERS[sweptBy]} takes it away by itself, within a minute. If it stays: ${todo}`);
  });
}

function uidsOf(list: readonly { readonly metadata: ObjectMeta }[] | undefined): ReadonlySet<string> | undefined {
  return list === undefined ? undefined : new Set(list.map(({ metadata }) => metadata.uid));
}

function without<T>(
  owners: ReadonlySet<string> | undefined,
  owned: readonly T[] | undefined,
  find: (one: T, owners: ReadonlySet<string>) => readonly Orphan[],
): readonly Orphan[] {
  return owners === undefined ? [] : (owned ?? []).flatMap((one) => find(one, owners));
}

function titleOf({ namespace, name }: ObjectMeta): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

// ---- each kind ----------------------------------------------------------------------------------------------------------------------------

function nodeOrphans({ metadata, spec }: ClusterNode, clusters: ReadonlySet<string>): readonly Orphan[] {
  if (clusters.has(spec.clusterUid)) return [];
  const { name, namespace = '' } = metadata;
  const held = spec.host === undefined ? 'nobody holds it' : `${holderText(spec.host)} holds it`;
  const force = `kubectl -n ${namespace} annotate clusternode ${name} outrigger.dev/force-delete=true`;
  const todo =
    spec.host === undefined
      ? `see that an extension server is alive (outrigger status).`
      : `see that ${holderText(spec.host)} is up; it lets go once its machine is gone. If it is off for good: ${force}`;
  const what = `${titleOf(metadata)} belongs to a cluster that is not there (${spec.cluster}); ${held}.`;
  return [{ kind: 'Node', where: titleOf(metadata), what, sweptBy: 'ExtensionServer', todo }];
}

function reservationOrphans(
  { metadata, status }: VirtualDataCenter,
  clusters: ReadonlySet<string>,
  nodes: readonly ClusterNode[] | undefined,
): readonly Orphan[] {
  const where = titleOf(metadata);
  const held = new Set(nodes?.map(({ spec }) => spec.clusterUid));
  return Object.entries(status?.reservations ?? {}).flatMap(([key, { cluster }]) => {
    const uid = clusterUidOfKey(key);
    if (clusters.has(uid)) return [];
    const what = `${where} holds capacity for the cluster ${cluster}, which is not there (${key}).`;
    const todo = held.has(uid)
      ? 'a node of that cluster is still there; see above.'
      : 'see that an extension server is alive (outrigger status).';
    return [{ kind: 'Reservation', where, what, sweptBy: 'ExtensionServer', todo }];
  });
}

/** Machines that go on though their node and their cluster are not there: a person decides. */
function machineOrphans({ metadata, status }: Host, clusters: ReadonlySet<string>): readonly Orphan[] {
  return (status?.unclaimedNodes ?? []).flatMap(({ uid, namespace, name, cluster, clusterUid }) => {
    if (clusters.has(clusterUid)) return [];
    const what = `Host ${metadata.name} runs ${namespace}/${name} (uid ${uid}) of the cluster ${cluster}, which is not there. It goes on.`;
    const todo = `Have it stopped: outrigger node discard ${uid} --host ${metadata.name}; or restore a copy of the database that knows the cluster.`;
    return [{ kind: 'Machine', where: metadata.name, what, sweptBy: 'Person', todo }];
  });
}

function plugOrphans({ metadata, status }: Site, clusters: ReadonlySet<string>): readonly Orphan[] {
  const plug = status?.cluster;
  if (plug === undefined || clusters.has(plug.uid)) return [];
  const what = `Site ${titleOf(metadata)} says that the cluster ${plug.name} is plugged in, which is not there.`;
  const todo = 'see that an extension server is alive; what it leaves at the connection servers is in status.leftBehind.';
  return [{ kind: 'Plug', where: titleOf(metadata), what, sweptBy: 'ExtensionServer', todo }];
}

const NODE_LEASE = new RegExp(`^(?:${NODE_LEASE_PREFIX}|${TUNNEL_LEASE_PREFIX})([0-9a-f]{8}-[0-9a-f-]{27})$`);

function leaseOrphans({ metadata }: Lease, nodes: ReadonlySet<string>): readonly Orphan[] {
  const uid = NODE_LEASE.exec(metadata.name)?.[1];
  if (uid === undefined || nodes.has(uid)) return [];
  const what = `The Lease ${titleOf(metadata)} is of a node that is not there.`;
  const todo = `kubectl -n ${metadata.namespace ?? ''} delete lease ${metadata.name}`;
  const isOwned = (metadata.ownerReferences ?? []).length > 0;
  return [{ kind: 'Lease', where: titleOf(metadata), what, sweptBy: isOwned ? 'Director' : 'Person', todo }];
}

function tokenOrphans({ metadata, fields }: TokenSight, nodes: ReadonlySet<string>): readonly Orphan[] {
  const { bearer } = fields;
  if (bearer.kind !== 'node' || nodes.has(bearer.uid)) return [];
  const what = `The bootstrap token ${titleOf(metadata)} is for ${bearer.name}, which is not there; it lets nobody in.`;
  const todo = `kubectl -n ${metadata.namespace ?? ''} delete secret ${metadata.name}`;
  const isOwned = (metadata.ownerReferences ?? []).length > 0;
  return [{ kind: 'Token', where: titleOf(metadata), what, sweptBy: isOwned ? 'Director' : 'Person', todo }];
}

function seatOrphans({ metadata, status }: UniversalLicense, sites: ReadonlySet<string>): readonly Orphan[] {
  return Object.entries(status?.sites ?? {}).flatMap(([site, { siteUid }]) => {
    if (sites.has(siteUid)) return [];
    const { name, namespace = '' } = metadata;
    const what = `The license ${titleOf(metadata)} counts seats of the Site ${site}, which is not there.`;
    const patch = JSON.stringify({ status: { sites: { [site]: null } } });
    const todo = `The next sync of another site takes them away; or at once: kubectl -n ${namespace} patch universallicense ${name} --subresource status --type merge -p '${patch}'`;
    return [{ kind: 'Seats', where: titleOf(metadata), what, sweptBy: 'Person', todo }];
  });
}
