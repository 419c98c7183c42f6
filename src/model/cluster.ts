/**
 * Cluster: what a tenant orders, and what became of it.
 *
 * Each writer owns its own sections of the status and patches only those: the extension servers creation (attempts, autoRepair, availableAt),
 * the manager (the primary's agent) what runs, each agent its own entry in `nodes`.
 *
 * I1: `availableAt` is set once and never changes or goes.
 * I2: `abandonedAttempt`, `attempt` and `term` never fall; `abandonedAttempt` and `attempt` are frozen once `availableAt` is set.
 * I3: `virtualDataCenter` and `nodes` never change.
 * I4: one term has one primary: `primary`, once set, changes only together with a higher `term`.
 * I5: once `availableAt` is set auto-repair is disarmed, for ever.
 * The store refuses writes that break these (CEL transition rules below), also on a plain Kubernetes API server.
 */

import { attemptSchema } from './attempt.ts';
import { conditionsSchema } from './condition.ts';
import { FRAMEWORK_SERVICES } from './framework.ts';
import { serviceSchema } from './pod.ts';
import { LICENSE_STATES } from './license-statement.ts';
import type { EntityOf, KindDefinition, SpecOf, StatusOf } from './resource.ts';
import type { Schema } from './schema.ts';

export const PHASES = ['Pending', 'Provisioning', 'Available', 'Degraded', 'Error', 'Deleting'] as const;
export type Phase = (typeof PHASES)[number];

/** A name of another object (RFC 1123 subdomain): anything else could never be found, and is refused here rather than waited for. */
const OBJECT_NAME = '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$';

const specSchema = {
  type: 'object',
  required: ['virtualDataCenter', 'release'],
  properties: {
    virtualDataCenter: {
      type: 'string',
      minLength: 1,
      maxLength: 63,
      pattern: OBJECT_NAME,
      description: 'Name of the VirtualDataCenter, in the same namespace, that gives the capacity.',
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'cannot be changed; create another cluster there instead' }],
    },
    release: {
      type: 'string',
      minLength: 1,
      maxLength: 63,
      pattern: OBJECT_NAME,
      description: 'Name of the ClusterRelease to run, for example 1.0.0.',
    },
    nodes: {
      type: 'string',
      enum: ['Provisioned', 'Joined'],
      default: 'Provisioned',
      description: 'Provisioned: hosts make the nodes. Joined: people run `outrigger agent join` on their machines.',
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'cannot be changed; create another cluster instead' }],
    },
    workers: { type: 'integer', minimum: 0, maximum: 8, default: 1, description: 'Number of workers besides the primary.' },
    resources: {
      type: 'object',
      default: {},
      description: 'What each node takes from the quota.',
      properties: {
        cpuMillis: { type: 'integer', minimum: 100, maximum: 1024000, default: 500 },
        memoryMiB: { type: 'integer', minimum: 64, maximum: 16777216, default: 256 },
      },
    },
    services: {
      type: 'array',
      maxItems: 32,
      default: [],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      description: "The customer's own services, besides those of the release; one with the release's name replaces it.",
      items: serviceSchema,
    },
    availability: {
      type: 'object',
      default: {},
      properties: {
        failover: { type: 'string', enum: ['None', 'Witness'], default: 'None' },
        nodeRestart: { type: 'string', enum: ['Off', 'Low', 'Medium', 'High'], default: 'Medium' },
      },
    },
    upgrade: {
      type: 'object',
      default: {},
      description: 'How a change of what runs is carried out: workers first, then the primary, one node after the other.',
      properties: {
        readySeconds: {
          type: 'integer',
          minimum: 10,
          maximum: 3600,
          default: 300,
          description: 'A node that is not ready with what is new after so long makes all of it go back.',
        },
        whenNodeDown: {
          type: 'string',
          enum: ['Wait', 'Proceed'],
          default: 'Wait',
          description: 'Wait: a change waits for a node that is down. Proceed: it goes on without it; the node follows when it is back.',
        },
      },
    },
    nodeHealthCheck: {
      type: 'object',
      description: 'Overrides of the ServerConfig for this cluster.',
      properties: {
        maxUnhealthyPercent: { type: 'integer', minimum: 0, maximum: 100 },
        startupSeconds: { type: 'integer', minimum: 30, maximum: 86400 },
        notReadySeconds: { type: 'integer', minimum: 10, maximum: 86400 },
        unknownSeconds: { type: 'integer', minimum: 10, maximum: 86400 },
      },
    },
    site: {
      type: 'string',
      minLength: 1,
      maxLength: 253,
      pattern: OBJECT_NAME,
      description: 'Site of this namespace that the cluster is paired with. Taken out, the cluster is unplugged.',
    },
    autoRepairOnErrors: {
      type: 'boolean',
      default: true,
      description: 'Whether a creation that failed for good is torn down and tried again. Never acts on a cluster that was ever available.',
    },
  },
  'x-kubernetes-validations': [
    {
      rule: "self.availability.failover != 'Witness' || self.workers <= 1",
      message: 'must be at most 1 while availability.failover is Witness',
      fieldPath: '.workers',
    },
    {
      rule: 'self.services.all(s, !has(s.framework))',
      message: 'must not say framework: only the services of a ClusterRelease may',
      fieldPath: '.services',
    },
    {
      rule: `self.services.all(s, !(s.name in [${FRAMEWORK_SERVICES.map((name) => `'${name}'`).join(', ')}]))`,
      message: `must not have the name of one of Outrigger's own services: ${FRAMEWORK_SERVICES.join(', ')}`,
      fieldPath: '.services',
    },
    {
      rule: '!has(oldSelf.site) || !has(self.site) || self.site == oldSelf.site',
      message: 'cannot be changed to another site in one step; unplug the cluster first: take spec.site out',
      fieldPath: '.site',
    },
  ],
} as const satisfies Schema;

