/**
 * The part of a joined machine's agent that a host daemon has elsewhere (src/decide/own-machine.ts): carried out against a director.
 *
 * I1: nothing here holds up what runs; without a director it waits.
 * I2: a node that the director does not have any more ends here only by its tombstone, asked for by this node's own uid.
 */

import { machineDuty } from '../decide/own-machine.ts';
import type { OwnMachine } from '../decide/own-machine.ts';
import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { Fault } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import type { Answer } from '../ports/api.ts';
import type { DirectorApi } from '../ports/director.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import type { Memory } from './memory.ts';
import type { NodeFile } from './node-file.ts';
import { pokeLoop } from './poke-loop.ts';
import type { PokeLoop } from './poke-loop.ts';

const TOMBSTONES = '/outrigger/v1/tombstones';
const RESYNC_MS = 10_000;
const EVERY_MS = 200;

/** This machine; undefined: a host made this node. */
export function ownMachine({ node, bootId, processes }: Pick<AgentDeps, 'node' | 'bootId' | 'processes'>): OwnMachine | undefined {
  if (node.machine === undefined) return undefined;
  const { machine: name, incarnation, address, podAddresses } = node;
  return { name, incarnation, address, podAddresses, bootId, pid: processes.self().pid };
}

export interface MachineKeeper extends PokeLoop {
  /** The director does not show this node: whether it was deleted is asked. */
  lookForTombstone(): void;
  /** What stands in the way; undefined: nothing. */
  problem(): string | undefined;
}

export interface MachineParts {
  readonly deps: AgentDeps;
  readonly self: OwnMachine;
  readonly api: DirectorApi;
  readonly following: Following;
  readonly memory: Memory;
  /** The fate of this node, or the problem, changed. */
  readonly onChange: () => void;
}

/** Until the signal aborts. */
export function keepMachine(parts: MachineParts, signal: AbortSignal): MachineKeeper {
  const { deps, memory, following } = parts;
  let problem: string | undefined;
  const look = async (work: AbortSignal): Promise<void> => {
    if (memory.get('fate') !== undefined) return;
    const node = following.self();
    const duty = machineDuty(parts.self, node);
    const next = duty.do === 'say' ? duty.problem : undefined;
    if (next !== problem) {
      problem = next;
      parts.onChange();
    }
    if (node === undefined) return;
    if (duty.do === 'take') following.learnSelf(wanted(await takeNode(parts.api, node, duty.host, work)));
    if (duty.do === 'report') following.learnSelf(wanted(await sayMachine(parts.api, deps.node, duty.section, work)));
  };
  const loop = pokeLoop(deps, { what: 'The report of this machine', everyMs: EVERY_MS, resyncMs: RESYNC_MS }, look, signal);
  const buried = pokeLoop(
    deps,
    { what: 'Asking whether this node was deleted', everyMs: RESYNC_MS },
    async (work) => {
      if (memory.get('fate') !== undefined || !(await isBuried(parts.api, deps.node.nodeUid, work))) return;
      const why = `${deps.node.node} was deleted while this machine was not heard; it stops its pods.`;
      deps.log.warn(why);
      await memory.keep('fate', { state: 'Deleted', why });
      parts.onChange();
    },
    signal,
  );
  loop.poke();
  return {
    poke: () => loop.poke(),
    lookForTombstone: () => buried.poke(),
    problem: () => problem,
    settled: async () => void (await Promise.all([loop.settled(), buried.settled()])),
  };
}

function wanted(answer: Answer<ClusterNode>): ClusterNode {
  if (answer.ok) return answer.value;
  throw new Fault('DirectorRefused', answer.message);
}

/** Guarded by the revision that was seen: of two machines one wins. */
export async function takeNode(api: DirectorApi, node: ClusterNode, host: string, signal: AbortSignal): Promise<Answer<ClusterNode>> {
  const { namespace = '', name, uid, resourceVersion } = node.metadata;
  return await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, { metadata: { uid, resourceVersion }, spec: { host } }, signal);
}

export async function sayMachine(
  api: DirectorApi,
  { namespace, node, nodeUid, incarnation }: Pick<NodeFile, 'namespace' | 'node' | 'nodeUid' | 'incarnation'>,
  section: JsonObject,
  signal: AbortSignal,
): Promise<Answer<ClusterNode>> {
  const patch = { metadata: { uid: nodeUid }, status: { infrastructure: { ...section, incarnation } } };
  return await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, node, patch, signal, 'status');
}

/** Whether the director holds the tombstone of this uid. One that does not know the path, or us, proves nothing. */
export async function isBuried(api: DirectorApi, uid: string, signal: AbortSignal): Promise<boolean> {
  const answer = await api.post(TOMBSTONES, { uids: [uid] }, signal);
  if (!answer.ok || !isJsonObject(answer.value)) return false;
  const shown = answer.value['tombstones'];
  return Array.isArray(shown) && shown.some((one) => isJsonObject(one) && one['uid'] === uid);
}
