/**
 * The store alone over embedded PostgreSQL, without HTTP, TLS, schema or rights: what the director's own work is measured against.
 *
 *     node bench/store/run.ts [--rounds 3] [--bytes 3000] [--writes 20000]
 *
 * A round, for 32 and for 128 callers: create, update, fresh reads, update with 100 watchers, delete. Prints each round and the medians, and what a
 * created entity costs in CPU time here and in PostgreSQL: unlike the rates, that hardly moves when the machine is shared.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEntityStore } from '../../src/director/store/entity-store.ts';
import { postgresBackend } from '../../src/director/store/postgres-backend.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { startEmbeddedPostgres, stopEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { postgresServer } from '../../src/platform/postgres/server.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Log } from '../../src/ports/log.ts';
import type { EntityKey, EntityStore, StoredEntity, Write } from '../../src/ports/store.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    bytes: { type: 'string', default: '3000' },
    writes: { type: 'string', default: '20000' },
  },
});
const BYTES = Number(values.bytes);
const WRITES = Number(values.writes);
const ROUNDS = Number(values.rounds);
const WATCHERS = 100;
const NEVER = new AbortController().signal;
const SCOPE = { group: 'outrigger.dev', resource: 'clusters' };
const FILLER = Array.from({ length: BYTES }, (_, i) => String.fromCharCode(97 + ((i * 7) % 26))).join('');

const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => console.error(message, fields),
  error: () => undefined,
  with: () => log,
};

function bodyOf(name: string, uid: string, n: number): Buffer {
  const head = JSON.stringify({
    apiVersion: 'outrigger.dev/v1',
    kind: 'Cluster',
    metadata: { name, namespace: 'bench', uid },
    spec: { n },
  });
  return Buffer.from(`${head.slice(0, -1)},"filler":"${FILLER.slice(0, Math.max(0, BYTES - head.length - 12))}"}`);
}

function keyOf(name: string): EntityKey {
  return { ...SCOPE, namespace: 'bench', name };
}

/** Calls a second of `total` calls by `callers` at once. */
async function rate(total: number, callers: number, call: (i: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const started = performance.now();
  const caller = async (): Promise<void> => {
    while (next < total) await call(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return total / ((performance.now() - started) / 1000);
}

async function accepted(store: EntityStore, write: Write): Promise<StoredEntity> {
  const outcome = await store.write(write, NEVER);
  if (!outcome.ok) throw new Error(`${write.op} was refused: ${outcome.reason}`);
  return outcome.entity;
}

/** CPU time of PostgreSQL's server and its present children so far, in µs. */
function postgresCpuMicros(postmaster: number): number {
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'latin1').trim().split(' ');
  const ticks = [postmaster, ...children].map((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, n) => sum + n, 0) * 10_000;
}

async function round(store: EntityStore, postmaster: number, prefix: string, callers: number): Promise<Record<string, number>> {
  const entities: StoredEntity[] = [];
  const at = (i: number): StoredEntity => entities[i % WRITES]!;
  const update = async (i: number): Promise<void> => {
    const { key, uid, revision } = at(i);
    entities[i] = await accepted(store, { op: 'update', key, uid, ifRevision: revision, body: bodyOf(key.name, uid, revision) });
  };
  const cpuBefore = [process.cpuUsage(), postgresCpuMicros(postmaster)] as const;
  const create = await rate(WRITES, callers, async (i) => {
    const [name, uid] = [`${prefix}${i}`, randomUUID()];
    entities[i] = await accepted(store, { op: 'create', key: keyOf(name), uid, body: bodyOf(name, uid, 0) });
  });
  const { user, system } = process.cpuUsage(cpuBefore[0]);
  const [cpuHere, cpuThere] = [(user + system) / WRITES, (postgresCpuMicros(postmaster) - cpuBefore[1]) / WRITES];
  const updated = await rate(WRITES, callers, update);
  const fresh = await rate(WRITES * 5, callers, async (i) => {
    await store.fresh(NEVER);
    if (store.get(at(i).key) === undefined) throw new Error('an entity is missing');
  });
  let events = 0;
  const sink = { events: (batch: readonly unknown[]): void => void (events += batch.length), end: () => undefined };
  const watches = Array.from({ length: WATCHERS }, () => store.subscribe(SCOPE, store.revision(), sink));
  const watched = await rate(WRITES, callers, update);
  for (const watch of watches) if (watch !== 'expired') watch.close();
  if (events !== WRITES * WATCHERS) throw new Error(`${events} events were delivered, not ${WRITES * WATCHERS}`);
  const removed = await rate(WRITES, callers, async (i) => {
    const { key, uid, revision } = at(i);
    await accepted(store, { op: 'delete', key, uid, ifRevision: revision });
  });
  return {
    create,
    update: updated,
    fresh,
    [`update, ${WATCHERS} watchers`]: watched,
    'events delivered': watched * WATCHERS,
    delete: removed,
    'µs here a create': cpuHere,
    'µs in PostgreSQL': cpuThere,
  };
}

/** Memory of the server and its children, in MiB: PSS, so that shared pages count once. */
function pssMiB(postmaster: number): number {
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'latin1').trim().split(' ');
  let kib = 0;
  for (const pid of [postmaster, ...children]) {
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
    } catch {
      // It ended meanwhile.
    }
  }
  return Math.round(kib / 1024);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

function line(label: string, figures: Record<string, number>): string {
  return `${label}: ${Object.entries(figures)
    .map(([name, value]) => `${name} ${Math.round(value)}${name.startsWith('µs') ? '' : '/s'}`)
    .join(' · ')}`;
}

const dataFolder = mkdtempSync(join(tmpdir(), 'bench-'));
chmodSync(dataFolder, 0o755);
const postgres = await startEmbeddedPostgres({ dataFolder, log }, NEVER);
const world = { clock: systemClock(), random: systemRandom(), log };
const store = await openEntityStore({ ...world, backend: postgresBackend({ ...world, server: postgresServer(postgres.address) }) }, NEVER);
try {
  for (const callers of [32, 128]) {
    const rounds: Record<string, number>[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      rounds.push(await round(store, postgres.process.pid, `c${callers}r${n}x`, callers));
      console.log(line(`${callers} callers, round ${n + 1}`, rounds[n]!));
    }
    const names = Object.keys(rounds[0]!);
    console.log(
      line(`${callers} callers, MEDIAN`, Object.fromEntries(names.map((name) => [name, median(rounds.map((figures) => figures[name]!))]))),
    );
  }
  console.log(
    `memory: this process ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB RSS, PostgreSQL ${pssMiB(postgres.process.pid)} MiB PSS`,
  );
} finally {
  await store.close();
  await stopEmbeddedPostgres(postgres.folder);
  rmSync(dataFolder, { recursive: true, force: true });
}
