/**
 * The rules that the store keeps, as the CEL of src/model says them: monotone facts, frozen fields, the quota; and admission's one rule.
 *
 * `isGuard` marks the rules that only broken decision code can run into: each write bears the revision that it was decided on, so a fact that
 * was committed meanwhile shows as a conflict first. Running into the guard itself is a finding.
 */

import { isSameValue } from '../src/base/canonical.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import { reservationKey } from '../src/model/labels.ts';
import type { Site } from '../src/model/site.ts';
import type { VirtualDataCenter } from '../src/model/virtual-data-center.ts';
import { siteRule } from './site-rules.ts';
import type { Stored } from './stored.ts';

export interface Verdict {
  readonly message: string;
  readonly isGuard: boolean;
}

type Read = (plural: string, name: string) => Stored | undefined;

/** Why `next` must not stand; undefined: it may. */
export function checkTransition(plural: string, old: Stored | undefined, next: Stored, admission: Read | undefined): Verdict | undefined {
  if (plural === 'clusters') return old === undefined ? undefined : guard(clusterRule(old as Cluster, next as Cluster));
  if (plural === 'virtualdatacenters') return guard(dataCenterRule(old as VirtualDataCenter | undefined, next as VirtualDataCenter));
  if (plural === 'sites') return old === undefined ? undefined : guard(siteRule(old as Site, next as Site));
  if (plural !== 'clusternodes') return undefined;
  if (old !== undefined) return guard(nodeRule(old as ClusterNode, next as ClusterNode));
  return admission === undefined ? undefined : admitNode(next as ClusterNode, admission);
}

function guard(message: string | undefined): Verdict | undefined {
  return message === undefined ? undefined : { message, isGuard: true };
}

function clusterRule(old: Cluster, next: Cluster): string | undefined {
  const before = old.status ?? {};
  const after = next.status ?? {};
  if (before.availableAt !== undefined && after.availableAt !== before.availableAt) return 'availableAt cannot be changed or cleared';
  if ((after.abandonedAttempt ?? 0) < (before.abandonedAttempt ?? 0)) return 'abandonedAttempt must not fall';
  if (before.availableAt !== undefined && after.abandonedAttempt !== before.abandonedAttempt) return 'abandonedAttempt is frozen';
  if (after.availableAt !== undefined && (after.abandonedAttempt ?? 0) >= (after.attempt ?? Infinity))
    return 'an attempt that became available cannot be abandoned';
  if (old.spec.site !== undefined && next.spec.site !== undefined && old.spec.site !== next.spec.site)
    return 'site cannot be changed to another one in one step';
  if ((after.term ?? 0) < (before.term ?? 0)) return 'term must not fall';
  const lists = [after.attempts, after.eventSet, after.errorSet];
  if (lists.some((list) => (list?.length ?? 0) > 20) || (after.conditions?.length ?? 0) > 32) return 'a list is too long';
  return undefined;
}

function nodeRule(old: ClusterNode, next: ClusterNode): string | undefined {
  const frozen = ['cluster', 'clusterUid', 'virtualDataCenter', 'attempt', 'index', 'role'] as const;
  const changed = frozen.find((field) => old.spec[field] !== next.spec[field]);
  if (changed !== undefined) return `spec.${changed} cannot be changed`;
  if (next.spec.incarnation < old.spec.incarnation) return 'incarnation must not fall';
  if (old.spec.retired === true && next.spec.retired !== true) return 'a retired node cannot be taken back';
  const hostKept = old.spec.host === undefined || next.spec.host === old.spec.host || next.spec.incarnation > old.spec.incarnation;
  return hostKept ? undefined : 'a claimed host changes only with a higher incarnation';
}

function dataCenterRule(old: VirtualDataCenter | undefined, next: VirtualDataCenter): string | undefined {
  const entries = Object.values(next.status?.reservations ?? {});
  const before = Object.values(old?.status?.reservations ?? {});
  if (entries.length > next.spec.quota.nodes && entries.length > before.length) return 'the quota of nodes is used up';
  const sum = (list: typeof entries): number => list.reduce((total, entry) => total + entry.cpuMillis, 0);
  if (sum(entries) > next.spec.quota.cpuMillis && sum(entries) > sum(before)) return 'the quota of cpu is used up';
  const said = next.status?.reserved;
  const isRight = said === undefined || (said.nodes === entries.length && said.cpuMillis === sum(entries));
  return isRight ? undefined : 'the sums are not those of the entries';
}

/** Why a host may not write this section of a node, as a director's rights have it (src/director/auth/host-rights.ts, H6). */
export function refusedSection(writer: string, old: ClusterNode, next: ClusterNode): string | undefined {
  const [was, becomes] = [old.status?.infrastructure, next.status?.infrastructure];
  if (isSameValue(was, becomes) || becomes === undefined) return undefined;
  if (old.spec.host !== writer) return `${writer} does not hold this node any more`;
  return becomes.incarnation === old.spec.incarnation ? undefined : `infrastructure.incarnation must be ${old.spec.incarnation}`;
}

function admitNode(node: ClusterNode, read: Read): Verdict | undefined {
  const vdc = read('virtualdatacenters', node.spec.virtualDataCenter) as VirtualDataCenter | undefined;
  const entry = vdc?.status?.reservations?.[reservationKey(node.spec.clusterUid, node.spec.index)];
  return entry === undefined ? { message: `${node.metadata.name} has no reservation`, isGuard: false } : undefined;
}
