/**
 * What lies where in a data folder, and the small files by which its parts find each other.
 */

import { isJsonObject } from '../model/json.ts';
import type { Files } from '../ports/files.ts';
import type { ProcessId } from '../ports/processes.ts';

export interface DataPaths {
  readonly root: string;
  readonly kubeconfig: string;
  readonly endpoints: string;
  readonly runFolder: string;
  readonly logFolder: string;
  readonly postgres: string;
  readonly hostFolder: string;
  readonly nodesFolder: string;
  /** The one node of a joined machine (src/agent/join-machine.ts). */
  readonly machineNode: string;
  /** Of the sample site: a folder for each connection server, and the password of their account. */
  readonly connectionServers: string;
}

export function dataPaths(root: string): DataPaths {
  return {
    root,
    kubeconfig: `${root}/kubeconfig`,
    endpoints: `${root}/endpoints.json`,
    runFolder: `${root}/run`,
    logFolder: `${root}/logs`,
    postgres: `${root}/postgres`,
    hostFolder: `${root}/host`,
    nodesFolder: `${root}/host/nodes`,
    machineNode: `${root}/node`,
    connectionServers: `${root}/connection-servers`,
  };
}

/** Folders of all nodes of this machine, made by its host or by a join. */
export function nodeFoldersOf(files: Pick<Files, 'list' | 'exists'>, paths: DataPaths): readonly string[] {
  const joined = files.exists(`${paths.machineNode}/node.json`) ? [paths.machineNode] : [];
  return [...files.list(paths.nodesFolder).map((name) => `${paths.nodesFolder}/${name}`), ...joined];
}

/** What this machine's host joins with (read by src/host/join-file.ts). */
export function joinFileOf(paths: DataPaths): string {
  return `${paths.hostFolder}/join.json`;
}

/** Mark of `outrigger up` itself. */
export const UP_PART = 'up';

/** Log of a part. */
export function logFileOf(paths: DataPaths, part: string): string {
  return `${paths.logFolder}/${part}.log`;
}

export interface Endpoints {
  readonly directorPort: number;
  /** Of the sample site, by part: the back end and the connection servers. */
  readonly site: Readonly<Record<string, number>>;
}

const FOR_ALL = 0o644;

export function readEndpoints(files: Files, paths: DataPaths): Endpoints | undefined {
  const content = parseObject(files.readText(paths.endpoints));
  const director = content?.['director'];
  const port = isJsonObject(director) ? director['port'] : undefined;
  if (typeof port !== 'number') return undefined;
  const site = isJsonObject(content?.['site']) ? content['site'] : {};
  return { directorPort: port, site: Object.fromEntries(Object.entries(site).flatMap(([part, one]) => portOf(part, one))) };
}

function portOf(part: string, value: unknown): [string, number][] {
  const port = isJsonObject(value) ? value['port'] : undefined;
  return typeof port === 'number' ? [[part, port]] : [];
}

export function writeEndpoints(files: Files, paths: DataPaths, endpoints: Endpoints): void {
  const { directorPort: port, site } = endpoints;
  const rows = Object.entries(site).map(([part, one]) => [part, { address: SITE_ADDRESS, port: one }] as const);
  const content = {
    format: 1,
    director: { port, url: directorUrl(port) },
    ...(rows.length === 0 ? {} : { site: Object.fromEntries(rows) }),
  };
  files.writeText(paths.endpoints, `${JSON.stringify(content, undefined, 2)}\n`, FOR_ALL);
}

/** The director of `outrigger up` is reached from this machine alone. */
export const DIRECTOR_ADDRESS = '127.0.0.1';
/** So are the back end and the connection servers of the sample site: its nodes are processes of this machine. */
export const SITE_ADDRESS = '127.0.0.1';

export function directorUrl(port: number): string {
  return `https://${DIRECTOR_ADDRESS}:${port}`;
}

/** `run/<part>.json` says which process a part is, `run/<part>.pid` the same for `kill $(cat …)`. */
export function writeRunMark(files: Files, paths: DataPaths, part: string, id: ProcessId): void {
  files.writeText(`${paths.runFolder}/${part}.json`, `${JSON.stringify(id)}\n`, FOR_ALL);
  files.writeText(`${paths.runFolder}/${part}.pid`, `${id.pid}\n`, FOR_ALL);
}

export function removeRunMark(files: Files, paths: DataPaths, part: string): void {
  for (const ending of ['json', 'pid']) files.remove(`${paths.runFolder}/${part}.${ending}`);
}

export function readRunMark(files: Files, paths: DataPaths, part: string): ProcessId | undefined {
  const { pid, bootId, startTicks } = parseObject(files.readText(`${paths.runFolder}/${part}.json`)) ?? {};
  if (typeof pid !== 'number' || typeof bootId !== 'string' || typeof startTicks !== 'number') return undefined;
  return { pid, bootId, startTicks };
}

/** Parts that have a mark, living or not. */
export function markedParts(files: Files, paths: DataPaths): readonly string[] {
  return files
    .list(paths.runFolder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length));
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const content: unknown = JSON.parse(text);
    return isJsonObject(content) ? content : undefined;
  } catch {
    return undefined;
  }
}
