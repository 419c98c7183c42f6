/**
 * Host: a machine with a host daemon, which lends capacity to VirtualDataCenters.
 */

import { conditionsSchema } from './condition.ts';
import type { EntityOf, KindDefinition } from './resource.ts';
import type { Schema } from './schema.ts';

/** Why a node that runs on a host is not one of the director's. */
export const UNCLAIMED_REASONS = ['Unknown', 'OlderIncarnation', 'HeldElsewhere'] as const;
export type UnclaimedReason = (typeof UNCLAIMED_REASONS)[number];

const specSchema = {
  type: 'object',
  required: ['capacity'],
  properties: {
    capacity: {
      type: 'object',
      required: ['nodes', 'cpuMillis', 'memoryMiB'],
      properties: {
        nodes: { type: 'integer', minimum: 0, maximum: 1000 },
        cpuMillis: { type: 'integer', minimum: 0 },
        memoryMiB: { type: 'integer', minimum: 0 },
      },
    },
    drivers: { type: 'array', default: ['process'], maxItems: 4, items: { type: 'string', enum: ['process', 'joined'] } },
    cordoned: { type: 'boolean', default: false, description: 'True: takes no more nodes; those it has go on.' },
  },
} as const satisfies Schema;

const statusSchema = {
  type: 'object',
  properties: {
    conditions: conditionsSchema,
    address: { type: 'string', maxLength: 253 },
    version: { type: 'string', maxLength: 63 },
    bootId: { type: 'string', maxLength: 63 },
    nodes: { type: 'integer', minimum: 0 },
    used: {
      type: 'object',
      properties: { cpuMillis: { type: 'integer', minimum: 0 }, memoryMiB: { type: 'integer', minimum: 0 } },
    },
    unclaimed: {
      type: 'array',
      maxItems: 64,
      description: 'Nodes that run here and that this director does not know. They go on running.',
      items: { type: 'string', maxLength: 253 },
    },
    recordLost: {
      type: 'array',
      maxItems: 64,
      description:
        'Nodes of which something still lives or lies here, though this host has lost its record of them. It touches none of it.',
      items: { type: 'string', maxLength: 253 },
    },
    unclaimedNodes: {
      type: 'array',
      maxItems: 64,
      description:
        'Those of unclaimed with all that is needed to make their objects anew (outrigger node adopt), or to have them stopped (discard).',
      items: {
        type: 'object',
        required: [
          'uid',
          'namespace',
          'name',
          'cluster',
          'clusterUid',
          'virtualDataCenter',
          'role',
          'attempt',
          'index',
          'incarnation',
          'why',
        ],
        properties: {
          uid: { type: 'string', maxLength: 63 },
          namespace: { type: 'string', maxLength: 63 },
          name: { type: 'string', maxLength: 253 },
          cluster: { type: 'string', maxLength: 63 },
          clusterUid: { type: 'string', maxLength: 63 },
          clusterKnown: { type: 'boolean', description: 'Whether this director knows its Cluster, by uid.' },
          virtualDataCenter: { type: 'string', maxLength: 63 },
          role: { type: 'string', enum: ['Primary', 'Worker'] },
          attempt: { type: 'integer', minimum: 1 },
          index: { type: 'integer', minimum: 0, maximum: 8 },
          incarnation: { type: 'integer', minimum: 1 },
          resources: {
            type: 'object',
            properties: { cpuMillis: { type: 'integer', minimum: 0 }, memoryMiB: { type: 'integer', minimum: 0 } },
          },
          why: {
            type: 'string',
            enum: UNCLAIMED_REASONS,
            description:
              'Unknown: the director has no ClusterNode of this uid. OlderIncarnation: it has an earlier life of it. HeldElsewhere: by it another host holds this life.',
          },
          message: { type: 'string', maxLength: 1024 },
        },
      },
    },
  },
} as const satisfies Schema;

export const hostKind = {
  kind: 'Host',
  plural: 'hosts',
  singular: 'host',
  shortNames: [],
  scope: 'Cluster',
  description: 'A machine that lends capacity.',
  spec: specSchema,
  status: statusSchema,
  columns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Nodes', type: 'integer', jsonPath: '.status.nodes' },
    { name: 'Capacity', type: 'integer', jsonPath: '.spec.capacity.nodes' },
    { name: 'Cordoned', type: 'boolean', jsonPath: '.spec.cordoned' },
    { name: 'Address', type: 'string', jsonPath: '.status.address', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const satisfies KindDefinition;

export type Host = EntityOf<typeof hostKind>;
/** A node that runs on a host and is not one of the director's. */
export type UnclaimedNode = NonNullable<NonNullable<Host['status']>['unclaimedNodes']>[number];
