/**
 * Changes of what runs: the machine that makes the next cluster plan. The primary's agent carries it out; everything that it needs is in the plan.
 *
 * Steady → Advancing → Steady, or Advancing → RollingBack → Steady (rolledBack). One change at a time; each step gives at most one node its turn.
 *
 * I1: the term and number of a plan only rise, and each step that changes it raises the number.
 * I2: a turn is given only when everybody who had one runs the target and is ready. Workers by index, then the primary; back in the other order;
 *     out of it only when the next in line holds a last instance (I3) for long.
 *     With Proceed a node that is not heard is passed over; it may still carry out, beside the others, the turn that it was given before.
 * I3: no turn takes away the last ready instance of a replicated service while another node could have one.
 * I4: a turn that is not over after upgrade.readySeconds, counted only while its node is heard and nothing holds it back, makes all go back (once the
 *     cluster was available: before, creation has deadlines of its own). Going back never turns round again.
 * I5: what was rolled back is not tried again for as long as the spec asks for the same content, whatever else of it changes (a scale, say); once it
 *     was seen to ask for another, that is over.
 * I6: another spec waits until the change is over; the content that it came from is a roll-back and begins at once. While nobody has moved, and
 *     before the cluster was available, the new content takes the place of the target.
 * I7: while a node is unheard a change advances only by whenNodeDown: Proceed; going back waits for nobody. Who was passed over follows when it is heard.
 * I8: a change between releases is begun only when there is a way (upgrade-path.ts).
 * I9: a change that replaces no pod, within one release, needs no turns.
 * I10: the first plan of a cluster that was available comes from a primary that found nobody with a plan: it does not know what runs, so every node keeps
 *     that until it gets its turn, as those do who follow. Whether there is a way (I8) from there nobody can say.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { counted } from './change-clock.ts';
import type { ChangeClock } from './change-clock.ts';
import { comparePlans, contentUnknown, keyOf, replacedServices } from './cluster-plan.ts';
import type { ClusterPlan, Content, RolledBack } from './cluster-plan.ts';
import { hasTaken, isLast, membersOf, passesOver, whatIsMissing } from './change-nodes.ts';
import { upgradeRefusal } from './upgrade-path.ts';

/** What the Cluster's spec asks for, when it is to be obeyed (src/decide/spec-age.ts). */
export interface Asked {
  readonly generation: number;
  /** Undefined: its release is not known here (yet). */
  readonly content: Content | undefined;
  readonly upgrade: ClusterPlan['upgrade'];
}

export interface ChangeInput {
  readonly plan: ClusterPlan | undefined;
  readonly clusterUid: string;
  /** Under which this node is primary. */
  readonly term: number;
  /** Undefined: no director was heard yet. */
  readonly asked: Asked | undefined;
  /** The cluster was available once. */
  readonly wasAvailable: boolean;
  /** Of the attempt at work, this one with its newest word. */
  readonly nodes: readonly ClusterNode[];
  /** Names of nodes that this one does not hear. */
  readonly unheard: ReadonlySet<string>;
  readonly clock: ChangeClock;
  readonly monotonicMs: number;
  /** Wall clock, for time stamps. */
  readonly nowMs: number;
}

/** How the change stands, with a sentence for people (without its period). */
export interface ChangeStanding {
  readonly state: 'AsAsked' | 'Upgrading' | 'RollingBack' | 'Waits' | 'RolledBack' | 'Refused';
  readonly message: string;
}

export interface ChangeStep {
  /** To be stored before anything is done by it; undefined: none can be made yet. */
  readonly plan: ClusterPlan | undefined;
  readonly standing: ChangeStanding;
  readonly clock: ChangeClock;
}

/** A node is passed over only when it was not heard for so long: its agent may just be starting. */
const ABSENT_MS = 10_000;
/** So long the order is kept although the node whose turn it is holds a last instance; then another goes first, whose instance is not ready. */
const ORDER_MS = 30_000;

const AS_ASKED: ChangeStanding = { state: 'AsAsked', message: '' };

/** The next plan. While it differs from the one before, ask again once it is stored; else when something changes, and each second of a change. */
export function nextChange(input: ChangeInput): ChangeStep {
  const { plan } = input;
  if (plan === undefined) return step(input, firstPlan(input), AS_ASKED);
  const kept = keptCurrent(plan, input);
  if (kept !== undefined) return step(input, kept, AS_ASKED);
  if (plan.state === 'Steady') return steady(plan, input);
  const redirected = redirect(plan, input);
  return redirected === undefined ? underWay(plan, input) : step(input, redirected, AS_ASKED);
}

