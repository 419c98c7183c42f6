/**
 * One node's machine under the `process` driver: its agent is kept alive, and in the end everything of the node is stopped.
 *
 * I1: at most one agent of a node runs: before one is started, the recorded process and all processes marked with the node's uid are looked at.
 * I2: an agent that ended is started again within a second at first, then with back-off; with or without a director.
 * I3: when the daemon ends, agents go on.
 * I4: `stopAll` resolves only when nothing of the node lives.
 */

import { backoffMs } from '../base/backoff.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ProcessExit, ProcessId } from '../ports/processes.ts';
import type { HostDeps } from './deps.ts';
import { nodeFolder } from './deps.ts';
import type { NodeRecord, NodeRecords } from './records.ts';

export type MachineState =
  | { readonly phase: 'Starting' }
  | { readonly phase: 'Running'; readonly pid: number }
  | { readonly phase: 'Exited' | 'Failed'; readonly message: string };

export interface MachineHooks {
  readonly onChange: (state: MachineState) => void;
  /** Called before the agent is started: brings its folder up to date. */
  readonly prepare: () => Promise<void>;
  /** Called after an agent ended, before it is started again. It holds nothing up. */
  readonly onExit: (exit: ProcessExit) => void;
}

export interface Machine {
  /** Watches and restarts the agent no more; what runs goes on. */
  halt(): Promise<void>;
}

const BACKOFF = { baseMs: 200, capMs: 30_000, jitter: 0.2 };
/** An agent that ran this long starts its back-off anew. */
const RESET_AFTER_MS = 60_000;
/** How often an agent that is not our child is looked at. */
const LOOK_EVERY_MS = 200;
const STOP_DEADLINE_MS = 90_000;
const LEFTOVER_GRACE_MS = 2_000;

/** Keeps the agent of `nodeUid` alive until `signal` aborts or `halt` is called; then the agent goes on by itself. */
export function keepMachine(deps: HostDeps, records: NodeRecords, nodeUid: string, hooks: MachineHooks, signal: AbortSignal): Machine {
  const stopping = new AbortController();
  const either = AbortSignal.any([signal, stopping.signal]);
  const loop = keepAgent(deps, records, nodeUid, hooks, either);
  return {
    halt: () => {
      stopping.abort(new Fault('Aborted', `Node ${nodeUid} is stopped.`));
      return loop;
    },
  };
}

async function keepAgent(deps: HostDeps, records: NodeRecords, nodeUid: string, hooks: MachineHooks, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = deps.clock.monotonicMs();
    const message = await liveOnce(deps, records, nodeUid, hooks, signal);
    if (signal.aborted) return;
    failures = deps.clock.monotonicMs() - startedMs >= RESET_AFTER_MS ? 1 : failures + 1;
    deps.log.warn('An agent ended and is started again', { nodeUid, why: message, failures });
    await deps.clock.sleep(backoffMs(BACKOFF, failures, deps.random.float()), signal).catch(() => undefined);
  }
}

/** One life of the agent, found or started; resolves with why it is over. */
async function liveOnce(deps: HostDeps, records: NodeRecords, nodeUid: string, hooks: MachineHooks, signal: AbortSignal): Promise<string> {
  try {
    const found = findAgent(deps, records.get(nodeUid), nodeUid);
    const agent = found ?? (await startAgent(deps, records, nodeUid, hooks));
    hooks.onChange({ phase: 'Running', pid: agent.id.pid });
    const exit = await untilEnd(agent.exited(signal), signal);
    if (exit === undefined) return 'the daemon ends';
    const message = describeExit(exit);
    hooks.onChange({ phase: 'Exited', message });
    hooks.onExit(exit);
    return message;
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (!signal.aborted) hooks.onChange({ phase: 'Failed', message: cause.message });
    return cause.message;
  }
}

interface LivingAgent {
  readonly id: ProcessId;
  exited(signal: AbortSignal): Promise<ProcessExit>;
}

