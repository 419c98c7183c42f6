/**
 * A world for a host daemon, in memory: an API with compare-and-swap, processes that live until they are ended, files, and a virtual clock.
 */

import type { HostDeps } from '../../../src/host/deps.ts';
import type { ResourceAddress } from '../../../src/model/core-kinds.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { isJsonObject } from '../../../src/model/json.ts';
import type { Answer, EntityApi, WatchEvent } from '../../../src/ports/api.ts';
import type { Files } from '../../../src/ports/files.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { NodeStore, RecordRead } from '../../../src/ports/node-store.ts';
import type { FoundProcess, ProcessExit, ProcessId, Processes } from '../../../src/ports/processes.ts';
import type { CertificateFacts } from '../../../src/ports/x509.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

type Stored = JsonObject & { metadata: JsonObject };

export interface FakeProcess {
  readonly id: ProcessId;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly end: (exit: ProcessExit) => void;
}

export interface World {
  readonly clock: VirtualClock;
  readonly deps: HostDeps;
  readonly alive: Map<number, FakeProcess>;
  readonly started: FakeProcess[];
  readonly files: Map<string, string>;
  readonly records: Map<string, Json>;
  /** Names of records that cannot be read. */
  readonly damaged: Set<string>;
  /** Uids whose tombstone the director shows. */
  readonly buried: Set<string>;
  /** False: no call is answered. */
  setReachable(now: boolean): void;
  put(address: ResourceAddress, object: JsonObject): void;
  read(address: ResourceAddress, name: string): JsonObject | undefined;
  patch(address: ResourceAddress, name: string, patch: JsonObject): void;
  erase(address: ResourceAddress, name: string): void;
  agents(): readonly FakeProcess[];
  /** Pids of agents that give no sign of life, and of those that do no I/O. */
  readonly silent: Set<number>;
  readonly idle: Set<number>;
  /** Last octets of addresses on which somebody listens. */
  readonly listening: Set<number>;
  /** Certificates of nodes, by uid. */
  readonly certificates: Map<string, CertificateFacts>;
}

const STORE_FOLDER = '/data/host/store';
const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => SILENT };

export function fakeWorld(): World {
  const director = fakeDirector();
  const clock = virtualClock();
  const [silent, idle, listening] = [new Set<number>(), new Set<number>(), new Set<number>()];
  const { processes, alive, started } = fakeProcesses(idle, () => clock.monotonicMs());
  const { records, damaged, port: storePort } = fakeStore();
  const { files, port: filesPort } = fakeFiles(records);
  const certificates = new Map<string, CertificateFacts>();
  let tokens = 0;
  return {
    ...director,
    clock,
    alive,
    started,
    files,
    records,
    damaged,
    certificates,
    silent,
    idle,
    listening,
    agents: () => [...alive.values()].filter((one) => one.environment['OUTRIGGER_ROLE'] === 'agent'),
    deps: {
      name: 'h1',
      data: '/data',
      directors: ['https://d:1'],
      caHash: 'sha256:00',
      version: '0.0.0',
      balancer: 'relay',
      leaseRenewMs: 60_000,
      api: director.api,
      clock,
      random: { float: () => 0, uuid: () => 'u', bytes: () => new Uint8Array() },
      log: SILENT,
      files: { ...filesPort, readText: (path) => signOfLife(path, alive, silent, clock.monotonicMs()) ?? filesPort.readText(path) },
      store: storePort,
      storeFolder: STORE_FOLDER,
      processes,
      service: { ready: () => undefined, progressed: () => undefined, stopping: () => undefined, status: () => undefined },
      networks: { claim: () => Promise.resolve({ network: 7, release: () => undefined }), listening: () => [...listening] },
      newJoinSecret: () => ({ id: `id${String(++tokens).padStart(8, '0')}`, secret: 's'.repeat(32), hash: '0'.repeat(64) }),
      nodeCertificate: (nodeUid) => Promise.resolve(certificates.get(nodeUid)),
      programCommand: (args) => ['outrigger', ...args],
      agentEnvironment: (nodeUid) => ({ OUTRIGGER_DATA: '/data', OUTRIGGER_ROLE: 'agent', OUTRIGGER_NODE: nodeUid }),
    },
  };
}

type Director = Pick<World, 'buried' | 'setReachable' | 'put' | 'read' | 'patch' | 'erase'> & { readonly api: EntityApi };
type Refused = { readonly ok: false; readonly reason: 'NotFound' | 'Conflict' | 'AlreadyExists'; readonly message: string };
type Watcher = (plural: string, event: WatchEvent<never>) => void;

/** The objects of a director, by `<plural>/<name>`, and who watches them. */
interface Shelf {
  readonly objects: Map<string, Stored>;
  readonly watchers: Set<Watcher>;
  revision: number;
}

function keyOf(address: ResourceAddress, name: unknown): string {
  return `${address.plural}/${name as string}`;
}

