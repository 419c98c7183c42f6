/**
 * What worlds with a plain story begin with: a data center with room on all hosts, and an order for a cluster.
 */

import type { Cluster } from '../src/model/cluster.ts';
import { GROUP_VERSION } from '../src/model/resource.ts';
import type { SimHost } from './host-state.ts';
import { NAMESPACE } from './script.ts';
import type { World } from './world.ts';

/** `nodes`: the quota. */
export function openDataCenter(world: World, hosts: readonly SimHost[], nodes = 12): void {
  world.store.create('person', 'virtualdatacenters', NAMESPACE, {
    apiVersion: GROUP_VERSION,
    kind: 'VirtualDataCenter',
    metadata: { name: 'lab' },
    spec: {
      quota: { nodes, cpuMillis: 64_000, memoryMiB: 65_536 },
      hosts: hosts.map((host) => host.name),
      nodeDriver: 'process',
    },
  });
}

export function orderCluster(world: World, name: string, workers: number, more: Partial<Cluster['spec']> = {}): void {
  world.store.create('person', 'clusters', NAMESPACE, {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: { name, finalizers: [] },
    spec: {
      virtualDataCenter: 'lab',
      release: '1.0.0',
      nodes: 'Provisioned',
      workers,
      resources: { cpuMillis: 500, memoryMiB: 256 },
      services: [],
      availability: { failover: 'None', nodeRestart: 'Medium' },
      upgrade: { readySeconds: 300, whenNodeDown: 'Wait' },
      autoRepairOnErrors: true,
      ...more,
    },
  });
}
