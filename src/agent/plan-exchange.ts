/**
 * How the cluster plan gets from the primary to the other nodes: who has a new one tells its number, who wants it fetches it.
 *
 * I1: what another node sends is judged before it is taken (judgePlan), is on disk before anything is done by it, and its size is bounded.
 * I2: who misses that there is a new one hears of it by the primary's next word, and asks every LIMITS.planAskMs besides.
 */

import { memberId } from '../decide/authority.ts';
import type { Self } from '../decide/agent-duty.ts';
import { comparePlans, judgePlan, keyOf, keyText, primaryId } from '../decide/cluster-plan.ts';
import type { ClusterPlan } from '../decide/cluster-plan.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { isFault } from '../model/fault.ts';
import type { FrameworkMember } from '../model/framework.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { AgentDeps } from './deps.ts';
import type { Memory } from './memory.ts';
import type { PeerLink } from './peer-link.ts';
import { pokeLoop } from './poke-loop.ts';

export interface ExchangeParts {
  readonly deps: Pick<AgentDeps, 'node' | 'clock' | 'random' | 'log'>;
  readonly self: Self;
  readonly memory: Memory;
  readonly peers: Pick<PeerLink, 'route' | 'call'>;
  readonly members: () => readonly FrameworkMember[];
  /** Nodes of the attempt, as seen last. */
  readonly nodes: () => readonly ClusterNode[] | undefined;
  /** A plan was taken, or somebody answered that there is none. */
  readonly onChange: () => void;
}

export interface PlanExchange {
  /** Tells the others that there is a new plan. */
  tell(plan: ClusterPlan): void;
  /** Asks soon. */
  ask(): void;
  /** This member (by its id) answered in this life of the agent that it has no plan above ours. */
  hasNone(member: string): boolean;
  settled(): Promise<void>;
}

const PLAN_PATH = '/peer/v1/plan';
const ASK_EVERY_MS = 100;
const SMALL_ANSWER_BYTES = 4096;

interface Exchange extends ExchangeParts {
  readonly without: Set<string>;
}

/** Serves and asks until the signal aborts. */
export function exchangePlans(parts: ExchangeParts, signal: AbortSignal): PlanExchange {
  const { deps, memory, peers } = parts;
  const exchange: Exchange = { ...parts, without: new Set() };
  const asking = pokeLoop(
    deps,
    { what: 'Fetching the cluster plan', everyMs: ASK_EVERY_MS, resyncMs: LIMITS.planAskMs },
    (work) => takeNewer(exchange, work),
    signal,
  );
  peers.route('GET', PLAN_PATH, ({ query }) => {
    const plan = memory.get('clusterPlan');
    const isNewer = plan !== undefined && comparePlans(plan, keyOf(query.get('above') ?? undefined)) > 0;
    return isNewer ? { status: 200, body: JSON.stringify(plan) } : { status: 204, body: '' };
  });
  peers.route('POST', PLAN_PATH, ({ body }) => {
    const key = keyOf(keyIn(body));
    if (key === undefined) return { status: 400, body: JSON.stringify({ message: 'The body must be {"plan": "<term>.<number>"}.' }) };
    if (comparePlans(key, memory.get('clusterPlan')) > 0) asking.poke();
    return { status: 202, body: '{}' };
  });
  return {
    tell: (plan) => tellOthers(exchange, plan, signal),
    ask: () => asking.poke(),
    hasNone: (member) => exchange.without.has(member),
    settled: () => asking.settled(),
  };
}

function tellOthers({ peers, members, self, deps }: Exchange, plan: ClusterPlan, signal: AbortSignal): void {
  const call = {
    method: 'POST',
    path: PLAN_PATH,
    body: JSON.stringify({ plan: keyText(plan) }),
    maxAnswerBytes: SMALL_ANSWER_BYTES,
  } as const;
  for (const member of members().filter(({ uid }) => uid !== self.uid)) {
    peers.call(member, call, signal).catch((cause: unknown) => {
      if (!signal.aborted && !isFault(cause)) throw cause;
      deps.log.debug(`${member.name} was not told of the cluster plan; it will ask.`, { error: cause });
    });
  }
}

/** Asks the primary; a primary without a plan asks everybody. */
async function takeNewer(exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { memory, self, members, nodes } = exchange;
  const membership = memory.get('membership');
  if (membership === undefined || memory.get('fate') !== undefined) return;
  const primary = primaryId(membership, nodes());
  const isPrimary = primary === memberId(self.uid, self.incarnation);
  if (isPrimary && memory.get('clusterPlan') !== undefined) return;
  const others = members().filter(({ uid, incarnation }) => uid !== self.uid && (isPrimary || memberId(uid, incarnation) === primary));
  for (const member of others) await takeFrom(exchange, primary, member, signal);
}

async function takeFrom(exchange: Exchange, primary: string, member: FrameworkMember, signal: AbortSignal): Promise<void> {
  const { memory, deps, self, onChange, without } = exchange;
  const from = memberId(member.uid, member.incarnation);
  const answer = await answerOf(exchange, member, signal);
  if (answer?.status === 204 && !without.has(from)) {
    without.add(from);
    onChange();
  }
  if (answer?.status !== 200) return;
  const judged = judgePlan({
    mine: memory.get('clusterPlan'),
    clusterUid: deps.node.clusterUid,
    self: memberId(self.uid, self.incarnation),
    from,
    membership: memory.get('membership'),
    primary,
    offered: jsonOf(answer.body),
  });
  if ('refused' in judged) return deps.log.warn(`The cluster plan of ${member.name} was not taken: ${judged.refused}`);
  await memory.keep('clusterPlan', judged.plan);
  deps.log.info(`Took cluster plan ${keyText(judged.plan)} from ${member.name}.`, { state: judged.plan.state });
  onChange();
}

/** Undefined: it was not reached; it is asked again. */
async function answerOf(
  { peers, deps, memory }: Exchange,
  member: FrameworkMember,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<PeerLink['call']>> | undefined> {
  const mine = memory.get('clusterPlan');
  const path = `${PLAN_PATH}?above=${mine === undefined ? '0.0' : keyText(mine)}`;
  try {
    return await peers.call(member, { method: 'GET', path, maxAnswerBytes: LIMITS.planBytes }, signal);
  } catch (cause) {
    if (!isFault(cause) && !signal.aborted) throw cause;
    deps.log.debug(`${member.name} was not reached for the cluster plan.`, { error: cause });
    return undefined;
  }
}

function keyIn(body: Buffer): string | undefined {
  const value = jsonOf(body);
  const key = isJsonObject(value) ? value['plan'] : undefined;
  return typeof key === 'string' ? key : undefined;
}

function jsonOf(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}
