/**
 * Processes of HAProxy for one node: found by their marks, started, replaced without a gap, asked by their socket.
 *
 * I1: HAProxy is not a child that dies with its supervisor: it is detached, and whoever comes next finds it.
 * I2: the one that serves is the one that answers at the socket; others with the node's marks only finish what they have.
 * I3: a successor takes over the listening sockets themselves, so that no connection is refused meanwhile.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { bindsIn, HAPROXY_SOCKET } from '../decide/haproxy-config.ts';
import { isFault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import type { ProcessExit, ProcessId } from '../ports/processes.ts';
import { isAlive, processIdOf, processesMarked, sendSignal } from './process-id.ts';
import { findProgram, roleEnvironment, startDetached } from './spawn.ts';

const CONFIG = 'haproxy.cfg';
const POLL_MS = 10;
/** Runtime API commands in one question: a line of it is bounded. */
const COMMANDS_AT_A_TIME = 16;
/** Ordinary users often lack the folders of system commands in their PATH. */
const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin';
const VERSION = /version (\d+)\.(\d+)/i;
const OLDEST = [2, 4] as const;

/** One process of HAProxy that serves. */
export interface HaproxyLife {
  readonly id: ProcessId;
  readonly shape: string;
  /** Where it listens, as `address:port`. */
  readonly binds: readonly string[];
  /** Only of one that this process started. */
  readonly exited?: Promise<ProcessExit>;
}

export type HaproxyStart = { readonly life: HaproxyLife } | { readonly problem: string };

export interface HaproxyFolder {
  /** Asks the one that serves; undefined when nobody answers. */
  ask(commands: readonly string[]): Promise<string | undefined>;
  /** The one that serves. */
  find(): Promise<HaproxyLife | undefined>;
  start(config: string, predecessor: ProcessId | undefined): Promise<HaproxyStart>;
  /** Listens no more; what is open goes on. */
  retire(life: HaproxyLife): void;
  /** Ends all of this folder at once. */
  end(): Promise<void>;
  close(): void;
}

/** Path of a HAProxy that is new enough; undefined: none is installed. */
export function installedHaproxy(): string | undefined {
  try {
    const path = findProgram('haproxy', `${process.env['PATH'] ?? ''}:${SYSTEM_FOLDERS}`, '/');
    const [, major, minor] = VERSION.exec(spawnSync(path, ['-v'], { encoding: 'utf8', timeout: 5_000 }).stdout) ?? [];
    const isNewEnough = Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
    return isNewEnough ? path : undefined;
  } catch (cause) {
    if (isFault(cause)) return undefined;
    throw cause;
  }
}

export function haproxyFolder(program: string, dir: string): HaproxyFolder {
  const folder = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  // A path of a socket is at most 108 bytes long; a node's folder may be deeper.
  const ask = (commands: readonly string[]): Promise<string | undefined> => askAt(`/proc/self/fd/${folder}/${HAPROXY_SOCKET}`, commands);
  return {
    ask,
    find: () => findLife(dir, ask),
    start: (config, predecessor) => startLife({ program, dir, ask }, config, predecessor),
    retire: ({ id }) => void (isAlive(id) && sendSignal(id.pid, 'SIGUSR1')),
    end: () => endHaproxies(dir),
    close: () => closeSync(folder),
  };
}

/** Ends every HAProxy that was started for this folder, also those that only finish what they have. */
export async function endHaproxies(dir: string): Promise<void> {
  const found = processesMarked(marksOf(dir)).map((one) => one.id);
  for (const { pid } of found) sendSignal(pid, 'SIGKILL');
  const until = performance.now() + LIMITS.haproxyAnswerMs;
  while (found.some(isAlive) && performance.now() < until) await wait(POLL_MS);
}

function marksOf(dir: string): Record<string, string> {
  return { OUTRIGGER_ROLE: 'haproxy', PWD: dir };
}

type Ask = HaproxyFolder['ask'];

async function askAt(path: string, commands: readonly string[]): Promise<string | undefined> {
  let said = '';
  for (let at = 0; at < commands.length; at += COMMANDS_AT_A_TIME) {
    const part = await askOnce(path, commands.slice(at, at + COMMANDS_AT_A_TIME).join(';'));
    if (part === undefined) return undefined;
    said += part;
  }
  return said;
}

