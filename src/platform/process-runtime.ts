/**
 * Pods as plain processes: the runtime of the `process` driver, for trying Outrigger without containers.
 *
 * Each container is a detached process below an `sh` shim that writes down how it ended. So the agent may crash, hang or be upgraded: pods go
 * on, and its next life finds them, and how those ended that ended meanwhile. A pod lives and dies as one: when a container ends in a way that
 * its restart policy does not leave at that, the others are ended too. What a container's main process leaves behind in its session is killed,
 * as the kernel does when the first process of a container ends.
 *
 * I1: at most one pod with a given key lives, whatever crashed in between: the record is on disk before the first process, and processes are
 *     also known by OUTRIGGER_POD in their environment.
 * I2: a pod is reported as exited only when no process of it lives.
 * I3: an exit is noticed within 100 ms: at once for children of this process, by looking every 50 ms for adopted ones.
 * I4: records of an earlier boot are exited pods.
 */

import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../model/fault.ts';
import { expandEnvironment, expandVariables } from '../model/pod-variables.ts';
import type { Container } from '../model/pod.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ProcessStart } from '../ports/processes.ts';
import type { ExecResult, PodKey, PodRuntime, PodStart, PodState } from '../ports/runtime.ts';
import { adoptPods, nameOfPod, ownMarks } from './pod-adoption.ts';
import { runInside } from './pod-exec.ts';
import { emptyPodFolder, exitFile, podFolder, readExit, SHIM, workFolder, writeKilled, writePodRecord } from './pod-files.ts';
import type { ContainerExit, ContainerRecord, PodRecord } from './pod-files.ts';
import { boundLog } from './pod-logs.ts';
import { bootId, childrenOf, environmentOf, isAlive, processesOf } from './process-id.ts';
import type { ProcessStat } from './process-id.ts';
import { endAll, findProgram, startDetached } from './spawn.ts';

export interface ProcessRuntimeOptions {
  /** Tells the pods of this node from those of others on this machine. */
  readonly nodeUid: string;
  /** Where records and working folders are kept. */
  readonly podsFolder: string;
  /** Where `<service>/<container>.log` are kept. */
  readonly logsFolder: string;
  /** In every pod's environment, besides PATH, HOME and the marks. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Held {
  readonly folder: string;
  readonly record: PodRecord;
  /** Set once nothing of it lives. */
  exited?: PodState;
  /** Its end is under way. */
  ending?: Promise<void>;
}

interface Runtime {
  readonly options: ProcessRuntimeOptions;
  readonly pods: Map<string, Held>;
  readonly listeners: Set<() => void>;
  /** One operation after another for each key. */
  readonly turns: Map<string, Promise<unknown>>;
}

const LOOK_MS = 50;
const LOGS_EVERY_LOOKS = 20;
/** Start times in /proc count in ticks of 10 ms, on every architecture (USER_HZ). */
const MS_PER_TICK = 10;
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The runtime of one node. Looks at once for what earlier lives left behind. */
export function processRuntime(options: ProcessRuntimeOptions): PodRuntime {
  const runtime: Runtime = { options, pods: new Map(), listeners: new Set(), turns: new Map() };
  for (const pod of adoptPods(options.nodeUid, options.podsFolder, ownMarks(options.environment), options.log))
    runtime.pods.set(nameOfPod(pod.record.key), { ...pod });
  return {
    list: async () => [...runtime.pods.values()].map((held) => ({ key: held.record.key, state: stateOf(runtime, held) })),
    start: (pod, signal) => inTurn(runtime, pod.key, () => startPod(runtime, pod, signal)),
    stop: (key, graceMs, signal) => inTurn(runtime, key, () => stopPod(runtime, key, graceMs, signal)),
    exec: (key, container, command, timeoutMs, signal) => execIn(runtime, key, container, command, timeoutMs, signal),
    remove: (key) => inTurn(runtime, key, () => removePod(runtime, key)),
    watch: (onChange, signal) => watchPods(runtime, onChange, signal),
  };
}

function inTurn<T>(runtime: Runtime, key: PodKey, work: () => Promise<T>): Promise<T> {
  const name = nameOfPod(key);
  const turn = (runtime.turns.get(name) ?? Promise.resolve()).then(work, work);
  runtime.turns.set(name, turn);
  void turn.catch(() => undefined).finally(() => runtime.turns.get(name) === turn && runtime.turns.delete(name));
  return turn;
}

// ---- looking ----------------------------------------------------------------------------------------------------------------------------

/** The state of a pod. One that ended while something of it still lives is ended in the background and runs until then (I2). */
function stateOf(runtime: Runtime, held: Held): PodState {
  if (held.exited !== undefined) return held.exited;
  const exits = held.record.containers.map((container) => exitOf(runtime, held, container));
  if (held.ending !== undefined || !isOver(held.record, exits)) return runningState(held);
  if (membersOf(runtime, held).length === 0) {
    held.exited = exitedState(held.record, exits);
    return held.exited;
  }
  const graceMs = exits.includes(undefined) ? held.record.graceMs : 0;
  held.ending = endPod(runtime, held, graceMs, new AbortController().signal).catch((cause: unknown) => {
    runtime.options.log.error(`The rest of the pod ${nameOfPod(held.record.key)} cannot be ended; it is tried again.`, { cause });
  });
  return runningState(held);
}