const messageSchema = {
  type: 'object',
  required: ['time', 'reason', 'message'],
  properties: {
    time: { type: 'string', format: 'date-time' },
    reason: { type: 'string', maxLength: 64 },
    message: { type: 'string', maxLength: 1024 },
  },
} as const satisfies Schema;

const statusSchema = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', minimum: 0 },
    phase: { type: 'string', enum: PHASES },
    conditions: conditionsSchema,
    availableAt: { type: 'string', format: 'date-time', description: 'When the cluster was first available. Set once, never cleared.' },
    autoRepair: { type: 'string', enum: ['Armed', 'Disarmed'] },
    attempt: { type: 'integer', minimum: 0, description: 'The attempt at work; 0 before the first.' },
    abandonedAttempt: { type: 'integer', minimum: 0, description: 'Everything of this attempt and of earlier ones may be destroyed.' },
    attempts: {
      type: 'array',
      maxItems: 20,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['number'],
      items: attemptSchema,
    },
    retryAt: { type: 'string', format: 'date-time', description: 'When the next attempt starts, after back-off.' },
    primary: { type: 'string', maxLength: 253, description: 'Name of the ClusterNode that is primary.' },
    term: { type: 'integer', minimum: 0, description: "The primary's epoch." },
    workers: { type: 'integer', minimum: 0, description: 'Workers that are ready.' },
    nodes: {
      type: 'object',
      maxProperties: 64,
      additionalProperties: {
        type: 'object',
        properties: {
          role: { type: 'string', enum: ['Primary', 'Worker'] },
          incarnation: { type: 'integer', minimum: 1 },
          ready: { type: 'boolean' },
          unattended: { type: 'boolean', description: 'True: it is ready, but its host does not see to its agent.' },
          address: { type: 'string', maxLength: 253 },
          message: { type: 'string', maxLength: 1024 },
        },
      },
    },
    services: {
      type: 'object',
      maxProperties: 64,
      additionalProperties: {
        type: 'object',
        properties: {
          mode: { type: 'string', enum: ['Replicated', 'Singleton'] },
          desired: { type: 'integer', minimum: 0 },
          ready: { type: 'integer', minimum: 0 },
          failing: { type: 'integer', minimum: 0, description: 'Instances that keep dying or were given up.' },
          where: { type: 'array', maxItems: 64, items: { type: 'string', maxLength: 253 } },
        },
      },
    },
    release: {
      type: 'object',
      properties: {
        current: { type: 'string', maxLength: 63 },
        target: { type: 'string', maxLength: 63 },
        progress: { type: 'string', maxLength: 253 },
        rolledBack: {
          type: 'object',
          required: ['release', 'generation', 'time', 'message'],
          description: 'The newest change that did not come up and was taken back; it is not tried again while the spec asks for the same.',
          properties: {
            release: { type: 'string', maxLength: 63 },
            generation: { type: 'integer', minimum: 0 },
            time: { type: 'string', format: 'date-time' },
            message: { type: 'string', maxLength: 1024 },
          },
        },
      },
    },
    license: {
      type: 'object',
      required: ['state', 'severity', 'message'],
      description: 'The universal license as the primary sees it; the data of the banners of console and portal.',
      properties: {
        state: { type: 'string', enum: LICENSE_STATES },
        severity: { type: 'string', enum: ['Success', 'Info', 'Warning', 'Danger'] },
        message: { type: 'string', maxLength: 1024, description: 'A sentence for people.' },
        refusesNewSessions: { type: 'boolean' },
        since: { type: 'string', format: 'date-time', description: 'License time at which this state began.' },
        until: { type: 'string', format: 'date-time', description: 'License time at which it ends by itself.' },
        daysLeft: { type: 'integer', minimum: 0, description: 'Until new sessions are refused, when nothing changes.' },
        name: { type: 'string', maxLength: 253, description: 'Of the UniversalLicense.' },
        edition: { type: 'string', maxLength: 63 },
        model: { type: 'string', enum: ['Named', 'Concurrent'] },
        seats: { type: 'integer', minimum: 0 },
        serial: { type: 'integer', minimum: 0 },
        contractEnd: { type: 'string', format: 'date-time' },
        lastSync: { type: 'string', format: 'date-time', description: 'License time of the newest statement.' },
        nextSync: { type: 'string', format: 'date-time' },
        lastError: { type: 'string', maxLength: 1024, description: 'Why the newest attempt failed; absent after a success.' },
        answeredRequest: {
          type: 'string',
          maxLength: 64,
          description: 'The newest value of the annotation license-sync that was acted on.',
        },
        concurrent: { type: 'integer', minimum: 0 },
        named: { type: 'integer', minimum: 0 },
        peakConcurrent: { type: 'integer', minimum: 0 },
        peakNamed: { type: 'integer', minimum: 0 },
      },
    },
    eventSet: { type: 'array', maxItems: 20, description: 'The newest events.', items: messageSchema },
    errorSet: {
      type: 'array',
      maxItems: 20,
      description: 'What is wrong now; an error leaves when its cause is gone.',
      items: messageSchema,
    },
  },
  'x-kubernetes-validations': [
    {
      rule: '!has(oldSelf.availableAt) || (has(self.availableAt) && self.availableAt == oldSelf.availableAt)',
      message: 'availableAt cannot be changed or cleared once it is set',
      fieldPath: '.availableAt',
    },
    {
      rule: '!has(oldSelf.abandonedAttempt) || (has(self.abandonedAttempt) && self.abandonedAttempt >= oldSelf.abandonedAttempt)',
      message: 'abandonedAttempt must not fall',
      fieldPath: '.abandonedAttempt',
    },
    {
      rule: '!has(oldSelf.availableAt) || !has(self.abandonedAttempt) || (has(oldSelf.abandonedAttempt) && self.abandonedAttempt == oldSelf.abandonedAttempt)',
      message: 'abandonedAttempt is frozen: this cluster was available, and nothing of it may be destroyed',
      fieldPath: '.abandonedAttempt',
    },
    {
      rule: '!has(self.abandonedAttempt) || (has(self.attempt) && self.abandonedAttempt <= self.attempt)',
      message: 'an attempt that has not begun cannot be abandoned: each one would be given up as soon as it begins',
      fieldPath: '.abandonedAttempt',
    },
    {
      rule: '!has(self.availableAt) || !has(self.abandonedAttempt) || !has(self.attempt) || self.abandonedAttempt < self.attempt',
      message: 'an attempt that became available cannot be abandoned',
      fieldPath: '.abandonedAttempt',
    },
    {
      rule: '!has(oldSelf.attempt) || (has(self.attempt) && self.attempt >= oldSelf.attempt)',
      message: 'attempt must not fall: nobody would look after the nodes of a later one',
      fieldPath: '.attempt',
    },
    {
      rule: '!has(oldSelf.availableAt) || !has(self.attempt) || (has(oldSelf.attempt) && self.attempt == oldSelf.attempt)',
      message: 'attempt is frozen: this cluster was available, and another attempt would be a second cluster beside it',
      fieldPath: '.attempt',
    },
    {
      rule: "!has(self.availableAt) || !has(self.autoRepair) || self.autoRepair == 'Disarmed'",
      message: 'autoRepair must be Disarmed: this cluster was available, and no failure may tear it down any more',
      fieldPath: '.autoRepair',
    },
    {
      rule: '!has(oldSelf.term) || (has(self.term) && self.term >= oldSelf.term)',
      message: 'term must not fall',
      fieldPath: '.term',
    },
    {
      rule: '!has(oldSelf.primary) || (has(self.primary) && self.primary == oldSelf.primary) || (has(self.term) && (!has(oldSelf.term) || self.term > oldSelf.term))',
      message: 'one term has one primary: it changes only together with a higher term',
      fieldPath: '.primary',
    },
  ],
} as const satisfies Schema;

