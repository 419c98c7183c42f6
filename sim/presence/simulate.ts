/**
 * A few nodes that hear each other by the product's own src/decide/presence.ts, in virtual time: agents pause, crash and come back, nodes die and are
 * replaced, links are cut, messages are lost, come late, or come from the dead.
 *
 * P1: whoever ran, uncut, for longer than silence takes, and was heard by an observer that ran as long, is heard; also after the observer stood still.
 * P2: a node whose agent is gone is unheard within 1.5 s of an observer that ran; one that is gone whole is down LIMITS.silentAskMs later.
 * P3: a node whose instances answered all the while is never down.
 * P4: a section of another incarnation is never shown, and what is shown of one life never goes back.
 * P5: what a node says is seen by all who hear it within half a second.
 */

import {
  asked,
  heardFrom,
  knownWord,
  NO_PRESENCE,
  standings,
  suspects,
  ticked,
  withMembers,
  withWords,
  wordText,
} from '../../src/decide/presence.ts';
import type { Presence, Word } from '../../src/decide/presence.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { createDice } from '../dice.ts';
import type { Dice } from '../dice.ts';

export interface PresenceRun {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const RUN_MS = 60_000;
const DETECT_MS = 1_500;
const SEEN_MS = 500;
const ADDRESS = '10.0.0.1:80';

interface SimNode {
  readonly index: number;
  incarnation: number;
  podsAlive: boolean;
  agentUp: boolean;
  pausedUntilMs: number;
  life: number;
  sequence: number;
  /** Its life began below the one before. */
  hasFallen: boolean;
  saidMs: number;
  presence: Presence;
  /** When agent or pods changed, when the agent last stood still or came back, when its links were last cut or slow. */
  goneSinceMs: number;
  podsSinceMs: number;
  ranSinceMs: number;
  cutUntilMs: number;
  /** How it judged each at its last tick. */
  readonly judged: Map<string, string>;
  /** Highest key shown of each member, as a text to compare by. */
  readonly shown: Map<string, { readonly life: number; readonly sequence: number }>;
}

interface World {
  readonly dice: Dice;
  readonly nodes: readonly SimNode[];
  readonly queue: { readonly atMs: number; readonly order: number; readonly run: () => void }[];
  readonly violations: string[];
  readonly counts: Record<string, number>;
  nowMs: number;
  order: number;
}

export function simulatePresence(seed: number): PresenceRun {
  const dice = createDice(`presence ${seed}`);
  const nodes = Array.from({ length: dice.between(2, 4) }, (_, index) => newNode(index));
  const world: World = { dice, nodes, queue: [], violations: [], counts: {}, nowMs: 0, order: 0 };
  for (const node of nodes) after(world, dice.between(0, LIMITS.heartbeatMs), () => tick(world, node));
  for (let at = dice.between(2_000, 4_000); at < RUN_MS; at += dice.between(500, 6_000)) after(world, at, () => strike(world));
  while (world.queue.length > 0 && world.nowMs < RUN_MS && world.violations.length === 0) {
    const next = world.queue.shift();
    if (next === undefined) break;
    world.nowMs = next.atMs;
    next.run();
  }
  return { seed, violations: world.violations, counts: world.counts };
}

function newNode(index: number): SimNode {
  const began = { goneSinceMs: 0, podsSinceMs: 0, ranSinceMs: 0, cutUntilMs: -Infinity, saidMs: 0 };
  const up = { podsAlive: true, agentUp: true, pausedUntilMs: 0, hasFallen: false };
  return { index, incarnation: 1, life: 10, sequence: 1, presence: NO_PRESENCE, judged: new Map(), shown: new Map(), ...up, ...began };
}

function after(world: World, ms: number, run: () => void): void {
  const entry = { atMs: world.nowMs + ms, order: world.order++, run };
  const at = world.queue.findIndex((one) => one.atMs > entry.atMs);
  world.queue.splice(at < 0 ? world.queue.length : at, 0, entry);
}

function count(world: World, what: string): void {
  world.counts[what] = (world.counts[what] ?? 0) + 1;
}

const nameOf = (node: SimNode): string => `n${node.index}`;

function objectOf(node: SimNode): ClusterNode {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'ClusterNode',
    metadata: { name: nameOf(node), uid: nameOf(node), resourceVersion: '1', creationTimestamp: '' },
    spec: {
      cluster: 'c',
      clusterUid: 'c',
      virtualDataCenter: 'v',
      attempt: 1,
      index: node.index,
      role: node.index === 0 ? 'Primary' : 'Worker',
      incarnation: node.incarnation,
      resources: { cpuMillis: 1, memoryMiB: 1 },
    },
    status: { agent: { incarnation: node.incarnation, phase: 'Ready', services: {} } },
  };
}