function firstPlan({ clusterUid, term, asked, nodes, wasAvailable }: ChangeInput): ClusterPlan | undefined {
  if (asked?.content === undefined) return undefined;
  const { generation, upgrade, content } = asked;
  const number = highestHeard(nodes, term) + 1;
  const plan: ClusterPlan = { term, number, clusterUid, generation, upgrade, state: 'Steady', target: content, moved: [], turn: number };
  return wasAvailable ? { ...plan, previous: contentUnknown() } : plan;
}

/** The highest number that a node says it has, of terms up to ours: a disk may have been put back. */
function highestHeard(nodes: readonly ClusterNode[], term: number): number {
  const keys = nodes.map((node) => keyOf(node.status?.agent?.plan)).filter((key) => key !== undefined && key.term <= term);
  return Math.max(0, ...keys.map((key) => key?.number ?? 0));
}

/**
 * What changes no content: the term, a higher number elsewhere, settings, the end of a bar (I5), and the generation of a spec that asks for the target,
 * or still for what is barred.
 */
function keptCurrent(plan: ClusterPlan, { term, asked, nodes }: ChangeInput): ClusterPlan | undefined {
  const heard = highestHeard(nodes, term);
  const number = Math.max(plan.number, heard) + 1;
  if (plan.term < term) return { ...plan, term, number };
  if (comparePlans({ term: plan.term, number: heard }, plan) > 0) return { ...plan, number };
  if (asked === undefined) return undefined;
  const { readySeconds, whenNodeDown } = asked.upgrade;
  if (readySeconds !== plan.upgrade.readySeconds || whenNodeDown !== plan.upgrade.whenNodeDown)
    return { ...plan, number, upgrade: asked.upgrade };
  const { barred, ...unbarred } = plan;
  const hash = asked.content?.hash;
  if (barred !== undefined && hash !== undefined && hash !== barred) return { ...unbarred, number };
  const isSame = hash === plan.target.hash || (plan.state === 'Steady' && hash !== undefined && hash === barred);
  return asked.generation !== plan.generation && isSame ? { ...plan, number, generation: asked.generation } : undefined;
}

// ---- nothing is under way ---------------------------------------------------------------------------------------------------------------

function steady(plan: ClusterPlan, input: ChangeInput): ChangeStep {
  const followers = followed(plan, input);
  if (followers.plan !== plan) return followers;
  const { asked } = input;
  const refused = asked === undefined ? undefined : notBegun(plan, asked);
  if (refused !== undefined) return { ...followers, standing: refused };
  // A node that follows is replacing its pods: the next change begins after it.
  if (asked?.content === undefined || followers.isBusy) return followers;
  if (asked.content.hash === plan.target.hash) return followers;
  const number = plan.number + 1;
  const { generation, content } = asked;
  const isLight = content.release === plan.target.release && replacedServices(plan.target, content).length === 0;
  const next: ClusterPlan = isLight
    ? { ...plan, number, generation, target: content }
    : { ...plan, number, generation, state: 'Advancing', target: content, previous: plan.target, moved: [], turn: number };
  return { ...followers, plan: next };
}

/** Why what is asked for is not begun. */
function notBegun(plan: ClusterPlan, { generation, content }: Asked): ChangeStanding | undefined {
  if (content?.hash === plan.target.hash) return undefined;
  const { rolledBack, barred } = plan;
  // Plans of programs that knew no bar go by the generation.
  const isBarred = rolledBack !== undefined && (rolledBack.generation === generation || (barred !== undefined && content?.hash === barred));
  if (isBarred) {
    const todo = `it is not tried again while the spec asks for the same; mend it, ask for what runs now, or, to try it again, ${retry(plan, rolledBack)}`;
    return { state: 'RolledBack', message: `${rolledBack.message}; ${plan.target.release} runs on; ${todo}` };
  }
  if (content === undefined) return undefined;
  const refusal = upgradeRefusal(plan.target, content);
  return refusal === undefined ? undefined : { state: 'Refused', message: `spec.release: ${refusal}; ${plan.target.release} runs on` };
}

