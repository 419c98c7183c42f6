/**
 * Who of a cluster's members is heard, by one observer's own experience, and what it sees of them: their own words, merged with what a director
 * showed last (docs/decisions/0014-outages.md, "Who hears whom").
 *
 * Two things are told apart. *Unheard*: the agent does not speak. *Down*: and nothing of what the node runs answers either. An agent that crashes,
 * hangs or is upgraded takes nothing along, so phase and conditions speak of nodes that are down; changes and drills wait for nodes that are heard.
 *
 * I1: silence counts only while the observer itself ran: of the time between two ticks at most LIMITS.heartbeatCountedMs, and
 *     nobody falls silent by the first tick after it stood still.
 * I2: a member is heard only in the incarnation that is known here; a word of another one changes nothing.
 * I3: words of one life are taken in their order. A lower life is taken only once nothing was heard of the higher one for as long as makes unheard
 *     (its record was lost): a late message of a dead process hides no living one. The same holds for a word that was said of a life and that life
 *     does not know of: whoever claims the highest numbers there are shuts out nobody's later words.
 * I4: the word of a member that is heard replaces the section in its object. When it is not heard any more the newer of both stays, by
 *     (life, sequence); an object that names no word is older than any word.
 * I5: a node that comes up for the first time (it has not been ready yet) is not unheard.
 * I6: a node is down only when it is unheard and none of its instances answered in the last two rounds of asking; with nobody to ask, when it was
 *     silent for LIMITS.silentUnaskedMs.
 * I7: where a node is, is what its host says, else what its object said first in this incarnation: its own word moves it nowhere. An address that
 *     can be none is left out, of a node and of what it runs.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { isHost, isHostPort } from '../model/network-address.ts';
import type { AgentStatus } from './agent-duty.ts';
import { agentOf, machineOf } from './node-facts.ts';

/** Orders what one incarnation of a node says: which life of its agent, and how often its word changed in that life. */
export interface WordKey {
  readonly life: number;
  readonly sequence: number;
}

/** What a node says of itself. */
export interface Word extends WordKey {
  readonly role: 'Primary' | 'Worker' | undefined;
  readonly agent: AgentStatus;
}

/** What a heartbeat carries: how far the sender's word is, and the word where the other one lacks it. */
export interface Beat extends WordKey {
  readonly word?: Word;
}

/** One round of asking what a silent node runs, by `ip:port`. */
export interface Asked {
  readonly asked: readonly string[];
  readonly answered: readonly string[];
}

/** A member other than the observer. */
export interface PresentMember {
  readonly uid: string;
  readonly name: string;
  readonly incarnation: number;
}

interface Peer extends PresentMember {
  /** How long nothing was heard, while this observer ran. */
  readonly silentMs: number;
  /** In this life of the observer. */
  readonly wasHeard: boolean;
  readonly word: Word | undefined;
  /** How long nothing came that is of that word or a later one, while this observer ran. */
  readonly unsaidMs: number;
  /** The newest two since it fell silent. */
  readonly rounds: readonly Asked[];
}

export interface Presence {
  /** Monotonic ms of the last tick. */
  readonly atMs: number | undefined;
  /** By uid. */
  readonly peers: ReadonlyMap<string, Peer>;
}

export const NO_PRESENCE: Presence = { atMs: undefined, peers: new Map() };

/** Heard; coming up; its agent is silent and what it runs answers (or was not asked yet); down. */
export type Standing = 'Heard' | 'Coming' | 'Silent' | 'Down';

// ---- what happens -------------------------------------------------------------------------------------------------------------------------

/** With exactly these members; one in a new incarnation begins anew. */
export function withMembers(presence: Presence, members: readonly PresentMember[]): Presence {
  const isSame = members.length === presence.peers.size && members.every((member) => isKnown(presence, member));
  if (isSame) return presence;
  const peers = members.map((member): [string, Peer] => {
    const known = presence.peers.get(member.uid);
    const peer =
      known?.incarnation === member.incarnation ? known : { silentMs: 0, wasHeard: false, word: undefined, unsaidMs: 0, rounds: [] };
    return [member.uid, { ...peer, uid: member.uid, name: member.name, incarnation: member.incarnation }];
  });
  return { ...presence, peers: new Map(peers) };
}

