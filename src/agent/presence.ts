/**
 * Shows the directors that this node lives, and learns from them whether this life of it still counts.
 *
 * I1: one Lease is renewed every minute (or as often as its host says; ± 10 %), whatever happens; nothing compares its time stamp with a clock.
 * I2: each time a director is reached anew it is told of the youngest era and the highest revision known here, so that one that was restored
 *     from an old backup notices before it is obeyed.
 * I3: a refusal is looked into at once: an older incarnation may read its own node, and nothing else.
 */

import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { LEASES } from '../model/core-kinds.ts';
import type { Lease } from '../model/core-kinds.ts';
import { isFault } from '../model/fault.ts';
import { nodeLeaseName } from '../model/labels.ts';
import { LIMITS } from '../model/limits.ts';
import type { DirectorApi } from '../ports/director.ts';
import type { AgentDeps } from './deps.ts';
import type { Following } from './following.ts';
import type { Memory } from './memory.ts';
import { pokeLoop } from './poke-loop.ts';
import type { PokeLoop } from './poke-loop.ts';

const JITTER = 0.1;
const RETRY_MS = 1_000;
const RETRY_CAP_MS = 30_000;

type Renewal = 'renewed' | 'refused' | 'unreached';

export interface Presence {
  /** Reads this node anew: something was refused. */
  lookAtSelf(): void;
  /** The one who is told that the director does not show this node. */
  onAbsent(listener: () => void): void;
}

/** Until the signal aborts. */
export function showPresence(deps: AgentDeps, api: DirectorApi, following: Following, memory: Memory, signal: AbortSignal): Presence {
  let absent = (): void => undefined;
  const read = async (work: AbortSignal): Promise<void> => {
    if (!(await readSelf(deps, api, following, work))) absent();
  };
  const self = pokeLoop(deps, { what: 'Reading this node', everyMs: RETRY_MS }, read, signal);
  self.poke();
  following.onRefused(() => self.poke());
  void renewForever(deps, api, following, memory, self, signal);
  return { lookAtSelf: () => self.poke(), onAbsent: (listener) => void (absent = listener) };
}

/** True when this very node is there. */
async function readSelf(deps: AgentDeps, api: DirectorApi, following: Following, signal: AbortSignal): Promise<boolean> {
  const answer = await api.get<ClusterNode>(CLUSTER_NODES, deps.node.namespace, deps.node.node, signal);
  if (answer.ok) following.learnSelf(answer.value);
  // Not found, or not ours to see: absence is never a command.
  else deps.log.warn(`This node cannot be read: ${answer.message}. It goes on as it is.`);
  return answer.ok && answer.value.metadata.uid === deps.node.nodeUid;
}

async function renewForever(
  deps: AgentDeps,
  api: DirectorApi,
  following: Following,
  memory: Memory,
  self: PokeLoop,
  signal: AbortSignal,
): Promise<void> {
  let reached = false;
  for (let failures = 0; !signal.aborted;) {
    if (!reached) reached = await sayHello(deps, api, memory, signal);
    const renewed: Renewal = reached ? await renewOnce(deps, api, signal) : 'unreached';
    if (renewed === 'refused') self.poke();
    reached = renewed !== 'unreached';
    if (reached) await rememberRevision(deps, api, following, memory);
    failures = renewed === 'renewed' ? 0 : failures + 1;
    const waitMs = failures === 0 ? renewMs(deps) : Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_CAP_MS);
    await deps.clock.sleep(waitMs * (1 - JITTER + 2 * JITTER * deps.random.float()), signal).catch(() => undefined);
  }
}

async function sayHello(deps: AgentDeps, api: DirectorApi, memory: Memory, signal: AbortSignal): Promise<boolean> {
  const known = memory.get('era');
  const body = known === undefined ? {} : { era: { number: known.number, id: known.id }, revision: known.revision };
  return await reaches(deps, 'A hello', async () => void (await api.post('/outrigger/v1/hello', body, signal)), signal);
}

async function renewOnce(deps: AgentDeps, api: DirectorApi, signal: AbortSignal): Promise<Renewal> {
  let renewed = false;
  const reached = await reaches(deps, 'The Lease', async () => (renewed = await renewLease(deps, api, signal)), signal);
  if (!reached) return 'unreached';
  return renewed ? 'renewed' : 'refused';
}

function renewMs({ node }: AgentDeps): number {
  return node.leaseRenewMs ?? LIMITS.nodeLeaseRenewMs;
}

async function renewLease(deps: AgentDeps, api: DirectorApi, signal: AbortSignal): Promise<boolean> {
  const { namespace, node, nodeUid, incarnation } = deps.node;
  const { pid, startTicks } = deps.processes.self();
  const name = nodeLeaseName(nodeUid);
  const spec = {
    holderIdentity: `${node}.${incarnation}.${pid}.${startTicks}`,
    leaseDurationSeconds: Math.ceil((3 * renewMs(deps)) / 1000),
    renewTime: new Date(deps.clock.nowMs()).toISOString().replace('Z', '000Z'),
  };
  const answer = await api.mergePatch<Lease>(LEASES, namespace, name, { spec }, signal);
  if (answer.ok) return true;
  if (answer.reason !== 'NotFound') return false;
  const owner = { apiVersion: 'outrigger.dev/v1', kind: 'ClusterNode', name: node, uid: nodeUid };
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace, ownerReferences: [owner] }, spec };
  return (await api.create<Lease>(LEASES, namespace, lease, signal)).ok;
}

/** False when no director answered. */
async function reaches(deps: AgentDeps, what: string, call: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (cause) {
    if (!signal.aborted && !isFault(cause)) throw cause;
    if (!signal.aborted) deps.log.debug(`${what} reached no director.`, { error: cause });
    return false;
  }
}

async function rememberRevision(deps: AgentDeps, api: DirectorApi, following: Following, memory: Memory): Promise<void> {
  const era = api.era();
  const known = memory.get('era');
  if (era === undefined) return;
  const before = known?.number === era.number && known.id === era.id ? known.revision : 0;
  await memory.keep('era', { number: era.number, id: era.id, revision: Math.max(before, following.revision()) }).catch((cause: unknown) => {
    deps.log.warn('The revision that was seen cannot be remembered.', { error: cause });
  });
}
