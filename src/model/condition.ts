/**
 * Conditions: the standard shape, closed lists of types and reasons, and the one way to set them.
 *
 * I1: setting a condition to what it already says changes nothing, not even its time stamp.
 * I2: `lastTransitionTime` changes exactly when `status` changes.
 */

import type { InferSchema, Schema } from './schema.ts';

export const CONDITION_TYPES = [
  'Ready',
  'Reachable',
  'Redundant',
  'Progressing',
  'QuotaReserved',
  'Paired',
  'LicenseValid',
  'BrokerAvailable',
  'MonitoringAvailable',
  'ImagesAvailable',
  'Overused',
  'RemediationAllowed',
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

export const CONDITION_REASONS = [
  'Pending',
  'Provisioning',
  'Available',
  'Deleting',
  'StepFailed',
  'AttemptsExhausted',
  'RepairDisabled',
  'ReleaseNotFound',
  'ReleaseInvalid',
  'VirtualDataCenterNotFound',
  'NoHost',
  'NoCapacity',
  'WaitingForJoin',
  'QuotaExceeded',
  'QuotaReserved',
  'NodeNotReady',
  'NodesReady',
  'NodeLost',
  'NodeStuck',
  'ServiceNotReady',
  'ServicesReady',
  'AllRedundant',
  'NotRedundant',
  'Heard',
  'Silent',
  'NoSite',
  'NotEligible',
  'SiteNotFound',
  'SiteTaken',
  'Pairing',
  'PairingFailed',
  'ThumbprintNotAccepted',
  'Paired',
  'Unplugged',
  'NotInstalled',
  'ServiceRunning',
  'PrimaryDown',
  'LicenseInactive',
  'LicenseActive',
  'LicenseSyncGrace',
  'LicenseContractGrace',
  'LicenseExpired',
  'LicenseOverused',
  'NotOverused',
  'Upgrading',
  'UpgradeWaits',
  'UpgradeRefused',
  'RollingBack',
  'RolledBack',
  'SpecOlder',
  'Unclaimed',
  'GivenUp',
  'TooManyUnhealthy',
  'MassSilence',
  'RemediationAllowed',
] as const;
export type ConditionReason = (typeof CONDITION_REASONS)[number];

export const conditionSchema = {
  type: 'object',
  required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
  properties: {
    type: { type: 'string', enum: CONDITION_TYPES, description: 'What the condition speaks of.' },
    status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
    reason: { type: 'string', enum: CONDITION_REASONS, description: 'One word for programs, from a closed list.' },
    message: { type: 'string', maxLength: 4096, description: 'A sentence for people: what, why, what to do.' },
    lastTransitionTime: { type: 'string', format: 'date-time' },
    observedGeneration: { type: 'integer', minimum: 0 },
  },
} as const satisfies Schema;

export const conditionsSchema = {
  type: 'array',
  maxItems: 32,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: conditionSchema,
} as const satisfies Schema;

export type Condition = InferSchema<typeof conditionSchema>;

/** `conditions` with `next` in it. `now` is RFC 3339 text. The same array comes back when nothing changed. */
export function setCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): readonly Condition[] {
  const old = conditions.find((c) => c.type === next.type);
  if (old === undefined) return [...conditions, { ...next, lastTransitionTime: now }];
  const same =
    old.status === next.status &&
    old.reason === next.reason &&
    old.message === next.message &&
    old.observedGeneration === next.observedGeneration;
  if (same) return conditions;
  const lastTransitionTime = old.status === next.status ? old.lastTransitionTime : now;
  return conditions.map((c) => (c === old ? { ...next, lastTransitionTime } : c));
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: ConditionType): Condition | undefined {
  return conditions?.find((c) => c.type === type);
}
