/**
 * What `outrigger up` puts into a new control plane: releases, an organization with capacity, and the sample cluster. As plain objects.
 *
 * I1: the objects depend on nothing but what is handed in, so that a restart makes the same ones.
 */

import { GROUP_VERSION } from '../../model/resource.ts';
import type { Service } from '../../model/pod.ts';

export interface SampleOrder {
  /** Name of this machine's Host. */
  readonly hostName: string;
  /** What the Host lends. */
  readonly capacity: { readonly nodes: number; readonly cpuMillis: number; readonly memoryMiB: number };
  /** The program that runs the example services, and the folder they lie in. */
  readonly node: string;
  readonly examples: string;
}

export const SAMPLE_NAMESPACE = 'demo';
export const SAMPLE_VDC = 'main';
export const SAMPLE_CLUSTER = 'harbor';
export const SAMPLE_RELEASES = ['1.0.0', '1.0.1'] as const;
/** Where every node of the sample cluster answers for the service hello. */
export const HELLO_PORT = 8080;

const QUOTA_NODES = 12;

interface SampleObject {
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

export function clusterObject(): SampleObject {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: { name: SAMPLE_CLUSTER, namespace: SAMPLE_NAMESPACE },
    spec: { virtualDataCenter: SAMPLE_VDC, release: SAMPLE_RELEASES[0], workers: 1 },
  };
}

/** Both releases run the same services; the version is in what hello answers, so that an upgrade shows. */
export function releaseObjects(order: SampleOrder): readonly SampleObject[] {
  return SAMPLE_RELEASES.map((version, index) => ({
    apiVersion: GROUP_VERSION,
    kind: 'ClusterRelease',
    metadata: { name: version },
    spec: {
      version,
      services: [hello(order, version), ticker(order, version)],
      upgradesFrom: SAMPLE_RELEASES.slice(0, index),
      notes: index === 0 ? 'The first release.' : 'The same services under a new version, to try an upgrade with.',
    },
  }));
}

type PlainService = Omit<Service, 'pod' | 'protocol'> & { readonly protocol?: Service['protocol']; readonly pod: object };

function hello(order: SampleOrder, version: string): PlainService {
  return {
    name: 'hello',
    mode: 'Replicated',
    protocol: 'HTTP',
    port: HELLO_PORT,
    pod: {
      containers: [
        {
          name: 'hello',
          command: [order.node, `${order.examples}/hello.mjs`],
          env: [{ name: 'RELEASE', value: version }],
          ports: [{ name: 'http', containerPort: HELLO_PORT }],
          readinessProbe: { httpGet: { path: '/healthz', port: HELLO_PORT }, periodSeconds: 1 },
        },
      ],
      terminationGracePeriodSeconds: 5,
    },
  };
}

function ticker(order: SampleOrder, version: string): PlainService {
  return {
    name: 'ticker',
    mode: 'Singleton',
    pod: {
      containers: [{ name: 'ticker', command: [order.node, `${order.examples}/ticker.mjs`], env: [{ name: 'RELEASE', value: version }] }],
      terminationGracePeriodSeconds: 5,
    },
  };
}
