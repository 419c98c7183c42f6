/**
 * Host: a machine with a host daemon, which lends capacity to VirtualDataCenters.
 */

import { conditionsSchema } from './condition.ts';
import type { EntityOf, KindDefinition } from './resource.ts';
import type { Schema } from './schema.ts';

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
