/**
 * ObjectMeta (meta/v1) as a structural schema: which fields of metadata are kept, and of which type they are.
 *
 * Names, labels and the like have further rules (DNS names, label syntax) that belong to the verbs, not to a kind's schema.
 */

import type { JsonObject } from '../../model/json.ts';

const TEXT: JsonObject = { type: 'string' };
const TIME: JsonObject = { type: 'string', format: 'date-time' };
const TEXT_MAP: JsonObject = { type: 'object', additionalProperties: { type: 'string' } };

export const METADATA_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    annotations: TEXT_MAP,
    creationTimestamp: TIME,
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64' },
    deletionTimestamp: TIME,
    finalizers: { type: 'array', items: { type: 'string' } },
    generateName: TEXT,
    generation: { type: 'integer', format: 'int64' },
    labels: TEXT_MAP,
    managedFields: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          apiVersion: TEXT,
          fieldsType: TEXT,
          fieldsV1: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          manager: TEXT,
          operation: TEXT,
          subresource: TEXT,
          time: TIME,
        },
      },
    },
    name: TEXT,
    namespace: TEXT,
    ownerReferences: {
      type: 'array',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: {
          apiVersion: TEXT,
          blockOwnerDeletion: { type: 'boolean' },
          controller: { type: 'boolean' },
          kind: TEXT,
          name: TEXT,
          uid: TEXT,
        },
      },
    },
    resourceVersion: TEXT,
    selfLink: TEXT,
    uid: TEXT,
  },
};
