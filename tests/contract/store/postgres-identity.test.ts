/**
 * What only a real database can be: another than before, newer than the director, changed behind its back, a standby, full of something else.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AssertionFailed } from '../../../src/base/assert.ts';
import { postgresBackend } from '../../../src/director/store/postgres-backend.ts';
import { isFault } from '../../../src/model/fault.ts';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { postgresServer } from '../../../src/platform/postgres/server.ts';
import type { SqlSession } from '../../../src/ports/sql.ts';
import type { StoreBackend } from '../../../src/ports/store.ts';
import { eventually } from '../../support/eventually.ts';
import { quietLog, startTestPostgres, testPostgres } from '../../support/postgres.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import { clock, creation, key, NEVER, openStore, put, random, silentLog, updating, Watcher } from './lab.ts';

function door(database: TestDatabase): StoreBackend {
  return postgresBackend({ server: database.server, clock, random, log: silentLog });
}

async function sql(database: TestDatabase, text: string): Promise<string> {
  const session = await database.server.connect('test', 5_000);
  const answer = await session.run({ text }, [], 10_000);
  session.destroy();
  assert.ok(answer.ok, answer.ok ? '' : answer.message);
  return answer.rows[0]?.[0] ?? '';
}

const CUT =
  "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity WHERE application_name LIKE 'outrigger %' AND pid <> pg_backend_pid() AND datname = current_database()";

describe('a store and the identity of its PostgreSQL', () => {
  it('I5: a promoted standby is another life: the era rises, revisions rise above all that was served, watches end', async () => {
    const postgres = await startTestPostgres();
    const database = await postgres.newDatabase();
    const stores = [await openStore(door(database)), await openStore(door(database))];
    try {
      const [one, two] = stores as [(typeof stores)[0], (typeof stores)[0]];
      const made = await put(one, creation(key('a'), { n: 1 }));
      const watchers = stores.map((store) => new Watcher(store, store.revision()));
      await two.fresh(NEVER);
      const before = one.era();
      // The same files, come up as a standby and promoted: the timeline is another.
      await stopEmbeddedPostgres(postgres.embedded.folder);
      writeFileSync(join(postgres.embedded.folder, 'data', 'standby.signal'), '', { mode: 0o644 });
      await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, log: quietLog }, NEVER);
      await assert.rejects(door(database).open(NEVER), (error) => isFault(error, 'StoreUnavailable') && /is a standby/.test(error.message));
      const waiting = one.write(updating(made, { n: 2 }), NEVER);
      const admin = await postgresServer({ ...database.address, database: 'postgres' }).connect('test', 5_000);
      assert.ok((await admin.run({ text: 'SELECT pg_promote()' }, [], 20_000)).ok);
      admin.destroy();
      const outcome = await waiting;
      assert.ok(outcome.ok, 'a write that waited is judged in the new era');
      await two.fresh(NEVER);
      for (const store of stores) {
        assert.equal(store.era().number, before.number + 1);
        assert.notEqual(store.era().id, before.id);
        assert.ok(store.get(key('a'))!.revision > made.revision + 1);
      }
      assert.deepEqual(
        watchers.map((watcher) => watcher.ended),
        ['era', 'era'],
      );
      assert.deepEqual(one.era(), two.era(), 'one new era, whoever met it first');
      assert.match(await sql(database, 'SELECT reason FROM outrigger.eras ORDER BY number DESC LIMIT 1'), /timeline 00000001 → 00000002/);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
      await postgres.stop();
    }
  });

  it('I5: a copy in another database system is another life, also when nothing was lost', async () => {
    const database = await (await testPostgres()).newDatabase();
    const store = await openStore(door(database));
    const made = await put(store, creation(key('a')));
    const era = store.era();
    await sql(database, "UPDATE outrigger.counter SET system_identifier = '1'");
    await sql(database, CUT);
    await eventually('the director to find out by itself', () => store.era().number === era.number + 1);
    assert.ok(store.revision() > made.revision);
    assert.deepEqual(store.get(key('a'))?.bytes, made.bytes, 'nothing else changed');
    await store.close();
    await database.drop();
  });

  it('tables of a newer director are refused with a sentence', async () => {
    const database = await (await testPostgres()).newDatabase();
    await sql(database, 'UPDATE outrigger.schema_version SET version = 99');
    const newer = (error: unknown): boolean =>
      isFault(error, 'StoreSchemaNewer') && /version 99, this director knows \d+/.test(error.message);
    await assert.rejects(openStore(door(database)), newer);
    await database.drop();
  });

  it('directors that start at once on an empty database make its tables once', async () => {
    const database = await (await testPostgres()).newDatabase();
    await sql(database, 'DROP SCHEMA outrigger CASCADE');
    const stores = await Promise.all([0, 1, 2, 3].map(async () => await openStore(door(database))));
    for (const store of stores) assert.deepEqual(store.era(), stores[0]!.era());
    assert.ok(stores[0]!.revision() > 2 ** 50, 'revisions of a new store are above those of one that was lost');
    await Promise.all(stores.map((store) => store.close()));
    await database.drop();
  });

  it('a table that was changed past the director is a broken promise, not a wrong answer', async () => {
    const database = await (await testPostgres()).newDatabase();
    const store = await openStore(door(database));
    const made = await put(store, creation(key('a')));
    await sql(database, 'DELETE FROM outrigger.entities');
    const backend = door(database);
    const head = await backend.open(NEVER);
    const change = { revision: head.revision + 1, key: made.key, uid: made.uid, previous: made.revision, body: made.bytes };
    const batch = { id: random.uuid(), era: head.era, base: head.revision, changes: [change] };
    await assert.rejects(backend.commit(batch, NEVER), AssertionFailed);
    assert.equal(await sql(database, 'SELECT count(*) FROM outrigger.history'), '1', 'nothing of it was written');
    await backend.close();
    await store.close();
    await database.drop();
  });

  it('bodies that are not text (sealed Secrets) come back byte for byte', async () => {
    const database = await (await testPostgres()).newDatabase();
    const backend = door(database);
    const head = await backend.open(NEVER);
    const sealed = Buffer.from(Array.from({ length: 512 }, (_, i) => (i * 37) % 256));
    const change = { revision: head.revision + 1, key: key('s', 'demo', 'secrets'), uid: 'u', previous: undefined, body: sealed };
    assert.equal(await backend.commit({ id: random.uuid(), era: head.era, base: head.revision, changes: [change] }, NEVER), 'committed');
    const rows: Buffer[] = [];
    await backend.snapshot((row) => rows.push(row.body), NEVER);
    assert.deepEqual(rows, [sealed]);
    assert.deepEqual((await backend.history(head.revision, 10, NEVER))[0]?.body, sealed);
    await backend.close();
    await database.drop();
  });

  it('acknowledged means on disk, also where the database was set to say so earlier', async () => {
    const database = await (await testPostgres()).newDatabase();
    await sql(database, `ALTER DATABASE ${database.address.database} SET synchronous_commit = off`);
    assert.equal(await sql(database, 'SHOW synchronous_commit'), 'off', 'so the database says');
    const sessions: SqlSession[] = [];
    const connect = async (purpose: string, timeoutMs: number): Promise<SqlSession> => {
      const session = await database.server.connect(purpose, timeoutMs);
      sessions.push(session);
      return session;
    };
    const store = await openStore(postgresBackend({ server: { ...database.server, connect }, clock, random, log: silentLog }));
    await put(store, creation(key('a')));
    assert.ok(sessions.length >= 2);
    for (const session of sessions) {
      const answer = await session.run({ text: 'SHOW synchronous_commit' }, [], 5_000);
      assert.deepEqual(answer, { ok: true, rows: [['on']] });
    }
    await store.close();
    await database.drop();
  });
});
