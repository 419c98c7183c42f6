/**
 * After Available: what an extension server still does.
 *
 * I1: nothing of a cluster that was available is destroyed here but nodes of attempts abandoned before, which no host ever starts, and a primary
 *     that a person retired or deleted; a new one takes its place.
 * I2: it replaces the nodes that are its own to repair (repair-owner.ts), on proof (remediation.ts).
 * I3: an extension server writes phase and summary only while there is no primary that could: none that reported in its present incarnation,
 *     or one that is silent while another member of the site is heard.
 * I4: a site of which nothing is heard any more is Reachable=False and otherwise what it was.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import { statusPatch } from './attempt.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import type { Effect } from './effect.ts';
import { letGoLicensed } from './let-go.ts';
import { agentOf, isLeaving, isLost, isUnattended } from './node-facts.ts';
import { soonest } from './outcome.ts';
import { conditionsAfterAvailable, phaseInput, summaryOf } from './phase.ts';
import type { ConditionChange } from './phase.ts';
import { servicesOf } from './plan.ts';
import { decideRemediation } from './remediation.ts';
import { primaryOf } from './repair-owner.ts';
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
  const missing = primary === undefined ? missingNodes(view, attempt, [0]) : undefined;
  // A cache that has not yet seen the primary is no reason to make one.
  const needsLive = missing?.state === 'Act';
  const silence = silenceOf(
    view,
    view.nodes.filter((node) => node.spec.attempt === attempt && !isLeaving(node)),
  );
  const remediation = decideRemediation(view, 'ExtensionServer', undefined, silence.silent.size > 0);
  return {
    effects: [
      ...said(view, status, primary, silence, remediation.changes),
      ...late.effects,
      ...leaving.effects,
      ...remediation.effects,
      ...(missing?.state === 'Act' ? missing.effects : []),
    ],
    needsLive,
    watching: [...late.watching, ...leaving.watching, ...silence.watching],
    ...soonest([late.requeueAfterMs, leaving.requeueAfterMs, silence.requeueAfterMs]),
  };
}

/** What nobody at the site can write: that it is not heard, and, while its primary cannot, how it is. */
function said(
  view: ClusterView,
  status: ClusterStatus,
  primary: ClusterNode | undefined,
  silence: Silence,
  remediation: readonly ConditionChange[],
): readonly Effect[] {
  const mute = primary === undefined || agentOf(primary) === undefined || isLost(primary) || isUnattended(primary);
  const outvoted = primary !== undefined && silence.silent.has(primary.metadata.name) && silence.heard.size > 0;
  const reachable = [...reachability(view.cluster, silence), ...remediation];
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

function reachability({ metadata, status }: ClusterView['cluster'], silence: Silence): readonly ConditionChange[] {
  const is = conditionOf(status?.conditions, 'Reachable')?.status;
  if (silence.heard.size > 0) return is === 'True' ? [] : [['Reachable', 'True', 'Heard', 'The site is heard.']];
  const isSilent = silence.silent.size > 0 && silence.watching.length === 2 * silence.silent.size;
  if (!isSilent || is === 'False') return [];
  const who = [...silence.silent].sort().join(', ');
  const message = `Nothing is heard of ${who} any more. What runs there goes on; see that the machines run and reach a director. Nothing is replaced for that; if you know that a machine is off: outrigger node confirm-dead NAME -n ${metadata.namespace ?? ''}.`;
  return [['Reachable', 'False', 'Silent', message]];
}

/** The error that stands, as statusPatch takes it. */
function errorSaid(status: ClusterStatus): readonly [string, string] | undefined {
  const error = status.errorSet?.[0];
  return error === undefined ? undefined : [error.reason, error.message];
}
