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

export const ACCESS_REVIEW_PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
export const SELF_REVIEW_PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
