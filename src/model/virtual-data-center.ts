/**
 * VirtualDataCenter: capacity that an organization may use, and who has reserved how much of it.
 *
 * Quota is the arithmetic of this one object, never a count of others: whoever creates a ClusterNode first adds its reservation here, by
 * compare-and-swap, and the rules below keep the sum within the quota however many writers there are.
 *
 * I1: the sum of reservations never exceeds the quota at the moment a reservation is added.
 */

import { conditionsSchema } from './condition.ts';
import type { EntityOf, KindDefinition } from './resource.ts';
import type { Schema } from './schema.ts';

const specSchema = {
  type: 'object',
  required: ['quota', 'hosts'],
  properties: {
    quota: {
      type: 'object',
      required: ['nodes'],
      properties: {
        nodes: { type: 'integer', minimum: 0, maximum: 4500, description: 'Most nodes at a time.' },
        cpuMillis: { type: 'integer', minimum: 0, maximum: 1000000000, default: 64000 },
        memoryMiB: { type: 'integer', minimum: 0, maximum: 1000000000, default: 65536 },
      },
    },
    hosts: {
      type: 'array',
      maxItems: 256,
      'x-kubernetes-list-type': 'set',
      description: 'Names of the Hosts that serve it.',
      items: { type: 'string', maxLength: 63 },
    },
    nodeDriver: { type: 'string', enum: ['process', 'joined'], default: 'process' },
  },
} as const satisfies Schema;

const statusSchema = {
  type: 'object',
  properties: {
    conditions: conditionsSchema,
    reservations: {
      type: 'object',
      maxProperties: 4500,
      description: 'One entry a node, `<clusterUid>.<index>`.',
      additionalProperties: {
        type: 'object',
        required: ['cluster', 'cpuMillis', 'memoryMiB'],
        properties: {
          cluster: { type: 'string', maxLength: 63 },
          node: { type: 'string', maxLength: 253, description: 'Name of the ClusterNode that it is for.' },
          generation: { type: 'integer', minimum: 0, description: 'Generation of the Cluster that it was made under.' },
          cpuMillis: { type: 'integer', minimum: 1 },
          memoryMiB: { type: 'integer', minimum: 1 },
        },
      },
    },
    reserved: {
      type: 'object',
      description: 'The sums of the reservations, kept by the same write that changes them.',
      properties: {
        nodes: { type: 'integer', minimum: 0 },
        cpuMillis: { type: 'integer', minimum: 0 },
        memoryMiB: { type: 'integer', minimum: 0 },
      },
    },
  },
} as const satisfies Schema;

export const virtualDataCenterKind = {
  kind: 'VirtualDataCenter',
  plural: 'virtualdatacenters',
  singular: 'virtualdatacenter',
  shortNames: ['vdc'],
  scope: 'Namespaced',
  description: 'Capacity that an organization may use.',
  spec: specSchema,
  status: statusSchema,
  rules: [
    {
      rule: '!has(self.status) || !has(self.status.reservations) || size(self.status.reservations) <= self.spec.quota.nodes || (has(oldSelf.status) && has(oldSelf.status.reservations) && size(self.status.reservations) <= size(oldSelf.status.reservations))',
      message: 'the quota of nodes is used up; delete a cluster or raise spec.quota.nodes',
      fieldPath: '.status.reservations',
    },
    {
      rule: '!has(self.status) || !has(self.status.reserved) || !has(self.status.reserved.cpuMillis) || self.status.reserved.cpuMillis <= self.spec.quota.cpuMillis || (has(oldSelf.status) && has(oldSelf.status.reserved) && self.status.reserved.cpuMillis <= oldSelf.status.reserved.cpuMillis)',
      message: 'the quota of cpu is used up; delete a cluster or raise spec.quota.cpuMillis',
      fieldPath: '.status.reserved.cpuMillis',
    },
    {
      rule: '!has(self.status) || !has(self.status.reserved) || !has(self.status.reserved.memoryMiB) || self.status.reserved.memoryMiB <= self.spec.quota.memoryMiB || (has(oldSelf.status) && has(oldSelf.status.reserved) && self.status.reserved.memoryMiB <= oldSelf.status.reserved.memoryMiB)',
      message: 'the quota of memory is used up; delete a cluster or raise spec.quota.memoryMiB',
      fieldPath: '.status.reserved.memoryMiB',
    },
  ],
  columns: [
    { name: 'Nodes', type: 'integer', jsonPath: '.status.reserved.nodes' },
    { name: 'Quota', type: 'integer', jsonPath: '.spec.quota.nodes' },
    { name: 'Driver', type: 'string', jsonPath: '.spec.nodeDriver' },
    { name: 'Hosts', type: 'string', jsonPath: '.spec.hosts', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const satisfies KindDefinition;

export type VirtualDataCenter = EntityOf<typeof virtualDataCenterKind>;
