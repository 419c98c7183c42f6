/**
 * The round of a director's main loop, told to its supervisor: a linearizable read that went through the store's queue, its database and its copy.
 *
 * I1: a round that is answered, also by "the database does not answer", is progress; one that never ends is a hang.
 * I2: a database that is away restarts no director: it waits for it, and says so.
 */

import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { ServiceManager } from '../ports/service-manager.ts';
import type { EntityStore } from '../ports/store.ts';

interface ProgressDeps {
  readonly store: Pick<EntityStore, 'fresh'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly service: ServiceManager;
  /** For the status line: where it serves. */
  readonly url: string;
}

/** Until the signal aborts. */
export async function showDirectorProgress({ store, clock, service, url }: ProgressDeps, signal: AbortSignal): Promise<void> {
  let said = '';
  while (!signal.aborted) {
    const status = await round(store, url, signal);
    if (signal.aborted) return;
    service.progressed();
    if (status !== said) service.status(status);
    said = status;
    await clock.sleep(LIMITS.storePollMs, signal).catch(() => undefined);
  }
}

async function round(store: ProgressDeps['store'], url: string, signal: AbortSignal): Promise<string> {
  try {
    await store.fresh(signal);
    return `Serves at ${url}.`;
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    return `Waits for its database: ${cause.message}`;
  }
}
