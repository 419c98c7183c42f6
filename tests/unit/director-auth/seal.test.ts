/**
 * The seal on Secrets: what reaches the database, and what does not open.
 */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { sealedBackend } from '../../../src/director/auth/sealed-backend.ts';
import { secretKey, secretObject } from '../../../src/director/auth/stored-object.ts';
import { memoryBackend, newMemoryDatabase } from '../../../src/director/store/memory-backend.ts';
import { isFault } from '../../../src/model/fault.ts';
import { openSealer } from '../../../src/platform/seal.ts';
import { hostObject, never, random, testClock, openWorld, put, remove, temporaryFolder } from './support.ts';
import type { World } from './support.ts';

function newKeyFile(t: TestContext): string {
  const file = join(temporaryFolder(t), 'keys', 'store.key');
  openSealer(file, { create: true });
  return file;
}

function broken(says: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isFault(error, 'SealBroken'), String(error));
    assert.match(error.message, says);
    return true;
  };
}

describe('the key file', () => {
  test('I2: is made for its owner alone, once', (t) => {
    const file = newKeyFile(t);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700);
    const text = readFileSync(file, 'utf8');
    openSealer(file, { create: true });
    assert.equal(readFileSync(file, 'utf8'), text);
  });

  test('I2: is refused when others may use it', (t) => {
    const file = newKeyFile(t);
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(file, mode);
      assert.throws(() => openSealer(file, { create: false }), broken(/has mode 06\d\d: others than its owner may use it. Run chmod 0600/));
    }
  });

  test('is missed, empty or damaged in a sentence', (t) => {
    const file = join(temporaryFolder(t), 'store.key');
    assert.throws(() => openSealer(file, { create: false }), broken(/cannot be read.*put it back/));
    writeFileSync(file, '# nothing\n', { mode: 0o600 });
    assert.throws(() => openSealer(file, { create: false }), broken(/holds no key/));
    writeFileSync(file, 'short\n', { mode: 0o600 });
    assert.throws(() => openSealer(file, { create: false }), broken(/Line 1 of the key file .* is not the base64 of 32 bytes/));
  });
});

