/**
 * A joined machine's agent against a director that answers badly: it takes its node, ends by a tombstone alone, and lets go whatever call fails.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, test } from 'node:test';
import type { AgentDeps } from '../../../src/agent/deps.ts';
import { endMachine, fateOnDisk } from '../../../src/agent/end-machine.ts';
import type { Following } from '../../../src/agent/following.ts';
import type { Memory } from '../../../src/agent/memory.ts';
import { openMemory } from '../../../src/agent/memory.ts';
import { readNodeFile } from '../../../src/agent/node-file.ts';
import { keepMachine, ownMachine } from '../../../src/agent/own-machine.ts';
import type { Fate } from '../../../src/decide/agent-duty.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { certificates } from '../../../src/platform/certificate.ts';
import { systemFiles } from '../../../src/platform/files.ts';
import { nodeStore } from '../../../src/platform/node-store.ts';
import type { DirectorApi } from '../../../src/ports/director.ts';
import { eventually } from '../../support/eventually.ts';
import { node } from '../decide/fixtures.ts';

const HOST = 'joined:rack7.0a1b2c3d';
const DELETED: Fate = { state: 'Deleted', why: 'It was deleted.' };
const folders: string[] = [];
const ends: AbortController[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end.abort();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Director {
  node: ClusterNode | undefined;
  tombstones: readonly string[];
  /** What was written, in order. */
  readonly writes: string[];
  /** The call that fails, counted down; `after`: it was carried out all the same. */
  fails: { left: number; after: boolean } | undefined;
  readonly api: DirectorApi;
}

function newDirector(first: ClusterNode | undefined): Director {
  const call = async <T>(act: () => T): Promise<T> => {
    await Promise.resolve();
    const { fails } = director;
    const isBad = fails !== undefined && fails.left-- === 0;
    const done = isBad && !fails.after ? undefined : act();
    if (isBad) throw new Fault('DirectorUnreachable', 'Nobody answers.');
    return done as T;
  };
  const absent = { ok: false, reason: 'NotFound', message: 'not found' };
  const director: Director = {
    node: first,
    tombstones: [],
    writes: [],
    fails: undefined,
    api: {
      get: () => call(() => (director.node === undefined ? absent : { ok: true, value: structuredClone(director.node) })),
      mergePatch: (_address: unknown, _namespace: string, _name: string, patch: JsonObject) =>
        call(() => {
          if (director.node === undefined) return absent;
          director.node = patched(director, director.node, patch);
          return { ok: true, value: director.node ?? first };
        }),
      post: () => call(() => ({ ok: true, value: { tombstones: director.tombstones.map((uid) => ({ uid })) } })),
      onEra: () => undefined,
      era: () => undefined,
      close: () => undefined,
    } as unknown as DirectorApi,
  };
  return director;
}

function patched(director: Director, before: ClusterNode, patch: JsonObject): ClusterNode | undefined {
  const { spec, status, metadata } = patch as { spec?: { host: string }; status?: { infrastructure: JsonObject }; metadata: JsonObject };
  let after = structuredClone(before);
  if (spec !== undefined) {
    director.writes.push(`host ${spec.host}`);
    after.spec.host = spec.host;
  }
  if (status !== undefined) {
    const infrastructure = { ...after.status?.infrastructure, ...status.infrastructure };
    director.writes.push(`machine ${String(infrastructure['phase'])}`);
    after = { ...after, status: { ...after.status, infrastructure } } as ClusterNode;
  }
  if (!Array.isArray(metadata['finalizers'])) return after;
  director.writes.push('release');
  return undefined;
}

function agentDeps(director: Director): AgentDeps {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-own-machine-'));
  folders.push(dir);
  const { metadata, spec } = node(1, { machine: 'Joined' });
  const file = {
    format: 1,
    namespace: 'demo',
    node: metadata.name,
    nodeUid: metadata.uid,
    incarnation: 1,
    cluster: spec.cluster,
    clusterUid: spec.clusterUid,
    role: 'Worker',
    address: '10.0.0.7',
    podAddresses: [],
    directors: [],
    caHash: 'sha256:0',
    machine: 'rack7.0a1b2c3d',
  };
  writeFileSync(`${dir}/node.json`, JSON.stringify(file));
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  return {
    dir,
    node: readNodeFile(systemFiles(), dir),
    files: systemFiles(),
    store: nodeStore(`${dir}/store`),
    log: silent,
    random: { float: () => 0 },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now(), sleep: () => wait(1) },
    service: { ready: () => undefined, progressed: () => undefined, stopping: () => undefined, status: () => undefined },
    bootId: 'boot-1',
    processes: { self: () => ({ pid: 4711, bootId: 'boot-1', startTicks: 1 }), find: () => [] },
    runtime: { list: () => Promise.resolve([]) },
    certificates: certificates(),
    identity: { load: () => Promise.resolve({ certificate: '', privateKey: '', authority: '' }) },
    directors: { open: () => director.api },
  } as unknown as AgentDeps;
}

