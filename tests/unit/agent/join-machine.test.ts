/**
 * `outrigger agent join` cut short at every effect, with the effect done or not, and run again: it always ends with the one node in its place.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { joinMachine } from '../../../src/agent/join-machine.ts';
import type { JoinCommand, JoinDeps, Joined } from '../../../src/agent/join-machine.ts';
import type { NodeFile } from '../../../src/agent/node-file.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { FaultCode } from '../../../src/model/fault.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { certificates } from '../../../src/platform/certificate.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { replaceFolder, writeDurably } from '../../../src/platform/durable-file.ts';
import { systemFiles } from '../../../src/platform/files.ts';
import { identityStore } from '../../../src/platform/identity-store.ts';
import type { DirectorApi, JoinOrder } from '../../../src/ports/director.ts';
import { node } from '../decide/fixtures.ts';

const TOKEN = `demo.0123456789.${'a'.repeat(32)}`;
const OTHER_TOKEN = `demo.9876543210.${'b'.repeat(32)}`;
const CA_HASH = `sha256:${'0'.repeat(64)}`;
const folders: string[] = [];
const never = new AbortController().signal;

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A director with one node, and a machine whose every effect can be cut. */
interface World {
  readonly data: string;
  node: ClusterNode;
  readonly usedBy: Map<string, string>;
  /** The effect at which it is cut, counted down; `after`: that one is still done. */
  cut: { left: number; after: boolean } | undefined;
  running: boolean;
  ended: number;
  run(order?: Partial<JoinCommand>): Promise<Joined>;
}

class Cut extends Error {}

function newWorld(): World {
  const data = join(mkdtempSync(join(tmpdir(), 'outrigger-join-')), 'data');
  folders.push(join(data, '..'));
  const world: World = {
    data,
    node: node(1, { machine: 'Joined' }),
    usedBy: new Map(),
    cut: undefined,
    running: false,
    ended: 0,
    run: async (order) =>
      await joinMachine(
        depsOf(world),
        {
          data,
          directors: ['https://10.0.0.1:7443'],
          token: TOKEN,
          caHash: CA_HASH,
          address: undefined,
          podAddresses: undefined,
          leaseRenewMs: 60_000,
          balancer: 'relay',
          ...order,
        },
        never,
      ),
  };
  return world;
}

function depsOf(world: World): JoinDeps {
  const effect = async <T>(act: () => Promise<T> | T): Promise<T> => {
    const cut = world.cut;
    const isCut = cut !== undefined && cut.left-- === 0;
    if (isCut && !cut.after) throw new Cut();
    const done = await act();
    if (isCut) throw new Cut();
    return done;
  };
  const files = systemFiles();
  return {
    files,
    clock: systemClock(),
    certificates: certificates(),
    directors: {
      join: (order) => effect(() => joined(world, order)),
      open: () => apiOf(world, effect),
      renew: () => Promise.reject(new Error('not here')),
    },
    identityStore: (folder) => {
      const store = identityStore(folder, certificates());
      return { load: store.load, request: () => effect(store.request), save: (issued) => effect(() => store.save(issued)) };
    },
    writeDurably: (file, text) => effect(() => writeDurably(file, text)),
    replaceFolder: (from, to) => effect(() => replaceFolder(from, to)),
    hostName: () => 'Rack7',
    suffix: () => '0a1b2c3d',
    isOwnAddress: (address) => Promise.resolve(address.startsWith('10.')),
    loopbackPods: () => Promise.resolve(['127.77.200.11']),
    hold: () => Promise.resolve(world.running ? undefined : { release: () => undefined }),
    endNode: () => effect(() => ++world.ended > 0),
  };
}

function joined({ node: { metadata, spec }, usedBy }: World, order: JoinOrder) {
  const before = usedBy.get(order.token);
  if (before !== undefined && before !== order.request)
    throw new Fault('JoinRefused', 'The join was refused: This token was used already.');
  usedBy.set(order.token, order.request);
  return {
    certificate: `certificate of ${order.token}`,
    authority: 'ca',
    era: { number: 1, id: 'e' },
    localAddress: '10.0.0.7',
    node: {
      namespace: 'demo',
      name: metadata.name,
      uid: metadata.uid,
      incarnation: spec.incarnation,
      cluster: spec.cluster,
      clusterUid: spec.clusterUid,
      role: spec.role,
    },
  };
}

function apiOf(world: World, effect: <T>(act: () => T) => Promise<T>): DirectorApi {
  return {
    get: () => effect(() => ({ ok: true, value: structuredClone(world.node) })),
    mergePatch: (_address: unknown, _namespace: string, _name: string, patch: JsonObject) =>
      effect(() => {
        const { host } = patch['spec'] as { host: string };
        world.node = { ...world.node, spec: { ...world.node.spec, host } };
        return { ok: true, value: world.node };
      }),
    close: () => undefined,
  } as unknown as DirectorApi;
}

function nodeFileIn(folder: string): NodeFile {
  return JSON.parse(readFileSync(join(folder, 'node.json'), 'utf8')) as NodeFile;
}

/** One node, whole, and nothing half made beside it. */
function inPlace(world: World, incarnation: number, token = TOKEN): void {
  const folder = join(world.data, 'node');
  const file = nodeFileIn(folder);
  assert.deepEqual(
    [file.nodeUid, file.incarnation, file.machine, file.address],
    [world.node.metadata.uid, incarnation, 'rack7.0a1b2c3d', '10.0.0.7'],
  );
  const identity = readFileSync(join(folder, 'identity/identity.json'), 'utf8');
  assert.match(identity, new RegExp(`certificate of ${token}`));
  assert.equal(existsSync(join(world.data, 'joining')), false, 'nothing half made is left');
  assert.equal(world.node.spec.host, 'joined:rack7.0a1b2c3d');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
}