function isKnown({ peers }: Presence, { uid, name, incarnation }: PresentMember): boolean {
  const known = peers.get(uid);
  return known?.incarnation === incarnation && known.name === name;
}

/** After a heartbeat, or the answer to one, of this member in this incarnation. */
export function heardFrom(presence: Presence, uid: string, incarnation: number, beat: Beat): Presence {
  const peer = presence.peers.get(uid);
  if (peer?.incarnation !== incarnation) return presence;
  if (peer.word !== undefined && beat.life < peer.word.life && peer.silentMs < LIMITS.heartbeatSilenceMs) return presence;
  const word = beat.word !== undefined && isNews(peer, beat.word) ? beat.word : peer.word;
  const unsaidMs = word !== peer.word || compareWords(beat, peer.word) >= 0 ? 0 : peer.unsaidMs;
  return withPeer(presence, { ...peer, silentMs: 0, wasHeard: true, word, unsaidMs, rounds: [] });
}

function isNews({ word: known, unsaidMs, incarnation }: Peer, word: Word): boolean {
  if (word.agent.incarnation !== incarnation) return false;
  if (known === undefined || known.life !== word.life || word.sequence > known.sequence) return true;
  return word.sequence < known.sequence && unsaidMs >= LIMITS.heartbeatSilenceMs;
}

/** Time has passed. `isListening: false`: this observer could not have heard anybody (it has not joined yet), so nothing counts. */
export function ticked(presence: Presence, monotonicMs: number, isListening: boolean): Presence {
  const passedMs = Math.max(0, monotonicMs - (presence.atMs ?? monotonicMs));
  const countedMs = isListening ? Math.min(passedMs, LIMITS.heartbeatCountedMs) : 0;
  const hasStalled = passedMs > LIMITS.heartbeatCountedMs;
  const peers = new Map([...presence.peers].map(([uid, peer]) => [uid, hasStalled ? spared(peer, countedMs) : silenced(peer, countedMs)]));
  return { atMs: monotonicMs, peers };
}

function silenced(peer: Peer, countedMs: number): Peer {
  return { ...peer, silentMs: peer.silentMs + countedMs, unsaidMs: peer.unsaidMs + countedMs };
}

/** What came while this observer stood still has not been read yet: nobody falls silent by this very tick, and what was asked before is old. */
function spared(peer: Peer, countedMs: number): Peer {
  const { silentMs } = peer;
  if (silentMs >= LIMITS.heartbeatSilenceMs) return { ...peer, silentMs: silentMs + countedMs };
  return { ...peer, silentMs: Math.min(silentMs + countedMs, LIMITS.heartbeatSilenceMs - 1), rounds: [] };
}

/** After a round of asking. One that came to its end after the member was heard again is not looked at. */
export function asked(presence: Presence, uid: string, incarnation: number, round: Asked): Presence {
  const peer = presence.peers.get(uid);
  if (peer?.incarnation !== incarnation || !isSuspect(peer)) return presence;
  return withPeer(presence, { ...peer, rounds: [...peer.rounds, round].slice(-2) });
}

function withPeer(presence: Presence, peer: Peer): Presence {
  return { ...presence, peers: new Map(presence.peers).set(peer.uid, peer) };
}

// ---- what is known ------------------------------------------------------------------------------------------------------------------------

/** The word that this observer has of a member, for telling it so. */
export function knownWord({ peers }: Presence, uid: string): Word | undefined {
  return peers.get(uid)?.word;
}

/** Milliseconds since a member was heard, as counted here; undefined: not since this observer began. */
export function silenceMs({ peers }: Presence, uid: string): number | undefined {
  const peer = peers.get(uid);
  return peer?.wasHeard === true ? peer.silentMs : undefined;
}

/** Silent for so long that it is asked whether what it runs answers. */
export function suspects({ peers }: Presence): readonly PresentMember[] {
  return [...peers.values()].filter(isSuspect);
}

function isSuspect({ silentMs }: Peer): boolean {
  return silentMs >= LIMITS.heartbeatSuspectMs;
}

function isHeard({ wasHeard, silentMs }: Peer): boolean {
  return wasHeard && silentMs < LIMITS.heartbeatSilenceMs;
}

