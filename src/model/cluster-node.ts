/**
 * ClusterNode: one member of one cluster.
 *
 * Extension servers and the manager create it, a host (or the agent of a joined machine) claims it (`spec.host`, by compare-and-swap) and runs it, its
 * agent reports.
 * `status.infrastructure` and `status.agent` carry the incarnation they speak of; readers ignore older ones.
 *
 * I1: cluster, clusterUid, attempt, index and role never change.
 * I2: incarnation never falls; `retired: true` is never taken back.
 * I3: a claimed host is only given up together with a higher incarnation.
 */

import { ADDRESS_CHARS, HOST_PATTERN, HOST_PORT_PATTERN } from './network-address.ts';
import type { EntityOf, KindDefinition, SpecOf, StatusOf } from './resource.ts';
import type { Schema } from './schema.ts';

const FROZEN = [{ rule: 'self == oldSelf', message: 'cannot be changed' }] as const;

const specSchema = {
  type: 'object',
  required: ['cluster', 'clusterUid', 'virtualDataCenter', 'attempt', 'index', 'role', 'incarnation', 'resources'],
  properties: {
    cluster: { type: 'string', minLength: 1, maxLength: 63, 'x-kubernetes-validations': FROZEN },
    clusterUid: { type: 'string', minLength: 1, maxLength: 63, 'x-kubernetes-validations': FROZEN },
    virtualDataCenter: { type: 'string', minLength: 1, maxLength: 63, 'x-kubernetes-validations': FROZEN },
    attempt: { type: 'integer', minimum: 1, 'x-kubernetes-validations': FROZEN },
    index: { type: 'integer', minimum: 0, maximum: 8, 'x-kubernetes-validations': FROZEN },
    role: { type: 'string', enum: ['Primary', 'Worker'], description: 'What it was born as.', 'x-kubernetes-validations': FROZEN },
    incarnation: { type: 'integer', minimum: 1, description: 'Which life of the node. A replacement has a higher one.' },
    machine: {
      type: 'string',
      enum: ['Provisioned', 'Joined'],
      description:
        'Provisioned (also when absent): a host claims it. Joined: it waits for a machine on which a person runs `outrigger agent join`.',
      'x-kubernetes-validations': FROZEN,
    },
    host: {
      type: 'string',
      maxLength: 63,
      description: 'The host that claimed it, or `joined:<machine>`; absent until one does.',
    },
    retired: { type: 'boolean', description: 'True: drain it and let it go. Never taken back.' },
    revokedBefore: {
      type: 'string',
      format: 'date-time',
      description:
        'Certificates of this node that were issued before this time are refused everywhere. Never falls. The host gives it a new one.',
    },
    resources: {
      type: 'object',
      required: ['cpuMillis', 'memoryMiB'],
      properties: { cpuMillis: { type: 'integer', minimum: 1 }, memoryMiB: { type: 'integer', minimum: 1 } },
    },
  },
  'x-kubernetes-validations': [
    { rule: 'self.incarnation >= oldSelf.incarnation', message: 'incarnation must not fall', fieldPath: '.incarnation' },
    {
      rule: '!has(oldSelf.revokedBefore) || (has(self.revokedBefore) && timestamp(self.revokedBefore) >= timestamp(oldSelf.revokedBefore))',
      message: 'a revocation is never taken back',
      fieldPath: '.revokedBefore',
    },
    {
      rule: '!has(oldSelf.retired) || !oldSelf.retired || (has(self.retired) && self.retired)',
      message: 'a retired node cannot be taken back',
      fieldPath: '.retired',
    },
    {
      rule: '!has(oldSelf.host) || (has(self.host) && self.host == oldSelf.host) || self.incarnation > oldSelf.incarnation',
      message: 'a claimed host changes only with a higher incarnation',
      fieldPath: '.host',
    },
  ],
} as const satisfies Schema;

