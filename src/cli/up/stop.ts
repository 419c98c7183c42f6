/**
 * Stops everything of a data folder, in an order in which nothing restarts or misses another; the database last.
 *
 * Processes are found by the marks in their environment, so it does not matter who started them, or whether anybody still knows them.
 *
 * I1: only processes that carry both this data folder and a role of ours are touched.
 * I2: after it nothing of the folder lives; whatever does not end in its grace is killed.
 * I3: told to stop at once, it kills, and says so; where even that takes too long, everything left is killed without waiting (`killEverything`).
 */

import { isFault } from '../../model/fault.ts';
import type { Files } from '../../ports/files.ts';
import type { FoundProcess, ProcessId, Processes } from '../../ports/processes.ts';
import { markedParts, removeRunMark, UP_PART } from '../data-folder.ts';
import type { DataPaths } from '../data-folder.ts';
import { renderSeconds } from '../screen.ts';
import { shellWord } from './summary.ts';
import type { Screen } from '../screen.ts';
import type { Clock } from '../../ports/clock.ts';

export interface StopDeps {
  readonly paths: DataPaths;
  readonly files: Files;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly screen: Screen;
  readonly database: { stop(force: boolean): Promise<boolean>; running(): ProcessId | undefined };
  /** How a person calls this very program. */
  readonly ownCommand: string;
}

interface Stage {
  readonly label: string;
  readonly roles: readonly string[];
  readonly graceMs: number;
}

/** Parts that a new up replaces by its own; nodes are none of them: their host finds them again. */
const PARTS: readonly Stage[] = [
  { label: 'Extension servers', roles: ['extension'], graceMs: 5_000 },
  { label: 'Host daemon', roles: ['host'], graceMs: 5_000 },
  { label: 'Director', roles: ['director'], graceMs: 10_000 },
  { label: 'Connection servers', roles: ['connection-server', 'desktop'], graceMs: 10_000 },
];
const NODES: readonly Stage[] = [
  { label: 'Agents', roles: ['agent', 'agent-stop'], graceMs: 5_000 },
  { label: 'Services and balancers', roles: ['pod', 'balancer', 'haproxy', 'drill'], graceMs: 10_000 },
];
const [EXTENSIONS, HOST, DIRECTOR, CONNECTION_SERVERS] = PARTS;

/** Stops the parts that an up left behind when it was killed. Nodes go on. */
export async function stopOrphans(deps: StopDeps, signal: AbortSignal): Promise<void> {
  for (const stage of PARTS) await stopStage(deps, stage, signal);
}

/** Stops all of it, the database last. `forced` aborts when a person is tired of waiting: then everything is killed. */
export async function stopEverything(deps: StopDeps, forced: AbortSignal): Promise<void> {
  const order = [EXTENSIONS, HOST, ...NODES, CONNECTION_SERVERS, DIRECTOR].filter((stage) => stage !== undefined);
  for (const stage of order) await stopStage(deps, stage, forced);
  const startedMs = deps.clock.monotonicMs();
  if (await deps.database.stop(forced.aborted)) sayStopped(deps, 'PostgreSQL', startedMs, forced.aborted);
  for (const part of markedParts(deps.files, deps.paths)) if (part !== UP_PART) removeRunMark(deps.files, deps.paths, part);
}

async function stopStage(deps: StopDeps, stage: Stage, forced: AbortSignal): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  let stopped = false;
  // Again and again: what was just being started by one that we stopped is found by the next look.
  for (let found = find(deps, stage); found.length > 0; found = find(deps, stage)) {
    stopped = true;
    deps.screen.status(`Stopping: ${stage.label.toLowerCase()} (${found.length})`);
    await Promise.all(found.map((one) => stopOne(deps, one, stage.graceMs, forced)));
  }
  if (stopped) sayStopped(deps, stage.label, startedMs, forced.aborted);
}

function find(deps: StopDeps, stage: Pick<Stage, 'roles'>): readonly FoundProcess[] {
  return stage.roles.flatMap((role) => deps.processes.find({ OUTRIGGER_DATA: deps.paths.root, OUTRIGGER_ROLE: role }));
}

async function stopOne(deps: StopDeps, found: FoundProcess, graceMs: number, forced: AbortSignal): Promise<void> {
  try {
    if (!forced.aborted) return await deps.processes.stop(found.id, graceMs, forced);
  } catch (cause) {
    if (isFault(cause, 'DeadlineExceeded') || !forced.aborted) throw cause;
  }
  await deps.processes.stop(found.id, 0, new AbortController().signal);
}

function sayStopped(deps: StopDeps, label: string, startedMs: number, killed: boolean): void {
  deps.screen.status('');
  const word = killed ? 'killed' : 'stopped';
  const mark = deps.screen.interactive ? deps.screen.paint('dim', '■') : word;
  const took = renderSeconds(deps.clock.monotonicMs() - startedMs);
  deps.screen.line(`  ${mark} ${label.padEnd(24)} ${took}${killed && deps.screen.interactive ? ', killed' : ''}`);
}

/** KILL to all of it, now, without waiting for anything; says what it killed and what to do about what may be left. */
export function killEverything(deps: StopDeps): void {
  const killed: string[] = [];
  deps.screen.status('');
  const kill = (label: string, id: ProcessId): void => {
    if (deps.processes.signalGroup(id, 'SIGKILL')) killed.push(`${label} (pid ${id.pid})`);
  };
  for (const { label, roles } of [...PARTS, ...NODES])
    for (const { id } of find(deps, { roles })) kill(roles.length === 1 ? label.toLowerCase() : `one of ${label.toLowerCase()}`, id);
  const database = deps.database.running();
  if (database !== undefined) kill('PostgreSQL', database);
  const what = killed.length === 0 ? 'Nothing was left to kill' : `Killed at once: ${killed.join(', ')}`;
  const down = `${deps.ownCommand} down --data ${shellWord(deps.paths.root)}`;
  deps.screen.line(`${what}. Run "${down}" to be sure that nothing is left.`);
}
