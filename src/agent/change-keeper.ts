/**
 * Changes of what runs, carried out on one node: the cluster plan is kept, taken from the primary and given to others; the primary makes the next one
 * (src/decide/change.ts), and every node turns to what it should run when it may.
 *
 * I1: a plan is on disk before anything is done by it, and before anybody else hears of it.
 * I2: without a director, or with every extension server dead, a change goes on: what it needs is the plan, the disk and the other nodes.
 * I3: a node that has no plan takes what a director shows only while its cluster never was available, or when no member that it knows of gives it one.
 * I4: whether or not it has its turn, a node does not replace the last ready instance of a service while another node could have one.
 */

import { canonicalJson } from '../base/canonical.ts';
import { mayRunSingletons, memberId } from '../decide/authority.ts';
import { nextChange } from '../decide/change.ts';
import type { Asked, ChangeStanding } from '../decide/change.ts';
import { NO_CHANGE_CLOCK, storedClock } from '../decide/change-clock.ts';
import type { ChangeClock } from '../decide/change-clock.ts';
import type { ChangeView } from '../decide/change-words.ts';
import { lastOf, membersOf } from '../decide/change-nodes.ts';
import { comparePlans, contentFor, contentOf, keyOf, keyText, primaryId } from '../decide/cluster-plan.ts';
import type { ClusterPlan, Content } from '../decide/cluster-plan.ts';
import type { AgentStatus, Self } from '../decide/agent-duty.ts';
import { planOf } from '../decide/plan.ts';
import type { NodePlan } from '../decide/plan.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import { LIMITS } from '../model/limits.ts';
import { exchangePlans } from './plan-exchange.ts';
import type { ExchangeParts, PlanExchange } from './plan-exchange.ts';
import { obeySpec } from './spec-memory.ts';

/** What the keeper sees of its cluster. All of it may be what was known last. */
export interface ChangeSight {
  readonly cluster: Cluster | undefined;
  /** Of the attempt that this node belongs to; undefined: never heard of any. */
  readonly nodes: readonly ClusterNode[] | undefined;
  /** Names of nodes that are not heard. */
  readonly unheard: ReadonlySet<string>;
  readonly release: (name: string) => ClusterRelease | undefined;
  readonly releaseProblem: (name: string) => string | undefined;
}

/** `onChange`: the plan, or how the change stands, is another one now. */
export type ChangeParts = Omit<ExchangeParts, 'nodes'>;

export interface ChangeKeeper {
  /**
   * Makes the next cluster plan when this node is primary, and takes the node plan that follows. `ready`: services of which this node has a ready
   * instance. Returns what stands in the way, as sentences.
   */
  look(sight: ChangeSight, ready: ReadonlySet<string>): Promise<readonly string[]>;
  /** What this node says of itself now. */
  said(word: AgentStatus): void;
  /** How the change stands; undefined: this node is not primary, or there is no plan yet. */
  view(): ChangeView | undefined;
  settled(): Promise<void>;
}

/** While a change is under way its deadlines are looked at this often. */
const CHANGING_LOOK_MS = 1_000;
const CLOCK_STORE_MS = 5_000;
const NO_PROBLEMS: readonly string[] = [];

interface Keeper extends ChangeParts {
  readonly signal: AbortSignal;
  clock: ChangeClock;
  clockStoredMs: number;
  standing: ChangeStanding | undefined;
  readonly exchange: PlanExchange;
  readonly startedMs: number;
  isWaking: boolean;
  made: { readonly spec: Cluster['spec']; readonly release: ClusterRelease; readonly content: Content } | undefined;
  /** The cluster, as seen, whose spec was obeyed last. */
  obeyed: Cluster | undefined;
  /** What the newest node plan was made from. */
  adopted: string;
  word: AgentStatus | undefined;
  sight: ChangeSight | undefined;
}

