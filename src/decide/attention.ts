/**
 * What of a cluster needs a person: what it will not get over by itself, or what somebody should know of before it hurts.
 *
 * I1: a cluster that is as it was asked to be, or on its way there, needs nobody.
 * I2: the gravest comes first, and each is a whole sentence.
 */

import type { Cluster, ClusterStatus } from '../model/cluster.ts';
import { conditionOf } from '../model/condition.ts';
import type { ConditionReason, ConditionType } from '../model/condition.ts';

export interface Concern {
  /** Broken: something is not served, or stands still. Soon: it will be, or there is nothing left in reserve. */
  readonly gravity: 'Broken' | 'Soon';
  readonly message: string;
}

/** So many days before a license ends somebody should know. */
const LICENSE_DAYS = 14;

/** A drill, or a change that goes as it should, takes nodes away for a moment. */
function isMeant(status: ClusterStatus, isRehearsed: boolean): boolean {
  const progressing = conditionOf(status.conditions, 'Progressing');
  return isRehearsed || (progressing?.status === 'True' && progressing.reason === 'Upgrading');
}

/** Why `Progressing` is False though nothing is wrong. */
const AT_REST: readonly ConditionReason[] = ['Available'];

/** `isRehearsed`: a drill of it is under way. */
export function concernsOf(cluster: Cluster, isRehearsed = false): readonly Concern[] {
  if (cluster.metadata.deletionTimestamp !== undefined) return deletionConcerns(cluster);
  const status = cluster.status ?? {};
  const isThin = ({ gravity }: Concern): boolean => gravity === 'Soon' && isMeant(status, isRehearsed);
  const found = [
    ...ofReadiness(cluster, status).filter((one) => !isThin(one)),
    ...ofConditions(cluster, status),
    ...ofChange(status),
    ...ofLicense(status),
  ];
  const unique = found.filter(({ message }, index) => found.findIndex((other) => other.message === message) === index);
  return [...unique.filter(({ gravity }) => gravity === 'Broken'), ...unique.filter(({ gravity }) => gravity === 'Soon')];
}

function deletionConcerns({ status }: Cluster): readonly Concern[] {
  return (status?.errorSet ?? []).slice(-1).map(({ message }) => ({ gravity: 'Broken', message }));
}

function ofReadiness(cluster: Cluster, status: ClusterStatus): readonly Concern[] {
  const ready = conditionOf(status.conditions, 'Ready');
  if (status.phase === 'Error') return [{ gravity: 'Broken', message: ready?.message ?? 'It is in Error.' }];
  if (status.phase === 'Degraded')
    return [{ gravity: ready?.status === 'False' ? 'Broken' : 'Soon', message: ready?.message ?? 'It is Degraded.' }];
  const newest = status.errorSet?.at(-1)?.message;
  if (newest !== undefined) return [{ gravity: 'Broken', message: newest }];
  const waiting = status.attempts?.at(-1);
  if (status.availableAt === undefined && waiting?.waitingFor !== undefined)
    return [{ gravity: 'Broken', message: waiting.message ?? `It waits for ${waiting.waitingFor}.` }];
  const redundant = conditionOf(status.conditions, 'Redundant');
  return redundant?.status === 'False' && cluster.spec.workers > 0 && status.availableAt !== undefined
    ? [{ gravity: 'Soon', message: redundant.message }]
    : [];
}

function ofConditions(cluster: Cluster, { conditions, availableAt }: ClusterStatus): readonly Concern[] {
  const isFalse = (type: ConditionType): readonly Concern[] => {
    const condition = conditionOf(conditions, type);
    return condition?.status === 'False' ? [{ gravity: 'Broken', message: condition.message }] : [];
  };
  const progressing = conditionOf(conditions, 'Progressing');
  const stuck = availableAt !== undefined && progressing?.status === 'False' && !AT_REST.includes(progressing.reason);
  return [
    ...isFalse('Reachable'),
    ...(stuck ? [{ gravity: 'Broken', message: progressing.message } as const] : []),
    ...(cluster.spec.site === undefined || availableAt === undefined ? [] : isFalse('Paired')),
    ...isFalse('QuotaReserved'),
  ];
}

function ofChange({ release }: ClusterStatus): readonly Concern[] {
  const back = release?.rolledBack;
  return back === undefined ? [] : [{ gravity: 'Broken', message: `The change to ${back.release} was taken back: ${back.message}` }];
}

function ofLicense({ license }: ClusterStatus): readonly Concern[] {
  if (license === undefined) return [];
  if (license.refusesNewSessions === true) return [{ gravity: 'Broken', message: license.message }];
  return license.daysLeft !== undefined && license.daysLeft <= LICENSE_DAYS ? [{ gravity: 'Soon', message: license.message }] : [];
}
