/**
 * Site: a customer's location that a cluster is paired with. An environment, and the connection servers that run there.
 *
 * The checks of pairing are made where the connection servers can be reached: by the agent of the cluster's primary, which writes `status`.
 *
 * I1: at most one cluster is plugged in: `status.cluster` changes to another one only by way of none.
 * I2: a connection server without a pin is spoken to only to show its thumbprint; nothing is sent to it before a person has accepted that.
 */

import { conditionsSchema } from './condition.ts';
import type { EntityOf, KindDefinition, SpecOf, StatusOf } from './resource.ts';
import type { InferSchema, Schema } from './schema.ts';

/** SHA-256 of a certificate in DER. */
export const THUMBPRINT_PATTERN = '^sha256:[0-9a-f]{64}$';

/** In which order a connection server is looked at; each is a line that a person reads. */
export const PAIRING_CHECKS = ['Name', 'Port', 'Thumbprint', 'Credentials', 'Version', 'PreChecks'] as const;
export type PairingCheckName = (typeof PAIRING_CHECKS)[number];

const connectionServerSchema = {
  type: 'object',
  required: ['name', 'url'],
  properties: {
    name: { type: 'string', maxLength: 40, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
    url: {
      type: 'string',
      maxLength: 512,
      pattern: '^https://[^/?#@\\s]+$',
      description: 'Where it answers, https://name:port, as the nodes of the cluster reach it.',
    },
    pin: {
      type: 'string',
      pattern: THUMBPRINT_PATTERN,
      maxLength: 71,
      description:
        'SHA-256 thumbprint of the certificate that it must show, sha256:<64 hex digits>. Absent: pairing shows the one it has and waits until a person accepts it (outrigger site pair).',
    },
  },
} as const satisfies Schema;

const specSchema = {
  type: 'object',
  required: ['environment', 'connectionServers'],
  properties: {
    environment: {
      type: 'string',
      minLength: 1,
      maxLength: 63,
      pattern: '^[A-Za-z][A-Za-z0-9]*$',
      description:
        'What the machines run on, for example OnPremises or VMwareCloudOnAWSAllInSDDC. Only some may hold workers: ServerConfig.spec.eligibleEnvironments.',
    },
    connectionServers: {
      type: 'array',
      minItems: 1,
      maxItems: 16,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: connectionServerSchema,
    },
    credentials: {
      type: 'object',
      required: ['secret'],
      description: 'What the cluster logs in to the connection servers with.',
      properties: {
        secret: {
          type: 'string',
          minLength: 1,
          maxLength: 253,
          description: 'Secret of this namespace with the keys username and password.',
        },
      },
    },
    license: {
      type: 'string',
      minLength: 1,
      maxLength: 253,
      description: 'UniversalLicense of this namespace that this site is entitled by.',
    },
  },
} as const satisfies Schema;

const checkSchema = {
  type: 'object',
  required: ['server', 'check', 'result', 'message'],
  properties: {
    server: { type: 'string', maxLength: 40 },
    check: { type: 'string', enum: PAIRING_CHECKS },
    result: { type: 'string', enum: ['Passed', 'Failed', 'Waiting', 'Skipped'] },
    message: { type: 'string', maxLength: 1024 },
  },
} as const satisfies Schema;

const statusSchema = {
  type: 'object',
  properties: {
    conditions: conditionsSchema,
    cluster: {
      type: 'object',
      required: ['name', 'uid'],
      description: 'The cluster that is plugged in.',
      properties: { name: { type: 'string', maxLength: 253 }, uid: { type: 'string', maxLength: 63 } },
    },
    pairing: {
      type: 'object',
      required: ['state', 'clusterUid', 'generation'],
      properties: {
        state: {
          type: 'string',
          enum: ['Checking', 'Waiting', 'Failed', 'Paired'],
          description: 'Waiting: for a person to accept a thumbprint.',
        },
        clusterUid: { type: 'string', maxLength: 63, description: 'For which cluster the checks were made.' },
        generation: { type: 'integer', minimum: 0, description: 'Generation of this Site that they were made for.' },
        checkedAt: { type: 'string', format: 'date-time' },
        pairedAt: { type: 'string', format: 'date-time' },
        answeredRequest: {
          type: 'string',
          maxLength: 64,
          description: 'The newest value of the annotation pair that was acted on.',
        },
        message: { type: 'string', maxLength: 1024 },
        checks: { type: 'array', maxItems: 128, items: checkSchema },
        thumbprints: {
          type: 'object',
          maxProperties: 16,
          description: 'What each connection server showed, for a person to compare and accept.',
          additionalProperties: { type: 'string', maxLength: 71 },
        },
      },
    },
    leftBehind: {
      type: 'array',
      maxItems: 32,
      description: 'What a forced removal could not take back, and what to do about it.',
      items: { type: 'string', maxLength: 512 },
    },
  },
  'x-kubernetes-validations': [
    {
      rule: '!has(oldSelf.cluster) || !has(self.cluster) || self.cluster.uid == oldSelf.cluster.uid',
      message: 'another cluster is plugged into this site; unplug that one first (outrigger site unpair)',
      fieldPath: '.cluster',
    },
  ],
} as const satisfies Schema;

export const siteKind = {
  kind: 'Site',
  plural: 'sites',
  singular: 'site',
  shortNames: [],
  scope: 'Namespaced',
  description: "A customer's location that a cluster is paired with.",
  spec: specSchema,
  status: statusSchema,
  columns: [
    { name: 'Environment', type: 'string', jsonPath: '.spec.environment' },
    { name: 'Cluster', type: 'string', jsonPath: '.status.cluster.name' },
    { name: 'Pairing', type: 'string', jsonPath: '.status.pairing.state' },
    { name: 'License', type: 'string', jsonPath: '.spec.license' },
    { name: 'Message', type: 'string', jsonPath: '.status.pairing.message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  // By which a cluster finds the site that it is plugged into, also when its spec does not name it any more.
  selectableFields: ['.status.cluster.uid'],
} as const satisfies KindDefinition;

export type Site = EntityOf<typeof siteKind>;
export type SiteSpec = SpecOf<typeof siteKind>;
export type SiteStatus = StatusOf<typeof siteKind>;
export type ConnectionServer = InferSchema<typeof connectionServerSchema>;
export type PairingCheck = InferSchema<typeof checkSchema>;
