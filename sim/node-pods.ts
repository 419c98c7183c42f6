/**
 * What a node's own plan says, told to its pods.
 */

import { mayRunSingletons, memberId } from '../src/decide/authority.ts';
import type { NodePlan, PlannedService } from '../src/decide/plan.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { BROKEN_RELEASE } from './change-releases.ts';
import type { Machine } from './machine-state.ts';
import type { Pods } from './pods.ts';

interface Known {
  readonly cluster: Cluster | undefined;
  readonly nodes: readonly ClusterNode[];
}

/** One whose node has a higher incarnation, or that is retired, stops its pods. */
export function tellPods(pods: Pods, machine: Machine, known: Known | undefined): void {
  const node = known?.nodes.find((one) => one.metadata.uid === machine.nodeUid);
  const isOver = node !== undefined && (node.spec.incarnation > machine.incarnation || node.spec.retired === true);
  const plan = machine.disk.kept['plan'] as NodePlan | undefined;
  const { membership } = machine.disk;
  if (membership === undefined || (plan === undefined && !isOver)) return;
  const singletons = mayRunSingletons(membership, memberId(machine.nodeUid, machine.incarnation));
  const services = isOver ? [] : (plan?.services ?? []).filter((service) => service.mode === 'Replicated' || singletons);
  const broken = known?.cluster?.metadata.annotations?.['sim/broken'];
  pods.want(services.map((service) => ({ ...service, isBroken: broken === service.name || isBad(service) })));
}

/** Of a release that never comes up. */
function isBad({ mode, pod }: PlannedService): boolean {
  return mode === 'Replicated' && pod.containers.some(({ command }) => command.includes(BROKEN_RELEASE));
}

export function readyOf(pods: Pods): ReadonlySet<string> {
  const reports = Object.entries(pods.reports() as Record<string, { readonly ready?: boolean }>);
  return new Set(reports.flatMap(([name, said]) => (said.ready === true ? [name] : [])));
}
