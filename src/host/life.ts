/**
 * Watches a running agent: its sign of life and its I/O, each second. One that is silent and idle for its preset's silence is ended, so that it can be
 * started again (src/decide/node-restart.ts).
 *
 * I1: only the agent is ended, and only when both stood still while this host looked; pods and balancer are left alone.
 * I2: what a stopped process cannot hear is not said to it: it is ended by SIGKILL.
 */

import { lifeAfter, silenceOfPreset } from '../decide/node-restart.ts';
import type { Life, RestartPreset } from '../decide/node-restart.ts';
import { LIMITS } from '../model/limits.ts';
import { SIGN_OF_LIFE } from '../model/sign-of-life.ts';
import type { ProcessId } from '../ports/processes.ts';
import type { HostDeps } from './deps.ts';
import { nodeFolder } from './deps.ts';

export interface LifeWatch {
  readonly id: ProcessId;
  readonly nodeUid: string;
  /** The preset as it is now. */
  readonly preset: () => RestartPreset;
  /** Called each time the agent was looked at. */
  readonly onLook: () => void;
}

/** Watches until the signal aborts, or ends the agent and resolves with how it was, as a part of a sentence. */
export async function watchLife(deps: HostDeps, watch: LifeWatch, signal: AbortSignal): Promise<string | undefined> {
  const { clock, files, processes } = deps;
  const sign = `${nodeFolder(deps.data, watch.nodeUid)}/${SIGN_OF_LIFE}`;
  let life: Life | undefined;
  let lookedMs = clock.monotonicMs();
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    life = lifeAfter(life, { sign: files.readText(sign), io: processes.ioOf(watch.id), sinceMs: nowMs - lookedMs });
    lookedMs = nowMs;
    const silenceMs = silenceOfPreset(watch.preset(), deps.nodeSilenceMs);
    if (silenceMs !== undefined && life.quietMs >= silenceMs) {
      processes.signalOne(watch.id, 'SIGKILL');
      return `the agent gave no sign of life and did no I/O for ${Math.round(life.quietMs / 1000)} s`;
    }
    watch.onLook();
    await clock.sleep(LIMITS.signOfLifeMs, signal).catch(() => undefined);
  }
  return undefined;
}
