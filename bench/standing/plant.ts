/**
 * Many clusters as they stand after a real creation, written through the API.
 *
 * One is created for real, by an extension server and hollow hosts and agents. What it is made of is the template: each planted cluster is the same
 * entities under another name, with uids of its own and references to them, its status as it stood, its times moved. To create ten thousand for real
 * would take a quarter of an hour, and tell nothing more about how they stand.
 */

import { CLUSTER_NODES, CLUSTERS, HOSTS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { LEASES, NAMESPACES } from '../../src/model/core-kinds.ts';
import type { Lease, ResourceAddress } from '../../src/model/core-kinds.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { nodeLeaseName, nodeName, reservationKey } from '../../src/model/labels.ts';
import { LIMITS } from '../../src/model/limits.ts';
import type { AnyEntity } from '../../src/model/core-kinds.ts';
import { eventually } from '../../tests/support/eventually.ts';
import { PLAIN_RELEASE } from '../../tests/support/plain-release.ts';
import { ended, made, NAMESPACE } from '../provisioning/rig.ts';
import type { BenchPlane } from '../provisioning/rig.ts';

/** A name that occurs in nothing else, so that it can be replaced wherever it stands. */
const TEMPLATE = 'template-of-all';
const WRITES_UNDER_WAY = 96;
const CALL_MS = 60_000;
const CREATED_MS = 60_000;
/** Nothing of the template changes any more: it stands. */
const STILL_MS = 3_000;

export interface RenewedLease {
  readonly namespace: string;
  readonly name: string;
  readonly holder: string;
}

export interface Planted {
  readonly clusters: number;
  readonly leases: readonly RenewedLease[];
  /** What one cluster is made of: Cluster, ClusterNodes and Leases, as JSON. */
  readonly bytesPerCluster: number;
  readonly writesPerSecond: number;
}

interface Template {
  readonly cluster: Cluster;
  readonly nodes: readonly ClusterNode[];
  readonly leases: readonly Lease[];
  readonly home: string;
  readonly host: string;
}

/** Creates one cluster for real and plants `count`, 500 to a VirtualDataCenter in a namespace of its own. The plane needs hosts. */
export async function plant(plane: BenchPlane, count: number): Promise<Planted> {
  const template = await createTemplate(plane);
  const leases: RenewedLease[] = [];
  const begin = performance.now();
  let writes = 0;
  for (let first = 0; first < count; first += LIMITS.clustersPerVirtualDataCenter) {
    const home = await newHome(plane, `standing-${first / LIMITS.clustersPerVirtualDataCenter}`);
    const names = Array.from({ length: Math.min(LIMITS.clustersPerVirtualDataCenter, count - first) }, (_, i) => `s${first + i}`);
    const clusters = await inParallel(names, (name) => createCluster(plane, template, home, name));
    await reserveAll(plane, home, clusters, template);
    const nodes = clusters.flatMap(({ object, change }) => template.nodes.map((node) => ({ owner: object, node, change })));
    leases.push(...(await inParallel(nodes, ({ node, change }) => createNode(plane, template, home, node, change))));
    writes += 4 + 2 * clusters.length + 3 * nodes.length;
  }
  const bytesPerCluster = JSON.stringify([template.cluster, template.nodes, template.leases]).length;
  return { clusters: count, leases, bytesPerCluster, writesPerSecond: (writes / (performance.now() - begin)) * 1000 };
}

// ---- the template -----------------------------------------------------------------------------------------------------------------------

async function createTemplate(plane: BenchPlane): Promise<Template> {
  const home = plane.homes[0] ?? '';
  const server = plane.startServer('creator');
  const spec = { virtualDataCenter: home, release: PLAIN_RELEASE, workers: 1 };
  const head = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name: TEMPLATE, namespace: NAMESPACE } };
  await made(plane.api.create(CLUSTERS, NAMESPACE, { ...head, spec }, within()));
  let seen = { text: '', sinceMs: performance.now() };
  const template = await eventually(
    'a cluster was created for real, and stands still',
    async () => {
      const now = await readTemplate(plane, home);
      const text = JSON.stringify([now.cluster, now.nodes]);
      if (text !== seen.text) seen = { text, sinceMs: performance.now() };
      const isWhole = now.cluster.status?.phase === 'Available' && now.leases.length === now.nodes.length;
      return isWhole && performance.now() - seen.sinceMs >= STILL_MS ? now : undefined;
    },
    CREATED_MS,
    200,
  );
  // Who follows everything would only cost from here on.
  await ended(server);
  await plane.stopHosts();
  // A cluster that nobody renews for would fall silent beside the others.
  await made(plane.api.mergePatch(CLUSTERS, NAMESPACE, TEMPLATE, { metadata: { finalizers: null } }, within()));
  await made(plane.api.delete(CLUSTERS, NAMESPACE, TEMPLATE, {}, within()));
  for (const { metadata } of template.nodes) {
    await made(plane.api.mergePatch(CLUSTER_NODES, NAMESPACE, metadata.name, { metadata: { finalizers: null } }, within()));
    await plane.api.delete(CLUSTER_NODES, NAMESPACE, metadata.name, {}, within());
  }
  return template;
}

