/**
 * The manager: what the primary's agent does about its own cluster once it is available, with no extension server.
 *
 * Workers up and down, replacement of workers that are proven dead or that it vouches for (remediation.ts), and the sections of the status that it owns.
 *
 * I1: it acts only on a cluster that was available, that is not being deleted, and whose recorded term is not above its own.
 * I2: it never touches the primary, nor what the extension servers own (attempts, availableAt, abandonedAttempt, autoRepair).
 * I3: the recorded term never falls by it.
 * I4: what is asked for and cannot be done (an unknown release, more than the quota, a refusal of the director) is said in the Cluster's
 *     conditions, judged on a live view only; meanwhile the cluster runs on as it is.
 * I5: a spec that is older than the one carried out moves nothing; nodes that are proven dead are replaced all the same.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import { conditionOf } from '../model/condition.ts';
import type { ConditionReason } from '../model/condition.ts';
import { statusPatch } from './attempt.ts';
import { changeEvents, releaseOf, wordsOf } from './change-words.ts';
import type { ChangeView, ChangeWords } from './change-words.ts';
import type { ClusterView, Decision } from './cluster-view.ts';
import type { Effect } from './effect.ts';
import { licensed } from './license.ts';
import type { Illness } from './node-health.ts';
import { NO_EFFECTS, soonest } from './outcome.ts';
import { conditionsAfterAvailable, phaseInput, summaryOf } from './phase.ts';
import type { ConditionChange } from './phase.ts';
import { servicesOf } from './plan.ts';
import { decideRemediation } from './remediation.ts';
import { decideScale, indexesOf, missingNodes } from './scale.ts';
import { pairedCondition } from './site-standing.ts';
import { specAge } from './spec-age.ts';
import type { SpecMemory } from './spec-age.ts';

/**
 * Who asks: the primary's agent. `unheard`: nodes (by name) that are down by its own observation; `silent`: whose agents alone are silent
 * (src/decide/presence.ts).
 */
export interface Manager {
  readonly node: string;
  readonly term: number;
  readonly unheard?: ReadonlySet<string>;
  readonly silent?: ReadonlySet<string>;
  /** The spec that was obeyed last. */
  readonly spec?: SpecMemory;
  /** Names of workers that have been ill for longer than the health check allows (src/decide/node-health.ts). */
  readonly overdue?: ReadonlyMap<string, Illness>;
  /** How the change of what runs stands (src/decide/change.ts); absent: there is no cluster plan yet. */
  readonly change?: ChangeView;
}

const NOBODY: ReadonlyMap<string, Illness> = new Map();

/** The next effects of the manager. Act on them as an extension server does: in order, live view when asked for. */
export function decideManager(view: ClusterView, manager: Manager): Decision {
  const { cluster } = view;
  const status: ClusterStatus = cluster.status ?? {};
  const isOver = status.availableAt === undefined || cluster.metadata.deletionTimestamp !== undefined;
  if (isOver || (status.term ?? 0) > manager.term) return NO_EFFECTS;
  const age = specAge(manager.spec, cluster, view.live);
  const older = age.state === 'Older' ? age.why : undefined;
  // A copy that shows less than is known may only lag.
  if (older !== undefined && !view.live) return { ...NO_EFFECTS, needsLive: true };
  const scale = older === undefined ? decideScale(view) : NO_EFFECTS;
  const remediation = decideRemediation(view, 'Manager', { term: manager.term, overdue: manager.overdue ?? NOBODY });
  return licensed(view, {
    effects: [...statusOf(view, status, manager, older, remediation.changes), ...remediation.effects, ...scale.effects],
    // A copy that lacks the release or the site may only lag; whether there is none is asked.
    needsLive: scale.needsLive || view.release === undefined || isSiteUnseen(view),
    watching: [...scale.watching, ...remediation.watching],
    ...soonest([scale.requeueAfterMs]),
  });
}