/** How the members stand, by name. `nodes`: as in the sight. */
export function standings(presence: Presence, nodes: readonly ClusterNode[]): ReadonlyMap<string, Standing> {
  const found = new Map<string, Standing>();
  for (const node of nodes) {
    const peer = peerOf(presence, node);
    if (peer !== undefined) found.set(peer.name, standingOf(peer, node));
  }
  return found;
}

function standingOf(peer: Peer, node: ClusterNode): Standing {
  const phase = agentOf(node)?.phase;
  const isComing = phase === undefined || phase === 'Joined';
  if (peer.silentMs < LIMITS.heartbeatSilenceMs) return peer.wasHeard || !isComing ? 'Heard' : 'Coming';
  if (isComing) return 'Coming';
  return isDown(peer) ? 'Down' : 'Silent';
}

function isDown({ silentMs, rounds }: Peer): boolean {
  if (rounds.length < 2) return silentMs >= LIMITS.silentUnaskedMs;
  if (rounds.some(({ answered }) => answered.length > 0)) return false;
  return rounds.every((round) => round.asked.length > 0) || silentMs >= LIMITS.silentUnaskedMs;
}

/** Names of those that stand so. */
export function namesOf(all: ReadonlyMap<string, Standing>, ...wanted: readonly Standing[]): ReadonlySet<string> {
  return new Set([...all].filter(([, standing]) => wanted.includes(standing)).map(([name]) => name));
}

// ---- the sight ----------------------------------------------------------------------------------------------------------------------------

/** The nodes with the newest word of each. `own`: the observer's own, which no object knows better. */
export function withWords(
  nodes: readonly ClusterNode[],
  presence: Presence,
  own: { readonly uid: string; readonly word: Word | undefined },
): readonly ClusterNode[] {
  return nodes.map((node) => {
    const isOwn = node.metadata.uid === own.uid;
    const peer = peerOf(presence, node);
    const word = isOwn ? own.word : peer?.word;
    if (word === undefined || word.agent.incarnation !== node.spec.incarnation) return node;
    const isNewest = isOwn || (peer !== undefined && isHeard(peer)) || compareWords(word, keyOfWord(agentOf(node)?.word)) >= 0;
    if (!isNewest || node.status?.agent === word.agent) return node;
    const agent = isOwn ? word.agent : placed(node, word.agent);
    return { ...node, status: { ...node.status, ...(word.role === undefined ? {} : { role: word.role }), agent } };
  });
}

/** The section with the address that is known from elsewhere (I7). */
function placed(node: ClusterNode, agent: AgentStatus): AgentStatus {
  const address = [machineOf(node)?.address, agentOf(node)?.address].find(isHost);
  return address === undefined || address === agent.address ? agent : { ...agent, address };
}

/** For what is said of silent nodes: an instance there is ready only while it answers. */
export function withAnswers(nodes: readonly ClusterNode[], presence: Presence): readonly ClusterNode[] {
  return nodes.map((node) => {
    const peer = peerOf(presence, node);
    const agent = agentOf(node);
    if (peer === undefined || agent === undefined || isHeard(peer) || peer.rounds.length === 0) return node;
    const wasAsked = new Set(peer.rounds.flatMap((round) => round.asked));
    const answers = new Set(peer.rounds.flatMap(({ answered }) => answered));
    const services: AgentStatus['services'] = {};
    for (const [name, service] of Object.entries(agent.services ?? {})) {
      const isMute = service.address !== undefined && wasAsked.has(service.address) && !answers.has(service.address);
      services[name] = isMute ? { ...service, ready: false } : service;
    }
    return { ...node, status: { ...node.status, agent: { ...agent, services } } };
  });
}

/** Where to ask whether what a silent node runs answers, `ip:port`: its ready instances, else its balancer. */
export function whomToAsk(node: ClusterNode, balancerPorts: readonly number[]): readonly string[] {
  const agent = agentOf(node);
  const instances = Object.values(agent?.services ?? {}).flatMap(({ ready, address }) => (ready && isHostPort(address) ? [address] : []));
  const host = agent?.address;
  const balancer = !isHost(host) ? [] : balancerPorts.map((port) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return (instances.length > 0 ? instances : balancer).slice(0, LIMITS.silentAsked);
}

function peerOf({ peers }: Presence, { metadata, spec }: ClusterNode): Peer | undefined {
  const peer = peers.get(metadata.uid);
  return peer?.incarnation === spec.incarnation ? peer : undefined;
}

// ---- words --------------------------------------------------------------------------------------------------------------------------------

/** Positive when `a` is newer. No word at all is older than every word. */
function compareWords(a: WordKey, b: WordKey | undefined): number {
  return b === undefined ? 1 : a.life - b.life || a.sequence - b.sequence;
}

/** As it stands in `status.agent.word`. */
export function wordText({ life, sequence }: WordKey): string {
  return `${life}.${sequence}`;
}

/** Lives are counted up from a clock in ms, and no clock shows more than the end of the year 9999. */
const LIFE_MAX = 253_402_300_799_999;

const KEY = /^(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})$/;

