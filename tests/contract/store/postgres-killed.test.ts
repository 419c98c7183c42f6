/**
 * PostgreSQL is killed and restarted under two directors that write as fast as they can.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { postgresBackend } from '../../../src/director/store/postgres-backend.ts';
import { isFault } from '../../../src/model/fault.ts';
import { isAlive, sendSignal } from '../../../src/platform/process-id.ts';
import { startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import type { EmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';
import { postgresServer } from '../../../src/platform/postgres/server.ts';
import type { EntityStore, StoreEvent, Write } from '../../../src/ports/store.ts';
import { eventually } from '../../support/eventually.ts';
import { quietLog, startTestPostgres } from '../../support/postgres.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { clock, creation, deletion, GROUP, key, NEVER, openStore, random, RESOURCE, silentLog, updating, Watcher } from './lab.ts';

interface Told {
  /** Revision and bytes that a writer was answered with. */
  readonly accepted: Map<number, string>;
  /** Bodies of writes that may or may not have happened. */
  readonly unknown: Set<string>;
  /** Refused for now, and certainly not written. */
  unavailable: number;
}

/** Writes until told to stop: creates, then updates or deletes what it believes is there; what it is not sure of it reads. */
async function writer(store: EntityStore, name: string, told: Told, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    const at = key(`${name}-${n % 5}`);
    const current = store.get(at);
    const uid = randomUUID();
    const write: Write =
      current === undefined ? creation(at, { id: uid }, uid) : n % 7 === 0 ? deletion(current) : updating(current, { id: uid });
    try {
      const outcome = await store.write(write, NEVER);
      if (outcome.ok) told.accepted.set(outcome.entity.revision, outcome.entity.bytes.toString());
    } catch (error) {
      if (isFault(error, 'WriteOutcomeUnknown')) told.unknown.add(uid);
      else if (isFault(error, 'StoreUnavailable')) told.unavailable++;
      else throw error;
    }
  }
}

async function kill(postgres: TestPostgres, running: EmbeddedPostgres): Promise<EmbeddedPostgres> {
  sendSignal(running.process.pid, 'SIGKILL');
  await eventually('the server to be gone', () => !isAlive(running.process));
  return await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, log: quietLog }, NEVER);
}

function check(events: readonly StoreEvent[], start: number, told: Told): void {
  events.forEach((event, i) => assert.equal(event.entity.revision, start + i + 1, 'revisions have no gap'));
  const bytes = new Map(events.map((event) => [event.entity.revision, event.entity.bytes.toString()]));
  for (const [revision, answered] of told.accepted)
    assert.equal(bytes.get(revision), answered, `what was acknowledged at ${revision} is there`);
  for (const event of events) {
    if (told.accepted.has(event.entity.revision)) continue;
    const { id } = event.entity.object()['spec'] as { id: string };
    assert.ok(
      event.type === 'DELETED' || told.unknown.has(id),
      `nobody was told of revision ${event.entity.revision}, and it is no write of unknown outcome`,
    );
  }
}