export const clusterKind = {
  kind: 'Cluster',
  plural: 'clusters',
  singular: 'cluster',
  shortNames: ['ocl'],
  scope: 'Namespaced',
  description: 'A primary and its workers, running the services of a release.',
  spec: specSchema,
  status: statusSchema,
  rules: [
    {
      rule: 'size(self.metadata.name) <= 52',
      message: 'must be at most 52 characters: the names and labels of its nodes are made from it',
      fieldPath: '.metadata.name',
    },
    {
      rule: '!has(oldSelf.status) || !has(oldSelf.status.availableAt) || (has(self.status) && has(self.status.availableAt))',
      message: 'status.availableAt cannot be cleared once it is set',
      fieldPath: '.status.availableAt',
    },
    {
      rule: '!has(oldSelf.status) || !has(oldSelf.status.abandonedAttempt) || (has(self.status) && has(self.status.abandonedAttempt))',
      message: 'status.abandonedAttempt must not fall',
      fieldPath: '.status.abandonedAttempt',
    },
    {
      rule: '!has(oldSelf.status) || !has(oldSelf.status.attempt) || (has(self.status) && has(self.status.attempt))',
      message: 'status.attempt must not fall',
      fieldPath: '.status.attempt',
    },
    {
      rule: '!has(oldSelf.status) || !has(oldSelf.status.term) || (has(self.status) && has(self.status.term))',
      message: 'status.term must not fall',
      fieldPath: '.status.term',
    },
  ],
  columns: [
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Release', type: 'string', jsonPath: '.status.release.current' },
    { name: 'Primary', type: 'string', jsonPath: '.status.primary' },
    { name: 'Workers', type: 'integer', jsonPath: '.status.workers' },
    { name: 'Site', type: 'string', jsonPath: '.spec.site', priority: 1 },
    { name: 'License', type: 'string', jsonPath: '.status.license.state' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  scale: { specReplicasPath: '.spec.workers', statusReplicasPath: '.status.workers' },
} as const satisfies KindDefinition;

export type Cluster = EntityOf<typeof clusterKind>;
export type ClusterSpec = SpecOf<typeof clusterKind>;
export type ClusterStatus = StatusOf<typeof clusterKind>;