export function keyOfWord(text: string | undefined): WordKey | undefined {
  const found = text === undefined ? null : KEY.exec(text);
  const [life, sequence] = [Number(found?.[1]), Number(found?.[2])];
  return life <= LIFE_MAX && Number.isSafeInteger(sequence) ? { life, sequence } : undefined;
}

/**
 * The number of a new life of an agent: above all before it, also when the record of that was lost, as long as no clock was set back as well. A record
 * of a life that cannot be is a lost one.
 */
export function nextLife(before: Json | undefined, nowMs: number): number {
  const last = isCount(before) && before < LIFE_MAX ? before : 0;
  return Math.min(Math.max(last + 1, Math.floor(nowMs)), LIFE_MAX);
}

/** Reads what another node sent; undefined: that is no heartbeat. What is not understood of a word is left out. */
export function beatIn(value: Json | undefined): Beat | undefined {
  if (!isJsonObject(value)) return undefined;
  const { life, sequence, role, agent } = value;
  if (!isCount(life) || life > LIFE_MAX || !isCount(sequence)) return undefined;
  const section = isJsonObject(agent) ? agentIn(agent) : undefined;
  if (section === undefined) return { life, sequence };
  return { life, sequence, word: { life, sequence, role: role === 'Primary' || role === 'Worker' ? role : undefined, agent: section } };
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const PHASES: readonly string[] = ['Joined', 'Ready', 'NotReady', 'Stopping', 'Stopped'];
const SERVICE_PHASES: readonly string[] = ['Starting', 'Running', 'BackOff', 'Stopping', 'Stopped', 'Failed'];
const BALANCER: readonly string[] = ['Running', 'Stopped'];
/** Longest of each, as the kind has it (src/model/cluster-node.ts). */
const TEXTS = { version: 63, release: 63, plan: 40, content: 64, word: 40, tunnel: 512, message: 1024 } as const;
const SERVICES_MAX = 64;
const NAME_CHARS = 63;

function agentIn(said: JsonObject): AgentStatus | undefined {
  const { incarnation, phase, observedGeneration, services } = said;
  if (!isCount(incarnation) || typeof phase !== 'string' || !PHASES.includes(phase)) return undefined;
  const texts = Object.entries(TEXTS).flatMap(([name, chars]) => (isText(said[name], chars) ? [[name, said[name]]] : []));
  const { address, balancer } = said;
  const named = Object.entries(isJsonObject(services) ? services : {}).slice(0, SERVICES_MAX);
  const section = {
    incarnation,
    phase,
    ...Object.fromEntries(texts),
    ...(isHost(address) ? { address } : {}),
    ...(isText(balancer, NAME_CHARS) && BALANCER.includes(balancer) ? { balancer } : {}),
    ...(isCount(observedGeneration) ? { observedGeneration } : {}),
    services: Object.fromEntries(named.flatMap(([name, service]) => serviceIn(name, service))),
  };
  return section as AgentStatus;
}

function serviceIn(name: string, said: Json): readonly (readonly [string, JsonObject])[] {
  if (name.length > NAME_CHARS || !isJsonObject(said) || typeof said['phase'] !== 'string' || !SERVICE_PHASES.includes(said['phase']))
    return [];
  const { phase, ready, address, restarts, message } = said;
  const service = {
    phase,
    ready: ready === true,
    ...(isHostPort(address) ? { address } : {}),
    ...(isCount(restarts) ? { restarts } : {}),
    ...(isText(message, TEXTS.message) ? { message } : {}),
  };
  return [[name, service]];
}

function isText(value: Json | undefined, maxChars: number): value is string {
  return typeof value === 'string' && value.length <= maxChars;
}
