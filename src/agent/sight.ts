/**
 * What this node sees of its cluster: the objects that a director showed last, and the words of the members themselves (src/decide/presence.ts).
 *
 * Endpoints, framework config, changes of what runs, phase and conditions are made from it, so that with the director gone a drain, a new instance or
 * a death on another node is known within a heartbeat.
 *
 * I1: what was seen stays when the director goes, and over a reboot: the record `sight` has the members, where they are and what they run. It is
 *     written when any of that changed, never because somebody was heard again.
 * I2: of a remembered member nothing is believed about its instances until it is heard: where they are, the record `endpoints` knows better.
 * I3: `nodes` is undefined until the first list: absence is told apart from never having heard.
 * I4: `cluster` and `self` are what a director showed in this life of the agent: what a person asks for is not taken from a record.
 */

import { canonicalJson } from '../base/canonical.ts';
import type { AgentStatus } from '../decide/agent-duty.ts';
import { namesOf, nextLife, NO_PRESENCE, silenceMs, standings, whomToAsk, withAnswers, withWords, wordText } from '../decide/presence.ts';
import type { Presence, Standing, Word } from '../decide/presence.ts';
import { agentOf } from '../decide/node-facts.ts';
import type { Cluster } from '../model/cluster.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { ClusterRelease } from '../model/cluster-release.ts';
import { isFault } from '../model/fault.ts';
import type { FrameworkConfig } from '../model/framework.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import type { Memory } from './memory.ts';
import type { PeerLink } from './peer-link.ts';
import { keepPresence } from './presence-link.ts';
import { soundSight } from './sight-record.ts';
import type { SightRecord } from './sight-record.ts';

export interface Sight {
  /** This very node. */
  self(): ClusterNode | undefined;
  cluster(): Cluster | undefined;
  /** Nodes of the attempt that this node belongs to; undefined: never heard of any. */
  nodes(): readonly ClusterNode[] | undefined;
  /** These nodes (just read), with the newest word of each; of silent ones only instances that answer are ready. */
  completed(nodes: readonly ClusterNode[]): readonly ClusterNode[];
  /** How the other members stand, by name. */
  standings(): ReadonlyMap<string, Standing>;
  /** Names of nodes whose agents this node does not hear. */
  unheard(): ReadonlySet<string>;
  /** Milliseconds since a member was heard, as counted here; undefined: not in this life of the agent. */
  silenceMs(uid: string): number | undefined;
  /** What this node said last, in this life of its agent or an earlier one. */
  lastSaid(): AgentStatus | undefined;
  release(name: string): ClusterRelease | undefined;
  releaseProblem(name: string): string | undefined;
  /** From now on there is a director to see through. */
  follow(following: Following): void;
  /** What this node says of itself now; returns it with the number of this word. */
  say(agent: AgentStatus, role: Word['role']): AgentStatus;
  /** Writes down what must outlive a reboot, when it changed. Throws `Fault` when the disk refuses. */
  remember(): Promise<void>;
  settled(): Promise<void>;
}

export interface SightParts {
  readonly deps: AgentDeps;
  readonly memory: Memory;
  readonly peers: Pick<PeerLink, 'route' | 'toward' | 'hasJoined'>;
  readonly told: () => FrameworkConfig | undefined;
  /** Somebody says something else, fell silent or is heard again. */
  readonly onChange: () => void;
}

interface Seeing extends SightParts {
  readonly remembered: SightRecord | undefined;
  readonly life: number;
  presence: Presence;
  following: Following | undefined;
  word: Word | undefined;
  /** What was last known of the others, as a text. */
  known: string;
}

/** Sees until the signal aborts. */
export async function openSight(parts: SightParts, signal: AbortSignal): Promise<Sight> {
  const seeing: Seeing = {
    ...parts,
    remembered: recalled(parts),
    life: await beginLife(parts),
    presence: NO_PRESENCE,
    following: undefined,
    word: undefined,
    known: '',
  };
  const presence = keepPresence(
    {
      ...parts,
      members: () => parts.told()?.members ?? [],
      whomToAsk: ({ uid }) => asksOf(seeing, uid),
      word: () => seeing.word,
      onNews: (known) => {
        seeing.presence = known;
        look(seeing);
      },
    },
    signal,
  );
  return {
    self: () => seeing.following?.self(),
    cluster: () => seeing.following?.cluster(),
    nodes: () => nodesOf(seeing),
    completed: (nodes) => withAnswers(worded(seeing, nodes), seeing.presence),
    standings: () => standingsOf(seeing),
    unheard: () => namesOf(standingsOf(seeing), 'Silent', 'Down'),
    silenceMs: (uid) => silenceMs(seeing.presence, uid),
    lastSaid: () => lastSaid(seeing),
    release: (name) => seeing.following?.release(name),
    releaseProblem: (name) => seeing.following?.releaseProblem(name),
    follow: (seen) => void (seeing.following = seen),
    say: (agent, role) => say(seeing, agent, role),
    remember: () => remember(seeing),
    settled: () => presence,
  };
}

