/**
 * Replacement of nodes that are lost, for both who do it (repair-owner.ts says who): on which proof, and when nobody may.
 *
 * I1: a node is replaced only on proof: its host says that it is gone, a person confirms this very incarnation, or, of a worker, the manager that bears the
 *     recorded term vouches for it. Silence and failure alone prove nothing.
 * I2: a replacement is one write: a higher incarnation and no host; the proof was committed before, by a write of its own.
 * I3: above maxUnhealthyPercent nothing is replaced and nothing is vouched for.
 * I4: in a mass silence nothing is replaced but what a person confirmed dead: that person has looked.
 * I5: the manager vouches only for workers that it owns, that a host holds, and whose machine others can take over: a joined machine has none.
 */

import type { ClusterStatus } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { conditionOf } from '../model/condition.ts';
import { LIMITS } from '../model/limits.ts';
import type { ClusterView } from './cluster-view.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { isObeyed } from './mass-silence.ts';
import { allowedMs, healthCheckOf, tooManyUnhealthy } from './node-health.ts';
import type { HealthCheck, Illness } from './node-health.ts';
import { deathOf, isConfirmedDead, isForJoined, isLeaving, vouchedTerm } from './node-facts.ts';
import { seenMs } from './observation.ts';
import type { ConditionChange } from './phase.ts';
import { primaryOf, repairedBy } from './repair-owner.ts';
import type { RepairOwner } from './repair-owner.ts';

/** What a manager brings to it. */
export interface Vouching {
  readonly term: number;
  /** Names of workers that have been ill for longer than the check allows (node-health.ts). */
  readonly overdue: ReadonlyMap<string, Illness>;
}

export interface Remediation {
  readonly effects: readonly Effect[];
  /** What RemediationAllowed is to say; none: what it says stays. */
  readonly changes: readonly ConditionChange[];
  readonly watching: readonly string[];
}

const NOBODY: ReadonlyMap<string, Illness> = new Map();

/** What `owner` does about the nodes that are his to repair. `vouching`: the manager's. `anySilent`: an extension server does not hear some member. */
export function decideRemediation(view: ClusterView, owner: RepairOwner, vouching?: Vouching, anySilent = false): Remediation {
  const { attempt = 0 } = view.cluster.status ?? {};
  const members = view.nodes.filter((node) => node.spec.attempt === attempt && !isLeaving(node));
  const check = healthCheckOf(view.cluster, view.config);
  const overdue = vouching?.overdue ?? NOBODY;
  const mine = repairedBy(view, owner);
  const due = mine.filter((node) => proofOf(view, node) !== undefined);
  const suspects = vouching === undefined ? [] : mine.filter((node) => isToVouchFor(view, node, overdue));
  const many = tooManyUnhealthy(members, new Set(overdue.keys()), check);
  const obeyed = massSilence(view, owner);
  const { watching } = obeyed;
  if (many !== undefined) {
    const isSaid = owner === 'Manager' || due.length > 0;
    const changes: readonly ConditionChange[] = isSaid ? [['RemediationAllowed', 'False', 'TooManyUnhealthy', many]] : [];
    return { effects: [], changes: obeyed.active ? saidBy(view, owner, true, anySilent || due.length > 0) : changes, watching };
  }
  const allowed = obeyed.active ? due.filter(isConfirmedDead) : due;
  const vouched = obeyed.active || vouching === undefined ? [] : suspects.flatMap((node) => vouch(node, overdue, vouching.term, check));
  const effects = [...allowed.flatMap((node) => replacement(view, node)), ...vouched];
  return { effects, changes: saidBy(view, owner, obeyed.active, anySilent || due.length > allowed.length), watching };
}

/** Why this life of a node is over, as far as it licenses a replacement; undefined: nothing proves it. */
function proofOf(view: ClusterView, node: ClusterNode): string | undefined {
  const death = deathOf(node);
  if (death !== undefined) return death;
  const term = vouchedTerm(node);
  const isPrimary = primaryOf(view)?.metadata.uid === node.metadata.uid;
  if (term === undefined || isPrimary || term !== (view.cluster.status?.term ?? 0)) return undefined;
  return `the manager of its cluster vouches for that, in term ${term}`;
}