function wordOf({ incarnation, life, sequence }: SimNode): Word {
  const agent: Word['agent'] = { incarnation, phase: 'Ready', word: wordText({ life, sequence }), services: {} };
  return { life, sequence, role: undefined, agent };
}

// ---- faults -------------------------------------------------------------------------------------------------------------------------------

function strike(world: World): void {
  const { dice } = world;
  const node = dice.pick(world.nodes);
  const what = dice.pick(['pause', 'crash', 'kill', 'replace', 'cut', 'say'] as const);
  count(world, what);
  if (what === 'pause') node.pausedUntilMs = Math.max(node.pausedUntilMs, world.nowMs + dice.between(100, 10_000));
  if (what === 'cut') node.cutUntilMs = Math.max(node.cutUntilMs, world.nowMs + dice.between(100, 4_000));
  if (what === 'say' && node.agentUp) [node.sequence, node.saidMs] = [node.sequence + 1, world.nowMs];
  if (what === 'pause') node.ranSinceMs = node.pausedUntilMs;
  if (!node.agentUp || !['crash', 'kill', 'replace'].includes(what)) return;
  [node.agentUp, node.goneSinceMs] = [false, world.nowMs];
  if (what !== 'crash') [node.podsAlive, node.podsSinceMs] = [false, world.nowMs];
  after(world, dice.between(300, 8_000), () => {
    if (what === 'replace') node.incarnation++;
    // Its record may be lost, and its clock set back.
    const falls = dice.chance(0.1) && world.nowMs - node.goneSinceMs > 3_000;
    node.hasFallen ||= falls;
    node.life += falls ? -5 : 1;
    [node.sequence, node.agentUp, node.presence] = [1, true, NO_PRESENCE];
    if (!node.podsAlive) [node.podsAlive, node.podsSinceMs] = [true, world.nowMs];
    [node.goneSinceMs, node.ranSinceMs, node.saidMs, node.pausedUntilMs] = [world.nowMs, world.nowMs, world.nowMs, 0];
    for (const other of world.nodes) other.shown.delete(nameOf(node));
    node.shown.clear();
    node.judged.clear();
    tick(world, node);
  });
}

// ---- one node -----------------------------------------------------------------------------------------------------------------------------

function tick(world: World, node: SimNode): void {
  const { life } = node;
  if (!node.agentUp) return;
  if (node.pausedUntilMs > world.nowMs)
    return after(world, node.pausedUntilMs - world.nowMs, () => void (node.life === life && tick(world, node)));
  const others = world.nodes.filter((other) => other !== node);
  const members = others.map((other) => ({ uid: nameOf(other), name: nameOf(other), incarnation: other.incarnation }));
  node.presence = ticked(withMembers(node.presence, members), world.nowMs, true);
  for (const other of others) {
    send(world, node, other, true);
    judge(world, node, other);
  }
  for (const { uid } of suspects(node.presence)) ask(world, node, others.find((other) => nameOf(other) === uid) ?? node);
  after(world, LIMITS.heartbeatMs + world.dice.between(0, 20), () => void (node.life === life && tick(world, node)));
}

/** Now and then one comes seconds late, from a process that may be dead by then. */
function send(world: World, from: SimNode, to: SimNode, wantsAnswer: boolean): void {
  const { dice } = world;
  if (isCut(world, from, to) || dice.chance(0.01)) return;
  const [word, { incarnation }] = [wordOf(from), from];
  const theirs = knownWord(to.presence, nameOf(from));
  const needsWord = theirs === undefined || wordText(theirs) !== wordText(word);
  const { life, sequence } = word;
  const late = dice.chance(0.02);
  if (late) count(world, 'late message');
  const arrive = (): void => {
    if (!to.agentUp) return;
    // A paused process reads what came when it goes on.
    if (to.pausedUntilMs > world.nowMs) return after(world, to.pausedUntilMs - world.nowMs + dice.between(0, 5), arrive);
    to.presence = heardFrom(to.presence, nameOf(from), incarnation, { life, sequence, ...(needsWord ? { word } : {}) });
    if (wantsAnswer) send(world, to, from, false);
  };
  after(world, late ? dice.between(500, 2_500) : dice.between(1, 30), arrive);
}

function isCut(world: World, one: SimNode, other: SimNode): boolean {
  return one.cutUntilMs > world.nowMs || other.cutUntilMs > world.nowMs;
}

