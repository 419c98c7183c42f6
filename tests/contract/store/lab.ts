/**
 * What the contract tests of the store need: databases, doors to them that fail on purpose, bodies, and watchers that write down what they saw.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { openEntityStore } from '../../../src/director/store/entity-store.ts';
import { keyText } from '../../../src/director/store/key.ts';
import { Fault } from '../../../src/model/fault.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { Log } from '../../../src/ports/log.ts';
import type {
  EntityKey,
  EntityStore,
  StoreBackend,
  StoredEntity,
  StoreEvent,
  Subscription,
  SubscriptionEnd,
  WatchScope,
  Write,
} from '../../../src/ports/store.ts';

export const GROUP = 'outrigger.dev';
export const RESOURCE = 'clusters';
export const NEVER = new AbortController().signal;

/** One database and as many doors to it as a test wants. */
export interface Database {
  door(options?: { readonly hints?: boolean }): StoreBackend;
  drop(): Promise<void>;
}

/** A database and the directors on it, for one test. */
export interface Lab {
  readonly database: Database;
  /** Another director; closed after the test. */
  open(backend?: StoreBackend, how?: 'forgetful'): Promise<EntityStore>;
  close(): Promise<void>;
}

export interface StoreTest {
  readonly title: string;
  readonly run: (lab: Lab) => Promise<void>;
}

export function openLab(database: Database): Lab {
  const stores: EntityStore[] = [];
  return {
    database,
    open: async (backend = database.door(), how) => {
      const store = await openStore(backend, how);
      stores.push(store);
      return store;
    },
    close: async () => {
      await Promise.all(stores.splice(0).map((store) => store.close()));
      await database.drop();
    },
  };
}

export const clock = systemClock();
export const random = systemRandom();

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => {
    if (process.env['STORE_TEST_LOG'] !== undefined) console.error(message, fields);
  },
  error: () => undefined,
  with: () => silentLog,
};

/** `forgetful`: keeps next to no history in memory, so that everything older comes from the database. */
export async function openStore(backend: StoreBackend, how?: 'forgetful'): Promise<EntityStore> {
  const recent = how === undefined ? {} : { recent: { events: 10, bytes: 100_000, preload: 0 } };
  return await openEntityStore({ backend, clock, random, log: silentLog, ...recent }, NEVER);
}

export function key(name: string, namespace = 'demo', resource = RESOURCE): EntityKey {
  return { group: GROUP, resource, namespace, name };
}

export function body(at: EntityKey, uid: string, spec: unknown = {}, labels: Record<string, string> = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      apiVersion: `${at.group}/v1`,
      kind: 'Cluster',
      metadata: { name: at.name, namespace: at.namespace, uid, labels },
      spec,
    }),
  );
}

export function creation(at: EntityKey, spec: unknown = {}, uid: string = randomUUID()): Write & { op: 'create' } {
  return { op: 'create', key: at, uid, body: body(at, uid, spec) };
}

export function updating(entity: StoredEntity, spec: unknown): Write & { op: 'update' } {
  return { op: 'update', key: entity.key, uid: entity.uid, ifRevision: entity.revision, body: body(entity.key, entity.uid, spec) };
}

export function deletion(entity: StoredEntity): Write & { op: 'delete' } {
  return { op: 'delete', key: entity.key, uid: entity.uid, ifRevision: entity.revision };
}

/** Writes and insists that it was accepted. */
export async function put(store: EntityStore, write: Write): Promise<StoredEntity> {
  const outcome = await store.write(write, NEVER);
  assert.ok(outcome.ok, `${write.op} of ${write.key.name} was refused: ${outcome.ok ? '' : outcome.reason}`);
  return outcome.entity;
}

/** A line about an event that is equal exactly when the events are. */
export function noteOf(event: StoreEvent): string {
  const { entity, previous } = event;
  return `${entity.revision} ${event.type} ${keyText(entity.key)} ${entity.bytes.toString()} was ${previous?.revision ?? 'nothing'} ${previous?.bytes.toString() ?? ''}`;
}

export class Watcher {
  readonly notes: string[] = [];
  readonly revisions: number[] = [];
  readonly subscription: Subscription;
  readonly scope: WatchScope;
  ended: SubscriptionEnd | undefined;
  onBatch: (batch: readonly StoreEvent[]) => void = () => undefined;

  constructor(store: EntityStore, from: number, scope: WatchScope = { group: GROUP, resource: RESOURCE }) {
    this.scope = scope;
    const subscription = store.subscribe(scope, from, {
      events: (batch) => {
        assert.equal(this.ended, undefined, 'nothing comes after the end');
        assert.ok(batch.length > 0 && batch.length <= 256, 'a batch has 1 to 256 events');
        for (const event of batch) {
          assert.equal(event.line.toString(), `{"type":"${event.type}","object":${event.entity.bytes.toString()}}\n`);
          this.notes.push(noteOf(event));
          this.revisions.push(event.entity.revision);
        }
        this.onBatch(batch);
      },
      end: (reason) => {
        this.ended = reason;
      },
    });
    assert.ok(subscription !== 'expired', `history reaches back to ${from}`);
    this.subscription = subscription;
  }
}

export type Operation = 'commit' | 'exclusive' | 'head' | 'history' | 'replay' | 'snapshot';

/**
 * A door that does what `mishap` says at each call: 'before': fails without reaching the database; 'after': reaches it, but the answer is lost.
 */
export function unreliable(backend: StoreBackend, mishap: (operation: Operation) => 'before' | 'after' | undefined): StoreBackend {
  const around = async <T>(operation: Operation, run: () => Promise<T>): Promise<T> => {
    const what = mishap(operation);
    if (what === 'before') throw new Fault('StoreUnavailable', 'Cut by the test before it reached the database.');
    const answer = await run();
    if (what === 'after') {
      const writes = operation === 'commit' || operation === 'exclusive';
      throw new Fault(writes ? 'WriteOutcomeUnknown' : 'StoreUnavailable', 'Cut by the test on the way back.');
    }
    return answer;
  };
  return {
    ...backend,
    commit: async (...args) => await around('commit', async () => await backend.commit(...args)),
    exclusive: async (...args) => await around('exclusive', async () => await backend.exclusive(...args)),
    head: async (...args) => await around('head', async () => await backend.head(...args)),
    history: async (...args) => await around('history', async () => await backend.history(...args)),
    replay: async (...args) => await around('replay', async () => await backend.replay(...args)),
    snapshot: async (...args) => await around('snapshot', async () => await backend.snapshot(...args)),
  };
}

/** A small generator of repeatable dice (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Random creations, updates and deletions over a few names; accepted revisions are added to `accepted`. */
export async function churn(store: EntityStore, roll: () => number, writes: number, accepted: number[] = []): Promise<void> {
  for (let n = 0; n < writes; n++) {
    const at = key(`c${Math.floor(roll() * 30)}`, roll() < 0.5 ? 'alpha' : 'demo');
    const current = store.get(at);
    const write = current === undefined ? creation(at, { n }) : roll() < 0.7 ? updating(current, { n, roll: roll() }) : deletion(current);
    const outcome = await store.write(write, NEVER);
    if (outcome.ok) accepted.push(outcome.entity.revision);
    else n--;
  }
}