/** How a person says that the same is to be tried once more. */
function retry({ target }: ClusterPlan, { release }: RolledBack): string {
  if (release === target.release) return 'set spec.services to what runs now, wait until this is no longer said, and then back';
  return `set spec.release to ${target.release}, wait until this is no longer said, and then to ${release}`;
}

/** Nodes that were passed over, or have come since, get their turns; a node that does not come up then is its own trouble. */
function followed(plan: ClusterPlan, input: ChangeInput): ChangeStep & { readonly isBusy: boolean } {
  if (plan.previous === undefined) return { ...step(input, plan, AS_ASKED), isBusy: false };
  const late = blockerOf(plan, input);
  const clock = clockFor(input, late === undefined ? [] : [factOf(plan, late)], []);
  if (late !== undefined && (clock.ran[factOf(plan, late)] ?? 0) < plan.upgrade.readySeconds * 1000)
    return { plan, standing: AS_ASKED, clock, isBusy: true };
  const staying = input.nodes.filter((node) => node.metadata.deletionTimestamp === undefined && node.spec.retired !== true);
  const behind = staying.filter((node) => !plan.moved.includes(node.metadata.uid));
  if (behind.length === 0) return { plan: withoutPrevious(plan), standing: AS_ASKED, clock, isBusy: false };
  const next = membersOf(input.nodes).find((node) => behind.includes(node) && !input.unheard.has(node.metadata.name));
  if (next === undefined || isLast(next, plan, input) !== undefined) return { plan, standing: AS_ASKED, clock, isBusy: false };
  return { plan: withTurn(plan, next), standing: AS_ASKED, clock, isBusy: true };
}

// ---- a change is under way --------------------------------------------------------------------------------------------------------------

/** What another spec does to a change under way. */
function redirect(plan: ClusterPlan, { asked, wasAvailable }: ChangeInput): ClusterPlan | undefined {
  if (plan.state !== 'Advancing' || asked?.content === undefined || asked.generation === plan.generation) return undefined;
  const { generation, content } = asked;
  if (content.hash === plan.previous?.hash) return turnedRound({ ...plan, generation }, 'the spec asks for it again', undefined);
  const isFree = !wasAvailable || plan.moved.length === 0;
  if (!isFree || upgradeRefusal(plan.previous ?? content, content) !== undefined) return undefined;
  const number = plan.number + 1;
  return { ...plan, number, generation, target: content, moved: [], turn: number };
}

function underWay(plan: ClusterPlan, input: ChangeInput): ChangeStep {
  const members = membersOf(input.nodes, plan.order);
  const away = members.filter((node) => input.unheard.has(node.metadata.name));
  const blocker = blockerOf(plan, input);
  const isHeld = blocker !== undefined && isHeldBack(blocker, plan, input);
  const turnFacts = [...away.filter((node) => plan.moved.includes(node.metadata.uid)), ...(isHeld ? [blocker] : [])];
  const left = members.filter((node) => !plan.moved.includes(node.metadata.uid) && !away.includes(node));
  const guarded = left.filter((node) => isLast(node, plan, input) !== undefined);
  const clock = clockFor(
    input,
    [...away.map(absentFact), ...guarded.map(lastFact), ...(blocker === undefined || isHeld ? [] : [factOf(plan, blocker)])],
    turnFacts.map((node) => factOf(plan, node)),
  );
  const at = (next: ClusterPlan, state: ChangeStanding['state'], message: string): ChangeStep => ({
    plan: next,
    standing: { state, message },
    clock,
  });
  const doing = plan.state === 'Advancing' ? 'Upgrading' : 'RollingBack';
  const waitedFor = away.find((node) => !isPassedOver(node, plan, clock));
  if (blocker !== undefined) {
    const isLate = (clock.ran[factOf(plan, blocker)] ?? 0) >= plan.upgrade.readySeconds * 1000;
    const missing = whatIsMissing(blocker, plan);
    if (!isLate) return at(plan, doing, `${blocker.metadata.name} has its turn: ${missing}`);
    if (plan.state === 'Advancing') {
      const late = `${plan.target.release} did not come up: ${blocker.metadata.name} was not ready with it within ${plan.upgrade.readySeconds} s (${missing})`;
      return input.wasAvailable ? at(turnedRound(plan, late, input), 'RollingBack', late) : at(plan, doing, late);
    }
  }
  if (waitedFor !== undefined) {
    const todo = 'bring it back, say that it is gone (outrigger node confirm-dead), or set spec.upgrade.whenNodeDown to Proceed';
    if (!passesOver(plan))
      return at(plan, 'Waits', `${waitedFor.metadata.name} is not heard, and spec.upgrade.whenNodeDown is Wait; ${todo}`);
    return at(plan, doing, `${waitedFor.metadata.name} is not heard; it is passed over soon`);
  }
  const [first] = left;
  if (first === undefined) return at(finished(plan), 'AsAsked', '');
  const isOrderKept = (clock.ran[lastFact(first)] ?? 0) < ORDER_MS;
  const next = isOrderKept ? first : (left.find((node) => !guarded.includes(node)) ?? first);
  const last = isLast(next, plan, input);
  return last === undefined ? at(withTurn(plan, next), doing, `${next.metadata.name} gets its turn`) : at(plan, 'Waits', last);
}

