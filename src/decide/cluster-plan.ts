/**
 * The cluster plan: what all nodes of a cluster run, made by its primary, kept by every node.
 *
 * It holds the whole content, so that nobody needs a director to read a release, and how far a change is, so that whoever carries it out may die.
 *
 * I1: plans are ordered by (term, number); a node takes a higher one and never a lower one.
 * I2: a plan is taken only for this very cluster, and from the primary that is known here, in a term that is not below the one known here. A primary
 *     that has none (a new machine) takes what another member keeps, of no term above its own.
 * I3: a node runs the target once it was given its turn, or when nothing is left of what was before; until then it stays with what it runs. One that
 *     runs nothing yet takes what runs elsewhere: what was before while a change is under way, else the target.
 * I4: two contents have the same hash exactly when the same release and the same services are in them.
 */

import { shortHash } from '../base/canonical.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import type { ClusterSpec } from '../model/cluster.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';
import type { Service } from '../model/pod.ts';
import { memberId } from './authority.ts';
import type { Membership } from './authority.ts';
import { servicesOf, templateOf } from './plan.ts';

/** What a cluster runs. */
export type Content = {
  /** Of `release` and `services`. */
  readonly hash: string;
  /** Name of the ClusterRelease, and its version and spec.upgradesFrom. */
  readonly release: string;
  readonly version: string;
  readonly upgradesFrom: readonly string[];
  /** Those of the release and of the spec. */
  readonly services: readonly Service[];
};

export type ChangeState = 'Steady' | 'Advancing' | 'RollingBack';

/** What was tried and taken back. */
export type RolledBack = {
  readonly release: string;
  /** metadata.generation of the spec that asked for it. */
  readonly generation: number;
  /** RFC 3339, by the clock of the primary. */
  readonly time: string;
  /** Which node and which service did not come up. */
  readonly message: string;
};

/** What the node store keeps as `clusterPlan`. */
export type ClusterPlan = {
  readonly term: number;
  readonly number: number;
  readonly clusterUid: string;
  /** Of the spec that it was made from. */
  readonly generation: number;
  readonly upgrade: { readonly readySeconds: number; readonly whenNodeDown: 'Wait' | 'Proceed' };
  readonly state: ChangeState;
  readonly target: Content;
  /** What ran before; kept until every node has followed. */
  readonly previous?: Content;
  /** Uids of the nodes that were given their turn, in this order. */
  readonly moved: readonly string[];
  /** Uids of those who go first, while RollingBack. */
  readonly order?: readonly string[];
  /** `number` of the plan that gave the newest turn. */
  readonly turn: number;
  /** Why it turned round, as a sentence; while RollingBack. */
  readonly reason?: string;
  /** The newest change that did not come up. */
  readonly rolledBack?: RolledBack;
  /** Hash of the content that was rolled back, for as long as the spec has asked for nothing else since. */
  readonly barred?: string;
};

export interface PlanKey {
  readonly term: number;
  readonly number: number;
}

export function contentOf(spec: Pick<ClusterSpec, 'services'>, release: ClusterRelease): Content {
  const services = servicesOf(spec, release);
  const { name } = release.metadata;
  const { version, upgradesFrom } = release.spec;
  return { hash: shortHash({ release: name, services }), release: name, version, upgradesFrom: upgradesFrom ?? [], services };
}

/** Stands for what ran before where nobody knows it: all that is in another content is new against it, and no node is found to run it. */
export function contentUnknown(): Content {
  return { hash: shortHash({ release: '', services: [] }), release: '', version: '', upgradesFrom: [], services: [] };
}

/** Services that are in both and whose pods differ: what a node that goes from one to the other replaces. */
export function replacedServices(from: Pick<Content, 'services'>, to: Pick<Content, 'services'>): readonly Service[] {
  return to.services.filter((service) => {
    const before = from.services.find((one) => one.name === service.name);
    return before !== undefined && shortHash(templateOf(before)) !== shortHash(templateOf(service));
  });
}

/** Positive when `a` is higher. No plan at all is below every plan. */
export function comparePlans(a: PlanKey | undefined, b: PlanKey | undefined): number {
  const [x, y] = [a ?? { term: 0, number: 0 }, b ?? { term: 0, number: 0 }];
  return x.term - y.term || x.number - y.number;
}

