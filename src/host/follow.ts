/**
 * What the host follows: its own Host and all ClusterNodes; and the VirtualDataCenters of nodes that wait for a host, read by name when
 * they are needed.
 *
 * I1: these copies may lag; nothing is started or stopped on them alone (src/decide/host-claim.ts).
 */

import { createInformer } from '../client/informer.ts';
import { CLUSTER_NODES, HOSTS, VIRTUAL_DATA_CENTERS } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Host } from '../model/host.ts';
import type { VirtualDataCenter } from '../model/virtual-data-center.ts';
import type { HostDeps } from './deps.ts';

export interface Following {
  host(): Host | undefined;
  nodes(): readonly ClusterNode[];
  node(nodeUid: string): ClusterNode | undefined;
  /** Revision of the list that the nodes were begun with last (src/client/informer.ts). */
  listedAt(): number;
  /** Takes in a node that the director answered to a write. */
  learn(node: ClusterNode): void;
}

export interface FollowListeners {
  readonly onNode: (nodeUid: string) => void;
  /** The Host changed. */
  readonly onHost: () => void;
}

/** Follows until the signal aborts. */
export function followAll(deps: HostDeps, listeners: FollowListeners, signal: AbortSignal): Following {
  const hosts = createInformer<Host>(deps, HOSTS, { fieldSelector: `metadata.name=${deps.name}` });
  const nodes = createInformer<ClusterNode>(deps, CLUSTER_NODES);
  const byUid = new Map<string, ClusterNode>();
  hosts.onChange(listeners.onHost);
  nodes.onChange((node, gone) => {
    if (gone) byUid.delete(node.metadata.uid);
    else byUid.set(node.metadata.uid, node);
    listeners.onNode(node.metadata.uid);
  });
  void hosts.run(signal);
  void nodes.run(signal);
  return {
    host: () => hosts.get('', deps.name),
    nodes: () => [...byUid.values()],
    node: (nodeUid) => byUid.get(nodeUid),
    listedAt: () => nodes.listedAt(),
    learn: (node) => nodes.learn(node),
  };
}

/** Nodes that nobody holds and that are to live. */
export function waitingNodes(following: Following): readonly ClusterNode[] {
  return following
    .nodes()
    .filter((node) => node.spec.host === undefined && node.spec.retired !== true && node.metadata.deletionTimestamp === undefined);
}

/** The VirtualDataCenters of `nodes`, read live; those that are not there are left out. */
export async function virtualDataCentersOf(
  deps: HostDeps,
  nodes: readonly ClusterNode[],
  signal: AbortSignal,
): Promise<readonly VirtualDataCenter[]> {
  const names = new Map(nodes.map((node) => [`${node.metadata.namespace ?? ''}/${node.spec.virtualDataCenter}`, node]));
  const found: VirtualDataCenter[] = [];
  for (const { metadata, spec } of names.values()) {
    const answer = await deps.api.get<VirtualDataCenter>(VIRTUAL_DATA_CENTERS, metadata.namespace ?? '', spec.virtualDataCenter, signal);
    if (answer.ok) found.push(answer.value);
  }
  return found;
}
