/**
 * The subset of Kubernetes' PodSpec that Outrigger honors, and the service that wraps it.
 *
 * What is not listed here is refused at the door by the schema, never silently ignored.
 */

import { FRAMEWORK_SERVICES } from './framework.ts';
import type { InferSchema, Schema } from './schema.ts';

const probeSchema = {
  type: 'object',
  description: 'Exactly one of httpGet, tcpSocket and exec.',
  properties: {
    httpGet: {
      type: 'object',
      required: ['port'],
      properties: {
        path: { type: 'string', default: '/', maxLength: 1024, pattern: '^/' },
        port: { type: 'integer', minimum: 1, maximum: 65535 },
      },
    },
    tcpSocket: { type: 'object', required: ['port'], properties: { port: { type: 'integer', minimum: 1, maximum: 65535 } } },
    exec: {
      type: 'object',
      required: ['command'],
      properties: { command: { type: 'array', minItems: 1, maxItems: 64, items: { type: 'string', maxLength: 4096 } } },
    },
    initialDelaySeconds: { type: 'integer', minimum: 0, maximum: 3600, default: 0 },
    periodSeconds: { type: 'integer', minimum: 1, maximum: 3600, default: 1 },
    timeoutSeconds: { type: 'integer', minimum: 1, maximum: 60, default: 1 },
    successThreshold: { type: 'integer', minimum: 1, maximum: 100, default: 1 },
    failureThreshold: { type: 'integer', minimum: 1, maximum: 100, default: 3 },
  },
  'x-kubernetes-validations': [
    {
      rule: '(has(self.httpGet) ? 1 : 0) + (has(self.tcpSocket) ? 1 : 0) + (has(self.exec) ? 1 : 0) == 1',
      message: 'exactly one of httpGet, tcpSocket and exec must be given',
    },
  ],
} as const satisfies Schema;

const containerSchema = {
  type: 'object',
  required: ['name', 'command'],
  properties: {
    name: { type: 'string', maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
    command: {
      type: 'array',
      minItems: 1,
      maxItems: 64,
      description: 'The program and its first arguments. `$(NAME)` stands for an environment variable of the pod.',
      items: { type: 'string', maxLength: 4096 },
    },
    args: { type: 'array', maxItems: 128, default: [], items: { type: 'string', maxLength: 4096 } },
    env: {
      type: 'array',
      maxItems: 128,
      default: [],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', maxLength: 253, pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
          value: { type: 'string', maxLength: 32768, default: '' },
        },
      },
    },
    ports: {
      type: 'array',
      maxItems: 16,
      default: [],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['containerPort'],
      items: {
        type: 'object',
        required: ['containerPort'],
        properties: { name: { type: 'string', maxLength: 15 }, containerPort: { type: 'integer', minimum: 1, maximum: 65535 } },
      },
    },
    readinessProbe: probeSchema,
    livenessProbe: probeSchema,
  },
} as const satisfies Schema;

const podSpecSchema = {
  type: 'object',
  required: ['containers'],
  properties: {
    containers: {
      type: 'array',
      minItems: 1,
      maxItems: 8,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: containerSchema,
    },
    restartPolicy: { type: 'string', enum: ['Always', 'OnFailure', 'Never'], default: 'Always' },
    terminationGracePeriodSeconds: { type: 'integer', minimum: 0, maximum: 3600, default: 10 },
  },
} as const satisfies Schema;

/** CEL: that probe of container `c` does not ask by HTTP where the service `self` listens. */
function notAtItsPort(probe: string): string {
  const port = '(has(self.targetPort) ? self.targetPort : has(self.port) ? self.port : 0)';
  return `(!has(c.${probe}) || !has(c.${probe}.httpGet) || c.${probe}.httpGet.port != ${port})`;
}

/** One service of a cluster, as a release or `Cluster.spec.services` has it. */
export const serviceSchema = {
  type: 'object',
  required: ['name', 'mode', 'pod'],
  properties: {
    name: { type: 'string', maxLength: 40, pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$' },
    mode: {
      type: 'string',
      enum: ['Replicated', 'Singleton'],
      description: 'Replicated: an instance on every node, balanced. Singleton: one instance, on the primary.',
    },
    protocol: {
      type: 'string',
      enum: ['TCP', 'HTTP'],
      default: 'TCP',
      description: 'HTTP: the balancer also retries idempotent requests.',
    },
    port: { type: 'integer', minimum: 1, maximum: 65535, description: 'Where every node listens for this service. Absent: not balanced.' },
    proxyProtocol: {
      type: 'boolean',
      description:
        'True: the balancer begins each connection to an instance with a line that names the client (PROXY protocol, version 1). Probes come without it.',
    },
    maxConnections: {
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      description:
        'Connections that the balancer of one node holds for this service; beyond it clients are turned away at once. Absent: 10000.',
    },
    framework: {
      type: 'string',
      enum: FRAMEWORK_SERVICES,
      description: "One of Outrigger's own services: it gets the node's folder and identity. Only a ClusterRelease may say so.",
    },
    targetPort: { type: 'integer', minimum: 1, maximum: 65535, description: 'Where a pod listens, as $PORT. Absent: the same as port.' },
    pod: podSpecSchema,
  },
  'x-kubernetes-validations': [
    {
      rule: `!has(self.proxyProtocol) || !self.proxyProtocol || self.pod.containers.all(c, ${['readinessProbe', 'livenessProbe'].map(notAtItsPort).join(' && ')})`,
      message:
        'with proxyProtocol an httpGet probe on the port of the service cannot work, because probes bring no PROXY line; use tcpSocket, exec or another port',
    },
  ],
} as const satisfies Schema;

export type Service = InferSchema<typeof serviceSchema>;
export type PodSpec = InferSchema<typeof podSpecSchema>;
export type Container = InferSchema<typeof containerSchema>;
export type Probe = InferSchema<typeof probeSchema>;
