/**
 * The garbage collector in virtual time: events, namespaces from their roots, and nothing without a tombstone.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { LIMITS } from '../../../src/model/limits.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { memoryApi, textAt } from '../../support/memory-api.ts';
import type { MemoryApi } from '../../support/memory-api.ts';
import { eventually } from '../../support/eventually.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

const MERGE = { 'content-type': 'application/merge-patch+json' };
const MAPS = '/api/v1/namespaces/demo/configmaps';
const open: MemoryApi[] = [];
after(() => Promise.all(open.map((memory) => memory.close())));

async function start(clock?: VirtualClock): Promise<MemoryApi> {
  const memory = await memoryApi({ garbage: true, ...(clock === undefined ? {} : { clock }) });
  open.push(memory);
  await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
  return memory;
}

test('I1: events go an hour after their last time', async () => {
  const clock = virtualClock();
  const memory = await start(clock);
  const path = '/api/v1/namespaces/demo/events';
  const event = (name: string): JsonObject => ({ metadata: { name }, involvedObject: { name: 'x' } });
  for (const name of ['once', 'again']) assert.equal((await memory.ask('POST', path, { body: event(name) })).status, 201);
  const pass = async (ms: number): Promise<void> => {
    const end = clock.monotonicMs() + ms;
    while (clock.monotonicMs() < end) await clock.advance(30_000);
  };
  await pass(LIMITS.eventTtlMs - 120_000);
  await memory.ask('PATCH', `${path}/again`, { body: { lastTimestamp: new Date(clock.nowMs()).toISOString() }, headers: MERGE });
  const there = async (): Promise<unknown[]> =>
    ((await memory.ask('GET', `${path}?resourceVersion=0`)).body['items'] as JsonObject[]).map(
      (one) => (one['metadata'] as JsonObject)['name'],
    );
  assert.deepEqual(await there(), ['again', 'once']);
  await pass(300_000);
  assert.deepEqual(await there(), ['again']);
  await pass(LIMITS.eventTtlMs);
  assert.deepEqual(await there(), []);
});

describe('namespaces', () => {
  test('I1: roots with finalizers go first, and the rest stays until nothing holds on', async () => {
    const memory = await start();
    const create = (name: string, metadata: JsonObject = {}): Promise<unknown> =>
      memory.ask('POST', MAPS, { body: { metadata: { name, ...metadata } } });
    await create('root', { finalizers: ['example.com/hold'] });
    await create('plain');
    await memory.ask('DELETE', '/api/v1/namespaces/demo');
    await eventually(
      'the root is marked',
      async () => (await memory.ask('GET', `${MAPS}/root`)).at('metadata.deletionTimestamp') !== undefined,
    );
    const waiting = await eventually('it says what it waits for', async () => {
      const answer = await memory.ask('GET', '/api/v1/namespaces/demo');
      return answer.at('status.phase') === 'Terminating' ? answer : undefined;
    });
    assert.equal((await memory.ask('GET', `${MAPS}/plain`)).status, 200);
    assert.match(
      JSON.stringify(waiting.at('status.conditions')),
      /configmaps has 2 resource instances.*example\.com\/hold in 1 resource instances/,
    );
    await memory.ask('PUT', '/api/v1/namespaces/demo', { body: { metadata: { name: 'demo' } } });
    assert.deepEqual(
      (await memory.ask('GET', '/api/v1/namespaces/demo')).at('metadata.finalizers'),
      ['outrigger.dev/namespace-content'],
      'no client takes it off',
    );
    await memory.ask('PATCH', `${MAPS}/root`, { body: { metadata: { finalizers: null } }, headers: MERGE });
    await eventually('it is gone', async () => (await memory.ask('GET', '/api/v1/namespaces/demo')).status === 404);
    assert.equal((await memory.ask('GET', `${MAPS}/plain`)).status, 404);
  });
});

describe('owners', () => {
  const owned = (uid: string, name = 'owner'): JsonObject => ({ ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid }] });

  test("I1: a dependent goes under its owner's tombstone only, also when another of that name is there", async () => {
    const memory = await start();
    const owner = await memory.ask('POST', MAPS, { body: { metadata: { name: 'owner' } } });
    const uid = textAt(owner.body, 'metadata.uid');
    await memory.ask('POST', MAPS, { body: { metadata: { name: 'mine', ...owned(uid) } } });
    await memory.ask('POST', MAPS, { body: { metadata: { name: 'unknown', ...owned('never-was') } } });
    await memory.ask('DELETE', `${MAPS}/owner`);
    await memory.ask('POST', MAPS, { body: { metadata: { name: 'owner' } } });
    await eventually('the dependent is gone', async () => (await memory.ask('GET', `${MAPS}/mine`)).status === 404);
    assert.equal((await memory.ask('GET', `${MAPS}/unknown`)).status, 200);
    assert.equal((await memory.ask('GET', `${MAPS}/owner`)).status, 200);
  });

  test('a late dependent of an owner that is gone goes too', async () => {
    const clock = virtualClock();
    const memory = await start(clock);
    const owner = await memory.ask('POST', MAPS, { body: { metadata: { name: 'owner' } } });
    await memory.ask('DELETE', `${MAPS}/owner`);
    await clock.advance(1000);
    await memory.ask('POST', MAPS, { body: { metadata: { name: 'late', ...owned(textAt(owner.body, 'metadata.uid')) } } });
    await eventually('it is found by the sweep', async () => {
      await clock.advance(LIMITS.garbagePeriodMs);
      return (await memory.ask('GET', `${MAPS}/late?resourceVersion=0`)).status === 404;
    });
  });
});
