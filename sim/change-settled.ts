/**
 * Liveness of changes: left alone, every node of an available cluster runs what the spec asks for; or what ran before, and the cluster says why.
 */

import type { ClusterPlan } from '../src/decide/cluster-plan.ts';
import type { NodePlan } from '../src/decide/plan.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { conditionOf } from '../src/model/condition.ts';
import { BROKEN_RELEASE } from './change-releases.ts';
import { labelOf } from './machine.ts';
import { WALL_START_MS } from './process.ts';
import { primaryOf } from './site-checks.ts';
import type { World } from './world.ts';

/** Trouble may keep a good release from coming up in time; after the last of it nothing does. By the primary's clock, which may be wrong by minutes. */
const CALM_MS = 2_200_000;

function isCalm({ rolledBack }: ClusterPlan): boolean {
  return rolledBack !== undefined && Date.parse(rolledBack.time) > WALL_START_MS + CALM_MS;
}

export function changesUnsettled(world: World, cluster: Cluster): string[] {
  const { name, uid } = cluster.metadata;
  const alive = world.machines.filter((one) => one.isAlive && one.clusterUid === uid && !world.givenUp.has(one.nodeUid));
  // A machine that a person vouched was off runs on, and may be the primary of an attempt that was abandoned: what that one keeps is nobody's plan.
  const plan = primaryOf(world, cluster)?.disk.kept['clusterPlan'] as ClusterPlan | undefined;
  if (plan === undefined) return [`${name} has no cluster plan`];
  const others = alive.filter((one) => (one.disk.kept['plan'] as NodePlan | undefined)?.content !== plan.target.hash);
  const said = conditionOf(cluster.status?.conditions, 'Progressing');
  const isSaid = ['RolledBack', 'UpgradeRefused'].includes(said?.reason ?? '') && (said?.message.length ?? 0) > 20;
  const isAsked = plan.target.release === cluster.spec.release;
  return [
    ...(plan.state === 'Steady' && plan.previous === undefined
      ? []
      : [`${name} is ${plan.state} still: ${said?.reason}: ${said?.message}`]),
    ...others.map((one) => `${labelOf(one)} does not run ${plan.target.release}`),
    ...(isAsked || isSaid
      ? []
      : [`${name} runs ${plan.target.release} instead of ${cluster.spec.release} and does not say why: ${said?.reason}`]),
    ...(said?.reason === 'RolledBack' && cluster.spec.release !== BROKEN_RELEASE && isCalm(plan)
      ? [`${name} went back from ${cluster.spec.release}, which is well`]
      : []),
  ];
}