function announce(shelf: Shelf, address: ResourceAddress, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Stored): void {
  for (const watcher of shelf.watchers) watcher(address.plural, { type, object: structuredClone(object) as never });
}

function keep(shelf: Shelf, address: ResourceAddress, object: Stored): Stored {
  const key = keyOf(address, object.metadata['name']);
  const type = shelf.objects.has(key) ? 'MODIFIED' : 'ADDED';
  object.metadata['resourceVersion'] = String(++shelf.revision);
  shelf.objects.set(key, object);
  announce(shelf, address, type, object);
  return object;
}

/** As the director does: an object that is being deleted goes with its last finalizer. */
function keepOrDrop(shelf: Shelf, address: ResourceAddress, object: Stored): Stored {
  const finalizers = object.metadata['finalizers'] as string[] | undefined;
  if (object.metadata['deletionTimestamp'] === undefined || (finalizers?.length ?? 0) > 0) return keep(shelf, address, object);
  shelf.objects.delete(keyOf(address, object.metadata['name']));
  announce(shelf, address, 'DELETED', object);
  return object;
}

function patchObject(shelf: Shelf, address: ResourceAddress, name: string, patch: JsonObject): Answer<Stored> {
  const found = shelf.objects.get(keyOf(address, name));
  if (found === undefined) return refuse('NotFound');
  const { uid, resourceVersion, ...metadata } = (patch['metadata'] ?? {}) as JsonObject;
  if (uid !== undefined && uid !== found.metadata['uid']) return refuse('Conflict');
  if (resourceVersion !== undefined && resourceVersion !== found.metadata['resourceVersion']) return refuse('Conflict');
  return { ok: true, value: keepOrDrop(shelf, address, merge(structuredClone(found), { ...patch, metadata }) as Stored) };
}

function refuse(reason: Refused['reason']): Refused {
  return { ok: false, reason, message: reason };
}

function fakeDirector(): Director {
  const shelf: Shelf = { objects: new Map(), watchers: new Set(), revision: 100 };
  const buried = new Set<string>();
  let reachable = true;
  const answer = <T>(work: () => unknown): Promise<Answer<T>> => {
    if (!reachable) return Promise.reject(new Fault('DirectorUnreachable', 'No answer.'));
    return Promise.resolve(structuredClone(work()) as Answer<T>);
  };
  const unused = (): Promise<never> => Promise.reject(new Error('not used'));
  const api: EntityApi = {
    get: (address, _namespace, name) =>
      answer(() => {
        const value = shelf.objects.get(keyOf(address, name));
        return value === undefined ? refuse('NotFound') : { ok: true, value };
      }),
    list: (address) =>
      answer(() => {
        const items = [...shelf.objects].filter(([key]) => key.startsWith(`${address.plural}/`)).map(([, object]) => object);
        return { ok: true, value: { items, resourceVersion: String(shelf.revision) } };
      }),
    create: (address, namespace, object) =>
      answer(() => {
        const fresh = structuredClone(object) as Stored;
        if (shelf.objects.has(keyOf(address, fresh.metadata['name']))) return refuse('AlreadyExists');
        Object.assign(fresh.metadata, { namespace, uid: `uid-${fresh.metadata['name'] as string}` });
        return { ok: true, value: keep(shelf, address, fresh) };
      }),
    mergePatch: (address, _namespace, name, patch) => answer(() => patchObject(shelf, address, name, patch)),
    watch: (address, _selection, onEvent, signal) => watchShelf(shelf, address, onEvent, signal),
    replace: unused,
    delete: unused,
    post: (_path, body) =>
      answer(() => {
        const uids = (body as { uids: string[] }).uids.filter((uid) => buried.has(uid));
        return { ok: true, value: { tombstones: uids.map((uid) => ({ uid })) } };
      }),
  };
  return {
    api,
    buried,
    setReachable: (now) => void (reachable = now),
    put: (address, object) => void keep(shelf, address, object as Stored),
    read: (address, name) => shelf.objects.get(keyOf(address, name)),
    patch: (address, name, patch) => void patchObject(shelf, address, name, patch),
    erase: (address, name) => {
      const found = shelf.objects.get(keyOf(address, name));
      shelf.objects.delete(keyOf(address, name));
      if (found !== undefined) announce(shelf, address, 'DELETED', found);
    },
  };
}

function watchShelf<T>(
  shelf: Shelf,
  address: ResourceAddress<T>,
  onEvent: (event: WatchEvent<T>) => void,
  signal: AbortSignal,
): Promise<Answer<void>> {
  return new Promise((resolve) => {
    const watcher: Watcher = (plural, event) => {
      if (plural === address.plural) onEvent(event);
    };
    shelf.watchers.add(watcher);
    signal.addEventListener('abort', () => {
      shelf.watchers.delete(watcher);
      resolve({ ok: true, value: undefined });
    });
  });
}