const statusSchema = {
  type: 'object',
  properties: {
    role: { type: 'string', enum: ['Primary', 'Worker'], description: 'What it is now.' },
    infrastructure: {
      type: 'object',
      description: "The host daemon's section; on a joined machine the agent's own.",
      required: ['incarnation', 'phase'],
      properties: {
        incarnation: { type: 'integer', minimum: 1 },
        phase: { type: 'string', enum: ['Claimed', 'Starting', 'Running', 'Exited', 'Gone', 'Failed'] },
        address: { type: 'string', maxLength: 253, description: "The node's own address, where the balancer listens." },
        podAddresses: { type: 'array', maxItems: 64, items: { type: 'string', maxLength: 253 } },
        pid: { type: 'integer' },
        restarts: { type: 'integer', minimum: 0 },
        reason: {
          type: 'string',
          enum: ['GivenUp', 'Off', 'RecordLost'],
          description:
            'Why the host does not see to its agent: it failed too often, node-level HA is off, or the host has lost its record of it. Its services may still run.',
        },
        bootId: { type: 'string', maxLength: 63, description: "Which boot of the host's machine this was said in." },
        message: { type: 'string', maxLength: 1024 },
      },
    },
    agent: {
      type: 'object',
      description: "The agent's section.",
      required: ['incarnation', 'phase'],
      properties: {
        incarnation: { type: 'integer', minimum: 1 },
        phase: { type: 'string', enum: ['Joined', 'Ready', 'NotReady', 'Stopping', 'Stopped'] },
        version: { type: 'string', maxLength: 63 },
        address: { type: 'string', maxLength: ADDRESS_CHARS, pattern: HOST_PATTERN, description: 'IPv4, IPv6 or a host name.' },
        release: { type: 'string', maxLength: 63, description: 'The release whose services it runs.' },
        observedGeneration: { type: 'integer', minimum: 0, description: 'Generation of the Cluster that it works on.' },
        availableAt: { type: 'string', format: 'date-time', description: 'When its cluster became available, as the node remembers it.' },
        plan: { type: 'string', maxLength: 40, description: 'Term and number of the cluster plan that it has, `2.14`.' },
        content: { type: 'string', maxLength: 64, description: 'Hash of what it runs by that plan: of release and services.' },
        word: {
          type: 'string',
          maxLength: 40,
          description: 'Which life of the agent said this, and how often its word changed in it, `1.7`.',
        },
        balancer: { type: 'string', enum: ['Running', 'Stopped'] },
        tunnel: {
          type: 'string',
          maxLength: 512,
          description: 'URL of the director that this node has its tunnel to; absent: it has none.',
        },
        message: { type: 'string', maxLength: 1024 },
        services: {
          type: 'object',
          maxProperties: 64,
          additionalProperties: {
            type: 'object',
            required: ['phase', 'ready'],
            properties: {
              phase: { type: 'string', enum: ['Starting', 'Running', 'BackOff', 'Stopping', 'Stopped', 'Failed'] },
              ready: { type: 'boolean' },
              address: {
                type: 'string',
                maxLength: ADDRESS_CHARS,
                pattern: HOST_PORT_PATTERN,
                description: 'Where the pod listens, `ip:port`; absent: it does not.',
              },
              restarts: { type: 'integer', minimum: 0 },
              message: { type: 'string', maxLength: 1024 },
            },
          },
        },
      },
    },
  },
} as const satisfies Schema;

export const clusterNodeKind = {
  kind: 'ClusterNode',
  plural: 'clusternodes',
  singular: 'clusternode',
  shortNames: ['ocn'],
  scope: 'Namespaced',
  description: 'A member of a cluster.',
  spec: specSchema,
  status: statusSchema,
  columns: [
    { name: 'Cluster', type: 'string', jsonPath: '.spec.cluster' },
    { name: 'Role', type: 'string', jsonPath: '.status.role' },
    { name: 'Host', type: 'string', jsonPath: '.spec.host' },
    { name: 'Machine', type: 'string', jsonPath: '.status.infrastructure.phase' },
    { name: 'Agent', type: 'string', jsonPath: '.status.agent.phase' },
    { name: 'Address', type: 'string', jsonPath: '.status.infrastructure.address', priority: 1 },
    { name: 'Incarnation', type: 'integer', jsonPath: '.spec.incarnation', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const satisfies KindDefinition;

export type ClusterNode = EntityOf<typeof clusterNodeKind>;
export type ClusterNodeSpec = SpecOf<typeof clusterNodeKind>;
export type ClusterNodeStatus = StatusOf<typeof clusterNodeKind>;
