/**
 * What the manager says of a change of what runs: the release section of the Cluster's status, the condition Progressing, Events.
 *
 * I1: `current` is what the cluster can be trusted to run: what was before until a change is over, and again once it went back.
 * I2: a change that was taken back is said for as long as the spec asks for it; that it was is known until a later change is done.
 */

import { hasTaken } from './change-nodes.ts';
import type { ChangeStanding } from './change.ts';
import type { ClusterPlan } from './cluster-plan.ts';
import type { EventEffect } from './effect.ts';
import { agentOf, isLeaving } from './node-facts.ts';
import { clusterEvent } from './outcome.ts';
import type { ConditionChange } from './phase.ts';
import type { Cluster, ClusterStatus } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ConditionReason } from '../model/condition.ts';

/** The plan that the nodes work by, and how far it is. */
export interface ChangeView {
  readonly plan: ClusterPlan;
  readonly standing: ChangeStanding;
}

type ReleaseStatus = NonNullable<ClusterStatus['release']>;

const PROGRESS_MAX = 253;

export function releaseOf({ plan }: ChangeView, nodes: readonly ClusterNode[], asked: string): ReleaseStatus {
  const { state, target, previous, rolledBack } = plan;
  const progress = progressOf(plan, nodes);
  return {
    current: state === 'Advancing' ? (previous?.release ?? target.release) : target.release,
    target: asked,
    ...(progress === undefined ? {} : { progress: progress.slice(0, PROGRESS_MAX) }),
    ...(rolledBack === undefined ? {} : { rolledBack: { ...rolledBack } }),
  };
}

/** Undefined: every node runs the target. */
function progressOf(plan: ClusterPlan, nodes: readonly ClusterNode[]): string | undefined {
  const { state, target, previous } = plan;
  const staying = nodes.filter((node) => !isLeaving(node) && agentOf(node) !== undefined);
  const runs = staying.filter((node) => agentOf(node)?.content === target.hash);
  // One whose turn is not over may still be taken back.
  const there = (state === 'Steady' ? runs : runs.filter((node) => hasTaken(node, plan))).length;
  if (state === 'Steady' && there === staying.length) return undefined;
  const count = `${there} of ${staying.length} nodes`;
  if (state === 'RollingBack') return `${count} are back on ${what(target, previous)}`;
  return `${count} run ${what(target, previous)}`;
}

/** A release by its name; of services that changed within one, that they are the new ones. */
function what(target: ClusterPlan['target'], previous: ClusterPlan['previous']): string {
  return previous?.release === target.release ? `${target.release} with the spec's services` : target.release;
}

const REASONS = {
  Upgrading: ['True', 'Upgrading'],
  RollingBack: ['True', 'RollingBack'],
  Waits: ['False', 'UpgradeWaits'],
  RolledBack: ['False', 'RolledBack'],
  Refused: ['False', 'UpgradeRefused'],
} as const satisfies Record<Exclude<ChangeStanding['state'], 'AsAsked'>, readonly [string, ConditionReason]>;

export interface ChangeWords {
  readonly condition: ConditionChange;
  /** For errorSet; undefined: nothing is wrong. */
  readonly error: readonly [ConditionReason, string] | undefined;
}

/** Undefined: what runs is what is asked for, or nothing is known of that. */
export function wordsOf({ plan, standing }: ChangeView, release: ReleaseStatus): ChangeWords | undefined {
  if (standing.state === 'AsAsked') return undefined;
  const [status, reason] = REASONS[standing.state];
  const said = [doing(plan), release.progress, plan.state === 'RollingBack' ? plan.reason : undefined, standing.message];
  const isUnderWay = plan.state !== 'Steady';
  const parts = isUnderWay ? said.filter((part) => part !== undefined && part !== '') : [standing.message];
  const message = `${[...new Set(parts)].join('; ')}.`;
  return {
    condition: ['Progressing', status, reason, message],
    error: standing.state === 'Upgrading' ? undefined : [reason, message],
  };
}

function doing({ state, target, previous }: ClusterPlan): string {
  if (state === 'RollingBack') return `Going back to ${what(target, previous)}`;
  if (previous?.release === target.release) return `Changing to ${what(target, previous)}`;
  const isDown = previous?.upgradesFrom.includes(target.version) === true;
  return `${isDown ? 'Going back' : 'Upgrading'} from ${previous?.release ?? 'nothing'} to ${target.release}`;
}

/** What people should hear of the way from `before` to `after`. */
export function changeEvents(
  cluster: Cluster,
  before: ReleaseStatus | undefined,
  after: ReleaseStatus,
  { plan }: ChangeView,
): readonly EventEffect[] {
  if (before === undefined) return [];
  const { rolledBack } = after;
  if (rolledBack !== undefined && rolledBack.time !== before.rolledBack?.time) {
    const message = `${rolledBack.message}; the cluster goes back to ${after.current ?? 'what ran before'}.`;
    return [clusterEvent(cluster, 'Warning', 'UpgradeRolledBack', message)];
  }
  if (plan.state === 'Advancing')
    return before.progress === undefined ? [clusterEvent(cluster, 'Normal', 'UpgradeStarted', `${doing(plan)}.`)] : [];
  const isOver =
    plan.state === 'Steady' && after.progress === undefined && (before.progress !== undefined || before.current !== after.current);
  if (!isOver || rolledBack !== undefined) return [];
  return [clusterEvent(cluster, 'Normal', 'UpgradeDone', `Every node runs ${plan.target.release}.`)];
}
