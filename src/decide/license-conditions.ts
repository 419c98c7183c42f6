/**
 * LicenseValid and Overused of a Cluster, read off the section `status.license` that the keeper of the license writes.
 *
 * I1: LicenseValid is False exactly when new sessions are refused, or no license has reached the site.
 * I2: without the section nothing is said: the cluster has no site, and needs no license.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { Condition, ConditionReason, ConditionType } from '../model/condition.ts';
import type { LicenseState } from '../model/license-statement.ts';

type Said = readonly [ConditionType, Condition['status'], ConditionReason, string];

const REASONS = {
  Inactive: 'LicenseInactive',
  Active: 'LicenseActive',
  SyncGrace: 'LicenseSyncGrace',
  ContractGrace: 'LicenseContractGrace',
  Expired: 'LicenseExpired',
} as const satisfies Record<LicenseState, ConditionReason>;

export function licenseConditions({ license }: Pick<ClusterStatus, 'license'>): readonly Said[] {
  if (license === undefined) return [];
  const valid = license.state !== 'Inactive' && license.refusesNewSessions !== true;
  return [['LicenseValid', valid ? 'True' : 'False', REASONS[license.state], license.message], ...overuse(license)];
}

function overuse({ model, seats, concurrent, named }: NonNullable<ClusterStatus['license']>): readonly Said[] {
  if (seats === undefined || concurrent === undefined || named === undefined) return [];
  const [used, kind] = model === 'Named' ? [named, 'named'] : [concurrent, 'concurrent'];
  if (used <= seats) return [['Overused', 'False', 'NotOverused', `${used} of ${seats} ${kind} seats are in use.`]];
  const message = `${used} ${kind} seats are in use at this site and the license has ${seats}. Nothing is refused for it; enlarge the license.`;
  return [['Overused', 'True', 'LicenseOverused', message]];
}
