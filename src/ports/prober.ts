/**
 * The door through which the agent asks a pod whether it is well.
 */

import type { Probe } from '../model/pod.ts';
import type { PodKey } from './runtime.ts';

export interface ProbeTarget {
  readonly key: PodKey;
  readonly container: string;
  /** Where httpGet and tcpSocket are sent. */
  readonly podAddress: string;
}

export interface ProbeAnswer {
  readonly ok: boolean;
  /** When it is not ok: what came instead, in a few words. */
  readonly message?: string;
}

export interface Prober {
  /** Answers within `timeoutMs` and never rejects: no answer is an answer too. */
  ask(probe: Probe, target: ProbeTarget, timeoutMs: number, signal: AbortSignal): Promise<ProbeAnswer>;
}
