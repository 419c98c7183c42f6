/**
 * `outrigger agent --stop`: ends everything of a node, in order. Its host asks for it when the node is deleted, retired or replaced.
 *
 * A living agent does it itself, so that clients notice nothing: it drains, stops, says so, and ends. One that is not there, or that does not come to
 * an end, is done without.
 *
 * I1: true is returned only when nothing of the node lives: no agent, no pod, no balancer.
 * I2: it may be repeated, and be cut short, at any point.
 */

import { isFault } from '../model/fault.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Processes } from '../ports/processes.ts';
import type { PodRuntime } from '../ports/runtime.ts';

export interface StopDeps {
  readonly nodeUid: string;
  /** Data folder of this host: another host on this machine may run a later life of the node. */
  readonly data: string;
  readonly processes: Processes;
  readonly runtime: () => PodRuntime;
  readonly clock: Clock;
  readonly log: Log;
}

/** An agent that was asked has this long: draining, the longest usual grace, and a margin. */
const AGENT_DEADLINE_MS = 60_000;
const LOOK_MS = 50;
const GRACE_MS = 10_000;
const BALANCER_GRACE_MS = 1_000;
/** Sent to an agent: stop the whole node. */
export const STOP_SIGNAL = 'SIGUSR2';

export async function stopNode(deps: StopDeps, signal: AbortSignal): Promise<boolean> {
  await endAgents(deps, signal);
  return await endRest(deps, signal, ['agent']);
}

/** Ends pods and balancer. True when nothing of that lives, nor of the roles `besides`. */
export async function endRest(deps: StopDeps, signal: AbortSignal, besides: readonly string[] = []): Promise<boolean> {
  await endPods(deps, signal);
  // The balancer first: it would start its HAProxy again.
  for (const role of ['balancer', 'haproxy'])
    for (const { id } of livingOf(deps, role)) await deps.processes.stop(id, BALANCER_GRACE_MS, signal);
  const left = [...besides, 'pod', 'balancer', 'haproxy'].flatMap((role) => livingOf(deps, role));
  if (left.length > 0) deps.log.error('Something of the node still lives.', { pids: left.map((one) => one.id.pid) });
  return left.length === 0;
}

function livingOf(deps: StopDeps, role: string) {
  return deps.processes.find({ OUTRIGGER_DATA: deps.data, OUTRIGGER_NODE: deps.nodeUid, OUTRIGGER_ROLE: role });
}

async function endAgents(deps: StopDeps, signal: AbortSignal): Promise<void> {
  for (const { id } of livingOf(deps, 'agent')) {
    deps.processes.signalGroup(id, STOP_SIGNAL);
    const untilMs = deps.clock.monotonicMs() + AGENT_DEADLINE_MS;
    while (deps.processes.isAlive(id) && deps.clock.monotonicMs() < untilMs) await deps.clock.sleep(LOOK_MS, signal);
    if (deps.processes.isAlive(id)) deps.log.warn('The agent does not come to an end; the node is stopped without it.', { pid: id.pid });
    await deps.processes.stop(id, 0, signal);
  }
}

async function endPods(deps: StopDeps, signal: AbortSignal): Promise<void> {
  const runtime = deps.runtime();
  const pods = await runtime.list();
  await Promise.all(
    pods.map(async ({ key }) => {
      try {
        await runtime.stop(key, GRACE_MS, signal);
        await runtime.remove(key);
      } catch (cause) {
        if (!isFault(cause)) throw cause;
        deps.log.warn(`The pod of ${key.service} was not ended in order.`, { error: cause });
      }
    }),
  );
  // Those that no record names any more.
  for (const { id } of livingOf(deps, 'pod')) await deps.processes.stop(id, GRACE_MS, signal);
}