/** As it stands in `status.agent.plan`. */
export function keyText({ term, number }: PlanKey): string {
  return `${term}.${number}`;
}

const KEY = /^(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})$/;

export function keyOf(text: string | undefined): PlanKey | undefined {
  const found = text === undefined ? null : KEY.exec(text);
  return found === null ? undefined : { term: Number(found[1]), number: Number(found[2]) };
}

/** What a node runs by a plan; `undefined`: it stays with what it runs. `current`: hash of what it runs; undefined: nothing yet. */
export function contentFor(plan: ClusterPlan, nodeUid: string, current: string | undefined): Content | undefined {
  if (plan.previous === undefined || plan.moved.includes(nodeUid)) return plan.target;
  if (current === undefined) return plan.state === 'Steady' ? plan.target : plan.previous;
  return [plan.previous, plan.target].find((content) => content.hash === current);
}

export interface OfferedPlan {
  readonly mine: ClusterPlan | undefined;
  readonly clusterUid: string;
  /** This node, and who offers it, as member ids. */
  readonly self: string;
  readonly from: string;
  readonly membership: Membership | undefined;
  /** Member id of the primary, as `primaryId` finds it. */
  readonly primary: string;
  readonly offered: Json | undefined;
}

export type PlanJudgement = { readonly plan: ClusterPlan } | { readonly refused: string };

/** Whether to take a plan that another node sent. */
export function judgePlan({ mine, clusterUid, self, from, membership, primary, offered }: OfferedPlan): PlanJudgement {
  const plan = planIn(offered);
  if (plan === undefined) return { refused: 'What was sent is no cluster plan that this program can read.' };
  if (plan.clusterUid !== clusterUid) return { refused: 'It is the plan of another cluster.' };
  if (comparePlans(plan, mine) <= 0) return { refused: `Plan ${keyText(plan)} is not above the one that is known here.` };
  if (membership === undefined) return { refused: 'This node does not know yet who is primary.' };
  if (primary === self) {
    if (mine !== undefined) return { refused: 'This node is primary and makes the plan itself.' };
    return plan.term <= membership.term
      ? { plan }
      : { refused: `Plan ${keyText(plan)} is of a term above ${membership.term}, this node's own.` };
  }
  if (primary !== from) return { refused: 'It was not sent by the primary that is known here.' };
  return plan.term >= membership.term ? { plan } : { refused: `Plan ${keyText(plan)} is of a term below ${membership.term}.` };
}

/** Reads what stands in a file or came from a peer; undefined: it is no plan. */
export function planIn(value: Json | undefined): ClusterPlan | undefined {
  if (!isJsonObject(value)) return undefined;
  const plan = value as unknown as Partial<ClusterPlan>;
  const isWhole =
    [plan.term, plan.number, plan.generation, plan.turn].every((one) => Number.isSafeInteger(one) && (one as number) >= 0) &&
    typeof plan.clusterUid === 'string' &&
    ['Steady', 'Advancing', 'RollingBack'].includes(plan.state ?? '') &&
    Array.isArray(plan.moved) &&
    Number.isInteger(plan.upgrade?.readySeconds) &&
    isContent(plan.target) &&
    (plan.previous === undefined || isContent(plan.previous)) &&
    (plan.state === 'Steady' || plan.previous !== undefined);
  return isWhole ? (plan as ClusterPlan) : undefined;
}

/** What it says of itself is what is in it; a service without a pod would end whoever starts it. */
function isContent(content: Content | undefined): boolean {
  if (typeof content?.release !== 'string' || typeof content.version !== 'string' || !Array.isArray(content.services)) return false;
  if (!content.services.every((service) => typeof service?.name === 'string' && Array.isArray(service.pod?.containers))) return false;
  return content.hash === shortHash({ release: content.release, services: content.services });
}

/**
 * Member id of the primary: by the membership; while that knows none (a worker, before the cluster was available), the node that was born as one. ''
 * when it is not known.
 */
export function primaryId(membership: Membership | undefined, nodes: readonly ClusterNode[] | undefined): string {
  if (membership === undefined || membership.primary !== '') return membership?.primary ?? '';
  const born = nodes?.find(({ spec }) => spec.role === 'Primary');
  return born === undefined ? '' : memberId(born.metadata.uid, born.spec.incarnation);
}
