/**
 * Keeps one part alive: starts it, waits until a real check says that it is ready, starts it again when it ends.
 *
 * I1: at most one process of a part is started by one supervisor at a time.
 * I2: a part counts as ready only while the process that passed the check lives.
 * I3: the supervisor ends only by its signal, or with a `Fault` when the part never became ready.
 */

import { Fault } from '../../model/fault.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ProcessExit, ProcessId } from '../../ports/processes.ts';
import type { Random } from '../../ports/random.ts';
import { FRESH_PART, afterEnd, describeExit } from './restart.ts';

export interface RunningPart {
  readonly id: ProcessId;
  readonly exited: Promise<ProcessExit>;
}

export interface Part {
  /** `director`, `extension-1`: names its log and its mark. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  start(signal: AbortSignal): Promise<RunningPart>;
  /** One real look: resolves true when it answers. May throw a `Fault`, which counts as no. */
  check(running: RunningPart, signal: AbortSignal): Promise<boolean>;
  /** What it said last, for the sentence when it does not come up. */
  lastWords(): string | undefined;
}

export type PartEvent =
  | { readonly kind: 'starting'; readonly part: Part }
  | { readonly kind: 'ready'; readonly part: Part; readonly tookMs: number; readonly again: boolean }
  | { readonly kind: 'ended'; readonly part: Part; readonly how: string; readonly againInMs: number };

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: (event: PartEvent) => void;
}

const NO_PROCESS: ProcessId = { pid: -1, bootId: '', startTicks: -1 };
const CHECK_EVERY_MS = 50;
const CHECK_DEADLINE_MS = 5_000;
const READY_DEADLINE_MS = 60_000;

export interface Supervised {
  readonly part: Part;
  /** Resolves when the part is ready for the first time; rejects with the reason when it never will be. */
  readonly ready: Promise<void>;
  /** Resolves when the supervisor has ended. Never rejects. */
  readonly done: Promise<void>;
  /** Whether a process that passed the check lives now. */
  isReady(): boolean;
}

export function supervise(part: Part, deps: SupervisorDeps, signal: AbortSignal): Supervised {
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => undefined);
  let isReady = false;
  const setReady = (now: boolean): void => {
    isReady = now;
    if (now) resolve();
  };
  // Ended by its signal before it was ready: whoever waits for that is told, too.
  const done = keepAlive(part, deps, setReady, signal).then(() => reject(signal.reason), reject);
  return { part, ready, done, isReady: () => isReady };
}

async function keepAlive(part: Part, deps: SupervisorDeps, setReady: (ready: boolean) => void, signal: AbortSignal): Promise<void> {
  let history = FRESH_PART;
  while (!signal.aborted) {
    const startedMs = deps.clock.monotonicMs();
    deps.onEvent({ kind: 'starting', part });
    const running = await startOnce(part, history.wasReady, signal);
    const ready = await becomesReady(part, running, { ...deps, deadlineMs: history.wasReady ? Infinity : READY_DEADLINE_MS }, signal);
    if (ready) {
      deps.onEvent({ kind: 'ready', part, tookMs: deps.clock.monotonicMs() - startedMs, again: history.wasReady });
      setReady(true);
    }
    const exit = await untilEnd(running, signal);
    setReady(false);
    if (exit === undefined) return;
    const ranMs = deps.clock.monotonicMs() - startedMs;
    const decision = afterEnd(history, { exit, ranMs, ready }, deps.random.float());
    if (decision.action === 'giveUp') throw neverReady(part, `${describeExit(exit)} before it was ready`);
    history = decision.history;
    deps.onEvent({ kind: 'ended', part, how: describeExit(exit), againInMs: decision.afterMs });
    await deps.clock.sleep(decision.afterMs, signal).catch(() => undefined);
  }
}

/** A part that was ready once and cannot be started now has ended, and is tried again; one that never was says why. */
async function startOnce(part: Part, wasReady: boolean, signal: AbortSignal): Promise<RunningPart> {
  try {
    return await part.start(signal);
  } catch (cause) {
    if (!wasReady || !(cause instanceof Fault)) throw cause;
    return { id: NO_PROCESS, exited: Promise.resolve({ exitCode: null, signal: null }) };
  }
}

/** True once the check passes; false when the process ended or the signal aborted first. */
async function becomesReady(
  part: Part,
  running: RunningPart,
  deps: SupervisorDeps & { readonly deadlineMs: number },
  signal: AbortSignal,
): Promise<boolean> {
  let ended = false;
  void running.exited.then(() => (ended = true));
  const untilMs = deps.clock.monotonicMs() + deps.deadlineMs;
  for (;;) {
    if (await passes(part, running, signal)) return !ended;
    if (ended || signal.aborted) return false;
    if (deps.clock.monotonicMs() > untilMs) throw neverReady(part, `was not ready within ${READY_DEADLINE_MS / 1000} s`);
    await deps.clock.sleep(CHECK_EVERY_MS, signal).catch(() => undefined);
  }
}

async function passes(part: Part, running: RunningPart, signal: AbortSignal): Promise<boolean> {
  try {
    return await part.check(running, AbortSignal.any([signal, AbortSignal.timeout(CHECK_DEADLINE_MS)]));
  } catch (cause) {
    if (cause instanceof Fault || signal.aborted || (cause as Error).name === 'TimeoutError') return false;
    throw cause;
  }
}

async function untilEnd(running: RunningPart, signal: AbortSignal): Promise<ProcessExit | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([running.exited, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function neverReady(part: Part, how: string): Fault {
  const words = part.lastWords();
  return new Fault('ProgramFailed', `${part.label} ${how}.${words === undefined ? '' : ` ${words}`}`);
}