/** Who had its turn, is heard, and is not yet there. */
function blockerOf(plan: ClusterPlan, { nodes, unheard }: ChangeInput): ClusterNode | undefined {
  const moved = membersOf(nodes, plan.order).filter((node) => plan.moved.includes(node.metadata.uid));
  return moved.find((node) => !unheard.has(node.metadata.name) && !hasTaken(node, plan));
}

/** It has not taken what is new because it must not: that is not held against what is new. */
function isHeldBack(node: ClusterNode, plan: ClusterPlan, input: ChangeInput): boolean {
  return node.status?.agent?.content !== plan.target.hash && isLast(node, plan, input) !== undefined;
}

function isPassedOver(node: ClusterNode, plan: ClusterPlan, clock: ChangeClock): boolean {
  return passesOver(plan) && (clock.ran[absentFact(node)] ?? 0) >= ABSENT_MS;
}

// ---- plans ------------------------------------------------------------------------------------------------------------------------------

function withTurn(plan: ClusterPlan, node: ClusterNode): ClusterPlan {
  const number = plan.number + 1;
  return { ...plan, number, turn: number, moved: [...plan.moved, node.metadata.uid] };
}

/** Back to what ran before; `failed`: that is because it did not come up. Whoever moved last goes back first. */
function turnedRound(plan: ClusterPlan, reason: string, failed: ChangeInput | undefined): ClusterPlan {
  const { previous, target, generation } = plan;
  const number = plan.number + 1;
  const message = reason.slice(0, 1000);
  const time = new Date(failed?.nowMs ?? 0).toISOString();
  return {
    ...plan,
    number,
    turn: number,
    state: 'RollingBack',
    target: previous ?? target,
    previous: target,
    order: [...plan.moved].reverse(),
    moved: [],
    reason: message,
    ...(failed === undefined ? {} : { rolledBack: { release: target.release, generation, time, message }, barred: target.hash }),
  };
}

/** `previous` stays for those who still have to follow; `followed` drops it. */
function finished(plan: ClusterPlan): ClusterPlan {
  const { reason: _, order: __, rolledBack, ...rest } = plan;
  const isBack = plan.state === 'RollingBack';
  return { ...rest, number: plan.number + 1, state: 'Steady', ...(isBack && rolledBack !== undefined ? { rolledBack } : {}) };
}

function withoutPrevious(plan: ClusterPlan): ClusterPlan {
  const { previous: _, ...rest } = plan;
  return { ...rest, number: plan.number + 1, moved: [] };
}

// ---- small things -----------------------------------------------------------------------------------------------------------------------

function step(input: ChangeInput, plan: ClusterPlan | undefined, standing: ChangeStanding): ChangeStep {
  return { plan, standing, clock: clockFor(input, [], []) };
}

function clockFor({ clock, monotonicMs }: ChangeInput, counting: readonly string[], holding: readonly string[]): ChangeClock {
  return counted(clock, counting, holding, monotonicMs);
}

function factOf(plan: ClusterPlan, node: ClusterNode): string {
  return `turn ${plan.turn} ${node.metadata.uid}`;
}

function lastFact(node: ClusterNode): string {
  return `last ${node.metadata.uid}`;
}

function absentFact(node: ClusterNode): string {
  return `absent ${node.metadata.uid}`;
}