function isToVouchFor(view: ClusterView, node: ClusterNode, overdue: ReadonlyMap<string, Illness>): boolean {
  return overdue.has(node.metadata.name) && node.spec.host !== undefined && !isForJoined(node) && proofOf(view, node) === undefined;
}

function replacement(view: ClusterView, node: ClusterNode): readonly Effect[] {
  const incarnation = node.spec.incarnation + 1;
  const message = `${node.metadata.name} is replaced by its incarnation ${incarnation}: ${proofOf(view, node)}.`;
  return [{ kind: 'RaiseIncarnation', on: guardOf(node), incarnation }, nodeEvent(node, 'NodeReplaced', message)];
}

const WORDS: Readonly<Record<Illness, string>> = {
  Startup: 'never came up',
  NotReady: 'was not ready',
  Unknown: 'was not heard, nor anything that it runs',
};

function vouch(node: ClusterNode, overdue: ReadonlyMap<string, Illness>, term: number, check: HealthCheck): readonly Effect[] {
  const illness = overdue.get(node.metadata.name) ?? 'Unknown';
  const { incarnation, host } = node.spec;
  const seconds = allowedMs(check, illness, incarnation) / 1000;
  const message = `Incarnation ${incarnation} of ${node.metadata.name}, on host ${host}, ${WORDS[illness]} for ${seconds} s (nodeHealthCheck): the manager vouches, in term ${term}, that it is over.`;
  return [{ kind: 'VouchNodeDead', on: guardOf(node), incarnation, term }, nodeEvent(node, 'NodeVouchedDead', message)];
}

function nodeEvent(node: ClusterNode, reason: 'NodeReplaced' | 'NodeVouchedDead', message: string): Effect {
  const { namespace, name, uid } = node.metadata;
  return { kind: 'RecordEvent', about: { kind: 'ClusterNode', namespace: namespace ?? '', name, uid }, type: 'Warning', reason, message };
}

// ---- mass silence -------------------------------------------------------------------------------------------------------------------------

/**
 * An extension server goes by its own observation; while that is too young, by what stands in the Cluster. A manager goes by what stands there, for a
 * while: it hears its own site alone, and whoever wrote it may be gone.
 */
function massSilence(view: ClusterView, owner: RepairOwner): { readonly active: boolean; readonly watching: readonly string[] } {
  const stands = saidReason(view.cluster.status) === 'MassSilence';
  if (owner === 'ExtensionServer') return { active: isObeyed(view.massSilence, stands), watching: [] };
  if (!stands) return { active: false, watching: [] };
  const key = `massSilence/${view.cluster.metadata.uid}`;
  return { active: seenMs(view.seen, key, view.monotonicMs) < LIMITS.massSilenceObeyedMs, watching: [key] };
}

function saidReason(status: ClusterStatus | undefined): string | undefined {
  const condition = conditionOf(status?.conditions, 'RemediationAllowed');
  return condition?.status === 'False' ? condition.reason : undefined;
}

/** While nothing is ever withheld the condition is not there: most clusters never need it. */
function saidBy(view: ClusterView, owner: RepairOwner, active: boolean, affected: boolean): readonly ConditionChange[] {
  const said = saidReason(view.cluster.status);
  const free: ConditionChange = ['RemediationAllowed', 'True', 'RemediationAllowed', 'Nodes that are proven dead are replaced.'];
  if (owner === 'Manager') return said === 'TooManyUnhealthy' ? [free] : [];
  if (active && affected) return [['RemediationAllowed', 'False', 'MassSilence', massMessage(view)]];
  return said === 'MassSilence' && !active ? [free] : [];
}

function massMessage({ config }: ClusterView): string {
  const { massSilencePercent, massSilenceSeconds } = config;
  return `More than ${massSilencePercent} % of the sites of this director fell silent within ${massSilenceSeconds} s: that is the network or this place, so nothing is replaced until they are heard again. A node that a person confirms dead is (outrigger node confirm-dead); ServerConfig spec.massSilencePercent 100 ends it for all.`;
}