async function readTemplate(plane: BenchPlane, home: string): Promise<Template> {
  const cluster = await made(plane.api.get<Cluster>(CLUSTERS, NAMESPACE, TEMPLATE, within()));
  const { items: nodes } = await made(plane.api.list<ClusterNode>(CLUSTER_NODES, { namespace: NAMESPACE }, within()));
  const { items: all } = await made(plane.api.list<Lease>(LEASES, { namespace: NAMESPACE }, within()));
  const names = new Set(nodes.map(({ metadata }) => nodeLeaseName(metadata.uid)));
  return { cluster, nodes, leases: all.filter(({ metadata }) => names.has(metadata.name)), home, host: nodes[0]?.spec.host ?? '' };
}

// ---- one like it ------------------------------------------------------------------------------------------------------------------------

/** Texts that are replaced wherever they stand, and by how much times are moved. */
interface Change {
  readonly texts: readonly (readonly [from: string, to: string])[];
  readonly earlierMs: number;
}

const TIME = /"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"/g;

function changed<T>(object: T, { texts, earlierMs }: Change): T {
  let json = JSON.stringify(object);
  for (const [from, to] of texts) json = json.replaceAll(from, to);
  return JSON.parse(json.replace(TIME, (_, time: string) => `"${new Date(Date.parse(time) - earlierMs).toISOString()}"`)) as T;
}

interface Standing {
  readonly object: Cluster;
  readonly change: Change;
}

async function createCluster(plane: BenchPlane, template: Template, home: string, name: string): Promise<Standing> {
  const texts: [string, string][] = [
    [TEMPLATE, name],
    [template.host, home],
    [template.home, home],
  ];
  // Within a month, so that no two clusters share their times.
  const named: Change = { texts, earlierMs: Math.floor(Math.random() * 30 * 86_400_000) };
  const wanted = changed(template.cluster, named);
  const object = await create<Cluster>(plane, CLUSTERS, home, wanted);
  const change = { ...named, texts: [...texts, [template.cluster.metadata.uid, object.metadata.uid] as const] };
  await setStatus(plane, CLUSTERS, home, name, changed(template.cluster, change).status);
  return { object, change };
}

async function createNode(plane: BenchPlane, template: Template, home: string, node: ClusterNode, owner: Change): Promise<RenewedLease> {
  const object = await create<ClusterNode>(plane, CLUSTER_NODES, home, changed(node, owner));
  const change = { ...owner, texts: [...owner.texts, [node.metadata.uid, object.metadata.uid] as const] };
  await setStatus(plane, CLUSTER_NODES, home, object.metadata.name, changed(node, change).status);
  const lease = template.leases.find(({ metadata }) => metadata.name === nodeLeaseName(node.metadata.uid));
  if (lease === undefined) throw new Error(`the template's node ${node.metadata.name} has no Lease`);
  const { metadata, spec } = await create<Lease>(plane, LEASES, home, changed(lease, change));
  return { namespace: home, name: metadata.name, holder: spec.holderIdentity ?? '' };
}

async function newHome(plane: BenchPlane, home: string): Promise<string> {
  const room = { nodes: 2 * LIMITS.clustersPerVirtualDataCenter, cpuMillis: 1_000_000_000, memoryMiB: 1_000_000_000 };
  const head = { apiVersion: 'outrigger.dev/v1' };
  await made(plane.api.create(NAMESPACES, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: home } }, within()));
  await made(plane.api.create(HOSTS, '', { ...head, kind: 'Host', metadata: { name: home }, spec: { capacity: room } }, within()));
  const vdc = { ...head, kind: 'VirtualDataCenter', metadata: { name: home, namespace: home }, spec: { quota: room, hosts: [home] } };
  await made(plane.api.create(VIRTUAL_DATA_CENTERS, home, vdc, within()));
  return home;
}

/** A node is refused without its reservation. */
async function reserveAll(plane: BenchPlane, home: string, clusters: readonly Standing[], { nodes }: Template): Promise<void> {
  const entries = clusters.flatMap(({ object: { metadata, spec } }) =>
    nodes.map((_, index): [string, JsonObject] => [
      reservationKey(metadata.uid, index),
      { cluster: metadata.name, node: nodeName(metadata.name, 1, index), generation: 1, ...spec.resources },
    ]),
  );
  const sum = (field: 'cpuMillis' | 'memoryMiB'): number => entries.reduce((total, [, entry]) => total + Number(entry[field]), 0);
  const reserved = { nodes: entries.length, cpuMillis: sum('cpuMillis'), memoryMiB: sum('memoryMiB') };
  await setStatus(plane, VIRTUAL_DATA_CENTERS, home, home, { reservations: Object.fromEntries(entries), reserved });
}

async function create<T extends AnyEntity>(plane: BenchPlane, address: ResourceAddress<T>, namespace: string, wanted: T): Promise<T> {
  const { name, labels, annotations, finalizers, ownerReferences } = wanted.metadata;
  const metadata = { name, namespace, labels, annotations, finalizers, ownerReferences };
  return await made(plane.api.create<T>(address, namespace, { ...wanted, metadata }, within()));
}

async function setStatus(plane: BenchPlane, address: ResourceAddress, namespace: string, name: string, status: unknown): Promise<void> {
  await made(plane.api.mergePatch(address, namespace, name, { status: status as JsonObject }, within(), 'status'));
}

async function inParallel<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const done: B[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) done[at] = await work(items[at] as A);
  };
  await Promise.all(Array.from({ length: WRITES_UNDER_WAY }, worker));
  return done;
}

function within(): AbortSignal {
  return AbortSignal.timeout(CALL_MS);
}
