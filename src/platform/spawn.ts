/**
 * Starts processes that outlive their starter: detached, leader of their own session, output to a file, nothing inherited.
 *
 * I1: the child has standard input from /dev/null, output and error in its log file, and nothing else open but, in the place of files that
 *     we inherited ourselves, /dev/null.
 * I2: the starter's death neither ends the child nor breaks its output: there is no pipe between them.
 * I3: a program that cannot be run is a sentence that names its path, before anything was started.
 */

import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { ProcessExit, Processes, ProcessId, ProcessStart, StartedProcess } from '../ports/processes.ts';
import { bootId, ioOf, isAlive, livesInStat, processesInSession, processesMarked, processIdOf, sendSignal, statOf } from './process-id.ts';
import type { ProcessStat } from './process-id.ts';
import { MANAGER_VARIABLES } from './service-manager.ts';

/** Between two looks at a process that is to end. */
const POLL_MS = 20;
/** What KILL may take: a process in uninterruptible sleep (a dead disk) survives it. */
const KILL_DEADLINE_MS = 5_000;

/** `Processes` of this machine. */
export function systemProcesses(): Processes {
  return {
    self: () => {
      const id = processIdOf(process.pid);
      if (id === undefined) throw new Fault('ProgramFailed', '/proc does not show this process; Outrigger needs Linux with /proc mounted.');
      return id;
    },
    of: processIdOf,
    isAlive,
    ioOf,
    find: processesMarked,
    start: startDetached,
    signalOne: (id, signal) => isAlive(id) && sendSignal(id.pid, signal),
    signalGroup: (id, signal) => isAlive(id) && sendSignal(-id.pid, signal),
    stop: stopSession,
  };
}

/**
 * The environment of a process of ours: the starter's own (settings, PATH, locale), marked with data folder and role.
 * What belongs to the starter alone (test runner, inspector, channel to its parent, marks of its own) is left out.
 */
export function roleEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  marks: { readonly data: string; readonly role: string } & Readonly<Record<string, string>>,
): Record<string, string> {
  const { data, role, ...others } = marks;
  // Without it each process compiles, and strips the types of, the same files again: 40 MB and half a second each.
  const environment: Record<string, string> = { NODE_COMPILE_CACHE: join(resolve(data), 'cache') };
  for (const [name, value] of Object.entries(own)) if (value !== undefined && !NOT_HANDED_ON.has(name)) environment[name] = value;
  return { ...environment, ...others, OUTRIGGER_DATA: resolve(data), OUTRIGGER_ROLE: role };
}

const NOT_HANDED_ON = new Set([
  'NODE_TEST_CONTEXT',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'NODE_V8_COVERAGE',
  'OUTRIGGER_POD',
  'OUTRIGGER_NODE',
  // What systemd says to a service is not for the processes that it starts: one of them would feed the watchdog of another.
  ...MANAGER_VARIABLES,
]);

/** Starts a process (see `Processes.start`). */
export async function startDetached(start: ProcessStart): Promise<StartedProcess> {
  const [program, ...args] = start.command;
  const path = findProgram(program, start.environment['PATH'] ?? '', start.folder);
  const log = openLog(start.logFile);
  try {
    const child = spawn(path, args, {
      cwd: start.folder,
      env: { ...start.environment },
      detached: true,
      stdio: ['ignore', log, log, ...shutInherited()],
      argv0: program,
      ...start.user,
    });
    // Read at once: until this turn of the event loop ends, nobody reaps the child, so its pid cannot be anybody else's.
    const id = child.pid === undefined ? undefined : justBorn(child.pid);
    const exited = new Promise<ProcessExit>((done) => {
      child.once('exit', (exitCode, signal) => done({ exitCode, signal }));
    });
    await new Promise<void>((done, failed) => {
      child.once('spawn', done);
      child.once('error', (cause) => failed(new Fault('ProgramMissing', `${path} cannot be started: ${cause.message}.`, { cause })));
    });
    child.unref();
    if (id === undefined) throw new Fault('ProgramFailed', `${path} was started but has no pid; look at ${start.logFile}.`);
    return { id, exited };
  } finally {
    closeSync(log);
  }
}

let inherited: (number | 'ignore')[] | undefined;

/**
 * Files that our own starter left open in us (a test runner's or shell's pipe with a high number), which Node would hand on: in their place
 * the child gets /dev/null. Node opens its own files so that children do not get them, so what is inherited is known once and for all.
 */