/** How a container ended; undefined while it runs. One that was never started, or that ran before a reboot, ended in a way that nobody knows. */
function exitOf(runtime: Runtime, held: Held, container: ContainerRecord): ContainerExit | undefined {
  const { id, name } = container;
  if (id === undefined || held.record.bootId !== bootId()) return readExit(held.folder, name) ?? { exitCode: null, signal: null, atMs: 0 };
  if (isAlive(id)) return undefined;
  const exit = readExit(held.folder, name);
  if (exit !== undefined) return exit;
  writeKilled(held.folder, name, runtime.options.clock.monotonicMs());
  return { exitCode: null, signal: 'SIGKILL', atMs: runtime.options.clock.monotonicMs() };
}

/** True when all containers have ended, or one in a way that calls for a restart of the pod. */
function isOver(record: PodRecord, exits: readonly (ContainerExit | undefined)[]): boolean {
  if (exits.every((exit) => exit !== undefined)) return true;
  return exits.some((exit) => exit !== undefined && callsForRestart(record, exit));
}

function callsForRestart(record: PodRecord, exit: ContainerExit): boolean {
  if (record.restartPolicy === 'Never') return false;
  return record.restartPolicy === 'Always' || exit.exitCode !== 0;
}

/** The pod's end is that of the container that failed first, else of the first. */
function exitedState(record: PodRecord, exits: readonly (ContainerExit | undefined)[]): PodState {
  const known = exits.filter((exit) => exit !== undefined).sort((a, b) => a.atMs - b.atMs);
  const decisive = known.find((exit) => exit.exitCode !== 0) ?? known[0];
  const ranMs = Math.max(0, (decisive?.atMs ?? 0) - startedMsOf(record));
  return { phase: 'Exited', exitCode: decisive?.exitCode ?? null, signal: decisive?.signal ?? null, ranMs };
}

function runningState(held: Held): PodState {
  const shims = held.record.containers.flatMap((container) => container.id ?? []).filter(isAlive);
  const pids = shims.map((id) => childrenOf(id.pid)[0] ?? id.pid);
  return { phase: 'Running', pids, startedMs: startedMsOf(held.record) };
}

function startedMsOf(record: PodRecord): number {
  const ticks = record.containers.flatMap((container) => container.id?.startTicks ?? []);
  return ticks.length === 0 || record.bootId !== bootId() ? 0 : Math.min(...ticks) * MS_PER_TICK;
}

/** Every living process of the pod, also those that began a session of their own. */
function membersOf(runtime: Runtime, held: Held): ProcessStat[] {
  const leaders = held.record.containers.flatMap((container) => container.id ?? []);
  return processesOf({ ...ownMarks(runtime.options.environment), OUTRIGGER_POD: markOf(runtime, held.record.key) }, leaders);
}

function markOf(runtime: Runtime, key: PodKey): string {
  return `${runtime.options.nodeUid}/${nameOfPod(key)}`;
}

// ---- starting ---------------------------------------------------------------------------------------------------------------------------

async function startPod(runtime: Runtime, pod: PodStart, signal: AbortSignal): Promise<void> {
  const name = nameOfPod(pod.key);
  const earlier = runtime.pods.get(name);
  if (earlier !== undefined && stateOf(runtime, earlier).phase === 'Running') {
    throw new Fault('AlreadyRunning', `The pod ${name} runs already; it is stopped first, then started anew.`);
  }
  signal.throwIfAborted();
  const folder = podFolder(runtime.options.podsFolder, pod.key);
  const starts = pod.spec.containers.map((container) => shimOf(runtime, pod, container, folder));
  emptyPodFolder(folder);
  const record: PodRecord = {
    key: pod.key,
    bootId: bootId(),
    restartPolicy: pod.spec.restartPolicy,
    graceMs: pod.spec.terminationGracePeriodSeconds * 1000,
    containers: pod.spec.containers.map(({ name: container }) => ({ name: container })),
  };
  await writePodRecord(folder, record, true);
  runtime.pods.delete(name);
  await startContainers(runtime, { folder, record }, starts);
}

