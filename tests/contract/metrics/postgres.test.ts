/**
 * The contract of samples over PostgreSQL, and what only a database can do: die, and be another one when it is back.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { postgresMetrics } from '../../../src/director/metrics/postgres-metrics.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { isFault } from '../../../src/model/fault.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { SqlServer, SqlSession } from '../../../src/ports/sql.ts';
import { quietLog, testPostgres } from '../../support/postgres.ts';
import { describeMetrics, round } from './contract.ts';

const deps = { clock: systemClock(), random: systemRandom(), log: quietLog };
const NEVER = new AbortController().signal;

describeMetrics('PostgreSQL', async () => {
  const { server, drop } = await (await testPostgres()).newDatabase();
  return { door: () => postgresMetrics({ ...deps, server }), drop };
});

it('numbers of series are never carried over to another session, behind which may be another database', async () => {
  const [one, other] = [await (await testPostgres()).newDatabase(), await (await testPostgres()).newDatabase()];
  let at = one.server;
  const sessions: SqlSession[] = [];
  const server: SqlServer = {
    address: 'either',
    connect: async (purpose, timeoutMs) => {
      const session = await at.connect(purpose, timeoutMs);
      sessions.push(session);
      return session;
    },
  };
  const store = postgresMetrics({ ...deps, server });
  try {
    await store.write('c', [round(1, 1, { first: 1, second: 2 })], NEVER);
    at = other.server;
    for (const session of sessions.splice(0)) session.destroy();
    await store.write('c', [round(2, 2, { second: 22 })], NEVER);
    await store.write('c', [round(3, 3, { first: 33, second: 44 })], NEVER);
    const found = await store.newest(['c'], 0, 10, 10, NEVER);
    assert.ok(found !== 'too-many');
    assert.deepEqual(found.map(({ series, value }) => `${series}=${value}`).toSorted(), ['first=33', 'second=44']);
  } finally {
    store.close();
    await one.drop();
    await other.drop();
  }
});

it('I2: shipments wait in a bounded queue, then they are refused', async () => {
  const { server, drop } = await (await testPostgres()).newDatabase();
  const store = postgresMetrics({ ...deps, server });
  try {
    const answers = await Promise.allSettled(
      Array.from(
        { length: LIMITS.metricWritesWaiting + 10 },
        async (_, index) => await store.write('c', [round(index, index, { a: 1 })], NEVER),
      ),
    );
    const refused = answers.filter((answer) => answer.status === 'rejected');
    assert.equal(refused.length, 10);
    assert.ok(refused.every(({ reason }) => isFault(reason, 'Overloaded')));
  } finally {
    store.close();
    await drop();
  }
});