function keeping(director: Director) {
  const deps = agentDeps(director);
  const end = new AbortController();
  ends.push(end);
  const self = ownMachine(deps);
  assert.ok(self !== undefined);
  const following = {
    self: () => director.node,
    learnSelf: () => keeper?.poke(),
  } as unknown as Following;
  const known: { fate?: Fate } = {};
  const memory = {
    get: () => known.fate,
    keep: (_name: string, fate: Fate) => Promise.resolve(void (known.fate = fate)),
  } as unknown as Memory;
  const keeper = keepMachine({ deps, self, api: director.api, following, memory, onChange: () => undefined }, end.signal);
  return { keeper, known };
}

describe('while its node lives', () => {
  test('it takes the node, then says how its machine is', async () => {
    const director = newDirector(node(1, { machine: 'Joined' }));
    keeping(director);
    await eventually('both are written', () => director.writes.length === 2);
    assert.deepEqual(director.writes, [`host ${HOST}`, 'machine Running']);
  });

  test('another machine holds it: nothing is written, and it is said', async () => {
    const director = newDirector(node(1, { machine: 'Joined', host: 'joined:rack8.0a1b2c3d' }));
    const { keeper } = keeping(director);
    await eventually('it is said', () => /is held by the joined machine rack8/.test(keeper.problem() ?? ''));
    assert.deepEqual(director.writes, []);
  });

  test('I2: a director that does not know it ends nothing; its tombstone does', async () => {
    const director = newDirector(undefined);
    director.tombstones = ['another-uid'];
    const { keeper, known } = keeping(director);
    keeper.lookForTombstone();
    await wait(30);
    assert.equal(known.fate, undefined);
    director.tombstones = [node(1).metadata.uid];
    const second = keeping(director);
    second.keeper.lookForTombstone();
    await eventually('it is over', () => second.known.fate?.state === 'Deleted');
  });
});

describe('when its node is over', () => {
  const ended = async (director: Director, fate = DELETED): Promise<boolean> =>
    await endMachine(agentDeps(director), fate, '/nowhere', AbortSignal.timeout(10_000));
  const going = () => node(1, { machine: 'Joined', host: HOST, deleted: true });

  test('I2: it says that it is gone, then lets go, whichever call fails, carried out or not', async () => {
    for (let at = 0; at < 8; at++)
      for (const after of [false, true]) {
        const director = newDirector(going());
        director.fails = { left: at, after };
        assert.equal(await ended(director), true);
        assert.deepEqual([...new Set(director.writes)], ['machine Gone', 'release'], `call ${at}`);
        assert.equal(director.node, undefined);
      }
  });

  test('retired: it waits until it is deleted', async () => {
    const director = newDirector(node(1, { machine: 'Joined', host: HOST, retired: true }));
    const over = ended(director, { state: 'Retired', why: 'It was retired.' });
    await eventually('it says that it is gone', () => director.writes.length === 1);
    await wait(30);
    assert.deepEqual(director.writes, ['machine Gone']);
    const { status } = director.node ?? {};
    director.node = { ...going(), ...(status === undefined ? {} : { status }) };
    assert.equal(await over, true);
    assert.deepEqual(director.writes, ['machine Gone', 'release']);
  });

  test('replaced by a higher incarnation, or gone already: it tells nobody', async () => {
    const superseded = newDirector(node(1, { machine: 'Joined', incarnation: 2, host: 'joined:rack8.0a1b2c3d' }));
    assert.equal(await ended(superseded, { state: 'Superseded', why: 'It lives on elsewhere.' }), true);
    const gone = newDirector(undefined);
    assert.equal(await ended(gone), true);
    assert.deepEqual([...superseded.writes, ...gone.writes], []);
  });

  test('I1: what was decided is found again on disk', async () => {
    const deps = agentDeps(newDirector(undefined));
    assert.equal(await fateOnDisk(deps), undefined);
    await (await openMemory(deps.store, deps.log)).keep('fate', DELETED);
    assert.deepEqual(await fateOnDisk(deps), DELETED);
  });
});