/** What an agent that lives and is not silent would have written just now. */
function signOfLife(path: string, alive: ReadonlyMap<number, FakeProcess>, silent: ReadonlySet<number>, nowMs: number): string | undefined {
  const nodeUid = /\/nodes\/([^/]+)\/alive$/.exec(path)?.[1];
  if (nodeUid === undefined) return undefined;
  const speaks = [...alive.values()].some(
    ({ environment, id }) => environment['OUTRIGGER_NODE'] === nodeUid && environment['OUTRIGGER_ROLE'] === 'agent' && !silent.has(id.pid),
  );
  return speaks ? String(Math.floor(nowMs / 1000)) : 'the last one';
}

function fakeProcesses(
  idle: ReadonlySet<number>,
  nowMs: () => number,
): { readonly processes: Processes; readonly alive: Map<number, FakeProcess>; readonly started: FakeProcess[] } {
  const alive = new Map<number, FakeProcess>();
  const started: FakeProcess[] = [];
  let nextPid = 1000;
  const isAlive = (id: ProcessId): boolean => alive.get(id.pid)?.id.startTicks === id.startTicks;
  const processes: Processes = {
    self: () => ({ pid: 1, bootId: 'boot', startTicks: 1 }),
    of: (pid) => alive.get(pid)?.id,
    isAlive,
    ioOf: (id) => (isAlive(id) ? (idle.has(id.pid) ? 'as before' : String(nowMs())) : undefined),
    find: (marks) =>
      [...alive.values()]
        .filter((one) => Object.entries(marks).every(([name, value]) => one.environment[name] === value))
        .map((one): FoundProcess => ({ id: one.id, environment: one.environment })),
    start: ({ command, environment }) => {
      const pid = nextPid++;
      const { promise: exited, resolve } = Promise.withResolvers<ProcessExit>();
      const id = { pid, bootId: 'boot', startTicks: pid * 10 };
      const end = (exit: ProcessExit): void => {
        alive.delete(pid);
        resolve(exit);
      };
      const made: FakeProcess = { id, command, environment, end };
      alive.set(pid, made);
      started.push(made);
      if (command.includes('--stop')) stopNode(alive, made);
      return Promise.resolve({ id, exited });
    },
    signalOne: (id, signal) => {
      if (!isAlive(id)) return false;
      if (signal === 'SIGKILL') alive.get(id.pid)?.end({ exitCode: null, signal });
      return true;
    },
    signalGroup: (id) => {
      alive.get(id.pid)?.end({ exitCode: 0, signal: null });
      return true;
    },
    stop: (id) => {
      alive.get(id.pid)?.end({ exitCode: null, signal: 'SIGTERM' });
      return Promise.resolve();
    },
  };
  return { processes, alive, started };
}

/** `agent --stop`: everything of the node ends, then the stopper itself. */
function stopNode(alive: Map<number, FakeProcess>, stopper: FakeProcess): void {
  for (const one of alive.values()) {
    if (one !== stopper && one.environment['OUTRIGGER_NODE'] === stopper.environment['OUTRIGGER_NODE'])
      one.end({ exitCode: 0, signal: null });
  }
  stopper.end({ exitCode: 0, signal: null });
}

/** `records` shows as the files of the store's folder. */
function fakeFiles(records: ReadonlyMap<string, Json>): { readonly files: Map<string, string>; readonly port: Files } {
  const files = new Map<string, string>();
  const below = (folder: string): string[] => [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
  const port: Files = {
    readText: (path) => files.get(path),
    writeText: (path, text) => void files.set(path, text),
    remove: (path) => void files.delete(path),
    removeFolder: (path) => {
      for (const file of below(path)) files.delete(file);
    },
    list: (folder) =>
      folder === STORE_FOLDER
        ? [...records.keys()].map((name) => `${name}.json`)
        : [...new Set(below(folder).map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))],
    exists: (path) => files.has(path) || below(path).length > 0,
    ensureFolder: () => undefined,
  };
  return { files, port };
}

function fakeStore(): { readonly records: Map<string, Json>; readonly damaged: Set<string>; readonly port: NodeStore } {
  const records = new Map<string, Json>();
  const damaged = new Set<string>();
  const port: NodeStore = {
    read: (name) =>
      Promise.resolve(damaged.has(name) ? { state: 'damaged', message: `${name} has a wrong checksum.` } : readOf(records.get(name))),
    write: (name, body) => Promise.resolve(void records.set(name, structuredClone(body))),
    remove: (name) => Promise.resolve(void records.delete(name)),
  };
  return { records, damaged, port };
}

function readOf<T extends Json>(body: Json | undefined): RecordRead<T> {
  return body === undefined ? { state: 'absent' } : { state: 'found', body: structuredClone(body) as T };
}

/** RFC 7386. */
function merge(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? target : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merge(result[name] ?? null, value);
  }
  return result;
}