/** A disk that refuses takes the order of words from nobody: the clock alone raises it then. */
async function beginLife({ memory, deps }: SightParts): Promise<number> {
  const life = nextLife(memory.get('life'), deps.clock.nowMs());
  try {
    await memory.keep('life', life);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.warn('Which life of the agent this is cannot be remembered.', { error: cause });
  }
  return life;
}

function nodesOf(seeing: Seeing): readonly ClusterNode[] | undefined {
  const shown = seeing.following?.nodes() ?? seeing.remembered?.nodes;
  if (shown === undefined) return undefined;
  const own = seeing.following?.self() ?? shown.find((node) => node.metadata.uid === seeing.deps.node.nodeUid);
  const mine = own === undefined ? shown : shown.filter((node) => node.spec.attempt === own.spec.attempt);
  return worded(seeing, mine);
}

function worded({ presence, deps, word }: Seeing, nodes: readonly ClusterNode[]): readonly ClusterNode[] {
  return withWords(nodes, presence, { uid: deps.node.nodeUid, word });
}

function standingsOf(seeing: Seeing): ReadonlyMap<string, Standing> {
  return standings(seeing.presence, nodesOf(seeing) ?? []);
}

function lastSaid({ following, memory, deps }: Seeing): AgentStatus | undefined {
  const shown = following?.self() ?? soundSight(memory.get('sight'))?.record.nodes.find((node) => node.metadata.uid === deps.node.nodeUid);
  return shown?.status?.agent;
}

function asksOf(seeing: Seeing, uid: string): readonly string[] {
  const node = nodesOf(seeing)?.find((one) => one.metadata.uid === uid);
  const ports = (seeing.told()?.services ?? []).map(({ port }) => port);
  return node === undefined ? [] : whomToAsk(node, ports);
}

/** Tells of it only when something that anybody goes by is another. */
function look(seeing: Seeing): void {
  const { peers } = seeing.presence;
  const standing = standingsOf(seeing);
  const known = [...peers.values()].map(({ name, word, rounds }) => {
    const answered = rounds.flatMap((round) => round.answered).sort();
    return [name, word === undefined ? '' : wordText(word), standing.get(name) ?? '', ...new Set(answered)].join(' ');
  });
  const text = known.sort().join('\n');
  if (text === seeing.known) return;
  seeing.known = text;
  seeing.onChange();
}

function say(seeing: Seeing, agent: AgentStatus, role: Word['role']): AgentStatus {
  const { life, word } = seeing;
  const sequence = (word?.sequence ?? 0) + 1;
  const next = { life, sequence, role, agent: { ...agent, word: wordText({ life, sequence }) } };
  if (word !== undefined && word.role === role && canonicalJson({ ...agent, word: word.agent.word }) === canonicalJson(word.agent))
    return word.agent;
  seeing.word = next;
  return next.agent;
}

// ---- over a reboot ------------------------------------------------------------------------------------------------------------------------

async function remember(seeing: Seeing): Promise<void> {
  const { following, memory } = seeing;
  const nodes = nodesOf(seeing);
  if (following?.nodes() === undefined || nodes === undefined) return;
  const cluster = following.cluster();
  const record: SightRecord = { ...(cluster === undefined ? {} : { cluster: lastingCluster(cluster) }), nodes };
  const before = soundSight(memory.get('sight'))?.record;
  if (before !== undefined && canonicalJson(lasting(before)) === canonicalJson(lasting(record))) return;
  await memory.keep('sight', record);
}

/** What a reboot must not take away; the rest of the objects is kept as it was when one of these changed. */
function lasting({ cluster, nodes }: SightRecord): unknown {
  const { primary, term, availableAt, attempt } = cluster?.status ?? {};
  const about = { generation: cluster?.metadata.generation, primary, term, availableAt, attempt };
  return { about, nodes: nodes.map(lastingNode) };
}

function lastingNode(node: ClusterNode): unknown {
  const { metadata, spec, status } = node;
  const agent = agentOf(node);
  const services = Object.entries(agent?.services ?? {}).map(([name, { ready, address }]) => ({ name, ready, address }));
  const { name, uid, deletionTimestamp } = metadata;
  return { name, uid, deletionTimestamp, spec, role: status?.role, address: agent?.address, content: agent?.content, services };
}

function lastingCluster({ status = {}, ...rest }: Cluster): Cluster {
  const { eventSet: _events, errorSet: _errors, attempts: _attempts, ...kept } = status;
  return { ...rest, status: kept };
}

/** As it is read back: who, where and what role, nothing of their instances. */
function recalled({ memory, deps }: SightParts): SightRecord | undefined {
  const read = soundSight(memory.get('sight'));
  if (read === undefined) return undefined;
  const { record, skipped } = read;
  if (skipped > 0) deps.log.warn('Of the members that this node remembers, some cannot be read; it goes on without them.', { skipped });
  return {
    nodes: record.nodes.map((node) => {
      const agent = agentOf(node);
      if (agent === undefined) return node;
      const { services: _services, ...kept } = agent;
      return { ...node, status: { ...node.status, agent: kept } };
    }),
  };
}
