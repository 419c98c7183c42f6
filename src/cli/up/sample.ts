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
/** The cluster's site and the license of that, both of this name. */
export const SAMPLE_SITE = 'harbor';
export const SAMPLE_SITE_SECRET = 'harbor-connection-servers';
/** Where every node of the sample cluster answers for the service hello. */
export const HELLO_PORT = 8080;

const QUOTA_NODES = 12;

export interface SampleObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: object;
  readonly data?: Readonly<Record<string, string>>;
  readonly type?: string;
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

/** The account of the connection servers, for the cluster to log in with. */
export function siteSecretObject(username: string, password: string): SampleObject {
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SAMPLE_SITE_SECRET, namespace: SAMPLE_NAMESPACE },
    type: 'Opaque',
    data: { username: base64(username), password: base64(password) },
  };
}

export interface SampleServer {
  readonly name: string;
  readonly url: string;
  readonly pin: string;
}

/** Its certificates are accepted: whoever runs outrigger up made them. */
export function siteObject(servers: readonly SampleServer[]): SampleObject {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Site',
    metadata: { name: SAMPLE_SITE, namespace: SAMPLE_NAMESPACE },
    spec: {
      environment: 'OnPremises',
      connectionServers: servers.map(({ name, url, pin }) => ({ name, url, pin })),
      credentials: { secret: SAMPLE_SITE_SECRET },
      license: SAMPLE_SITE,
    },
  };
}

const SEATS = 100;

/** From the day of its creation for a year. */
export function licenseObject(nowMs: number): SampleObject {
  const start = new Date(nowMs);
  start.setUTCHours(0, 0, 0, 0);
  const end = new Date(start);
  end.setUTCFullYear(end.getUTCFullYear() + 1);
  const text = (date: Date): string => date.toISOString().replace('.000Z', 'Z');
  return {
    apiVersion: GROUP_VERSION,
    kind: 'UniversalLicense',
    metadata: { name: SAMPLE_SITE, namespace: SAMPLE_NAMESPACE },
    spec: { seats: SEATS, model: 'Concurrent', start: text(start), end: text(end) },
  };
}
