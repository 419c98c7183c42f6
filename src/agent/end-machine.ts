/**
 * The end of a node on a joined machine: everything of it stops, its director is told, its finalizer goes, and its folder is laid aside.
 *
 * A host does this elsewhere (src/host/keeper.ts). The machine itself is never touched: what is left is `<folder>.before`, logs and all, without the key.
 *
 * I1: it may be cut short at any point and be begun again: what was decided (the fate) is on disk, and each step may be repeated.
 * I2: the finalizer goes only after nothing of the node lives here.
 * I3: the folder is laid aside last, and in one step: until then the next start comes back here.
 */

import type { Fate } from '../decide/agent-duty.ts';
import { lastDuty } from '../decide/own-machine.ts';
import type { OwnMachine } from '../decide/own-machine.ts';
import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { isFault } from '../model/fault.ts';
import type { DirectorApi } from '../ports/director.ts';
import { connectDirectors } from './connect.ts';
import type { AgentDeps } from './deps.ts';
import { openMemory } from './memory.ts';
import { ownMachine, sayMachine } from './own-machine.ts';
import { endRest } from './stop.ts';
import { openTrustedTime } from './trusted-time.ts';

const RETRY_MS = 1_000;
const RETRY_CAP_MS = 5_000;

/** The fate of the node in this folder, when its life is over; undefined: it is to run. */
export async function fateOnDisk({ store, log }: Pick<AgentDeps, 'store' | 'log'>): Promise<Fate | undefined> {
  return (await openMemory(store, log)).get('fate');
}

/** Resolves when nothing is owed any more: true; false: the signal aborted first. `data`: mark of this node's processes. */
export async function endMachine(deps: AgentDeps, fate: Fate, data: string, signal: AbortSignal): Promise<boolean> {
  const self = ownMachine(deps);
  if (self === undefined) return false;
  deps.service.ready();
  deps.service.status(fate.why);
  deps.log.info(`${fate.why} What is left of it is ended.`);
  const rest = {
    nodeUid: deps.node.nodeUid,
    data,
    processes: deps.processes,
    runtime: () => deps.runtime,
    clock: deps.clock,
    log: deps.log,
  };
  while (!signal.aborted && !(await endRest(rest, signal))) await pause(deps, RETRY_MS, signal);
  if (signal.aborted) return false;
  const end = new AbortController();
  try {
    await tellDirectors(deps, self, fate, AbortSignal.any([signal, end.signal]));
  } catch (cause) {
    if (!isFault(cause) || cause.row.retry === 'later') throw cause;
    // Who it was to the directors is lost or refused: nobody can be told, and nothing runs.
    deps.log.warn('No director can be told that this node is over.', { error: cause });
  } finally {
    end.abort();
  }
  return !signal.aborted;
}

async function tellDirectors(deps: AgentDeps, self: OwnMachine, fate: Fate, signal: AbortSignal): Promise<void> {
  if (fate.state === 'Superseded') return;
  const memory = await openMemory(deps.store, deps.log);
  const api = await connectDirectors(deps, memory, await openTrustedTime(deps, memory, signal), signal);
  try {
    for (let waits = 0; !signal.aborted; waits++) {
      if (await told(deps, self, fate, api, signal)) return;
      await pause(deps, Math.min(RETRY_MS * 2 ** Math.min(waits, 5), RETRY_CAP_MS), signal);
    }
  } finally {
    api.close();
  }
}

/** True when nothing is owed any more. */
async function told(deps: AgentDeps, self: OwnMachine, fate: Fate, api: DirectorApi, signal: AbortSignal): Promise<boolean> {
  const { namespace, node: name, nodeUid } = deps.node;
  try {
    for (;;) {
      const read = await api.get<ClusterNode>(CLUSTER_NODES, namespace, name, signal);
      const node = read.ok && read.value.metadata.uid === nodeUid ? read.value : undefined;
      const duty = lastDuty(self, fate, node);
      if (duty.do === 'over') return true;
      if (duty.do === 'wait' || node === undefined) return false;
      const answer =
        duty.do === 'sayGone'
          ? await sayMachine(api, deps.node, duty.section, signal)
          : await api.mergePatch<ClusterNode>(
              CLUSTER_NODES,
              namespace,
              name,
              {
                metadata: { uid: nodeUid, resourceVersion: node.metadata.resourceVersion, finalizers: [...duty.finalizers] },
              },
              signal,
            );
      if (!answer.ok) {
        deps.log.warn(`The director did not take that ${name} is over: ${answer.message}; it is tried again.`);
        return false;
      }
    }
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (!signal.aborted) deps.log.warn('No director answers; that this node is over is said later.', { error: cause });
    return false;
  }
}

async function pause({ clock, service }: AgentDeps, ms: number, signal: AbortSignal): Promise<void> {
  service.progressed();
  await clock.sleep(ms, signal).catch(() => undefined);
}
