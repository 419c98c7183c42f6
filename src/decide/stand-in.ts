/**
 * What a worker says of its cluster while the primary is down: nobody else at the site can, and a director that is not told would go on showing what
 * the primary said last.
 *
 * It lowers, and never raises: the phase, its conditions, and the summary that they are made from. Whatever says who manages (primary, term), what
 * runs (release) and what guards against destruction stays as it is. When the primary is back, that raises all of it again.
 *
 * I1: it is said by the living worker with the lowest index alone, as far as this worker hears the others; and only while the primary is down by own
 *     observation (src/decide/presence.ts) and the cluster was available.
 * I2: only what a stand-in may write is written (src/director/auth/stand-in-rights.ts).
 * I3: what was said once is not said again, however others overwrite it, until this worker sees something else itself. So nobody is answered back:
 *     neither an extension server that judges by Leases, nor a primary that lives and is only cut off from this worker.
 * I4: a status that already says no more than is true is left as it is, whatever its sentences.
 * I5: what is said of a silent node promises only what follows: a primary is never replaced for silence, a worker after unknownSeconds, a joined machine by
 *     nobody.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ConditionType } from '../model/condition.ts';
import { canonicalJson } from '../base/canonical.ts';
import { statusPatch } from './attempt.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Effect } from './effect.ts';
import { isForJoined, isLeaving, isLost } from './node-facts.ts';
import { conditionsAfterAvailable, phaseInput, phaseOf, summaryOf } from './phase.ts';
import { servicesOf } from './plan.ts';
import { namesOf } from './presence.ts';
import type { Standing } from './presence.ts';
import { primaryOf } from './repair-owner.ts';

/** What a stand-in says something about; the other conditions are the primary's. */
export const STAND_IN_CONDITIONS: readonly ConditionType[] = [
  'Ready',
  'Redundant',
  'BrokerAvailable',
  'MonitoringAvailable',
  'ImagesAvailable',
];

/** Who asks. */
export interface StandIn {
  /** Name of this node. */
  readonly node: string;
  /** How the other members stand, by name. */
  readonly standings: ReadonlyMap<string, Standing>;
  /** What it said last, as this function returned it. */
  readonly said: string | undefined;
}

export interface StandInDecision {
  readonly effects: readonly Effect[];
  /** To be kept once the effects are carried out. */
  readonly said: string | undefined;
}

/** What to write now. `view.nodes`: with the words that are heard, and only instances that answer. */
export function decideStandIn(view: ClusterView, standIn: StandIn): StandInDecision {
  const { cluster } = view;
  const status: ClusterStatus = cluster.status ?? {};
  const isOver = status.availableAt === undefined || cluster.metadata.deletionTimestamp !== undefined;
  if (isOver || !isPrimaryDown(view, standIn) || speakerOf(view, standIn) !== standIn.node) return { effects: [], said: undefined };
  const mine = view.nodes.filter((node) => node.spec.attempt === status.attempt);
  const installed = view.release === undefined ? undefined : servicesOf(cluster.spec, view.release);
  const down = namesOf(standIn.standings, 'Down');
  const { services, ...summary } = summaryOf(mine, installed ?? [], cluster.spec.workers, down, namesOf(standIn.standings, 'Silent'));
  const next: ClusterStatus = { ...status, ...summary, ...(installed === undefined ? {} : { services }) };
  const changes = conditionsAfterAvailable(phaseInput(cluster, next), installed).filter(([type]) => STAND_IN_CONDITIONS.includes(type));
  const substance = substanceOf({ ...next, phase: phaseOf(phaseInput(cluster, next)) }, changes);
  if (
    substance === standIn.said ||
    substance ===
      substanceOf(
        status,
        changes.map(([type]) => standing(status, type)),
      )
  )
    return { effects: [], said: substance };
  const ready = changes.find(([type]) => type === 'Ready');
  // Which spec is carried out is not a stand-in's to say.
  const asObserved = { ...cluster, metadata: { ...cluster.metadata, generation: status.observedGeneration ?? 0 } };
  return {
    effects: statusPatch({ ...view, cluster: asObserved }, next, changes, ready === undefined ? undefined : [ready[2], ready[3]]),
    said: substance,
  };
}

/** The primary is another node, and down by own observation. */
export function isPrimaryDown(view: Pick<ClusterView, 'cluster' | 'nodes'>, { node, standings }: Omit<StandIn, 'said'>): boolean {
  const primary = primaryOf(view)?.metadata.name;
  return primary !== undefined && primary !== node && standings.get(primary) === 'Down';
}

/**
 * Who speaks for the site: the primary while it is heard, else the worker with the lowest index that is. `about`: a node that is spoken of, and so does
 * not speak. Undefined: nobody can.
 */
export function speakerOf(
  view: Pick<ClusterView, 'cluster' | 'nodes'>,
  { node, standings }: Omit<StandIn, 'said'>,
  about?: string,
): string | undefined {
  const primary = primaryOf(view)?.metadata.name;
  const isHeard = (name: string): boolean => name !== about && (name === node || standings.get(name) === 'Heard');
  if (primary !== undefined && isHeard(primary)) return primary;
  const attempt = view.cluster.status?.attempt;
  const able = view.nodes.filter((one) => one.spec.attempt === attempt && isAble(one) && isHeard(one.metadata.name));
  return able.sort((a, b) => a.spec.index - b.spec.index)[0]?.metadata.name;
}

function isAble(node: ClusterNode): boolean {
  return !isLeaving(node) && !isLost(node);
}

type Said = readonly [ConditionType, string, string, ...unknown[]];

function standing(status: ClusterStatus, type: ConditionType): Said {
  const condition = status.conditions?.find((one) => one.type === type);
  return [type, condition?.status ?? '', condition?.reason ?? ''];
}

/** What a status says, without its sentences and times. */
function substanceOf({ phase, nodes = {}, services = {}, workers }: ClusterStatus, conditions: readonly Said[]): string {
  const ready = Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, [node.ready ?? null, node.role ?? null]]));
  const counts = Object.fromEntries(Object.entries(services).map(([name, service]) => [name, [service.ready ?? 0, service.where ?? []]]));
  return canonicalJson({
    phase: phase ?? null,
    ready,
    counts,
    workers: workers ?? 0,
    conditions: conditions.map((one) => one.slice(0, 3)),
  });
}

/** What comes of the silence of a node, and what a person can do; a sentence. */
export function afterSilence(node: ClusterNode, isPrimary: boolean): string {
  const { name, namespace = '' } = node.metadata;
  const confirm = `outrigger node confirm-dead ${name} -n ${namespace}`;
  if (isPrimary) return `A primary is never replaced for silence: see to the machine; if you know that it is off: ${confirm}.`;
  if (isForJoined(node)) return `No other machine can take its place by itself: see to it; if you know that it is off: ${confirm}.`;
  return `When that lasts for nodeHealthCheck.unknownSeconds the manager replaces it; if you know that its machine is off: ${confirm}.`;
}
