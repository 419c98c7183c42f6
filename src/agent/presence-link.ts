/**
 * Heartbeats: tells every other member of the cluster that this node lives and what it says of itself, and hears the same of them
 * (src/decide/presence.ts judges; docs/decisions/0014-outages.md says why).
 *
 * One exchange hears both ways: the answer to a heartbeat is the other one's heartbeat. So whoever has exchanged with a member just now need not send,
 * and each pair of a cluster costs one small request on one kept connection each LIMITS.heartbeatMs.
 *
 * I1: a node that does not know yet what it runs says nothing. The word itself is sent only when the other one lacks it; else a heartbeat is three numbers.
 * I2: a member that does not answer holds up no other; its connection is opened anew, after a pause that grows. Who comes back is heard by its own
 *     heartbeats meanwhile.
 * I3: what a silent member runs is asked by plain connections, at a bounded pace, and only while it is silent.
 */

import {
  asked,
  beatIn,
  heardFrom,
  keyOfWord,
  knownWord,
  NO_PRESENCE,
  suspects,
  ticked,
  withMembers,
  wordText,
} from '../decide/presence.ts';
import type { Beat, Presence, PresentMember, Word } from '../decide/presence.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { FrameworkMember } from '../model/framework.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { hostPortOf } from '../model/network-address.ts';
import type { KeptConnection } from '../ports/mutual-http.ts';
import type { AgentDeps } from './deps.ts';
import type { PeerAnswer, PeerLink } from './peer-link.ts';

export interface PresenceParts {
  readonly deps: Pick<AgentDeps, 'node' | 'clock' | 'log' | 'http' | 'keepConnection'>;
  readonly peers: Pick<PeerLink, 'route' | 'toward' | 'hasJoined'>;
  /** All of the cluster that are known here. */
  readonly members: () => readonly FrameworkMember[];
  /** Where to ask whether what a silent node runs answers, `ip:port`. */
  readonly whomToAsk: (member: PresentMember) => readonly string[];
  /** What this node says of itself now; undefined: nothing yet. */
  readonly word: () => Word | undefined;
  /** What is known of the members now. Called several times a second: compare before doing much. */
  readonly onNews: (presence: Presence) => void;
}

interface Link extends PresenceParts {
  readonly signal: AbortSignal;
  readonly connections: Map<string, KeptConnection>;
  /** Uids to which a call is under way. */
  readonly calling: Set<string>;
  /** By uid: when there was an exchange with it last, and which word of ours it has. */
  readonly exchangedMs: Map<string, number>;
  readonly theyHave: Map<string, string>;
  /** By uid: calls that failed in a row, and when the next one may be tried. */
  readonly failed: Map<string, { readonly times: number; readonly againMs: number }>;
  /** By uid: when it may be asked again. */
  readonly askedMs: Map<string, number>;
  presence: Presence;
  /** A broken promise of the code. */
  readonly broken: PromiseWithResolvers<never>;
}

const HEARTBEAT_PATH = '/peer/v1/heartbeat';
const NOTHING_YET: PeerAnswer = { status: 503, body: JSON.stringify({ message: 'This node does not know yet what it runs.' }) };
const NO_HEARTBEAT: PeerAnswer = {
  status: 400,
  body: JSON.stringify({ message: 'A heartbeat is a JSON object with life and sequence, both whole numbers from 0 on.' }),
};
/** An exchange that is this much younger than the interval counts for it: timers are not exact. */
const JITTER_MS = 20;

/** Tells and hears until the signal aborts; resolves when that is over. */
export async function keepPresence(parts: PresenceParts, signal: AbortSignal): Promise<void> {
  const link: Link = {
    ...parts,
    signal,
    connections: new Map(),
    calling: new Set(),
    exchangedMs: new Map(),
    theyHave: new Map(),
    failed: new Map(),
    askedMs: new Map(),
    presence: NO_PRESENCE,
    broken: Promise.withResolvers<never>(),
  };
  parts.peers.route('POST', HEARTBEAT_PATH, ({ from, body }) => {
    if (!hear(link, from, jsonOf(body))) return NO_HEARTBEAT;
    const answer = bodyFor(link, from);
    return answer === undefined ? NOTHING_YET : { status: 200, body: answer };
  });
  await Promise.race([beatForever(link), link.broken.promise]);
}

async function beatForever(link: Link): Promise<void> {
  const { deps, signal, peers, members, onNews } = link;
  while (!signal.aborted) {
    const others = members().filter(({ uid }) => uid !== deps.node.nodeUid);
    link.presence = ticked(withMembers(link.presence, others), deps.clock.monotonicMs(), peers.hasJoined());
    closeStrangers(link, others);
    for (const member of others) beat(link, member);
    for (const member of suspects(link.presence)) askWhatItRuns(link, member);
    onNews(link.presence);
    await deps.clock.sleep(LIMITS.heartbeatMs, signal).catch(() => undefined);
  }
  for (const connection of link.connections.values()) connection.close();
}

function closeStrangers({ connections, theyHave, exchangedMs, failed, askedMs }: Link, others: readonly FrameworkMember[]): void {
  const known = new Set(others.map(keyOf));
  for (const [key, connection] of connections) {
    if (known.has(key)) continue;
    connection.close();
    connections.delete(key);
  }
  const uids = new Set(others.map(({ uid }) => uid));
  for (const map of [theyHave, exchangedMs, failed, askedMs]) for (const uid of map.keys()) if (!uids.has(uid)) map.delete(uid);
}

// ---- one heartbeat ------------------------------------------------------------------------------------------------------------------------