describe('sealing', () => {
  const plain = Buffer.from('{"a":"secret"}');

  test('I1: opens for its own context and not for another, whole and not changed', (t) => {
    const sealer = openSealer(newKeyFile(t), { create: false });
    const sealed = sealer.seal(plain, 'secrets/demo/a');
    assert.deepEqual(sealer.open(sealed, 'secrets/demo/a'), plain);
    assert.throws(
      () => sealer.open(sealed, 'secrets/demo/b'),
      broken(/secrets\/demo\/b does not open with key [0-9a-f]{16}.*moved from another entity/),
    );
    for (const at of [20, 30, 45, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => sealer.open(changed, 'secrets/demo/a'), broken(/does not open/));
    }
    assert.throws(() => sealer.open(plain, 'secrets/demo/a'), broken(/stored without a seal/));
    assert.notDeepEqual(sealer.seal(plain, 'x'), sealer.seal(plain, 'x'));
  });

  test('several keys open, the newest seals; a key that is missing is named', (t) => {
    const file = newKeyFile(t);
    const before = openSealer(file, { create: false }).seal(plain, 'c');
    const [, first = ''] = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, `${first}\n${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    const both = openSealer(file, { create: false });
    assert.deepEqual(both.open(before, 'c'), plain);
    const after = both.seal(plain, 'c');
    const id = (sealed: Buffer): string => sealed.subarray(4, 12).toString('hex');
    assert.notEqual(id(after), id(before));
    writeFileSync(file, `${first}\n`, { mode: 0o600 });
    const old = openSealer(file, { create: false });
    assert.throws(
      () => old.open(after, 'secrets/demo/c'),
      broken(new RegExp(`sealed by key ${id(after)}, which the key file ${file} does not hold \\(it holds ${id(before)}\\)`)),
    );
  });
});

describe('the sealed backend', () => {
  const CANARY = 'a-very-visible-canary';

  function openSealed(t: TestContext, file: string, database = newMemoryDatabase()): Promise<World> {
    return openWorld(t, { database, wrap: (backend) => sealedBackend(backend, openSealer(file, { create: false })) });
  }

  test('I1, I2: no Secret reaches the database in the clear; all comes back as it was, also to another director', async (t) => {
    const file = newKeyFile(t);
    const world = await openSealed(t, file);
    await put(world.store, secretObject('demo', 'a', CANARY, { value: '1' }));
    await put(world.store, secretObject('demo', 'a', CANARY, { value: '2' }));
    await put(world.store, hostObject('alpha'));
    const bodies = world.database.history.map((change) => change.body?.toString('latin1') ?? '');
    assert.equal(bodies.length, 3);
    assert.deepEqual(
      bodies.map((body) => body.includes(CANARY)),
      [false, false, false],
    );
    assert.ok(bodies[2]?.includes('"alpha"'), 'other kinds pass as they are');
    const other = await openSealed(t, file, world.database);
    const [mine, theirs] = [world.store, other.store].map((store) => store.get(secretKey('demo', 'a'))?.bytes.toString());
    assert.equal(theirs, mine);
    assert.ok(mine?.includes(CANARY));
  });

  test('I2: history, replays and watches open too', async (t) => {
    const file = newKeyFile(t);
    const world = await openSealed(t, file);
    const start = world.store.revision();
    await put(world.store, secretObject('demo', 'a', CANARY, { value: '1' }));
    await put(world.store, secretObject('demo', 'a', CANARY, { value: '2' }));
    const other = await openSealed(t, file, world.database);
    const lines: string[] = [];
    const seen = Promise.withResolvers<void>();
    const subscription = other.store.subscribe({ group: '', resource: 'secrets' }, start, {
      events: (batch) => {
        for (const event of batch)
          lines.push(`${event.type} ${event.previous?.bytes.includes(CANARY) ?? ''} ${event.line.includes(CANARY)}`);
        if (lines.length >= 3) seen.resolve();
      },
      end: (reason) => seen.reject(new Error(reason)),
    });
    assert.notEqual(subscription, 'expired');
    await remove(world.store, secretObject('demo', 'a', '', {}));
    await seen.promise;
    assert.deepEqual(lines, ['ADDED  true', 'MODIFIED true true', 'DELETED true true']);
    const then = await other.store.listAt('', 'secrets', undefined, start + 1, never);
    assert.ok(then !== 'expired' && then[0]?.bytes.includes(CANARY));
  });

  test('I1, I2: states before a revision, and writes under the exclusive lock, pass the seal as well', async (t) => {
    const file = newKeyFile(t);
    const world = await openSealed(t, file);
    const start = world.store.revision();
    await put(world.store, secretObject('demo', 'a', CANARY, { value: '1' }));
    await put(world.store, secretObject('demo', 'a', CANARY, { value: '2' }));
    const plain = memoryBackend({ database: world.database, clock: testClock(), random });
    const backend = sealedBackend(plain, openSealer(file, { create: false }));
    const of = { group: '', resource: 'secrets' };
    const states = await backend.before(of, start + 1, start + 2, never);
    assert.ok(states !== 'expired' && states[0]?.row?.body.includes(CANARY));
    const body = Buffer.from(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b"},"type":"${CANARY}"}`);
    await backend.exclusive(async (store) => {
      assert.ok((await store.history(start))[0]?.body?.includes(CANARY));
      const change = { revision: store.head.revision + 1, key: secretKey('demo', 'b'), uid: random.uuid(), previous: undefined, body };
      await store.write({ id: random.uuid(), era: store.head.era, base: store.head.revision, changes: [change] });
    }, never);
    assert.ok(!world.database.history.at(-1)?.body?.includes(CANARY));
    assert.deepEqual((await backend.history(start + 2, 10, never))[0]?.body, body);
  });

  test('I3: the wrong key stops the start, naming key and file', async (t) => {
    const world = await openSealed(t, newKeyFile(t));
    await put(world.store, secretObject('demo', 'a', CANARY, {}));
    const wrong = newKeyFile(t);
    await assert.rejects(
      openSealed(t, wrong, world.database),
      broken(new RegExp(`secrets/demo/a is sealed by key [0-9a-f]{16}, which the key file ${wrong}`)),
    );
  });
});