/** Cuts a join at each effect, both ways, and runs it again. */
async function cutEverywhere(prepare: (world: World) => Promise<Partial<JoinCommand>>, check: (world: World) => void): Promise<number> {
  for (let at = 0; ; at++) {
    let isDone = false;
    for (const after of [false, true]) {
      const world = newWorld();
      const order = await prepare(world);
      world.cut = { left: at, after };
      isDone = await world.run(order).then(
        () => true,
        (cause: unknown) => {
          if (cause instanceof Cut) return false;
          throw cause;
        },
      );
      world.cut = undefined;
      await world.run(order);
      check(world);
    }
    if (isDone) return at;
  }
}

describe('joining', () => {
  test('I2: cut at any effect and run again it ends well', async () => {
    const cuts = await cutEverywhere(
      () => Promise.resolve({}),
      (world) => inPlace(world, 1),
    );
    assert.ok(cuts >= 8, `only ${cuts} effects were cut`);
  });

  test('I2: run again when all is done it changes nothing and asks nobody', async () => {
    const world = newWorld();
    assert.equal((await world.run()).before, false);
    const before = readdirSync(world.data);
    world.cut = { left: 0, after: false };
    assert.equal((await world.run()).before, true);
    assert.deepEqual(readdirSync(world.data), before);
  });

  test('I4: the next life of the same node: the earlier one is ended and laid aside, at any cut', async () => {
    const cuts = await cutEverywhere(
      async (world) => {
        await world.run();
        writeFileSync(join(world.data, 'node/kept-for-people'), '');
        world.node = node(1, { machine: 'Joined', incarnation: 2 });
        return { token: OTHER_TOKEN };
      },
      (world) => {
        inPlace(world, 2, OTHER_TOKEN);
        assert.ok(world.ended > 0, 'what lived of it was ended');
        assert.ok(existsSync(join(world.data, 'node.before/kept-for-people')));
        assert.equal(existsSync(join(world.data, 'node.before/identity')), false);
      },
    );
    assert.ok(cuts >= 8, `only ${cuts} effects were cut`);
  });

  test('I4: the same life with a new key: what it remembers stays, at any cut', async () => {
    await cutEverywhere(
      async (world) => {
        await world.run();
        mkdirSync(join(world.data, 'node/store'));
        writeFileSync(join(world.data, 'node/store/plan.json'), '{}');
        return { token: OTHER_TOKEN };
      },
      (world) => {
        inPlace(world, 1, OTHER_TOKEN);
        assert.ok(existsSync(join(world.data, 'node/store/plan.json')));
        assert.equal(world.ended, 0);
      },
    );
  });

  test('I3: a node that another machine took meanwhile leaves nothing here', async () => {
    const world = newWorld();
    world.node = node(1, { machine: 'Joined', host: 'joined:rack8.0a1b2c3d' });
    await refused(world, {}, 'JoinRefused', /was taken by the joined machine rack8\.0a1b2c3d meanwhile.*confirm-dead/);
    assert.deepEqual(readdirSync(world.data), ['machine.json']);
  });
});

describe('what is refused before anybody is asked', () => {
  const cases: readonly [Partial<JoinCommand>, FaultCode, RegExp][] = [
    [{ token: 'demo.x.y' }, 'UsageWrong', /That is no token.*copy the whole/],
    [{ caHash: 'sha256:12' }, 'UsageWrong', /--ca-hash must be sha256: and 64 hex digits/],
    [{ address: '192.0.2.1' }, 'UsageWrong', /192\.0\.2\.1 is no address of this machine/],
    [{ podAddresses: ['192.0.2.2'] }, 'UsageWrong', /192\.0\.2\.2 is no address of this machine/],
    [{ directors: ['https://127.0.0.1:7443'] }, 'UsageWrong', /give its own address with --address/],
  ];
  for (const [order, code, says] of cases)
    test(says.source, async () => {
      const world = newWorld();
      world.cut = { left: 0, after: false };
      await refused(world, order, code, says);
    });

  test("a host's node, an agent that runs, a folder that holds another node", async () => {
    const world = newWorld();
    await world.run();
    world.running = true;
    await refused(world, { token: OTHER_TOKEN }, 'AlreadyRunning', /The agent of demo\/harbor-a1-n1 runs from .*\/node\. Stop it first/);
    world.running = false;
    world.node = node(2, { machine: 'Joined' });
    await refused(
      world,
      { token: OTHER_TOKEN },
      'JoinRefused',
      /holds demo\/harbor-a1-n1, incarnation 1, and the token is for demo\/harbor-a1-n2/,
    );
    const { machine: _machine, joinedBy: _joinedBy, ...plain } = nodeFileIn(join(world.data, 'node'));
    writeFileSync(join(world.data, 'node/node.json'), JSON.stringify(plain));
    await refused(world, {}, 'UsageWrong', /which a host daemon made/);
  });
});

async function refused(world: World, order: Partial<JoinCommand>, code: FaultCode, says: RegExp): Promise<void> {
  await assert.rejects(world.run(order), (cause: unknown) => {
    assert.ok(cause instanceof Fault, String(cause));
    assert.equal(cause.code, code, cause.message);
    assert.match(cause.message, says);
    return true;
  });
}