/** Sends one, unless there was an exchange just now or one is under way. */
function beat(link: Link, member: FrameworkMember): void {
  const { calling, exchangedMs, failed, deps } = link;
  const nowMs = deps.clock.monotonicMs();
  const sinceMs = nowMs - (exchangedMs.get(member.uid) ?? -Infinity);
  const isEarly = sinceMs < LIMITS.heartbeatMs - JITTER_MS || nowMs < (failed.get(member.uid)?.againMs ?? -Infinity);
  if (calling.has(member.uid) || isEarly) return;
  calling.add(member.uid);
  exchange(link, member)
    .then(() => failed.delete(member.uid))
    .catch((cause: unknown) => {
      drop(link, member);
      const times = (failed.get(member.uid)?.times ?? 0) + 1;
      const waitMs = Math.min(LIMITS.heartbeatMs * 2 ** Math.min(times, 8), LIMITS.heartbeatRetryCapMs);
      failed.set(member.uid, { times, againMs: deps.clock.monotonicMs() + waitMs });
      if (isFault(cause)) deps.log.debug(`${member.name} did not answer a heartbeat.`, { error: cause });
      else if (!link.signal.aborted) link.broken.reject(cause);
    })
    .finally(() => calling.delete(member.uid));
}

async function exchange(link: Link, member: FrameworkMember): Promise<void> {
  const body = bodyFor(link, member);
  const connection = body === undefined ? undefined : await connectionTo(link, member);
  if (body === undefined || connection === undefined) return;
  const request = {
    method: 'POST' as const,
    path: HEARTBEAT_PATH,
    body,
    deadlineMs: LIMITS.heartbeatCallMs,
    maxAnswerBytes: LIMITS.peerBodyBytes,
  };
  const answer = await connection.call(request, link.signal);
  const said = jsonOf(answer.body);
  if (answer.status !== 200 || said === undefined) {
    const why = isJsonObject(said) && typeof said['message'] === 'string' ? said['message'] : `it answered ${answer.status}`;
    throw new Fault('PeerUnreachable', `${member.name} takes no heartbeat: ${why}`);
  }
  if (!hear(link, member, said)) throw new Fault('PeerUnreachable', `${member.name} answers a heartbeat with something else.`);
}

async function connectionTo(link: Link, member: FrameworkMember): Promise<KeptConnection | undefined> {
  const known = link.connections.get(keyOf(member));
  if (known?.isOpen() === true) return known;
  const toward = link.peers.toward(member);
  // This node has not joined yet.
  if (toward === undefined) return undefined;
  const opened = await link.deps.keepConnection({ ...toward, deadlineMs: LIMITS.heartbeatCallMs }, link.signal);
  link.connections.set(keyOf(member), opened);
  return opened;
}

function drop({ connections }: Link, member: FrameworkMember): void {
  connections.get(keyOf(member))?.close();
  connections.delete(keyOf(member));
}

/** A connection is to one life of a member at one address. */
function keyOf({ uid, incarnation, address }: FrameworkMember): string {
  return `${uid}.${incarnation}@${address}`;
}

/** What is told to a member: the word itself only when it lacks it. Undefined: this node has nothing to say yet. */
function bodyFor({ word: say, theyHave, presence }: Link, { uid }: FrameworkMember): string | undefined {
  const word = say();
  if (word === undefined) return undefined;
  const theirs = knownWord(presence, uid);
  const known = theirs === undefined ? {} : { known: wordText(theirs) };
  const { life, sequence, role, agent } = word;
  const isKnown = theyHave.get(uid) === wordText(word);
  return JSON.stringify({ ...known, life, sequence, ...(isKnown ? {} : { agent, ...(role === undefined ? {} : { role }) }) });
}

/** False: that is no heartbeat. */
function hear(link: Link, from: FrameworkMember, said: Json | undefined): boolean {
  const beatHeard: Beat | undefined = beatIn(said);
  if (beatHeard === undefined || !isJsonObject(said)) return false;
  link.exchangedMs.set(from.uid, link.deps.clock.monotonicMs());
  const known = typeof said['known'] === 'string' ? keyOfWord(said['known']) : undefined;
  if (known === undefined) link.theyHave.delete(from.uid);
  else link.theyHave.set(from.uid, wordText(known));
  const before = knownWord(link.presence, from.uid);
  link.presence = heardFrom(link.presence, from.uid, from.incarnation, beatHeard);
  if (knownWord(link.presence, from.uid) !== before) link.onNews(link.presence);
  return true;
}

function jsonOf(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

// ---- a silent member ----------------------------------------------------------------------------------------------------------------------

/** Asks in one round what it runs; one round at a time for each member. */
function askWhatItRuns(link: Link, member: PresentMember): void {
  const { deps, askedMs, whomToAsk, onNews } = link;
  const nowMs = deps.clock.monotonicMs();
  if (nowMs < (askedMs.get(member.uid) ?? -Infinity)) return;
  const addresses = whomToAsk(member);
  const isNew = (link.presence.peers.get(member.uid)?.silentMs ?? 0) < 2 * LIMITS.heartbeatSilenceMs;
  askedMs.set(member.uid, nowMs + (isNew ? LIMITS.silentAskMs : LIMITS.silentAskAgainMs));
  const round = Promise.all(addresses.map((address) => answers(link, address)));
  round
    .then((all) => {
      const answered = addresses.filter((_, index) => all[index] === true);
      link.presence = asked(link.presence, member.uid, member.incarnation, { asked: addresses, answered });
      onNews(link.presence);
    })
    .catch(link.broken.reject);
}

async function answers({ deps, signal }: Link, address: string): Promise<boolean> {
  const place = hostPortOf(address);
  if (place === undefined) return false;
  try {
    await deps.http.reach(place.host, place.port, LIMITS.silentAskMs, signal);
    return true;
  } catch (cause) {
    if (!isFault(cause) && !signal.aborted) throw cause;
    return false;
  }
}
