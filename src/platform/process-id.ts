/**
 * Identity of processes on Linux, read from /proc.
 *
 * A pid alone says nothing: it is given out again, and starts from 1 after a reboot. The start ticks tell two processes with one pid apart,
 * the boot id tells two boots apart. Between a look at /proc and a signal a pid could in theory be reused; the kernel gives out pids in a
 * circle of at least 32,768, so that would take a full circle within microseconds.
 *
 * I1: `isAlive` is true only for the very process that the id was made of, and never for a zombie.
 * I2: reading never throws: a process that goes away meanwhile, or that we may not look at, is simply not there.
 */

import { readdirSync, readFileSync } from 'node:fs';
import type { FoundProcess, ProcessId } from '../ports/processes.ts';

/** One line of /proc/PID/stat, as far as we need it. */
export interface ProcessStat {
  readonly pid: number;
  /** R, S, D, T, Z (zombie), X (dead), … */
  readonly state: string;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  readonly startTicks: number;
}

const NO_BYTES = Buffer.alloc(0);
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';
let bootIdRead: string | undefined;

/** Which boot of the machine this is. */
export function bootId(): string {
  bootIdRead ??= readFileSync(BOOT_ID_FILE, 'utf8').trim();
  return bootIdRead;
}

/** What the kernel says about a pid, zombies too; undefined when there is no such process. */
export function statOf(pid: number): ProcessStat | undefined {
  const text = readProc(`${pid}/stat`)?.toString('latin1');
  if (text === undefined) return undefined;
  // The command, in parentheses, may itself hold spaces and parentheses: fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? 'X',
    parentPid: Number(fields[1]),
    groupId: Number(fields[2]),
    sessionId: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
}

export function livesInStat(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X' && stat.state !== 'x';
}

/** The identity of the living process with this pid; undefined when there is none. */
export function processIdOf(pid: number): ProcessId | undefined {
  const stat = statOf(pid);
  return livesInStat(stat) ? { pid, bootId: bootId(), startTicks: stat.startTicks } : undefined;
}

export function isAlive(id: ProcessId): boolean {
  if (id.bootId !== bootId()) return false;
  const stat = statOf(id.pid);
  return livesInStat(stat) && stat.startTicks === id.startTicks;
}

/** Bytes read and written by a living process, `<rchar> <wchar>` of /proc/PID/io; undefined when it is gone or belongs to somebody else. */
export function ioOf(id: ProcessId): string | undefined {
  const text = isAlive(id) ? readProc(`${id.pid}/io`)?.toString('latin1') : undefined;
  const [read, written] = ['rchar', 'wchar'].map((name) => new RegExp(`^${name}: (\\d+)$`, 'm').exec(text ?? '')?.[1]);
  return read === undefined || written === undefined ? undefined : `${read} ${written}`;
}

/** An id that was written down; undefined when the JSON is not one. */
export function parseProcessId(json: unknown): ProcessId | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { pid, bootId: boot, startTicks } = json as Record<string, unknown>;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2 || typeof boot !== 'string' || typeof startTicks !== 'number')
    return undefined;
  return { pid, bootId: boot, startTicks };
}

/** All pids of the machine (or of the container that we are in). */
export function allPids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 0);
}

/** The environment that a process was started with; undefined when it is gone, is a zombie, or belongs to somebody else. */
export function environmentOf(pid: number): Readonly<Record<string, string>> | undefined {
  const bytes = readProc(`${pid}/environ`);
  return bytes === undefined ? undefined : parseEnvironment(bytes);
}

/**
 * Living processes whose environment holds all of `marks`. A process that writes over its environment to change its title (PostgreSQL does)
 * is not found this way.
 */
export function processesMarked(marks: Readonly<Record<string, string>>): FoundProcess[] {
  const wanted = Object.entries(marks).map(([name, value]) => Buffer.from(`${name}=${value}\0`));
  const found: FoundProcess[] = [];
  for (const pid of allPids()) {
    const bytes = readProc(`${pid}/environ`);
    if (bytes === undefined || !wanted.every((mark) => holdsEntry(bytes, mark))) continue;
    const id = processIdOf(pid);
    if (id !== undefined) found.push({ id, environment: parseEnvironment(bytes) });
  }
  return found;
}

/** Living processes of a session: the leader, its children and theirs, but for those that began a session of their own. */
export function processesInSession(leader: ProcessId): ProcessStat[] {
  if (leader.bootId !== bootId()) return [];
  // While any member lives, the kernel gives the leader's pid to nobody else. Somebody else has it: then no member is left.
  const holder = statOf(leader.pid);
  if (holder !== undefined && holder.startTicks !== leader.startTicks) return [];
  return allPids()
    .map(statOf)
    .filter(livesInStat)
    .filter((stat) => stat.sessionId === leader.pid && stat.startTicks >= leader.startTicks);
}

/** Living processes that carry all of `marks`, or belong to the session of one of `leaders`. */
export function processesOf(marks: Readonly<Record<string, string>>, leaders: readonly ProcessId[]): ProcessStat[] {
  const wanted = Object.entries(marks).map(([name, value]) => Buffer.from(`${name}=${value}\0`));
  const carries = (pid: number): boolean => {
    const bytes = readProc(`${pid}/environ`) ?? NO_BYTES;
    return wanted.every((mark) => holdsEntry(bytes, mark));
  };
  const inSessions = new Set(leaders.flatMap(processesInSession).map((stat) => stat.pid));
  return allPids()
    .filter((pid) => pid !== process.pid && (inSessions.has(pid) || carries(pid)))
    .map(statOf)
    .filter(livesInStat);
}

/** Children of a process, as far as the kernel tells (it does when built with CONFIG_PROC_CHILDREN, as distributions are). */
export function childrenOf(pid: number): number[] {
  const text = readProc(`${pid}/task/${pid}/children`)?.toString('latin1') ?? '';
  return text.split(' ').map(Number).filter(Boolean);
}

/** Sends a signal; false when there is nobody (any more) to receive it. `pid` < 0: the whole group. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** True when `entry` (`NAME=value\0`) stands at the beginning of `bytes` or after a NUL. */
function holdsEntry(bytes: Buffer, entry: Buffer): boolean {
  for (let at = bytes.indexOf(entry); at !== -1; at = bytes.indexOf(entry, at + 1)) {
    if (at === 0 || bytes[at - 1] === 0) return true;
  }
  return false;
}

function parseEnvironment(bytes: Buffer): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const entry of bytes.toString('utf8').split('\0')) {
    const at = entry.indexOf('=');
    if (at > 0) environment[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return environment;
}

function readProc(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(`/proc/${path}`);
    return bytes.length === 0 ? undefined : bytes;
  } catch {
    return undefined;
  }
}