function askOnce(path: string, line: string): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = connect({ path });
    let said = '';
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), LIMITS.haproxyAnswerMs);
    socket.setEncoding('utf8').on('data', (text: string) => (said += text));
    socket.once('error', () => done(undefined));
    socket.once('close', () => {
      clearTimeout(timer);
      done(said);
    });
    socket.write(`${line}\n`);
  });
}

/** What it says of itself in `show info`. */
async function selfOf(ask: Ask): Promise<{ readonly pid: number; readonly shape: string } | undefined> {
  const said = await ask(['show info']);
  const pid = Number(/^Pid: (\d+)$/m.exec(said ?? '')?.[1]);
  const isStopping = /^Stopping: 1$/m.test(said ?? '');
  return Number.isInteger(pid) && !isStopping ? { pid, shape: /^description: (\S+)$/im.exec(said ?? '')?.[1] ?? '' } : undefined;
}

async function findLife(dir: string, ask: Ask): Promise<HaproxyLife | undefined> {
  const self = await selfOf(ask);
  const id = self === undefined ? undefined : processIdOf(self.pid);
  if (self === undefined || id === undefined) return undefined;
  const text = readConfig(dir);
  // Written, but not yet obeyed, when our predecessor was killed: what it listens on is then not known.
  return { id, shape: self.shape, binds: text.includes(`description ${self.shape}\n`) ? bindsIn(text) : [] };
}

function readConfig(dir: string): string {
  try {
    return readFileSync(join(dir, CONFIG), 'utf8');
  } catch {
    return '';
  }
}

interface Starting {
  readonly program: string;
  readonly dir: string;
  readonly ask: Ask;
}

async function startLife({ program, dir, ask }: Starting, config: string, predecessor: ProcessId | undefined): Promise<HaproxyStart> {
  const file = join(dir, CONFIG);
  writeFileSync(`${file}.tmp`, config, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  const takeOver = predecessor === undefined ? [] : ['-x', HAPROXY_SOCKET, '-sf', String(predecessor.pid)];
  const own = process.env['OUTRIGGER_NODE'];
  const marks = { data: process.env['OUTRIGGER_DATA'] ?? dir, role: 'haproxy', ...(own === undefined ? {} : { OUTRIGGER_NODE: own }) };
  const { id, exited } = await startDetached({
    command: [program, '-q', '-db', '-f', CONFIG, ...takeOver],
    environment: { ...roleEnvironment(process.env, marks), ...marksOf(dir) },
    folder: dir,
    logFile: join(dir, 'logs', 'haproxy.log'),
  });
  let isOver = false;
  void exited.then(() => (isOver = true));
  for (const until = performance.now() + LIMITS.haproxyStartMs; performance.now() < until && !isOver; await wait(POLL_MS)) {
    const self = await selfOf(ask);
    if (self?.pid === id.pid) return { life: { id, shape: self.shape, binds: bindsIn(config), exited } };
  }
  sendSignal(id.pid, 'SIGKILL');
  return { problem: problemOf(program, dir) };
}

/** It says nothing by itself, so that its log does not grow. */
function problemOf(program: string, dir: string): string {
  const { status, stderr } = spawnSync(program, ['-c', '-q', '-f', CONFIG], { cwd: dir, encoding: 'utf8', timeout: LIMITS.haproxyStartMs });
  if (status === 0) return 'HAProxy ended while it started; perhaps another program listens on one of its ports';
  const alert = stderr.split('\n').find((line) => line.includes('[ALERT]'));
  return `HAProxy refuses ${join(dir, CONFIG)}: ${alert ?? 'it says not why'}`;
}

/** Why nobody could listen on `address:port` now; undefined: somebody could. */
export function bindProblem(bind: string): Promise<string | undefined> {
  const at = bind.lastIndexOf(':');
  const server = createServer();
  return new Promise((done) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      done(`cannot listen on ${bind}: ${cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message}; it is tried again`),
    );
    server.listen({ host: bind.slice(0, at), port: Number(bind.slice(at + 1)) }, () => server.close(() => done(undefined)));
  });
}

/** Files that a process of ours may have open, as far as it may raise that itself. */
export function openFilesLimit(): number {
  const limit = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Number.MAX_SAFE_INTEGER : Number(limit);
}
