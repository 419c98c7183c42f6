/**
 * UniversalLicense: what an organization's sites are entitled to. The provider writes it; a Site names it (`spec.license`); each site pulls a
 * signed statement of it every `syncPeriodHours` (src/model/license-statement.ts).
 *
 * I1: seats are counted and shown, never enforced by refusing: only a license that is not there, has not begun or has expired refuses, and only new
 *     sessions.
 * I2: `peakReset` never falls; a site resets its peaks when it sees a higher one.
 */

import { conditionsSchema } from './condition.ts';
import type { EntityOf, KindDefinition, SpecOf, StatusOf } from './resource.ts';
import type { Schema } from './schema.ts';

const specSchema = {
  type: 'object',
  required: ['seats', 'start', 'end'],
  properties: {
    edition: { type: 'string', minLength: 1, maxLength: 63, default: 'Standard' },
    seats: { type: 'integer', minimum: 1, maximum: 100000000 },
    model: {
      type: 'string',
      enum: ['Named', 'Concurrent'],
      default: 'Concurrent',
      description: 'What a seat is: a person who used a session, or a session at a time.',
    },
    start: { type: 'string', format: 'date-time' },
    end: { type: 'string', format: 'date-time', description: 'When the contract ends; contract grace begins then.' },
    syncPeriodHours: { type: 'integer', minimum: 1, maximum: 168, default: 24 },
    syncGraceDays: { type: 'integer', minimum: 1, maximum: 365, default: 25 },
    contractGraceDays: { type: 'integer', minimum: 0, maximum: 365, default: 30 },
    onExpiry: { type: 'string', enum: ['RefuseNewSessions'], default: 'RefuseNewSessions' },
    peakReset: { type: 'integer', minimum: 0, default: 0, description: 'Raise it by one to begin the counting of peak use anew.' },
  },
  'x-kubernetes-validations': [
    { rule: 'timestamp(self.end) > timestamp(self.start)', message: 'must be later than start', fieldPath: '.end' },
    { rule: 'self.peakReset >= oldSelf.peakReset', message: 'must not fall', fieldPath: '.peakReset' },
  ],
} as const satisfies Schema;

const statusSchema = {
  type: 'object',
  properties: {
    conditions: conditionsSchema,
    sites: {
      type: 'object',
      maxProperties: 1024,
      description: 'What each site was told and said at its last sync.',
      additionalProperties: {
        type: 'object',
        required: ['siteUid', 'syncedAt'],
        properties: {
          siteUid: { type: 'string', maxLength: 63 },
          clusterUid: { type: 'string', maxLength: 63 },
          syncedAt: { type: 'string', format: 'date-time' },
          concurrent: { type: 'integer', minimum: 0 },
          named: { type: 'integer', minimum: 0 },
          peakConcurrent: { type: 'integer', minimum: 0 },
          peakNamed: { type: 'integer', minimum: 0 },
          peakReset: { type: 'integer', minimum: 0 },
        },
      },
    },
    use: {
      type: 'object',
      description: 'Sums over the sites.',
      properties: {
        current: { type: 'integer', minimum: 0, description: 'Seats in use, of the model of this license.' },
        peak: { type: 'integer', minimum: 0 },
        overused: { type: 'boolean' },
      },
    },
  },
} as const satisfies Schema;

export const universalLicenseKind = {
  kind: 'UniversalLicense',
  plural: 'universallicenses',
  singular: 'universallicense',
  shortNames: ['oul'],
  scope: 'Namespaced',
  description: "What an organization's sites are entitled to.",
  spec: specSchema,
  status: statusSchema,
  columns: [
    { name: 'Edition', type: 'string', jsonPath: '.spec.edition' },
    { name: 'Model', type: 'string', jsonPath: '.spec.model' },
    { name: 'Seats', type: 'integer', jsonPath: '.spec.seats' },
    { name: 'Used', type: 'integer', jsonPath: '.status.use.current' },
    { name: 'Peak', type: 'integer', jsonPath: '.status.use.peak' },
    { name: 'End', type: 'string', jsonPath: '.spec.end' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const satisfies KindDefinition;

export type UniversalLicense = EntityOf<typeof universalLicenseKind>;
export type UniversalLicenseSpec = SpecOf<typeof universalLicenseKind>;
export type UniversalLicenseStatus = StatusOf<typeof universalLicenseKind>;
