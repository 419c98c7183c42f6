/**
 * ServerConfig: what the extension servers obey. One active; a change applies without restart.
 *
 * I1: without any ServerConfig the defaults of this schema hold, so that a missing object never stops a server.
 * I2: values whose relation is broken are refused at the door, also by a plain Kubernetes API (CEL rules below), with the field and the reason.
 * I3: every field says what it does; docs/reference/server-config.md is made from this schema.
 */

import type { EntityOf, KindDefinition, SpecOf } from './resource.ts';
import type { Schema } from './schema.ts';

const specSchema = {
  type: 'object',
  properties: {
    active: { type: 'boolean', default: true, description: 'Of several active ones the one whose name sorts first holds.' },
    stepDeadlineSeconds: {
      type: 'integer',
      minimum: 5,
      maximum: 86400,
      default: 600,
      description: 'How long one step of creation may take.',
    },
    maxAttempts: { type: 'integer', minimum: 1, maximum: 20, default: 5, description: 'Creations tried before a cluster stays in Error.' },
    retryBaseSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: 3600,
      default: 5,
      description: 'Back-off before the second attempt; doubles.',
    },
    retryCapSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: 86400,
      default: 300,
      description: 'The back-off between attempts never grows beyond this. Not less than retryBaseSeconds.',
    },
    nodeReplacements: {
      type: 'integer',
      minimum: 0,
      maximum: 10,
      default: 2,
      description: 'Single nodes whose machine is at fault that one attempt replaces before it is given up and begun anew.',
    },
    drainSeconds: {
      type: 'integer',
      minimum: 0,
      maximum: 3600,
      default: 30,
      description: 'How long a node that is taken away may finish what it does before it is deleted all the same.',
    },
    orphanSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: 3600,
      default: 10,
      description: 'What seems to belong to no cluster is looked at live, and swept, after so long: copies of two kinds lag differently.',
    },
    eligibleEnvironments: {
      type: 'array',
      maxItems: 32,
      default: ['OnPremises', 'VMwareCloudOnAWSAllInSDDC'],
      description: 'Environments of a Site in which a cluster may have workers.',
      items: { type: 'string', maxLength: 63 },
    },
    nodeHealthCheck: {
      type: 'object',
      default: {},
      description: 'When a node counts as unhealthy; what a Cluster says in its own spec.nodeHealthCheck goes before it.',
      properties: {
        maxUnhealthyPercent: {
          type: 'integer',
          minimum: 0,
          maximum: 100,
          default: 100,
          description: 'With more than this share of its nodes unhealthy, none of a cluster is replaced.',
        },
        startupSeconds: {
          type: 'integer',
          minimum: 30,
          maximum: 86400,
          default: 900,
          description: 'How long a new node may take until it is ready for the first time.',
        },
        notReadySeconds: {
          type: 'integer',
          minimum: 10,
          maximum: 86400,
          default: 300,
          description: 'How long a node may say of itself that it is not ready.',
        },
        unknownSeconds: {
          type: 'integer',
          minimum: 10,
          maximum: 86400,
          default: 300,
          description: 'How long a node may be silent while others of its site are heard.',
        },
      },
    },
    massSilencePercent: {
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 20,
      description:
        'When more than this share of the sites falls silent within massSilenceSeconds, nothing is repaired anywhere. 100: never.',
    },
    massSilenceSeconds: {
      type: 'integer',
      minimum: 10,
      maximum: 86400,
      default: 300,
      description: 'Sites that fall silent within this time fell silent together.',
    },
    sharing: {
      type: 'string',
      enum: ['Rendezvous', 'Off'],
      default: 'Rendezvous',
      description:
        'How extension servers share the clusters. Rendezvous: each has one server, chosen among those that live. Off: every server works on all of them; the outcome is the same, only dearer.',
    },
    leaseRenewMilliseconds: {
      type: 'integer',
      minimum: 100,
      maximum: 60_000,
      default: 1000,
      description: 'How often an extension server shows by its Lease that it lives.',
    },
    leaseSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: 300,
      default: 3,
      description:
        'A server whose Lease was seen unchanged for this long is dead to the others, and its work theirs. At least three renewals.',
    },
    leaseSweepSeconds: {
      type: 'integer',
      minimum: 10,
      maximum: 86400,
      default: 600,
      description: "A dead server's Lease that was seen unchanged for this long is taken away. Longer than leaseSeconds.",
    },
    overdueSeconds: {
      type: 'integer',
      minimum: 2,
      maximum: 3600,
      default: 15,
      description: 'Work that has been due and not done for this long is done by any server. Longer than leaseSeconds.',
    },
    concurrency: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: 32,
      description: 'Clusters that one extension server works on at a time.',
    },
    lookRetryMilliseconds: {
      type: 'integer',
      minimum: 10,
      maximum: 60_000,
      default: 100,
      description: 'A look at a cluster that failed (refused, or no answer) is repeated after this; doubles.',
    },
    lookRetryCapSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: 3600,
      default: 15,
      description: 'That wait never grows beyond this, nor beyond overdueSeconds. Not less than lookRetryMilliseconds.',
    },
    resyncSeconds: {
      type: 'integer',
      minimum: 5,
      maximum: 3600,
      default: 60,
      description: 'Every cluster is looked at anew at least this often, whatever the watches say.',
    },
  },
  'x-kubernetes-validations': [
    {
      rule: 'self.lookRetryCapSeconds * 1000 >= self.lookRetryMilliseconds',
      message:
        'must not be less than lookRetryMilliseconds: the first wait would be longer than the longest one; raise lookRetryCapSeconds',
      fieldPath: '.lookRetryCapSeconds',
    },
    {
      rule: 'self.leaseSweepSeconds > self.leaseSeconds',
      message: 'must be longer than leaseSeconds: the Lease of a living server would be taken away; raise leaseSweepSeconds',
      fieldPath: '.leaseSweepSeconds',
    },
    {
      rule: 'self.leaseSeconds * 1000 >= self.leaseRenewMilliseconds * 3',
      message:
        'must be at least three times leaseRenewMilliseconds: with less, one lost answer would make a living server look dead; raise leaseSeconds or lower leaseRenewMilliseconds',
      fieldPath: '.leaseSeconds',
    },
    {
      rule: 'self.overdueSeconds > self.leaseSeconds',
      message: 'must be longer than leaseSeconds: work would be overdue before a dead server is known to be dead; raise overdueSeconds',
      fieldPath: '.overdueSeconds',
    },
    {
      rule: 'self.retryCapSeconds >= self.retryBaseSeconds',
      message: 'must not be less than retryBaseSeconds: the first back-off would be longer than the longest one; raise retryCapSeconds',
      fieldPath: '.retryCapSeconds',
    },
    {
      rule: 'self.resyncSeconds > self.leaseSeconds',
      message:
        'must be longer than leaseSeconds: every cluster would be looked at again before it is known who else looks; raise resyncSeconds',
      fieldPath: '.resyncSeconds',
    },
  ],
} as const satisfies Schema;

