/**
 * `outrigger cluster create`: orders a cluster, and tells how it comes to be.
 *
 * I1: what is not said is settled before anything is written, and told: the newest release, the only VirtualDataCenter of the namespace.
 * I2: a dry run asks the director everything that it would check, and leaves nothing behind.
 */

import { CLUSTER_RELEASES, VIRTUAL_DATA_CENTERS } from '../../model/addresses.ts';
import { CLUSTERS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterRelease } from '../../model/cluster-release.ts';
import { Fault } from '../../model/fault.ts';
import type { NewEntity } from '../../model/resource.ts';
import { GROUP_VERSION } from '../../model/resource.ts';
import type { VirtualDataCenter } from '../../model/virtual-data-center.ts';
import type { EntityApi } from '../../ports/api.ts';
import { workersText } from './progress.ts';

/** As a person said it; undefined: to be settled. */
export interface CreateOrder {
  readonly namespace: string;
  readonly name: string;
  readonly workers: number;
  readonly release: string | undefined;
  readonly virtualDataCenter: string | undefined;
  readonly site: string | undefined;
  readonly joined: boolean;
  readonly autoRepair: boolean;
}

export type NewCluster = NewEntity<Readonly<Record<string, unknown>>>;

/** The manifest that `order` means: what `kubectl apply` takes too. */
export async function settleOrder(api: EntityApi, order: CreateOrder, signal: AbortSignal): Promise<NewCluster> {
  const release = order.release ?? newestRelease(await releasesOf(api, signal));
  const virtualDataCenter = order.virtualDataCenter ?? (await onlyDataCenter(api, order.namespace, signal));
  return manifestOf(order, release, virtualDataCenter);
}

export function manifestOf(order: CreateOrder, release: string, virtualDataCenter: string): NewCluster {
  const { namespace, name, workers, site, joined, autoRepair } = order;
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: { name, namespace },
    spec: {
      virtualDataCenter,
      release,
      workers,
      ...(joined ? { nodes: 'Joined' } : {}),
      ...(site === undefined ? {} : { site }),
      ...(autoRepair ? {} : { autoRepairOnErrors: false }),
    },
  };
}

/** `Cluster demo/pier: a primary and 1 worker, release 1.0.1, from VirtualDataCenter main` */
export function orderWords({ metadata, spec }: NewCluster): string {
  const { virtualDataCenter, release, workers, site, nodes } = spec;
  const parts = [
    `a primary and ${workersText(Number(workers))}`,
    `release ${String(release)}`,
    `from VirtualDataCenter ${String(virtualDataCenter)}`,
    ...(typeof site === 'string' ? [`paired with site ${site}`] : []),
    ...(nodes === 'Joined' ? ['on machines that join'] : []),
  ];
  return `Cluster ${metadata.namespace ?? ''}/${metadata.name}: ${parts.join(', ')}`;
}

/** Throws `Fault` DirectorRefused with the director's own sentence. */
export async function createCluster(api: EntityApi, manifest: NewCluster, signal: AbortSignal): Promise<Cluster> {
  const answer = await api.create<Cluster>(CLUSTERS, manifest.metadata.namespace ?? '', manifest, signal);
  if (answer.ok) return answer.value;
  throw new Fault('DirectorRefused', `The cluster was not made: ${answer.message}`);
}

/** Throws `Fault` DirectorRefused. */
export async function releasesOf(api: EntityApi, signal: AbortSignal): Promise<readonly ClusterRelease[]> {
  const answer = await api.list<ClusterRelease>(CLUSTER_RELEASES, {}, signal);
  if (answer.ok) return answer.value.items;
  throw new Fault('DirectorRefused', `The releases are not shown (${answer.message}); name one with --release.`);
}

/** Throws `Fault` UsageWrong when there is none. A pre-release (1.2.0-rc1) is chosen only by name. */
export function newestRelease(releases: readonly ClusterRelease[]): string {
  const whole = releases.filter(({ spec }) => !spec.version.includes('-'));
  const newest = whole.toSorted((a, b) => a.spec.version.localeCompare(b.spec.version, 'en', { numeric: true })).at(-1);
  if (newest !== undefined) return newest.metadata.name;
  throw new Fault('UsageWrong', 'There is no ClusterRelease yet; apply one first, as examples/release-1.0.0.yaml has it.');
}

async function onlyDataCenter(api: EntityApi, namespace: string, signal: AbortSignal): Promise<string> {
  const answer = await api.list<VirtualDataCenter>(VIRTUAL_DATA_CENTERS, { namespace }, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `The VirtualDataCenters are not shown: ${answer.message}`);
  return chosenDataCenter(
    namespace,
    answer.value.items.map(({ metadata }) => metadata.name),
  );
}

export function chosenDataCenter(namespace: string, names: readonly string[]): string {
  const [only, second] = names;
  if (only !== undefined && second === undefined) return only;
  throw new Fault(
    'UsageWrong',
    only === undefined
      ? `Namespace ${namespace} has no VirtualDataCenter to take capacity from; name another namespace with -n, or have one made.`
      : `Namespace ${namespace} has several VirtualDataCenters; choose with --virtual-data-center: ${names.join(', ')}.`,
  );
}
