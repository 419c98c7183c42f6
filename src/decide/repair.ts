/**
 * After Available: what an extension server still does, and the replacement of lost nodes, which it shares with the manager.
 *
 * I1: nothing of a cluster that was available is destroyed here but nodes of attempts abandoned before, which no host ever starts, and a primary
 *     that a person retired or deleted; a new one takes its place.
 * I2: a node is replaced only on proof: its host says that it is gone, or a person confirms this very incarnation. Silence and failure prove
 *     nothing.
 * I3: a replacement is one write: a higher incarnation and no host.
 * I4: extension servers replace the primary, the manager replaces workers.
 * I5: an extension server writes phase and summary only while there is no primary that could: none that reported in its present incarnation,
 *     or one that is silent while another member of the site is heard.
 * I6: a site of which nothing is heard any more is Reachable=False and otherwise what it was.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import { statusPatch } from './attempt.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { letGoLicensed } from './let-go.ts';
import { agentOf, deathOf, isLeaving, isLost, isUnattended } from './node-facts.ts';
import { soonest } from './outcome.ts';
import { conditionsAfterAvailable, phaseInput, summaryOf } from './phase.ts';
import type { ConditionChange } from './phase.ts';
import { servicesOf } from './plan.ts';
import { leavingPrimary, missingNodes } from './scale.ts';
import { silenceOf } from './silence.ts';
import type { Silence } from './silence.ts';

/** The next effects of an extension server for a cluster that was available. */
export function decideAfterAvailable(view: ClusterView): Decision {
  const status: ClusterStatus = view.cluster.status ?? {};
  const attempt = status.attempt ?? 0;
  const late = letGoLicensed(
    view,
    view.nodes.filter((node) => node.spec.attempt < attempt),
  );
  const leaving = leavingPrimary(view, attempt);
  const primary = primaryOf(view);
  const replaced = primary === undefined ? [] : replacement(primary);
  const missing = primary === undefined ? missingNodes(view, attempt, [0]) : undefined;
  // A cache that has not yet seen the primary is no reason to make one.
  const needsLive = missing?.state === 'Act';
  const silence = silenceOf(
    view,
    view.nodes.filter((node) => node.spec.attempt === attempt && !isLeaving(node)),
  );
  return {
    effects: [
      ...said(view, status, primary, silence),
      ...late.effects,
      ...leaving.effects,
      ...replaced,
      ...(missing?.state === 'Act' ? missing.effects : []),
    ],
    needsLive,
    watching: [...late.watching, ...leaving.watching, ...silence.watching],
    ...soonest([late.requeueAfterMs, leaving.requeueAfterMs, silence.requeueAfterMs]),
  };
}

/** What the manager does about workers that are proven dead. */
export function decideWorkerRepair(view: ClusterView): readonly Effect[] {
  const attempt = view.cluster.status?.attempt ?? 0;
  const workers = view.nodes.filter((node) => node.spec.attempt === attempt && node.spec.index > 0 && !isLeaving(node));
  return workers.flatMap(replacement);
}

/** The node that is primary now: by status.primary, else the one that was born so. */
export function primaryOf(view: Pick<ClusterView, 'cluster' | 'nodes'>): ClusterNode | undefined {
  const attempt = view.cluster.status?.attempt ?? 0;
  const mine = view.nodes.filter((node) => node.spec.attempt === attempt);
  return mine.find((node) => node.metadata.name === view.cluster.status?.primary) ?? mine.find((node) => node.spec.index === 0);
}

function replacement(node: ClusterNode): readonly Effect[] {
  const death = deathOf(node);
  if (death === undefined || isLeaving(node)) return [];
  const { namespace, name, uid } = node.metadata;
  const incarnation = node.spec.incarnation + 1;
  const message = `${name} is replaced by its incarnation ${incarnation}: ${death}.`;
  return [
    { kind: 'RaiseIncarnation', on: guardOf(node), incarnation },
    {
      kind: 'RecordEvent',
      about: { kind: 'ClusterNode', namespace: namespace ?? '', name, uid },
      type: 'Warning',
      reason: 'NodeReplaced',
      message,
    },
  ];
}

/** What nobody at the site can write: that it is not heard, and, while its primary cannot, how it is. */
function said(view: ClusterView, status: ClusterStatus, primary: ClusterNode | undefined, silence: Silence): readonly Effect[] {
  const mute = primary === undefined || agentOf(primary) === undefined || isLost(primary) || isUnattended(primary);
  const outvoted = primary !== undefined && silence.silent.has(primary.metadata.name) && silence.heard.size > 0;
  const reachable = reachability(status, silence);
  if (!mute && !outvoted) return reachable.length === 0 ? [] : statusPatch(view, status, reachable, errorSaid(status));
  const mine = view.nodes.filter((node) => node.spec.attempt === status.attempt);
  const services = view.release === undefined ? undefined : servicesOf(view.cluster.spec, view.release);
  const { workers } = view.cluster.spec;
  const summary = summaryOf(mine, services ?? [], workers, silence.silent);
  // An agent that was given up is silent for that; its pods are not said to be down, they are told by their last word.
  const left = new Set(mine.filter((node) => !isUnattended(node)).map((node) => node.metadata.name));
  const unheard = new Set([...silence.silent].filter((name) => left.has(name)));
  const next: ClusterStatus = { ...status, ...summary, services: summaryOf(mine, services ?? [], workers, unheard).services };
  const changes = conditionsAfterAvailable(phaseInput(view.cluster, next), services);
  return statusPatch(view, next, [...changes, ...reachable], [changes[0]?.[2] ?? 'NodeNotReady', changes[0]?.[3] ?? '']);
}

function reachability(status: ClusterStatus, silence: Silence): readonly ConditionChange[] {
  const is = conditionOf(status.conditions, 'Reachable')?.status;
  if (silence.heard.size > 0) return is === 'True' ? [] : [['Reachable', 'True', 'Heard', 'The site is heard.']];
  const isSilent = silence.silent.size > 0 && silence.watching.length === 2 * silence.silent.size;
  if (!isSilent || is === 'False') return [];
  const who = [...silence.silent].sort().join(', ');
  const message = `Nothing is heard of ${who} any more. What runs there goes on; see that the machines run and reach a director. Nothing is replaced for silence.`;
  return [['Reachable', 'False', 'Silent', message]];
}

/** The error that stands, as statusPatch takes it. */
function errorSaid(status: ClusterStatus): readonly [string, string] | undefined {
  const error = status.errorSet?.[0];
  return error === undefined ? undefined : [error.reason, error.message];
}
