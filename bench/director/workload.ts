/**
 * The workload of the director's bench: the one that the reference was measured with (bench/reference.ts), phase by phase.
 *
 * 5,000 objects of a CRD with a structural schema and no CEL, about 1,467 bytes each as sent; status patches of about 662 bytes with three
 * conditions; 32 requests in flight.
 */

import type { JsonObject } from '../../src/model/json.ts';

export const BENCH_GROUP = 'bench.outrigger.dev';
export const BENCH_NAMESPACE = 'bench';
export const BASE = `/apis/${BENCH_GROUP}/v1/namespaces/${BENCH_NAMESPACE}/orders`;

const SERVICE_NAMES = ['connector-client', 'cloud-proxy', 'connection-server-proxy', 'broker-client', 'monitor', 'image-locality'];

const TEXT = { type: 'string', maxLength: 256 };
const COUNT = { type: 'integer', minimum: 0, maximum: 1_000_000 };

const SERVICE = {
  type: 'object',
  required: ['name'],
  properties: { name: TEXT, replicas: { ...COUNT, default: 1 }, enabled: { type: 'boolean', default: true }, image: TEXT, port: COUNT },
};

const CONDITION = {
  type: 'object',
  required: ['type', 'status'],
  properties: {
    type: TEXT,
    status: TEXT,
    reason: TEXT,
    message: { type: 'string', maxLength: 1024 },
    lastTransitionTime: { type: 'string', format: 'date-time' },
  },
};

const SPEC = {
  type: 'object',
  required: ['displayName'],
  properties: {
    displayName: TEXT,
    nodes: { ...COUNT, default: 2 },
    mode: { type: 'string', enum: ['ha', 'single'], default: 'ha' },
    tier: TEXT,
    license: {
      type: 'object',
      properties: { edition: { type: 'string', enum: ['community', 'standard', 'enterprise'] }, seats: COUNT, owner: TEXT },
    },
    network: {
      type: 'object',
      properties: { cidr: TEXT, gateway: TEXT, dns: { type: 'array', items: TEXT }, ntp: { type: 'array', items: TEXT } },
    },
    services: { type: 'array', maxItems: 32, items: SERVICE },
    parameters: { type: 'object', additionalProperties: TEXT },
  },
};

const STATUS = {
  type: 'object',
  properties: { phase: TEXT, nodes: COUNT, conditions: { type: 'array', maxItems: 16, items: CONDITION } },
};

const SCHEMA = {
  type: 'object',
  required: ['spec'],
  properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, spec: SPEC, status: STATUS },
};

const COLUMNS = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Nodes', type: 'integer', jsonPath: '.spec.nodes' },
  { name: 'Edition', type: 'string', jsonPath: '.spec.license.edition' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

/** The CRD, as posted once before the first phase. */
export function benchCrd(): JsonObject {
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: SCHEMA },
    subresources: { status: {} },
    additionalPrinterColumns: COLUMNS,
  };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `orders.${BENCH_GROUP}` },
    spec: {
      group: BENCH_GROUP,
      scope: 'Namespaced',
      names: { kind: 'Order', listKind: 'OrderList', plural: 'orders', singular: 'order' },
      versions: [version],
    },
  };
  return JSON.parse(JSON.stringify(crd)) as JsonObject;
}

export function objectName(index: number): string {
  return `c-${String(index).padStart(6, '0')}`;
}

/** One object as sent: about 1,467 bytes of JSON. */
export function benchObject(index: number): JsonObject {
  return {
    apiVersion: `${BENCH_GROUP}/v1`,
    kind: 'Order',
    metadata: {
      name: objectName(index),
      namespace: BENCH_NAMESPACE,
      labels: { tier: index % 3 === 0 ? 'gold' : 'silver', region: `region-${index % 7}`, 'app.kubernetes.io/managed-by': 'bench' },
      annotations: { 'outrigger.dev/note': `made by the bench as number ${index}` },
    },
    spec: {
      displayName: `Cluster number ${index}`,
      nodes: 2,
      mode: 'ha',
      tier: 'gold',
      license: { edition: 'enterprise', seats: 100 + (index % 400), owner: `owner-${index % 97}@example.com` },
      network: { cidr: '10.20.0.0/16', gateway: '10.20.0.1', dns: ['10.20.0.2', '10.20.0.3'], ntp: ['10.20.0.4'] },
      services: SERVICE_NAMES.map((name, at) => ({
        name,
        replicas: 2,
        enabled: true,
        image: `registry.example.com/outrigger/${name}:1.4.${at}`,
        port: 8000 + at,
      })),
      parameters: { 'log-level': 'info', 'retention-days': '7', 'backup-window': '02:00-04:00', contact: `site-${index % 50}` },
    },
  };
}

/** A merge patch of the status: about 662 bytes. */
export function statusPatch(round: number): JsonObject {
  const condition = (type: string, status: string): JsonObject => ({
    type,
    status,
    reason: `Round${round}`,
    message: `The condition ${type} was written by the bench in round ${round}, and this is how long it is.`,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  return {
    status: {
      phase: 'Available',
      nodes: 2 + (round % 5),
      conditions: [condition('Ready', 'True'), condition('Reachable', 'True'), condition('Redundant', 'False')],
    },
  };
}
