/**
 * One node's machine under the `process` driver: its agent is kept alive, and in the end everything of the node is stopped.
 *
 * I1: at most one agent of a node runs: before one is started, the recorded process and all processes marked with the node's uid are looked at.
 * I2: an agent that ended, or was ended for its silence, is started again within a second at first, then with back-off, as far as the preset of its
 *     cluster goes (src/decide/node-restart.ts); with or without a director. What was decided is on disk before it is acted on.
 * I3: when the daemon ends, agents go on.
 * I4: `stopAll` resolves only when nothing of the node lives.
 */

import { backoffMs } from '../base/backoff.ts';
import { afterEnd, counted, DEFAULT_PRESET, freshRecord } from '../decide/node-restart.ts';
import { nodeLogFields } from '../decide/log-fields.ts';
import type { BootMoment, EndCause, RestartDecision, RestartPreset } from '../decide/node-restart.ts';
import { Fault, isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { ProcessExit, ProcessId } from '../ports/processes.ts';
import type { HostDeps } from './deps.ts';
import { nodeFolder } from './deps.ts';
import { watchLife } from './life.ts';
import type { NodeRecord, NodeRecords } from './records.ts';
import { tellSpan } from './trace.ts';

export type MachineState =
  | { readonly phase: 'Starting' }
  | { readonly phase: 'Running'; readonly pid: number }
  | { readonly phase: 'Exited' | 'Failed'; readonly message: string; readonly reason?: 'GivenUp' | 'Off' | 'RecordLost' };

export interface MachineHooks {
  readonly onChange: (state: MachineState) => void;
  /** Called before the agent is started: brings its folder up to date. */
  readonly prepare: () => Promise<void>;
  /** Called after an agent ended, before it is started again. It holds nothing up. */
  readonly onExit: (exit: ProcessExit) => void;
  /** Something that people want to know: it was restarted for a failure, or given up. */
  readonly onDecision: (decision: RestartDecision, how: string) => void;
}

export interface Machine {
  /** Ends the agent, if it runs, so that it starts again; that counts for nothing. */
  restart(): void;
  /** The same for a person: what failed before holds nothing up any more, and that it starts is said at once. */
  startAfresh(): void;
  /** The record says something else now: an agent that was left may be started. */
  look(): void;
  /** Watches and restarts the agent no more; what runs goes on. */
  halt(): Promise<void>;
}

/** How one life of an agent was over. */
interface End {
  readonly cause: EndCause | 'NotStarted';
  readonly how: string;
}

interface Keeping {
  readonly deps: HostDeps;
  readonly records: NodeRecords;
  readonly nodeUid: string;
  readonly hooks: MachineHooks;
  readonly signal: AbortSignal;
  /** The agent that runs was asked to end. */
  isAsked: boolean;
  /** In a row, for the back-off. */
  failures: number;
  /** A person asked for a start: how the life that runs ends is no failure. */
  isAfresh: boolean;
  wake: () => void;
  /** Ends the back-off that it waits out, if it does. */
  endPause: () => void;
}

const BACKOFF = { baseMs: 200, capMs: 30_000, jitter: 0.2 };
/** An agent that ran this long starts its back-off anew. */
const RESET_AFTER_MS = 60_000;
/** How often an agent that is not our child is looked at. */
const LOOK_EVERY_MS = 200;
const STOP_DEADLINE_MS = 90_000;
const LEFTOVER_GRACE_MS = 2_000;
/** An agent that was asked to end, and does not, is ended after so long: it may hang. */
const ASKED_GRACE_MS = 10_000;
/** Exit codes of an agent that ended in order, because it was told to, and of one that a director refused (it is healed: token.ts). */
const EXITS_ASKED: readonly (number | null)[] = [0, 3];
const UNSEEN: End = { cause: 'Unseen', how: 'it ended while no host daemon looked' };

/**
 * Keeps the agent of `nodeUid` alive until `signal` aborts or `halt` is called; then the agent goes on by itself. `isAsked`: it was asked to end just
 * before.
 */
export function keepMachine(
  deps: HostDeps,
  records: NodeRecords,
  nodeUid: string,
  hooks: MachineHooks,
  isAsked: boolean,
  signal: AbortSignal,
): Machine {
  const stopping = new AbortController();
  const either = AbortSignal.any([signal, stopping.signal]);
  const keeping: Keeping = {
    deps,
    records,
    nodeUid,
    hooks,
    isAsked,
    failures: 0,
    isAfresh: false,
    signal: either,
    wake: () => undefined,
    endPause: () => undefined,
  };
  const loop = keepAgent(keeping);
  /** True when there is one to end. */
  const restart = (): boolean => {
    keeping.isAsked = true;
    const agent = findAgent(deps, records.get(nodeUid), nodeUid);
    if (agent !== undefined) void endAsked(deps, agent.id, either);
    keeping.wake();
    return agent !== undefined;
  };
  return {
    restart: () => void restart(),
    startAfresh: () => {
      keeping.failures = 0;
      keeping.isAfresh = true;
      if (!restart()) hooks.onChange({ phase: 'Starting' });
      keeping.endPause();
    },
    look: () => keeping.wake(),
    halt: () => {
      stopping.abort(new Fault('Aborted', `Node ${nodeUid} is stopped.`));
      return loop;
    },
  };
}

async function endAsked(deps: HostDeps, agent: ProcessId, signal: AbortSignal): Promise<void> {
  try {
    await deps.processes.stop(agent, ASKED_GRACE_MS, signal);
  } catch (cause) {
    if (!isFault(cause) && !signal.aborted) throw cause;
  }
}

async function keepAgent(keeping: Keeping): Promise<void> {
  const { deps, records, nodeUid, signal } = keeping;
  let end: End = UNSEEN;
  while (!signal.aborted) {
    if (!(await mayStart(keeping, end))) {
      await untilToldOtherwise(keeping);
      end = { cause: 'Asked', how: end.how };
      continue;
    }
    await backOff(keeping);
    if (signal.aborted) return;
    keeping.isAfresh = false;
    const startedMs = deps.clock.monotonicMs();
    end = await liveOnce(keeping);
    if (signal.aborted) return;
    const failures = deps.clock.monotonicMs() - startedMs >= RESET_AFTER_MS ? 1 : keeping.failures + 1;
    keeping.failures = keeping.isAfresh ? 0 : failures;
    const record = records.get(nodeUid);
    const about = record === undefined ? { nodeUid } : nodeLogFields(record);
    deps.log.warn('An agent ended', { ...about, why: end.how, failures });
  }
}

/** Waits as long as its failures demand, or until a person says that it is to start. */
async function backOff(keeping: Keeping): Promise<void> {
  const { deps, failures, signal } = keeping;
  if (failures === 0) return;
  const pause = new AbortController();
  keeping.endPause = () => pause.abort();
  await deps.clock.sleep(backoffMs(BACKOFF, failures, deps.random.float()), AbortSignal.any([signal, pause.signal])).catch(() => undefined);
}

/** Decides what follows from an end, and writes it down. True as well when there was no end: it runs, or never did. */
async function mayStart({ deps, records, nodeUid, hooks }: Keeping, end: End): Promise<boolean> {
  const record = records.get(nodeUid);
  const isOver = record?.agent !== undefined && findAgent(deps, record, nodeUid) === undefined;
  if (record === undefined || !isOver || end.cause === 'NotStarted') return true;
  const now = momentOf(deps);
  const node = `${record.namespace}/${record.node}`;
  const view = { node, preset: presetOf(record), cause: end.cause, how: end.how, now };
  const decision = afterEnd(record.restart ?? freshRecord(now), view);
  await writeDown(deps, records, { ...record, restart: decision.record });
  if (decision.do === 'Leave') {
    const { why, message } = decision.record.left;
    hooks.onChange({ phase: why === 'Off' ? 'Exited' : 'Failed', reason: why, message });
  }
  if (end.cause !== 'Asked' && end.cause !== 'Unseen') hooks.onDecision(decision, end.how);
  return decision.do === 'Start';
}

/** Resolves when the record no longer says that the agent is left, or the signal aborts. */
async function untilToldOtherwise(keeping: Keeping): Promise<void> {
  const { records, nodeUid, signal } = keeping;
  while (!signal.aborted && records.get(nodeUid)?.restart?.left !== undefined) {
    await new Promise<void>((resolve) => {
      keeping.wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** A disk that refuses holds up no agent: what was to be written down is then only known to this life of the daemon. */
async function writeDown(deps: HostDeps, records: NodeRecords, record: NodeRecord): Promise<void> {
  try {
    await records.save(record);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.warn('The restarts of a node could not be written down', { ...nodeLogFields(record), error: cause });
  }
}

export function momentOf({ clock, processes }: Pick<HostDeps, 'clock' | 'processes'>): BootMoment {
  return { bootId: processes.self().bootId, bootMs: clock.monotonicMs() };
}

function presetOf(record: NodeRecord | undefined): RestartPreset {
  return record?.nodeRestart ?? DEFAULT_PRESET;
}

/** One life of the agent, found or started; resolves with how it was over. */
async function liveOnce(keeping: Keeping): Promise<End> {
  const { deps, records, nodeUid, hooks, signal } = keeping;
  try {
    const found = findAgent(deps, records.get(nodeUid), nodeUid);
    if (found === undefined) keeping.isAsked = false;
    const agent = found ?? (await startAgent(deps, records, nodeUid, hooks));
    hooks.onChange({ phase: 'Running', pid: agent.id.pid });
    const { exit, silence } = await watched(keeping, agent);
    if (exit === undefined) return { cause: 'Asked', how: 'the daemon ends' };
    const how = silence ?? describeExit(exit);
    hooks.onChange({ phase: 'Exited', message: `${how.slice(0, 1).toUpperCase()}${how.slice(1)}.` });
    hooks.onExit(exit);
    if (keeping.isAsked) return { cause: 'Asked', how };
    if (silence !== undefined) return { cause: 'Silent', how };
    return { cause: EXITS_ASKED.includes(exit.exitCode) ? 'Asked' : 'Ended', how };
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (!signal.aborted) hooks.onChange({ phase: 'Failed', message: cause.message });
    return { cause: 'NotStarted', how: cause.message };
  }
}

/** Waits for the end of the agent, and ends it when it is silent and idle for too long. */
async function watched(
  { deps, records, nodeUid, signal }: Keeping,
  agent: LivingAgent,
): Promise<{ readonly exit: ProcessExit | undefined; readonly silence: string | undefined }> {
  const over = new AbortController();
  const preset = (): RestartPreset => presetOf(records.get(nodeUid));
  const onLook = (): void => keepCount(deps, records, nodeUid);
  const watch = watchLife(deps, { id: agent.id, nodeUid, preset, onLook }, AbortSignal.any([signal, over.signal]));
  try {
    const exit = await untilEnd(agent.exited(signal), signal);
    over.abort();
    return { exit, silence: await watch };
  } finally {
    over.abort();
  }
}

/** Running time that restarts are counted by must not be lost with a reboot, but for its last minutes. */
function keepCount(deps: HostDeps, records: NodeRecords, nodeUid: string): void {
  const record = records.get(nodeUid);
  if (record?.restart === undefined || record.restart.restartsAtMs.length === 0) return;
  const now = momentOf(deps);
  const { countedAt } = record.restart;
  if (countedAt.bootId === now.bootId && now.bootMs - countedAt.bootMs < LIMITS.restartClockMs) return;
  void writeDown(deps, records, { ...record, restart: counted(record.restart, now) });
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
  const fromMs = deps.clock.nowMs();
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
    if (record.agent === undefined) tellSpan(deps, record, 'start', fromMs);
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
  for (const role of ['agent', 'agent-stop', 'balancer', 'haproxy', 'pod']) {
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
  if (exit?.exitCode !== 0) deps.log.warn('A node did not stop in order; what is left of it is ended', { exit });
}

function describeExit(exit: ProcessExit): string {
  if (exit.signal !== null) return `the agent was ended by ${exit.signal}`;
  return exit.exitCode === null ? 'the agent ended' : `the agent ended with exit code ${exit.exitCode}`;
}
