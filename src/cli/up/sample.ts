/**
 * What `outrigger up` puts into a new control plane, besides the releases and the cluster of examples/: an organization with capacity.
 *
 * I1: the objects depend on nothing but what is handed in, so that a restart makes the same ones.
 */

import { GROUP_VERSION } from '../../model/resource.ts';

export interface SampleOrder {
  /** Name of this machine's Host. */
  readonly hostName: string;
  /** What the Host lends. */
  readonly capacity: { readonly nodes: number; readonly cpuMillis: number; readonly memoryMiB: number };
  /** The objects of examples/: releases, in order, and the cluster. */
  readonly releases: readonly SampleObject[];
  readonly cluster: SampleObject;
}

/** As examples/ has them. */
export const SAMPLE_NAMESPACE = 'demo';
export const SAMPLE_VDC = 'main';
export const SAMPLE_CLUSTER = 'harbor';
/** Where every node of the sample cluster answers for the service hello. */
export const HELLO_PORT = 8080;

const QUOTA_NODES = 12;

export interface SampleObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: object;
}

export function hostObject(order: SampleOrder): SampleObject {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Host',
    metadata: { name: order.hostName },
    spec: { capacity: order.capacity, drivers: ['process'] },
  };
}

export function namespaceObject(): SampleObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SAMPLE_NAMESPACE } };
}

export function virtualDataCenterObject(order: SampleOrder): SampleObject {
  const { cpuMillis, memoryMiB } = order.capacity;
  return {
    apiVersion: GROUP_VERSION,
    kind: 'VirtualDataCenter',
    metadata: { name: SAMPLE_VDC, namespace: SAMPLE_NAMESPACE },
    spec: { quota: { nodes: QUOTA_NODES, cpuMillis, memoryMiB }, hosts: [order.hostName], nodeDriver: 'process' },
  };
}