function findAgent(deps: HostDeps, record: NodeRecord | undefined, nodeUid: string): LivingAgent | undefined {
  const recorded = record?.agent;
  if (recorded !== undefined && deps.processes.isAlive(recorded)) return adopted(deps, recorded);
  const marks = { OUTRIGGER_DATA: deps.data, OUTRIGGER_ROLE: 'agent', OUTRIGGER_NODE: nodeUid };
  const [marked] = deps.processes.find(marks);
  return marked === undefined ? undefined : adopted(deps, marked.id);
}

/** A living agent that is not our child: nobody tells us when it ends, so it is looked at. */
function adopted(deps: HostDeps, id: ProcessId): LivingAgent {
  const exited = async (signal: AbortSignal): Promise<ProcessExit> => {
    while (deps.processes.isAlive(id)) await deps.clock.sleep(LOOK_EVERY_MS, signal);
    return { exitCode: null, signal: null };
  };
  return { id, exited };
}

async function startAgent(deps: HostDeps, records: NodeRecords, nodeUid: string, hooks: MachineHooks): Promise<LivingAgent> {
  hooks.onChange({ phase: 'Starting' });
  await hooks.prepare();
  const folder = nodeFolder(deps.data, nodeUid);
  const started = await deps.processes.start({
    command: deps.programCommand(['agent', '--dir', folder]),
    environment: deps.agentEnvironment(nodeUid),
    folder,
    logFile: `${folder}/logs/agent.log`,
  });
  const record = records.get(nodeUid);
  if (record !== undefined) {
    await records.save({ ...record, agent: started.id, restarts: record.agent === undefined ? record.restarts : record.restarts + 1 });
  }
  return { id: started.id, exited: () => started.exited };
}

async function untilEnd(exited: Promise<ProcessExit>, signal: AbortSignal): Promise<ProcessExit | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  if (signal.aborted) return undefined;
  signal.addEventListener('abort', onAbort, { once: true });
  // When the signal aborts, looking at an adopted agent ends by rejection; that is the same answer.
  const exitOrAbort = exited.catch((cause: unknown) => (signal.aborted ? undefined : Promise.reject(cause as Error)));
  try {
    return await Promise.race([exitOrAbort, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Stops agent, balancer and pods: the agent's own stop does it in order; then whatever is left is ended. Call it when nobody keeps the agent alive. */
export async function stopAll(deps: HostDeps, nodeUid: string, signal: AbortSignal): Promise<void> {
  const folder = nodeFolder(deps.data, nodeUid);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(STOP_DEADLINE_MS)]);
  if (deps.files.exists(folder)) await stopInOrder(deps, nodeUid, folder, deadline);
  for (const role of ['agent', 'agent-stop', 'balancer', 'pod']) {
    const left = deps.processes.find({ OUTRIGGER_DATA: deps.data, OUTRIGGER_NODE: nodeUid, OUTRIGGER_ROLE: role });
    await Promise.all(left.map((one) => deps.processes.stop(one.id, LEFTOVER_GRACE_MS, signal)));
  }
}

async function stopInOrder(deps: HostDeps, nodeUid: string, folder: string, signal: AbortSignal): Promise<void> {
  const stopper = await deps.processes.start({
    command: deps.programCommand(['agent', '--dir', folder, '--stop']),
    environment: { ...deps.agentEnvironment(nodeUid), OUTRIGGER_ROLE: 'agent-stop' },
    folder,
    logFile: `${folder}/logs/stop.log`,
  });
  const exit = await untilEnd(stopper.exited, signal);
  if (exit?.exitCode !== 0) deps.log.warn('A node did not stop in order; what is left of it is ended', { nodeUid, exit });
}

function describeExit(exit: ProcessExit): string {
  if (exit.signal !== null) return `the agent was ended by ${exit.signal}`;
  return exit.exitCode === null ? 'the agent ended' : `the agent ended with exit code ${exit.exitCode}`;
}
