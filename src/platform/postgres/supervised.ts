/**
 * Embedded PostgreSQL as a part that a supervisor keeps alive: started or adopted, watched, stopped whoever started it.
 *
 * It is adopted when an earlier supervisor was killed, so its end is seen by looking, as nobody tells us.
 */

import { join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Processes, ProcessExit, ProcessId } from '../../ports/processes.ts';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from './embedded.ts';
import type { EmbeddedPostgres } from './embedded.ts';
import { preparePostgresHome } from './home.ts';
import { anybodyIn, findPostmaster } from './postmaster.ts';

const LOOK_EVERY_MS = 100;
const EMPTY_DEADLINE_MS = 5_000;

export interface EmbeddedDatabase {
  start(signal: AbortSignal): Promise<{ readonly id: ProcessId; readonly exited: Promise<ProcessExit> }>;
  check(signal: AbortSignal): Promise<boolean>;
  /** Throws `Fault` StoreUnavailable before `start`. */
  socketFolder(): string;
  /** False: nothing ran. */
  stop(force: boolean): Promise<boolean>;
  /** The server that runs in the folder, whoever started it. */
  running(): ProcessId | undefined;
}

/** `onNote`: sentences for the person who started it (where its files lie, and why). */
export function embeddedDatabase(dataFolder: string, clock: Clock, processes: Processes, onNote: (note: string) => void): EmbeddedDatabase {
  let running: EmbeddedPostgres | undefined;
  const noted = new Set<string>();
  const find = (): { readonly folder: string; readonly id: ProcessId | undefined } => {
    const { folder } = preparePostgresHome(dataFolder);
    return { folder, id: findPostmaster(join(folder, 'data'))?.process };
  };
  return {
    start: async (signal) => {
      running = await startEmbeddedPostgres({ dataFolder, log: NO_LOG }, signal);
      for (const note of running.notes) if (!noted.has(note)) onNote(note);
      for (const note of running.notes) noted.add(note);
      const { process: id } = running;
      return { id, exited: untilGone(id, clock, processes, signal) };
    },
    // It resolves only once it answers.
    check: () => Promise.resolve(running !== undefined && processes.isAlive(running.process)),
    socketFolder: () => {
      if (running === undefined) throw new Fault('StoreUnavailable', 'PostgreSQL was not started yet.');
      return running.address.host;
    },
    stop: async (force) => {
      const { folder, id } = find();
      if (id === undefined) return false;
      if (!force) await stopEmbeddedPostgres(folder);
      else {
        await processes.stop(id, 0, new AbortController().signal);
        await untilEmpty(join(folder, 'data'), clock);
      }
      return true;
    },
    running: () => find().id,
  };
}

/** Its backends have sessions of their own; each ends by itself as soon as it sees that the server is dead. */
async function untilEmpty(folder: string, clock: Clock): Promise<void> {
  const untilMs = clock.monotonicMs() + EMPTY_DEADLINE_MS;
  while (anybodyIn(folder)) {
    if (clock.monotonicMs() > untilMs)
      throw new Fault('DeadlineExceeded', `Processes of the killed PostgreSQL still work in ${folder}; run outrigger down.`);
    await clock.sleep(LOOK_EVERY_MS, new AbortController().signal);
  }
}

async function untilGone(id: ProcessId, clock: Clock, processes: Processes, signal: AbortSignal): Promise<ProcessExit> {
  while (!signal.aborted && processes.isAlive(id)) await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  return { exitCode: null, signal: null };
}

/** What it has to say, it says by its result and its own log file. */
const NO_LOG: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => NO_LOG };
