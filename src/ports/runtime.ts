/**
 * The door to pods: starts, finds, watches and stops them. Pods outlive the agent; a runtime finds them again by what it wrote down.
 *
 * I1: at most one pod with a given key lives on a node, whatever crashed in between.
 * I2: a process is identified by boot id, pid and start ticks, never by pid alone.
 */

import type { PodSpec } from '../model/pod.ts';

/** Names a pod on its node: the service, and a hash of the template and addresses that it was started from. */
export interface PodKey {
  readonly service: string;
  readonly revisionHash: string;
}

export interface PodStart {
  readonly key: PodKey;
  readonly spec: PodSpec;
  /** Added to every container's environment: POD_IP, PORT, NODE_NAME, OUTRIGGER_* and so on. */
  readonly env: Readonly<Record<string, string>>;
}

export type PodState =
  /** `pids`: the programs of its containers. `startedMs`: on the monotonic clock (`Clock.monotonicMs`). */
  | { readonly phase: 'Running'; readonly pids: readonly number[]; readonly startedMs: number }
  /** Both null: nobody knows, because the machine was restarted meanwhile. */
  | { readonly phase: 'Exited'; readonly exitCode: number | null; readonly signal: string | null; readonly ranMs: number };

export interface Pod {
  readonly key: PodKey;
  readonly state: PodState;
}

/** `exitCode` null: it was killed, or did not end in time. */
export interface ExecResult {
  readonly exitCode: number | null;
  readonly output: string;
}

export interface PodRuntime {
  /** All pods of this node, also those that an earlier life of the agent started. */
  list(): Promise<readonly Pod[]>;
  /**
   * Throws `Fault` ProgramMissing when a command cannot be run, AlreadyRunning when a pod of this key lives; then nothing was started.
   * The record of an exited pod of this key is replaced.
   */
  start(pod: PodStart, signal: AbortSignal): Promise<void>;
  /** TERM, then KILL after the grace; resolves when nothing of it lives. Safe to repeat. */
  stop(key: PodKey, graceMs: number, signal: AbortSignal): Promise<void>;
  /** Runs a command within a running container: its environment, its working folder. `output` is the beginning of what it said. */
  exec(key: PodKey, container: string, command: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<ExecResult>;
  /** Forgets an exited pod: its record goes, its newest logs stay. */
  remove(key: PodKey): Promise<void>;
  /** Calls `onChange` soon after a pod exits; a hint, the truth is `list`. */
  watch(onChange: () => void, signal: AbortSignal): void;
}