function statusOf(
  view: ClusterView,
  status: ClusterStatus,
  manager: Manager,
  older: string | undefined,
  remediation: readonly ConditionChange[],
): readonly Effect[] {
  const { cluster, release } = view;
  const { change } = manager;
  const mine = view.nodes.filter((node) => node.spec.attempt === status.attempt);
  const asked = release === undefined ? undefined : servicesOf(cluster.spec, release);
  const installed = change?.plan.target.services ?? asked;
  const { services, ...summary } = summaryOf(mine, installed ?? [], cluster.spec.workers, manager.unheard, manager.silent);
  const next: ClusterStatus = {
    ...status,
    ...summary,
    // Without the release nobody can say which services should run: what was said last stays.
    ...(installed === undefined ? {} : { services }),
    primary: manager.node,
    term: Math.max(status.term ?? 0, manager.term),
    release: change === undefined ? { ...status.release, target: cluster.spec.release } : releaseOf(change, mine, cluster.spec.release),
  };
  const words = change === undefined || next.release === undefined ? undefined : wordsOf(change, next.release);
  const blocked = older === undefined ? blockedBy(view) : (['SpecOlder', older] as const);
  const changes = withBlocked(conditionsAfterAvailable(phaseInput(cluster, next), installed), blocked, words, view);
  const paired: readonly ConditionChange[] = isSiteUnseen(view) && !view.live ? [] : [pairedCondition(cluster, view.site)];
  const ready = changes.find(([type]) => type === 'Ready');
  const error = ready === undefined || ready[1] === 'True' ? (blocked ?? words?.error) : ([ready[2], ready[3]] as const);
  const patch = statusPatch(view, next, [...changes, ...paired, ...remediation], error);
  const events = change === undefined || next.release === undefined ? [] : changeEvents(cluster, status.release, next.release, change);
  return [...patch, ...events];
}

/** The spec names a Site that this view does not show. */
function isSiteUnseen({ cluster, site }: ClusterView): boolean {
  return cluster.spec.site !== undefined && site?.metadata.name !== cluster.spec.site;
}

/** What is asked for and cannot be done, as a reason and a sentence. Copies say nothing about it. */
function blockedBy(view: ClusterView): readonly [ConditionReason, string] | undefined {
  if (!view.live) return undefined;
  const { release, workers } = view.cluster.spec;
  const goesOn = 'until then the cluster runs on as it is';
  if (view.release === undefined) {
    const todo = 'publish it, or set spec.release to one that there is (kubectl get clusterreleases)';
    return ['ReleaseNotFound', `There is no ClusterRelease ${release}; ${todo}; ${goesOn}.`];
  }
  const missing = missingNodes(view, view.cluster.status?.attempt ?? 0, indexesOf(workers));
  if (missing.state === 'Exceeded') return ['QuotaExceeded', `${missing.message}; ${goesOn}.`];
  if (missing.state === 'NoDataCenter') return ['VirtualDataCenterNotFound', `${missing.message}; ${goesOn}.`];
  return view.refusal === undefined ? undefined : ['StepFailed', `The director refused: ${view.refusal}; ${goesOn}.`];
}

function withBlocked(
  changes: readonly ConditionChange[],
  blocked: readonly [ConditionReason, string] | undefined,
  words: ChangeWords | undefined,
  view: ClusterView,
): readonly ConditionChange[] {
  const others = changes.filter(([type]) => type !== 'Progressing');
  const wasShort = conditionOf(view.cluster.status?.conditions, 'QuotaReserved')?.status === 'False';
  if (blocked !== undefined) {
    const quota: readonly ConditionChange[] = blocked[0] === 'QuotaExceeded' ? [['QuotaReserved', 'False', ...blocked]] : [];
    return [...others, ['Progressing', 'False', ...blocked], ...quota];
  }
  const reserved: readonly ConditionChange[] =
    wasShort && view.live ? [['QuotaReserved', 'True', 'QuotaReserved', 'The capacity is reserved.']] : [];
  return words === undefined ? [...changes, ...reserved] : [...others, words.condition, ...reserved];
}