/** Keeps until the signal aborts. */
export function keepChange(parts: ChangeParts, signal: AbortSignal): ChangeKeeper {
  const { deps, memory } = parts;
  const keeper: Keeper = {
    ...parts,
    signal,
    clock: memory.get('changeClock') ?? NO_CHANGE_CLOCK,
    clockStoredMs: 0,
    standing: undefined,
    exchange: exchangePlans({ ...parts, nodes: () => keeper.sight?.nodes }, signal),
    startedMs: deps.clock.monotonicMs(),
    isWaking: false,
    made: undefined,
    obeyed: undefined,
    adopted: '',
    word: undefined,
    sight: undefined,
  };
  return {
    look: async (sight, ready) => {
      keeper.sight = sight;
      const problems = await obeyed(keeper, sight);
      if (isBehind(keeper, sight)) keeper.exchange.ask();
      const waits = await adopt(keeper, sight, ready);
      lookAgain(keeper);
      return [...problems, ...waits];
    },
    said: (word) => {
      const isSame = canonicalJson(word) === canonicalJson(keeper.word);
      keeper.word = word;
      if (!isSame && memory.get('clusterPlan')?.previous !== undefined) keeper.onChange();
    },
    view: () => {
      const plan = memory.get('clusterPlan');
      return plan === undefined || keeper.standing === undefined ? undefined : { plan, standing: keeper.standing };
    },
    settled: () => keeper.exchange.settled(),
  };
}

/** Deadlines of a change, and a plan that is waited for, need looks though nothing happens. */
function lookAgain(keeper: Keeper): void {
  const { deps, memory, signal, onChange } = keeper;
  const plan = memory.get('clusterPlan');
  if (keeper.isWaking || (plan !== undefined && plan.previous === undefined)) return;
  keeper.isWaking = true;
  const wake = (): void => {
    keeper.isWaking = false;
    if (!signal.aborted) onChange();
  };
  void deps.clock.sleep(CHANGING_LOOK_MS, signal).then(wake, wake);
}

// ---- the primary ------------------------------------------------------------------------------------------------------------------------

/** The term under which this node makes plans. */
function termOf({ memory, self }: Keeper): number | undefined {
  const membership = memory.get('membership');
  if (memory.get('fate') !== undefined || !mayRunSingletons(membership, memberId(self.uid, self.incarnation))) return undefined;
  return membership?.term;
}

/** What the spec that is to be obeyed asks for goes into the next plan. */
async function obeyed(keeper: Keeper, sight: ChangeSight): Promise<readonly string[]> {
  const { cluster } = sight;
  const isKnown = cluster === undefined || cluster === keeper.obeyed;
  const older = isKnown ? undefined : await obeySpec(keeper.memory, cluster, false);
  keeper.obeyed = older === undefined ? cluster : undefined;
  const problems = older === undefined ? missingRelease(sight) : [older];
  const term = termOf(keeper);
  if (term === undefined || cluster?.metadata.deletionTimestamp !== undefined) {
    keeper.standing = undefined;
    return problems;
  }
  await makeNext(keeper, term, older === undefined ? sight : { ...sight, cluster: undefined });
  return problems;
}

function missingRelease({ cluster, release, releaseProblem }: ChangeSight): readonly string[] {
  if (cluster === undefined || release(cluster.spec.release) !== undefined) return NO_PROBLEMS;
  const problem = releaseProblem(cluster.spec.release);
  return problem === undefined ? NO_PROBLEMS : [problem];
}