function ask(world: World, node: SimNode, member: SimNode): void {
  const { life } = node;
  const { incarnation } = member;
  const answers = member.podsAlive && !isCut(world, node, member);
  count(world, answers ? 'asked, answered' : 'asked, mute');
  after(world, answers ? 2 : world.dice.between(1, LIMITS.silentAskMs / 2), () => {
    if (node.life !== life || !node.agentUp || node.pausedUntilMs > world.nowMs) return;
    node.presence = asked(node.presence, nameOf(member), incarnation, { asked: [ADDRESS], answered: answers ? [ADDRESS] : [] });
  });
}

// ---- promises -----------------------------------------------------------------------------------------------------------------------------

function judge(world: World, node: SimNode, other: SimNode): void {
  const object = objectOf(other);
  const standing = standings(node.presence, [object]).get(nameOf(other));
  count(world, `${standing}`);
  const { nowMs } = world;
  const who = `${nowMs} ms: ${nameOf(node)} of ${nameOf(other)}`;
  const uncutMs = nowMs - Math.max(node.cutUntilMs, other.cutUntilMs);
  const [ranMs, theirsMs] = [nowMs - node.ranSinceMs, nowMs - other.ranSinceMs];
  const isUp = other.agentUp && other.pausedUntilMs <= nowMs;
  const patienceMs = LIMITS.heartbeatSilenceMs;
  // Who lost the count of its lives is believed only after the silence of the one before.
  const isDoubted = (knownWord(node.presence, nameOf(other))?.life ?? 0) > other.life;
  const unheard = standing === 'Silent' || standing === 'Down';
  // Who stood still has still to read what came meanwhile, but forgets nobody by that.
  const knew = ranMs > patienceMs || node.judged.get(nameOf(other)) === 'Heard';
  node.judged.set(nameOf(other), `${standing}`);
  if (knew && isUp && uncutMs > patienceMs && theirsMs > patienceMs && !isDoubted && nowMs - node.goneSinceMs > patienceMs && unheard)
    world.violations.push(`P1: ${who}: ${standing}, though it runs and is not cut`);
  const goneMs = nowMs - other.goneSinceMs;
  // Late messages of the dead may arrive meanwhile: they are told apart only by their life.
  const gone = !other.agentUp && Math.min(goneMs, ranMs) > DETECT_MS + 2_500;
  if (gone && standing === 'Heard') world.violations.push(`P2: ${who}: heard, ${goneMs} ms after its agent died`);
  if (gone && !other.podsAlive && standing !== 'Down' && Math.min(goneMs, ranMs) > DETECT_MS + 2_500 + 3 * LIMITS.silentAskMs)
    world.violations.push(`P2: ${who}: ${standing}, ${goneMs} ms after it died whole`);
  if (standing === 'Down' && other.podsAlive && nowMs - other.podsSinceMs > patienceMs && uncutMs > patienceMs && ranMs > patienceMs)
    world.violations.push(`P3: ${who}: down, though what it runs answered`);
  judgeSight(world, node, other, object, { who, isHeard: standing === 'Heard', uncutMs: Math.min(uncutMs, ranMs, theirsMs) });
}

interface Seen {
  readonly who: string;
  readonly isHeard: boolean;
  readonly uncutMs: number;
}

function judgeSight(world: World, node: SimNode, other: SimNode, object: ClusterNode, { who, isHeard, uncutMs }: Seen): void {
  const section = withWords([object], node.presence, { uid: nameOf(node), word: undefined })[0]?.status?.agent;
  if (section?.incarnation !== other.incarnation) world.violations.push(`P4: ${who}: incarnation ${section?.incarnation} is shown`);
  const word = knownWord(node.presence, nameOf(other));
  const before = node.shown.get(nameOf(other));
  if (word === undefined) return;
  if (before?.life === word.life && word.sequence < before.sequence) world.violations.push(`P4: ${who}: went back to ${wordText(word)}`);
  // Of a life that is over nothing new is learned once the next one was heard.
  if (before?.life === other.life && word.life !== other.life && !other.hasFallen)
    world.violations.push(`P4: ${who}: the dead life ${word.life} hides ${other.life}`);
  node.shown.set(nameOf(other), word);
  const sinceMs = Math.min(world.nowMs - other.saidMs, uncutMs);
  const isUp = other.agentUp && other.pausedUntilMs <= world.nowMs;
  if (isHeard && isUp && sinceMs > SEEN_MS + LIMITS.heartbeatSilenceMs && word.life === other.life && word.sequence < other.sequence)
    world.violations.push(
      `P5: ${who}: ${wordText(word)} is shown, ${other.life}.${other.sequence} was said ${world.nowMs - other.saidMs} ms ago`,
    );
}
