/**
 * `status.license` of a Cluster: what the keeper on the primary says of the license; the data of the banners of console and portal.
 *
 * I1: every time in it is license time; nothing of it is read from a wall clock.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { SeatUse } from '../model/license-statement.ts';
import type { BootReading } from './license-clock.ts';
import { canAsk, viewKeeper } from './license-keeper.ts';
import type { LicenseKeeper } from './license-keeper.ts';

export type LicenseSection = NonNullable<ClusterStatus['license']>;

const MESSAGE_MAX = 1024;

export interface ReportInput {
  readonly keeper: LicenseKeeper;
  readonly seats: SeatUse | undefined;
  /** The newest value of the annotation license-sync that has its outcome. */
  readonly answered: string | undefined;
  /** Whether the cluster's spec names a site. */
  readonly hasSite: boolean;
}

/** Undefined: there is nothing to say, because the cluster has no site and never had a license. */
export function licenseSection({ keeper, seats, answered, hasSite }: ReportInput, now: BootReading): LicenseSection | undefined {
  if (!hasSite && keeper.record === undefined) return undefined;
  const view = viewKeeper(keeper, now);
  const statement = keeper.record?.statement;
  const { syncAtMs, waitsFor } = view;
  const error = canAsk(keeper) ? keeper.lastFailure : waitsFor;
  return {
    state: view.state,
    severity: view.severity,
    message: view.message.slice(0, MESSAGE_MAX),
    refusesNewSessions: view.refusesNewSessions,
    ...present('since', timeOf(view.sinceMs)),
    ...present('until', timeOf(view.untilMs)),
    ...present('daysLeft', view.daysLeft === undefined ? undefined : Math.max(0, view.daysLeft)),
    ...present('nextSync', timeOf(syncAtMs)),
    ...present('lastError', error?.slice(0, MESSAGE_MAX)),
    ...present('answeredRequest', answered),
    ...(statement === undefined
      ? {}
      : {
          name: statement.license.name,
          edition: statement.license.edition,
          model: statement.license.model,
          seats: statement.license.seats,
          serial: statement.serial,
          contractEnd: timeOf(statement.license.endMs) ?? '',
          lastSync: timeOf(statement.licenseMs) ?? '',
        }),
    ...(seats === undefined
      ? {}
      : { concurrent: seats.concurrent, named: seats.named, peakConcurrent: seats.peakConcurrent, peakNamed: seats.peakNamed }),
  };
}

function present<N extends string, T>(name: N, value: T | undefined): Partial<Record<N, T>> {
  return value === undefined ? {} : ({ [name]: value } as Record<N, T>);
}

/** RFC 3339 in whole seconds. */
function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined || !Number.isFinite(ms) ? undefined : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