async function makeNext(keeper: Keeper, term: number, sight: ChangeSight): Promise<void> {
  const { memory, deps, self } = keeper;
  const plan = memory.get('clusterPlan');
  if (plan === undefined && mayOthersKnow(keeper, sight)) return;
  const { cluster } = sight;
  const stepped = nextChange({
    plan,
    clusterUid: deps.node.clusterUid,
    term,
    asked: cluster === undefined ? undefined : askedBy(keeper, cluster, sight),
    // Without a director nothing is created either: what runs is what was available.
    wasAvailable: cluster === undefined || cluster.status?.availableAt !== undefined,
    nodes: withOwnWord(sight.nodes ?? [], self, keeper.word),
    unheard: sight.unheard,
    clock: keeper.clock,
    monotonicMs: deps.clock.monotonicMs(),
    nowMs: deps.clock.nowMs(),
  });
  await keepClock(keeper, stepped.clock);
  const isNew = stepped.plan !== undefined && comparePlans(stepped.plan, plan) !== 0;
  if (stepped.plan !== undefined && isNew) {
    await memory.keep('clusterPlan', stepped.plan);
    sayPlan(keeper, stepped.plan);
    keeper.exchange.tell(stepped.plan);
  }
  const isOther = keeper.standing?.state !== stepped.standing.state || keeper.standing.message !== stepped.standing.message;
  keeper.standing = stepped.standing;
  if (isNew || isOther) keeper.onChange();
}

/** The same objects give the same content: hashing it for every look would be most of the work. */
function contentIn(keeper: Keeper, spec: Cluster['spec'], release: ClusterRelease): Content {
  const { made } = keeper;
  if (made?.spec === spec && made.release === release) return made.content;
  const content = contentOf(spec, release);
  keeper.made = { spec, release, content };
  return content;
}

function askedBy(keeper: Keeper, cluster: Cluster, { release }: ChangeSight): Asked {
  const { spec, metadata } = cluster;
  const found = release(spec.release);
  const upgrade = spec.upgrade as Partial<ClusterPlan['upgrade']> | undefined;
  return {
    generation: keeper.memory.get('spec')?.generation ?? metadata.generation ?? 0,
    content: found === undefined ? undefined : contentIn(keeper, spec, found),
    // Objects from before there was such a field lack it.
    upgrade: { readySeconds: upgrade?.readySeconds ?? 300, whenNodeDown: upgrade?.whenNodeDown ?? 'Wait' },
  };
}

function withOwnWord(nodes: readonly ClusterNode[], self: Self, said: AgentStatus | undefined): readonly ClusterNode[] {
  if (said === undefined) return nodes;
  return nodes.map((node) => (node.metadata.uid === self.uid ? { ...node, status: { ...node.status, agent: said } } : node));
}

/** A new primary asks before it makes a plan: what runs is known to those who run it. Nobody holds it up for longer than LIMITS.planPatienceMs. */
function mayOthersKnow({ deps, memory, startedMs, members, self, exchange }: Keeper, { cluster, nodes }: ChangeSight): boolean {
  if (cluster?.status?.availableAt === undefined || memory.get('clusterPlan') !== undefined) return false;
  if (deps.clock.monotonicMs() - startedMs >= LIMITS.planPatienceMs) return false;
  if (nodes === undefined) return true;
  const primary = primaryId(memory.get('membership'), nodes);
  const isPrimary = primary === memberId(self.uid, self.incarnation);
  const others = membersOf(nodes).filter((node) => node.metadata.uid !== self.uid && (isPrimary || idOf(node) === primary));
  const isOpen = (node: ClusterNode): boolean => !exchange.hasNone(idOf(node)) || !members().some(({ uid }) => uid === node.metadata.uid);
  return others.some(isOpen);
}

/** Kept now and then only: losing seconds of a deadline matters to nobody, losing all of it would. */
async function keepClock(keeper: Keeper, clock: ChangeClock): Promise<void> {
  const nowMs = keeper.deps.clock.monotonicMs();
  keeper.clock = clock;
  if (nowMs - keeper.clockStoredMs < CLOCK_STORE_MS) return;
  keeper.clockStoredMs = nowMs;
  await keeper.memory.keep('changeClock', storedClock(clock));
}

function sayPlan({ deps }: Keeper, plan: ClusterPlan): void {
  const { state, target, moved, reason } = plan;
  deps.log.info(`Cluster plan ${keyText(plan)}: ${state} with ${target.release}.`, {
    moved: moved.length,
    ...(reason === undefined ? {} : { reason }),
  });
}

