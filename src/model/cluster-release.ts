/**
 * ClusterRelease: a version of what clusters run. Published once; its services never change afterwards, so that "1.0.0" means one thing.
 */

import { serviceSchema } from './pod.ts';
import type { EntityOf, KindDefinition } from './resource.ts';
import type { Schema } from './schema.ts';

const specSchema = {
  type: 'object',
  required: ['version', 'services'],
  properties: {
    version: { type: 'string', pattern: '^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$', maxLength: 63 },
    services: {
      type: 'array',
      minItems: 1,
      maxItems: 32,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: serviceSchema,
    },
    upgradesFrom: {
      type: 'array',
      default: [],
      maxItems: 64,
      'x-kubernetes-list-type': 'set',
      description: 'Versions from which a cluster may be upgraded to this one.',
      items: { type: 'string', maxLength: 63 },
    },
    notes: { type: 'string', maxLength: 16384 },
  },
  'x-kubernetes-validations': [
    {
      rule: 'self.services.all(s, !has(s.framework) || s.framework == s.name)',
      message: 'framework must be the name of the service itself',
      fieldPath: '.services',
    },
    {
      rule: 'self.services == oldSelf.services && self.version == oldSelf.version',
      message: 'the services of a published release cannot be changed; publish another version',
      fieldPath: '.services',
    },
  ],
} as const satisfies Schema;

const statusSchema = { type: 'object', properties: {} } as const satisfies Schema;

export const clusterReleaseKind = {
  kind: 'ClusterRelease',
  plural: 'clusterreleases',
  singular: 'clusterrelease',
  shortNames: ['ocr'],
  scope: 'Cluster',
  description: 'A version of what clusters run.',
  spec: specSchema,
  status: statusSchema,
  columns: [
    { name: 'Version', type: 'string', jsonPath: '.spec.version' },
    { name: 'Services', type: 'string', jsonPath: '.spec.services[*].name' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const satisfies KindDefinition;

export type ClusterRelease = EntityOf<typeof clusterReleaseKind>;
