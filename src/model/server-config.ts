/**
 * ServerConfig: what the extension servers obey. One active; a change applies without restart.
 *
 * I1: without any ServerConfig the defaults of this schema hold, so that a missing object never stops a server.
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
    retryCapSeconds: { type: 'integer', minimum: 1, maximum: 86400, default: 300 },
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
      properties: {
        maxUnhealthyPercent: { type: 'integer', minimum: 0, maximum: 100, default: 100 },
        startupSeconds: { type: 'integer', minimum: 30, maximum: 86400, default: 900 },
        notReadySeconds: { type: 'integer', minimum: 30, maximum: 86400, default: 300 },
        unknownSeconds: { type: 'integer', minimum: 30, maximum: 86400, default: 300 },
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
    massSilenceSeconds: { type: 'integer', minimum: 10, maximum: 86400, default: 300 },
  },
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
  eligibleEnvironments: ['OnPremises', 'VMwareCloudOnAWSAllInSDDC'],
  nodeHealthCheck: { maxUnhealthyPercent: 100, startupSeconds: 900, notReadySeconds: 300, unknownSeconds: 300 },
  massSilencePercent: 20,
  massSilenceSeconds: 300,
};