describe('a store whose PostgreSQL is killed', () => {
  it('I2 I4: keeps all that was acknowledged, halves nothing, and its watches go on', async () => {
    const postgres = await startTestPostgres();
    const database = await postgres.newDatabase();
    const stores = await Promise.all(
      [0, 1].map(async () => await openStore(postgresBackend({ server: database.server, clock, random, log: silentLog }))),
    );
    try {
      const start = stores[0]!.revision();
      const events: StoreEvent[] = [];
      const watchers = stores.map((store) => new Watcher(store, start));
      watchers[0]!.onBatch = (batch) => void events.push(...batch);
      const told: Told = { accepted: new Map(), unknown: new Set(), unavailable: 0 };
      const stop = new AbortController();
      const writers = stores.flatMap((store, s) => [0, 1, 2, 3, 4, 5, 6, 7].map((w) => writer(store, `s${s}w${w}`, told, stop.signal)));
      let running = postgres.embedded;
      for (let n = 0; n < 6; n++) {
        const before = told.accepted.size;
        await eventually('writes to go on', () => told.accepted.size > before + 200, 60_000);
        running = await kill(postgres, running);
      }
      await eventually('writes to go on', () => told.accepted.size > 1_000, 60_000);
      stop.abort();
      await Promise.all(writers);
      const target = Math.max(...(await Promise.all(stores.map((store) => store.fresh(NEVER)))));
      for (const watcher of watchers) {
        await eventually('the watches to have it all', () => watcher.subscription.revision() >= target);
        assert.equal(watcher.ended, undefined, 'no watch ended');
      }
      check(events, start, told);
      assert.deepEqual(watchers[1]!.notes, watchers[0]!.notes);
      const later = await openStore(postgresBackend({ server: database.server, clock, random, log: silentLog }));
      const states = (store: EntityStore): string[] => store.list(GROUP, RESOURCE).map((entity) => entity.bytes.toString());
      assert.deepEqual(states(later), states(stores[0]!));
      await later.close();
      console.log(`${told.accepted.size} acknowledged, ${told.unknown.size} unknown, ${told.unavailable} unavailable, 6 kills`);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
      await postgres.stop();
    }
  });

  it('a killed backend process costs nobody an answer', async () => {
    const postgres = await startTestPostgres();
    const database = await postgres.newDatabase();
    const store = await openStore(postgresBackend({ server: database.server, clock, random, log: silentLog }));
    const admin = await postgresServer({ ...database.address, database: 'postgres' }).connect('tests', 5_000);
    try {
      const told: Told = { accepted: new Map(), unknown: new Set(), unavailable: 0 };
      const stop = new AbortController();
      const writers = [0, 1, 2, 3].map((w) => writer(store, `w${w}`, told, stop.signal));
      for (let n = 0; n < 20; n++) {
        const before = told.accepted.size;
        await eventually('writes to go on', () => told.accepted.size > before, 60_000);
        const text =
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'outrigger %' AND datname <> 'postgres'";
        assert.ok((await admin.run({ text }, [], 5_000)).ok);
      }
      stop.abort();
      await Promise.all(writers);
      assert.equal(told.unknown.size + told.unavailable, 0);
      assert.ok(told.accepted.size >= 20);
    } finally {
      admin.destroy();
      await store.close();
      await postgres.stop();
    }
  });

  it('while PostgreSQL is away writes and fresh reads wait, then say so; when it is back all goes on', async () => {
    const postgres = await startTestPostgres();
    const database = await postgres.newDatabase();
    const store = await openStore(postgresBackend({ server: database.server, clock, random, log: silentLog }));
    try {
      const made = await store.write(creation(key('before')), NEVER);
      assert.ok(made.ok);
      sendSignal(postgres.embedded.process.pid, 'SIGKILL');
      await eventually('the server to be gone', () => !isAlive(postgres.embedded.process));
      const started = performance.now();
      await assert.rejects(store.fresh(NEVER), (error) => isFault(error, 'StoreUnavailable') && error.message.includes('has not answered'));
      assert.ok(performance.now() - started > 4_000, 'a fresh read waits for its deadline first');
      await eventually('the director to say that it is not ready', () => !store.ready());
      const waiting = store.write(creation(key('after')), NEVER);
      await startEmbeddedPostgres({ dataFolder: postgres.dataFolder, log: quietLog }, NEVER);
      assert.ok((await waiting).ok, 'a write that waited is done when the database is back');
      await eventually('the director to be ready', () => store.ready());
      assert.ok(store.get(key('before')) !== undefined && store.get(key('after')) !== undefined);
    } finally {
      await store.close();
      await postgres.stop();
    }
  });

  it('a PostgreSQL that hangs does not hang its director', async () => {
    const postgres = await startTestPostgres();
    const database = await postgres.newDatabase();
    const store = await openStore(postgresBackend({ server: database.server, clock, random, log: silentLog }));
    const pids = async (): Promise<number[]> => {
      const admin = await postgresServer({ ...database.address, database: 'postgres' }).connect('tests', 5_000);
      const answer = await admin.run({ text: "SELECT pid FROM pg_stat_activity WHERE application_name = 'outrigger lane'" }, [], 5_000);
      admin.destroy();
      return answer.ok ? answer.rows.map((row) => Number(row[0])) : [];
    };
    const stopped = await pids();
    try {
      assert.ok(stopped.length > 0);
      for (const pid of stopped) sendSignal(pid, 'SIGSTOP');
      const outcome = await store.write(creation(key('stuck')), NEVER);
      assert.ok(outcome.ok, 'its batch was looked for on another session, and written there');
      assert.equal(store.list(GROUP, RESOURCE).length, 1);
      for (const pid of stopped.splice(0)) sendSignal(pid, 'SIGCONT');
      await wait(500);
      assert.equal(await store.fresh(NEVER), outcome.entity.revision, 'the session that woke wrote nothing a second time');
    } finally {
      for (const pid of stopped) sendSignal(pid, 'SIGCONT');
      await store.close();
      await postgres.stop();
    }
  });
});
