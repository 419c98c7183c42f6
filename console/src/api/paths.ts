/**
 * Where the API serves what the console shows. Names are encoded here, and nowhere else.
 */

const GROUP = '/apis/outrigger.dev/v1';

export const CLUSTERS_PATH = `${GROUP}/clusters`;
export const NODE_SELECTOR_LABEL = 'outrigger.dev/cluster';

export function clustersPath(namespace: string | undefined): string {
  return namespace === undefined ? CLUSTERS_PATH : `${GROUP}/namespaces/${encodeURIComponent(namespace)}/clusters`;
}

export function clusterPath(namespace: string, name: string): string {
  return `${GROUP}/namespaces/${encodeURIComponent(namespace)}/clusters/${encodeURIComponent(name)}`;
}

export function nodesPath(namespace: string): string {
  return `${GROUP}/namespaces/${encodeURIComponent(namespace)}/clusternodes`;
}

/** Objects of one of Outrigger's kinds, in one organization or in all that there are. */
export function listPath(plural: string, namespace = ''): string {
  return namespace === '' ? `${GROUP}/${plural}` : `${GROUP}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

/** `namespace` '': the kind belongs to no organization. */
export function objectPath(plural: string, namespace: string, name: string): string {
  return `${listPath(plural, namespace)}/${encodeURIComponent(name)}`;
}

export const NAMESPACES_PATH = '/api/v1/namespaces';
export const SYSTEM_LEASES_PATH = '/apis/coordination.k8s.io/v1/namespaces/outrigger-system/leases';
export const ACCESS_REVIEW_PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
export const SELF_REVIEW_PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

export interface LogQuery {
  readonly namespace: string;
  readonly node: string;
  readonly service: string;
  /** Absent: the only one, or the one that is called as its service. */
  readonly container?: string | undefined;
  readonly tailLines: number;
  readonly follow: boolean;
}

/** What a pod of a node wrote: the address that `kubectl get --raw` uses. */
export function logPath({ namespace, node, service, container, tailLines, follow }: LogQuery): string {
  const query = new URLSearchParams({ service, tailLines: String(tailLines), follow: String(follow) });
  if (container !== undefined) query.set('container', container);
  return `${objectPath('clusternodes', namespace, node)}/log?${query.toString()}`;
}

export interface RangeQuery {
  readonly namespace: string;
  readonly cluster: string;
  readonly metric: string;
  /** Seconds since 1970; of `step` seconds too. */
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** One metric of a cluster over time (docs/reference/metrics.md). */
export function rangePath({ namespace, cluster, metric, start, end, step }: RangeQuery): string {
  const query = new URLSearchParams({ metric, cluster, start: String(start), end: String(end), step: String(step) });
  return `/outrigger/v1/organizations/${encodeURIComponent(namespace)}/query_range?${query.toString()}`;
}
