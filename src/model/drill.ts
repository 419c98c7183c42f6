/**
 * Drill: a rehearsal of a failure. What is killed for real, what should happen, and what was measured.
 *
 * A person writes `spec`; whoever carries it out writes `status`: an agent of the cluster that survives the failure (Instance, Agent, Balancer,
 * Node), or the `outrigger up` that runs the parts (ExtensionServer, Director, Database).
 *
 * I1: the spec never changes: what was killed is what was asked for.
 * I2: a drill that has ended stays ended, and is never carried out a second time.
 */

import type { EntityOf, KindDefinition, SpecOf, StatusOf } from './resource.ts';
import type { InferSchema, Schema } from './schema.ts';

/** At a site: carried out by an agent of the cluster. */
export const SITE_TARGETS = ['Instance', 'Agent', 'Balancer', 'Node'] as const;
/** Of the control plane: carried out by `outrigger up`. */
export const CONTROL_TARGETS = ['ExtensionServer', 'Director', 'Database'] as const;
const TARGETS = [...SITE_TARGETS, ...CONTROL_TARGETS] as const;

const PHASES = ['Pending', 'Refused', 'Running', 'Passed', 'Broken', 'Failed'] as const;

/** Refused: nothing was killed. Failed: it could not be measured. */
export const ENDED_PHASES = ['Refused', 'Passed', 'Broken', 'Failed'] as const satisfies readonly (typeof PHASES)[number][];

const siteTargets = SITE_TARGETS.map((target) => `'${target}'`).join(', ');

const specSchema = {
  type: 'object',
  required: ['target'],
  properties: {
    target: { type: 'string', enum: TARGETS, description: 'What is killed.' },
    cluster: {
      type: 'string',
      minLength: 1,
      maxLength: 52,
      description:
        'Cluster of this namespace. Needed for Instance, Agent, Balancer and Node; for the others: the cluster whose services are asked meanwhile.',
    },
    service: {
      type: 'string',
      maxLength: 40,
      pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
      description:
        'The balanced service that is asked meanwhile, and of which an Instance dies. Absent: the first HTTP service that is balanced.',
    },
    node: {
      type: 'string',
      minLength: 1,
      maxLength: 253,
      description: 'The ClusterNode on which something is killed. Absent: a worker, where there is one.',
    },
    seconds: { type: 'integer', minimum: 5, maximum: 300, default: 20, description: 'How long the service is asked, at least.' },
    connectionsPerSecond: { type: 'integer', minimum: 1, maximum: 500, default: 200, description: 'New connections that ask once.' },
    keepAliveClients: { type: 'integer', minimum: 0, maximum: 64, default: 8, description: 'Clients that keep their connection.' },
    acceptOutage: {
      type: 'boolean',
      default: false,
      description: 'True: also when something would stop being served meanwhile; nothing is then promised of the requests.',
    },
  },
  'x-kubernetes-validations': [
    { rule: 'self == oldSelf', message: 'cannot be changed; make another drill instead' },
    {
      rule: `!(self.target in [${siteTargets}]) || has(self.cluster)`,
      message: 'must be given for a drill at a site',
      fieldPath: '.cluster',
    },
  ],
} as const satisfies Schema;

const killedSchema = {
  type: 'object',
  required: ['what', 'pids'],
  properties: {
    what: { type: 'string', maxLength: 253 },
    pids: { type: 'array', maxItems: 128, items: { type: 'integer' } },
  },
} as const satisfies Schema;

const verdictSchema = {
  type: 'object',
  required: ['what', 'measured', 'kept'],
  properties: {
    what: { type: 'string', maxLength: 128 },
    promised: { type: 'string', maxLength: 128, description: 'Absent: nothing is promised of it.' },
    measured: { type: 'string', maxLength: 256 },
    kept: { type: 'boolean' },
  },
} as const satisfies Schema;

const promiseSchema = {
  type: 'object',
  description: 'What must hold; what is absent is measured, and not promised.',
  properties: {
    detectedMs: { type: 'integer', minimum: 0 },
    recoveredMs: { type: 'integer', minimum: 0 },
    failedRequests: { type: 'integer', minimum: 0 },
    lostWrites: { type: 'integer', minimum: 0 },
  },
} as const satisfies Schema;

const statusSchema = {
  type: 'object',
  properties: {
    phase: {
      type: 'string',
      enum: PHASES,
      description: 'Refused: nothing was killed. Passed, Broken: the promise was kept, or not. Failed: it could not be measured.',
    },
    executor: {
      type: 'string',
      maxLength: 253,
      description: 'The ClusterNode whose agent carries it out, or the part of the control plane.',
    },
    message: { type: 'string', maxLength: 1024, description: 'How it stands, a sentence.' },
    expected: { type: 'string', maxLength: 1024, description: 'What should happen, said before anything is killed.' },
    startedAt: { type: 'string', format: 'date-time' },
    endedAt: { type: 'string', format: 'date-time' },
    killed: { type: 'array', maxItems: 64, items: killedSchema },
    detectedMs: { type: 'integer', minimum: 0, description: 'From the kill until the others knew.' },
    recoveredMs: { type: 'integer', minimum: 0, description: 'From the kill until it was as before.' },
    errorWindowMs: { type: 'integer', minimum: 0, description: 'From the first failed request to the end of the last.' },
    requests: {
      type: 'object',
      required: ['total', 'failed'],
      properties: { total: { type: 'integer', minimum: 0 }, failed: { type: 'integer', minimum: 0 } },
    },
    promise: promiseSchema,
    verdict: { type: 'array', maxItems: 16, items: verdictSchema },
  },
  'x-kubernetes-validations': [
    {
      rule: `!has(oldSelf.phase) || !(oldSelf.phase in [${ENDED_PHASES.map((phase) => `'${phase}'`).join(', ')}]) || (has(self.phase) && self.phase == oldSelf.phase)`,
      message: 'this drill has ended; make another one',
      fieldPath: '.phase',
    },
  ],
} as const satisfies Schema;

export const drillKind = {
  kind: 'Drill',
  plural: 'drills',
  singular: 'drill',
  shortNames: ['odr'],
  scope: 'Namespaced',
  description: 'A rehearsal of a failure: what is killed, what should happen, what was measured.',
  spec: specSchema,
  status: statusSchema,
  columns: [
    { name: 'Target', type: 'string', jsonPath: '.spec.target' },
    { name: 'Cluster', type: 'string', jsonPath: '.spec.cluster' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Detected-ms', type: 'integer', jsonPath: '.status.detectedMs' },
    { name: 'Recovered-ms', type: 'integer', jsonPath: '.status.recoveredMs' },
    { name: 'Requests', type: 'integer', jsonPath: '.status.requests.total' },
    { name: 'Failed', type: 'integer', jsonPath: '.status.requests.failed' },
    { name: 'Executor', type: 'string', jsonPath: '.status.executor', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  // By which agents follow those of their cluster.
  selectableFields: ['.spec.cluster', '.spec.target'],
} as const satisfies KindDefinition;

export type Drill = EntityOf<typeof drillKind>;
export type DrillSpec = SpecOf<typeof drillKind>;
export type DrillStatus = StatusOf<typeof drillKind>;
export type DrillTarget = DrillSpec['target'];
export type DrillPhase = NonNullable<DrillStatus['phase']>;
export type DrillKilled = InferSchema<typeof killedSchema>;
export type DrillPromise = InferSchema<typeof promiseSchema>;
export type DrillVerdict = InferSchema<typeof verdictSchema>;
