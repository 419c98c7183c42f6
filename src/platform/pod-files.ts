/**
 * What the process runtime writes down about a pod, so that the agent's next life finds it: one folder a pod,
 * `<pods>/<service>--<revision hash>/`, with `record.json`, `<container>.exit` and the working folder `work/`.
 *
 * I1: the record is on disk before the first process starts, so no process of a pod is ever unknown.
 * I2: whatever is damaged reads as absent or as "ended, nobody knows how"; never as an exception.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { ProcessId } from '../ports/processes.ts';
import type { PodKey } from '../ports/runtime.ts';
import { writeDurably } from './durable-file.ts';
import { decodeRecord, encodeRecord } from './node-store.ts';
import { parseProcessId } from './process-id.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

export interface ContainerRecord {
  readonly name: string;
  /** The shim, leader of the container's session; absent until it was started. */
  readonly id?: ProcessId;
}

export interface PodRecord {
  readonly key: PodKey;
  readonly bootId: string;
  readonly restartPolicy: RestartPolicy;
  readonly graceMs: number;
  readonly containers: readonly ContainerRecord[];
}

/** How a container ended. `atMs`: on the clock that counts from boot. */
export interface ContainerExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly atMs: number;
}

/**
 * The shim: runs the program, waits for it, and writes down how it ended, `<status> <uptime in s>`, in one piece.
 * Arguments: the exit file, the program and its arguments. The traps are handlers, not `ignore`, so that the program does not inherit them: a
 * TERM for the whole group ends the program, and the shim lives to tell.
 */
export const SHIM = `trap : TERM INT HUP QUIT USR1 USR2
_exit=$1
shift
"$@"
_status=$?
read -r _uptime _idle < /proc/uptime
printf '%s %s\\n' "$_status" "$_uptime" > "$_exit.tmp" && command -p mv -f "$_exit.tmp" "$_exit"
`;

/** Numbers of signals on Linux (all architectures that Node runs on), as a shell adds them to 128. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};

export function podFolder(pods: string, key: PodKey): string {
  return join(pods, `${key.service}--${key.revisionHash}`);
}

export function exitFile(folder: string, container: string): string {
  return join(folder, `${container}.exit`);
}

export function workFolder(folder: string): string {
  return join(folder, 'work');
}

export async function writePodRecord(folder: string, record: PodRecord, sync: boolean): Promise<void> {
  await writeDurably(join(folder, 'record.json'), encodeRecord(record as unknown as Json), { sync });
}

/** A fresh folder: what an earlier pod of this key left is gone. */
export function emptyPodFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(workFolder(folder), { recursive: true, mode: 0o700 });
}

/** All pods that are written down below `pods`. A folder whose record is damaged comes without one. */
export function readPodRecords(pods: string): { readonly key: PodKey; readonly folder: string; readonly record?: PodRecord }[] {
  return namesIn(pods).flatMap((name) => {
    const key = keyOf(name);
    if (key === undefined) return [];
    const folder = join(pods, name);
    const record = parsePodRecord(key, readText(join(folder, 'record.json')));
    return [record === undefined ? { key, folder } : { key, folder, record }];
  });
}

function keyOf(name: string): PodKey | undefined {
  const at = name.lastIndexOf('--');
  return at > 0 ? { service: name.slice(0, at), revisionHash: name.slice(at + 2) } : undefined;
}

function parsePodRecord(key: PodKey, text: string | undefined): PodRecord | undefined {
  if (text === undefined) return undefined;
  const read = decodeRecord<JsonObject>(text, 'record.json');
  if (read.state !== 'found' || !isJsonObject(read.body)) return undefined;
  const { bootId, restartPolicy, graceMs, containers } = read.body;
  if (typeof bootId !== 'string' || typeof graceMs !== 'number' || !Array.isArray(containers)) return undefined;
  return { key, bootId, restartPolicy: restartPolicy as RestartPolicy, graceMs, containers: containers.flatMap(parseContainer) };
}

function parseContainer(json: Json): ContainerRecord[] {
  if (!isJsonObject(json) || typeof json['name'] !== 'string') return [];
  const id = parseProcessId(json['id']);
  return [id === undefined ? { name: json['name'] } : { name: json['name'], id }];
}

/** How the container ended; undefined while nothing is written about it. */
export function readExit(folder: string, container: string): ContainerExit | undefined {
  const found = /^(\d+|-) ([\d.]+)\n$/.exec(readText(exitFile(folder, container)) ?? '');
  if (found === null) return undefined;
  const atMs = Math.round(Number(found[2]) * 1000);
  if (found[1] === '-') return { exitCode: null, signal: 'SIGKILL', atMs };
  const status = Number(found[1]);
  const signal = SIGNALS[status - 128];
  return signal === undefined ? { exitCode: status, signal: null, atMs } : { exitCode: null, signal, atMs };
}

/** Writes down that a container's shim was killed, which only KILL can do, so that the time of it stays the same. */
export function writeKilled(folder: string, container: string, atMs: number): void {
  const file = exitFile(folder, container);
  try {
    writeFileSync(`${file}.tmp`, `- ${(atMs / 1000).toFixed(2)}\n`);
    renameSync(`${file}.tmp`, file);
  } catch {
    // A full disk must not hide that the pod is gone.
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The pod's name, `<service>/<hash>`, in a mark of this node, `<node uid>/<service>/<hash>`. */
export function parseProcessMark(mark: string, nodeUid: string): string | undefined {
  return mark.startsWith(`${nodeUid}/`) ? mark.slice(nodeUid.length + 1) : undefined;
}