const statusSchema = { type: 'object', properties: {} } as const satisfies Schema;

export const serverConfigKind = {
  kind: 'ServerConfig',
  plural: 'serverconfigs',
  singular: 'serverconfig',
  shortNames: [],
  scope: 'Cluster',
  description: 'What the extension servers obey.',
  spec: specSchema,
  status: statusSchema,
  columns: [
    { name: 'Active', type: 'boolean', jsonPath: '.spec.active' },
    { name: 'Attempts', type: 'integer', jsonPath: '.spec.maxAttempts' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const satisfies KindDefinition;

export type ServerConfig = EntityOf<typeof serverConfigKind>;
export type ServerConfigSpec = SpecOf<typeof serverConfigKind>;

/** What holds when there is no ServerConfig: the defaults of the schema, written out. A unit test compares both. */
export const DEFAULT_SERVER_CONFIG: ServerConfigSpec = {
  active: true,
  stepDeadlineSeconds: 600,
  maxAttempts: 5,
  retryBaseSeconds: 5,
  retryCapSeconds: 300,
  nodeReplacements: 2,
  drainSeconds: 30,
  orphanSeconds: 10,
  eligibleEnvironments: ['OnPremises', 'VMwareCloudOnAWSAllInSDDC'],
  nodeHealthCheck: { maxUnhealthyPercent: 100, startupSeconds: 900, notReadySeconds: 300, unknownSeconds: 300 },
  massSilencePercent: 20,
  massSilenceSeconds: 300,
  sharing: 'Rendezvous',
  leaseRenewMilliseconds: 1000,
  leaseSeconds: 3,
  leaseSweepSeconds: 600,
  overdueSeconds: 15,
  concurrency: 32,
  lookRetryMilliseconds: 100,
  lookRetryCapSeconds: 15,
  resyncSeconds: 60,
};