/** Starts the shims one after another; the pod is listed once all have started. When one cannot be started, those before it are ended again. */
async function startContainers(runtime: Runtime, held: Held, starts: readonly ProcessStart[]): Promise<void> {
  const name = nameOfPod(held.record.key);
  const containers: ContainerRecord[] = [];
  try {
    for (const [index, start] of starts.entries()) {
      const { id, exited } = await startDetached(start);
      containers.push({ name: held.record.containers[index]?.name ?? '', id });
      void exited.then(() => changed(runtime));
    }
    const record = { ...held.record, containers };
    // A reboot makes it worthless, and short of that the file system keeps it: no need to wait for the disk.
    await writePodRecord(held.folder, record, false);
    runtime.pods.set(name, { folder: held.folder, record });
  } catch (cause) {
    const started = { ...held, record: { ...held.record, containers } };
    await endAll(() => membersOf(runtime, started), `The pod ${name}`, 0, new AbortController().signal);
    await rm(held.folder, { recursive: true, force: true });
    throw cause;
  }
}

/** The command that runs a container. Throws `Fault` ProgramMissing before anything is started. */
function shimOf(runtime: Runtime, pod: PodStart, container: Container, folder: string): ProcessStart {
  const { options } = runtime;
  const marks = {
    ...ownMarks(options.environment),
    OUTRIGGER_ROLE: 'pod',
    OUTRIGGER_NODE: options.nodeUid,
    OUTRIGGER_POD: markOf(runtime, pod.key),
    OUTRIGGER_CONTAINER: container.name,
  };
  const base = { PATH: `${dirname(process.execPath)}:${SYSTEM_PATH}`, HOME: workFolder(folder), ...options.environment, ...pod.env };
  const environment: Record<string, string> = { ...expandEnvironment(base, container.env), ...marks };
  const [program = '', ...args] = [...container.command, ...container.args].map((text) => expandVariables(text, environment));
  const path = findProgram(program, environment['PATH'] ?? '', workFolder(folder));
  return {
    command: ['/bin/sh', '-c', SHIM, container.name, exitFile(folder, container.name), path, ...args],
    environment,
    folder: workFolder(folder),
    logFile: logFileOf(runtime, pod.key, container.name),
  };
}

function logFileOf(runtime: Runtime, key: PodKey, container: string): string {
  return join(runtime.options.logsFolder, key.service, `${container}.log`);
}

// ---- ending -----------------------------------------------------------------------------------------------------------------------------

async function stopPod(runtime: Runtime, key: PodKey, graceMs: number, signal: AbortSignal): Promise<void> {
  const held = runtime.pods.get(nameOfPod(key));
  if (held === undefined || held.exited !== undefined) return;
  await endPod(runtime, held, graceMs, signal);
}

async function endPod(runtime: Runtime, held: Held, graceMs: number, signal: AbortSignal): Promise<void> {
  try {
    await endAll(() => membersOf(runtime, held), `The pod ${nameOfPod(held.record.key)}`, graceMs, signal);
  } finally {
    delete held.ending;
    changed(runtime);
  }
}

async function removePod(runtime: Runtime, key: PodKey): Promise<void> {
  const name = nameOfPod(key);
  const held = runtime.pods.get(name);
  if (held === undefined) return;
  if (stateOf(runtime, held).phase === 'Running')
    throw new Fault('AlreadyRunning', `The pod ${name} still runs; stop it before it is removed.`);
  await rm(held.folder, { recursive: true, force: true });
  runtime.pods.delete(name);
}

async function execIn(
  runtime: Runtime,
  key: PodKey,
  container: string,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ExecResult> {
  const held = runtime.pods.get(nameOfPod(key));
  const id = held?.record.containers.find((one) => one.name === container)?.id;
  const environment = id === undefined || !isAlive(id) ? undefined : environmentOf(id.pid);
  if (held === undefined || environment === undefined) return { exitCode: null, output: `the container ${container} does not run` };
  const expanded = command.map((text) => expandVariables(text, environment));
  return await runInside(environment, workFolder(held.folder), expanded, timeoutMs, signal);
}

// ---- noticing ---------------------------------------------------------------------------------------------------------------------------

function changed(runtime: Runtime): void {
  for (const listener of runtime.listeners) listener();
}

/** Children tell of their end by themselves; those of an earlier life are looked at. Also keeps the logs within bounds. */
function watchPods(runtime: Runtime, onChange: () => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  let looks = 0;
  const timer = setInterval(() => {
    const living = [...runtime.pods.values()].filter((held) => held.exited === undefined && held.ending === undefined);
    if (living.some(someShimIsGone)) onChange();
    if (looks++ % LOGS_EVERY_LOOKS === 0) boundLogs(runtime);
  }, LOOK_MS);
  timer.unref();
  runtime.listeners.add(onChange);
  const stop = (): void => {
    clearInterval(timer);
    runtime.listeners.delete(onChange);
  };
  signal.addEventListener('abort', stop, { once: true });
}

function someShimIsGone(held: Held): boolean {
  return held.record.containers.some((container) => container.id === undefined || !isAlive(container.id));
}

function boundLogs(runtime: Runtime): void {
  for (const { record } of runtime.pods.values()) {
    for (const { name } of record.containers) {
      const failure = boundLog(logFileOf(runtime, record.key, name));
      if (failure !== undefined) runtime.options.log.warn('A log cannot be kept within its bound.', { error: failure });
    }
  }
}