/** The primary says in its word that it has a higher plan; or nobody has given us one yet. */
function isBehind({ memory, self }: Keeper, { nodes }: ChangeSight): boolean {
  const mine = memory.get('clusterPlan');
  if (mine === undefined) return true;
  const primary = primaryId(memory.get('membership'), nodes);
  const theirs = nodes?.find((node) => idOf(node) === primary);
  return theirs !== undefined && theirs.metadata.uid !== self.uid && comparePlans(keyOf(theirs.status?.agent?.plan), mine) > 0;
}

function idOf({ metadata, spec }: ClusterNode): string {
  return memberId(metadata.uid, spec.incarnation);
}

// ---- every node -------------------------------------------------------------------------------------------------------------------------

/** Takes the node plan that follows from the cluster plan, when it may be taken. */
async function adopt(keeper: Keeper, sight: ChangeSight, ready: ReadonlySet<string>): Promise<readonly string[]> {
  const { memory, deps, self } = keeper;
  if (memory.get('fate') !== undefined) return NO_PROBLEMS;
  const current = memory.get('plan');
  const clusterPlan = memory.get('clusterPlan');
  const next = clusterPlan === undefined ? shown(keeper, sight) : contentFor(clusterPlan, self.uid, current?.content);
  if (next === undefined) return NO_PROBLEMS;
  const generation = clusterPlan?.generation ?? sight.cluster?.metadata.generation ?? 0;
  const membership = memory.get('membership');
  const from = [next.hash, generation, membership?.term, membership?.primary, current?.content].join(' ');
  if (from === keeper.adopted) return NO_PROBLEMS;
  const plan = nodePlan(keeper, next, generation, current);
  const wait = current === undefined ? undefined : waitsFor(keeper, sight, ready, current, plan);
  if (wait !== undefined) return [wait];
  if (current?.release !== plan.release) deps.log.info(`Takes release ${plan.release}.`, { before: current?.release ?? 'none' });
  await memory.keep('plan', plan);
  keeper.adopted = [next.hash, generation, membership?.term, membership?.primary, plan.content].join(' ');
  return NO_PROBLEMS;
}

/** What a director shows, for a node that nobody gave a plan. */
function shown(keeper: Keeper, sight: ChangeSight): Content | undefined {
  const { cluster, nodes } = sight;
  if (cluster === undefined || nodes === undefined || keeper.memory.get('plan') !== undefined || mayOthersKnow(keeper, sight))
    return undefined;
  const release = sight.release(cluster.spec.release);
  return release === undefined ? undefined : contentIn(keeper, cluster.spec, release);
}

function waitsFor(
  { self, memory }: Keeper,
  { nodes, unheard }: ChangeSight,
  ready: ReadonlySet<string>,
  current: NodePlan,
  next: NodePlan,
): string | undefined {
  const lost = current.services.filter(({ name, mode, desired }) => {
    const successor = next.services.find((one) => one.name === name);
    return mode === 'Replicated' && ready.has(name) && successor !== undefined && successor.desired.hash !== desired.hash;
  });
  const others = membersOf(nodes ?? []).filter((node) => node.metadata.uid !== self.uid);
  return lastOf({ self: self.name, plan: memory.get('clusterPlan'), lost: lost.map(({ name }) => name), others, unheard });
}

function nodePlan({ deps, memory, self }: Keeper, content: Content, generation: number, current: NodePlan | undefined): NodePlan {
  const { namespace, cluster, address, podAddresses } = deps.node;
  const membership = memory.get('membership');
  return planOf({
    cluster: { name: cluster, namespace },
    generation,
    content,
    node: { ...self, address, podAddresses, retired: false },
    term: membership?.term ?? 0,
    maySingletons: mayRunSingletons(membership, memberId(self.uid, self.incarnation)),
    slots: current?.slots ?? {},
  });
}