function shutInherited(): (number | 'ignore')[] {
  if (inherited !== undefined) return inherited;
  const open = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > 2 && staysOpen(fd));
  if (open.length === 0) return (inherited = []);
  const nothing = openSync('/dev/null', 'r+');
  inherited = Array.from({ length: Math.max(...open) - 2 }, (_, index) => (open.includes(index + 3) ? nothing : 'ignore'));
  return inherited;
}

const O_CLOEXEC = 0o2000000;

/** True when a program that we execute would have this file open too. */
function staysOpen(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    return false;
  }
}

/** The identity of a child that may have ended already: until it is reaped, the kernel still shows it. */
function justBorn(pid: number): ProcessId {
  return { pid, bootId: bootId(), startTicks: statOf(pid)?.startTicks ?? -1 };
}

/** The file that `program` names, as execvp would find it; `Fault` ProgramMissing when there is none that can be run. */
export function findProgram(program: string, path: string, folder: string): string {
  if (program.includes('/')) {
    const full = isAbsolute(program) ? program : resolve(folder, program);
    if (isRunnable(full)) return full;
    throw new Fault('ProgramMissing', `${full} is missing or may not be executed; install it or correct the command.`);
  }
  for (const place of path.split(':')) {
    const full = join(place === '' ? folder : place, program);
    if (isRunnable(full)) return full;
  }
  throw new Fault(
    'ProgramMissing',
    `${program} is in none of the folders of PATH (${path}); install it or give the command its whole path.`,
  );
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function openLog(logFile: string): number {
  try {
    mkdirSync(dirname(logFile), { recursive: true });
    turnOverAtStart(logFile);
    return openSync(logFile, 'a', 0o640);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('FolderUnwritable', `The log ${logFile} cannot be opened: ${why}. Make its folder writable.`, { cause });
  }
}

/** Nobody writes to it now, so it can simply be renamed. */
function turnOverAtStart(logFile: string): void {
  const stat = statSync(logFile, { throwIfNoEntry: false });
  if (stat === undefined || stat.size < LIMITS.podLogBytes) return;
  shiftOld(logFile);
  renameSync(logFile, `${logFile}.1`);
}

/** Makes room for a new `<file>.1`; the oldest goes. */
export function shiftOld(logFile: string): void {
  for (let n = LIMITS.podLogFiles - 2; n >= 1; n--) {
    if (statSync(`${logFile}.${n}`, { throwIfNoEntry: false }) !== undefined) renameSync(`${logFile}.${n}`, `${logFile}.${n + 1}`);
  }
}

/** Ends a process and its session (see `Processes.stop`). */
export async function stopSession(id: ProcessId, graceMs: number, signal: AbortSignal): Promise<void> {
  await endAll(() => processesInSession(id), `Process ${id.pid}`, graceMs, signal);
}

/** TERM, then KILL after the grace, to whoever `members` finds; until it finds nobody. `what` names them in the fault. */
export async function endAll(members: () => readonly ProcessStat[], what: string, graceMs: number, signal: AbortSignal): Promise<void> {
  const first = members();
  for (const member of first) sendSignal(member.pid, 'SIGTERM');
  if (await gone(first, members, graceMs, signal)) return;
  const killedBy = performance.now() + KILL_DEADLINE_MS;
  while (performance.now() < killedBy) {
    // Again and again: one that was just forked by a member that we had listed is caught by the next round.
    const left = members();
    for (const member of left) sendSignal(member.pid, 'SIGKILL');
    if (await gone(left, members, POLL_MS * 5, signal)) return;
  }
  throw new Fault('DeadlineExceeded', `${what} survives SIGKILL; it hangs in the kernel, look at its disk or network mounts.`);
}

/** True once nobody is left. Looks at those it knows, and searches all of /proc only when none of them lives. */
async function gone(
  known: readonly ProcessStat[],
  members: () => readonly ProcessStat[],
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const until = performance.now() + withinMs;
  let watched = known;
  for (;;) {
    watched = watched.filter(stillThere);
    if (watched.length === 0) watched = members();
    if (watched.length === 0) return true;
    if (performance.now() >= until) return false;
    await wait(POLL_MS, undefined, { signal });
  }
}

function stillThere(member: ProcessStat): boolean {
  const now = statOf(member.pid);
  return livesInStat(now) && now.startTicks === member.startTicks;
}
