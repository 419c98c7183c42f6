/**
 * The manager: what the primary's agent does about its own cluster once it is available, with no extension server.
 *
 * Workers up and down, replacement of workers that are proven dead, and the sections of the status that it owns.
 *
 * I1: it acts only on a cluster that was available, that is not being deleted, and whose recorded term is not above its own.
 * I2: it never touches the primary, nor what the extension servers own (attempts, availableAt, abandonedAttempt, autoRepair).
 * I3: the recorded term never falls by it.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { statusPatch } from './attempt.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import { licensed } from './license.ts';
import { agentOf } from './node-facts.ts';
import { NO_EFFECTS, soonest } from './outcome.ts';
import { conditionsAfterAvailable, phaseInput, summaryOf } from './phase.ts';
import { servicesOf } from './plan.ts';
import { decideWorkerRepair } from './repair.ts';
import { decideScale } from './scale.ts';

/** Who asks: the primary's agent. `unheard`: nodes (by name) that it does not hear itself. */
export interface Manager {
  readonly node: string;
  readonly term: number;
  readonly unheard?: ReadonlySet<string>;
}

/** The next effects of the manager. Act on them as an extension server does: in order, live view when asked for. */
export function decideManager(view: ClusterView, manager: Manager): Decision {
  const { cluster } = view;
  const status: ClusterStatus = cluster.status ?? {};
  const isOver = status.availableAt === undefined || cluster.metadata.deletionTimestamp !== undefined;
  if (isOver || (status.term ?? 0) > manager.term) return NO_EFFECTS;
  const scale = decideScale(view);
  return licensed(view, {
    effects: [...statusOf(view, status, manager), ...decideWorkerRepair(view), ...scale.effects],
    needsLive: scale.needsLive,
    watching: scale.watching,
    ...soonest([scale.requeueAfterMs]),
  });
}

function statusOf(view: ClusterView, status: ClusterStatus, manager: Manager): ReturnType<typeof statusPatch> {
  const { cluster, release } = view;
  // Without the release nobody can say which services should run: what was said last stays.
  if (release === undefined) return [];
  const mine = view.nodes.filter((node) => node.spec.attempt === status.attempt);
  const next: ClusterStatus = {
    ...status,
    ...summaryOf(mine, servicesOf(cluster.spec, release), cluster.spec.workers, manager.unheard),
    primary: manager.node,
    term: Math.max(status.term ?? 0, manager.term),
    release: releaseStatus(status, mine, cluster.spec.release),
  };
  const changes = conditionsAfterAvailable(phaseInput(cluster, next));
  const ready = changes.find(([type]) => type === 'Ready');
  return statusPatch(view, next, changes, ready === undefined || ready[1] === 'True' ? undefined : [ready[2], ready[3]]);
}

/** What the nodes say they run, and how far they are on the way to `target`. */
function releaseStatus(status: ClusterStatus, nodes: readonly ClusterNode[], target: string): NonNullable<ClusterStatus['release']> {
  const said = nodes.map((node) => agentOf(node)?.release);
  const [only] = said;
  const current = only !== undefined && said.every((one) => one === only) ? only : status.release?.current;
  const there = said.filter((one) => one === target).length;
  return {
    ...(current === undefined ? {} : { current }),
    target,
    ...(there === nodes.length ? {} : { progress: `${there} of ${nodes.length} nodes run ${target}` }),
  };
}
