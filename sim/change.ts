/**
 * Changes of what runs, on one simulated node: the product's own keeper (src/agent/change-keeper.ts) over the machine's disk and the network of its
 * site, with the promises of a change judged at every plan that is stored (change-checks.ts).
 */

import { canonicalJson } from '../src/base/canonical.ts';
import { keepChange } from '../src/agent/change-keeper.ts';
import type { ChangeKeeper, ChangeParts, ChangeSight } from '../src/agent/change-keeper.ts';
import type { Memory } from '../src/agent/memory.ts';
import type { AgentStatus } from '../src/decide/agent-duty.ts';
import type { ClusterPlan } from '../src/decide/cluster-plan.ts';
import type { NodePlan } from '../src/decide/plan.ts';
import { agentOf } from '../src/decide/node-facts.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { ClusterRelease } from '../src/model/cluster-release.ts';
import type { Cluster } from '../src/model/cluster.ts';
import type { FrameworkMember } from '../src/model/framework.ts';
import { judgeClusterPlan, judgeTaking } from './change-checks.ts';
import { isHeard, listen, peersOf, say } from './lan.ts';
import type { LanPort, Machine } from './machine-state.ts';
import { clockOf, later, logOf, randomOf } from './process.ts';
import type { Life } from './process.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

export interface SimChangeParts {
  readonly world: World;
  readonly machine: Machine;
  readonly life: Life;
  /** What was last read through a director; undefined: nothing yet in this life. */
  readonly known: () => Known | undefined;
  /** Services of which this node has a ready instance. */
  readonly ready: () => ReadonlySet<string>;
  /** The node's own plan may be another one. */
  readonly onPlan: () => void;
}

interface Known {
  readonly cluster: Cluster | undefined;
  readonly nodes: readonly ClusterNode[];
  readonly release: ClusterRelease | undefined;
}

export interface SimChange extends Pick<ChangeKeeper, 'view'> {
  /** Looks soon. */
  poke(): void;
  /** What this node says of itself now. */
  said(word: AgentStatus): void;
}

interface Change extends SimChangeParts {
  readonly keeper: ChangeKeeper;
  readonly words: Map<string, AgentStatus>;
  isLooking: boolean;
  again: boolean;
}

/** Keeps changes in this life of the agent. */
export function startChange(parts: SimChangeParts): SimChange {
  const { world, machine, life } = parts;
  const { namespace, node, nodeUid, incarnation, clusterUid, role } = machine;
  const member: FrameworkMember = { name: node, uid: nodeUid, incarnation, address: node, role };
  const words = new Map<string, AgentStatus>();
  const port: LanPort = {
    routes: new Map(),
    word: undefined,
    hear: (from, word) => {
      // The product's link lets in nobody of an older life (src/decide/peer-trust.ts).
      if (from.incarnation >= (words.get(from.nodeUid)?.incarnation ?? 0)) words.set(from.nodeUid, word);
      poke(change);
    },
  };
  machine.lan = port;
  const file = { namespace, node, nodeUid, incarnation, cluster: machine.cluster, clusterUid, role };
  const deps: ChangeParts['deps'] = {
    clock: clockOf(life),
    random: randomOf(life.process.dice.fork('change')),
    log: logOf(world.trace, life.process.name),
    node: { ...file, address: node, podAddresses: ['a', 'b', 'c'], directors: [], caHash: '' },
  };
  const keeper = keepChange(
    {
      deps,
      self: { name: node, uid: nodeUid, incarnation, role },
      memory: memoryOf(parts),
      peers: peersOf(world, machine, life, member, port),
      members: () => membersOf(parts),
      onChange: () => poke(change),
    },
    life.controller.signal,
  );
  const change: Change = { ...parts, keeper, words, isLooking: false, again: false };
  world.scheduler.touch();
  keeper.settled().catch((cause: unknown) => violate(world, `${life.process.name}: ${textOf(cause)}`));
  listen(world, machine);
  return {
    view: () => keeper.view(),
    poke: () => poke(change),
    said: (word) => {
      world.scheduler.touch();
      keeper.said(word);
      say(world, machine, life, word);
    },
  };
}

/** One look at a time. */
function poke(change: Change): void {
  const { life } = change;
  change.again = true;
  if (change.isLooking) return;
  change.isLooking = true;
  later(life, life.process.dice.between(1, 20), () => {
    change.again = false;
    change.world.scheduler.touch();
    look(change)
      .catch((cause: unknown) => violate(change.world, `${life.process.name}: ${textOf(cause)}`))
      .finally(() => {
        change.isLooking = false;
        if (change.again && !life.over) poke(change);
      })
      .catch(() => undefined);
  });
}

async function look(change: Change): Promise<void> {
  const { machine, keeper, ready, onPlan } = change;
  const sight = sightOf(change);
  if (sight === undefined || machine.disk.membership === undefined) return;
  await keeper.look(sight, ready());
  onPlan();
}

/** What a director showed last, with the words of those who are heard. */
function sightOf({ world, machine, known, words }: Change): ChangeSight | undefined {
  const seen = known();
  if (seen === undefined) return undefined;
  const self = seen.nodes.find((node) => node.metadata.uid === machine.nodeUid);
  if (self === undefined || self.spec.incarnation > machine.incarnation) return undefined;
  const mine = seen.nodes.filter((node) => node.spec.attempt === self.spec.attempt);
  const nodes = mine.map((node): ClusterNode => {
    const word = words.get(node.metadata.uid);
    return word === undefined || word.incarnation !== node.spec.incarnation ? node : { ...node, status: { ...node.status, agent: word } };
  });
  const unheard = nodes.filter((node) => {
    const other = machineOf(world, node);
    return other !== machine && (other === undefined || !isHeard(world, machine, other));
  });
  return {
    cluster: seen.cluster,
    nodes,
    unheard: new Set(unheard.map((node) => node.metadata.name)),
    release: (name) => (seen.release?.metadata.name === name ? seen.release : undefined),
    releaseProblem: () => undefined,
  };
}

function machineOf(world: World, node: ClusterNode): Machine | undefined {
  return world.machines.find((one) => one.nodeUid === node.metadata.uid && one.incarnation === node.spec.incarnation && one.isAlive);
}

function membersOf({ known }: SimChangeParts): readonly FrameworkMember[] {
  return (known()?.nodes ?? []).flatMap((node) => {
    if (agentOf(node) === undefined || node.spec.retired === true) return [];
    const { name, uid } = node.metadata;
    return [{ name, uid, incarnation: node.spec.incarnation, address: name, role: node.spec.role }];
  });
}

/** Records on the machine's disk; a crash before the write is over loses it. */
function memoryOf({ world, machine, life }: SimChangeParts): Memory {
  const { kept } = machine.disk;
  const keep = (name: string, value: unknown): Promise<void> =>
    new Promise((resolve) => {
      if (canonicalJson(kept[name]) === canonicalJson(value)) return resolve();
      later(life, life.process.dice.between(1, 5), () => {
        if (name === 'clusterPlan') judgeClusterPlan(world, machine, kept[name] as ClusterPlan | undefined, value as ClusterPlan);
        if (name === 'plan') judgeTaking(world, machine, kept[name] as NodePlan | undefined, value as NodePlan);
        kept[name] = value;
        world.scheduler.touch();
        resolve();
      });
    });
  const get = (name: string): unknown => (name === 'membership' ? machine.disk.membership : kept[name]);
  return { get, keep } as Memory;
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
