/**
 * Which releases an available cluster may be told to run, asked through the API.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { crdOf } from '../../../src/model/crd.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { memoryApi } from '../../support/memory-api.ts';
import type { MemoryAnswer, MemoryApi } from '../../support/memory-api.ts';

const GROUP = '/apis/outrigger.dev/v1';
const HARBOR = `${GROUP}/namespaces/demo/clusters/harbor`;
const MERGE = { 'content-type': 'application/merge-patch+json' };
const open: MemoryApi[] = [];
after(() => Promise.all(open.map((memory) => memory.close())));

interface World {
  ask(release: string): Promise<MemoryAnswer>;
  status(status: JsonObject): Promise<void>;
}

/** Releases 1.0.0 → 1.0.1 → 1.0.2 and, with no way to it, 3.0.0; a cluster that is told to run 1.0.0. */
async function start(isAvailable = true): Promise<World> {
  const memory = await memoryApi({});
  open.push(memory);
  for (const kind of KINDS)
    assert.equal((await memory.ask('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crdOf(kind) })).status, 201);
  await memory.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'demo' } } });
  const services = [{ name: 'hello', mode: 'Replicated', pod: { containers: [{ name: 'main', command: ['run'] }] } }];
  for (const [version, upgradesFrom] of [
    ['1.0.0', []],
    ['1.0.1', ['1.0.0']],
    ['1.0.2', ['1.0.1']],
    ['3.0.0', []],
  ] as const) {
    const made = await memory.ask('POST', `${GROUP}/clusterreleases`, {
      body: { metadata: { name: version }, spec: { version, upgradesFrom, services } },
    });
    assert.equal(made.status, 201, made.message);
  }
  await memory.ask('POST', `${GROUP}/namespaces/demo/clusters`, {
    body: { metadata: { name: 'harbor' }, spec: { virtualDataCenter: 'v', release: '1.0.0' } },
  });
  const world: World = {
    ask: (release) => memory.ask('PATCH', HARBOR, { body: { spec: { release } }, headers: MERGE }),
    status: async (status) => {
      const answer = await memory.ask('PATCH', `${HARBOR}/status`, { body: { status }, headers: MERGE });
      assert.equal(answer.status, 200, answer.message);
    },
  };
  if (isAvailable) await world.status({ availableAt: '2030-01-01T00:00:00Z', release: { current: '1.0.0', target: '1.0.0' } });
  return world;
}

test('a release that there is no way to is refused, with those that can be reached', async () => {
  const { ask } = await start();
  const refused = await ask('3.0.0');
  assert.equal(refused.status, 403);
  assert.match(refused.message, /spec\.release: there is no way from release 1\.0\.0 to 3\.0\.0.*\. From 1\.0\.0 can be reached: 1\.0\.1$/);
  assert.equal((await ask('1.0.2')).status, 403);
  assert.equal((await ask('1.0.1')).status, 200);
});

test('I1: going back to what runs is never refused, and what comes after the change under way is accepted', async () => {
  const { ask, status } = await start();
  assert.equal((await ask('1.0.1')).status, 200);
  assert.equal((await ask('1.0.2')).status, 200, 'it waits until the change to 1.0.1 is over');
  assert.equal((await ask('1.0.0')).status, 200);
  assert.equal((await ask('1.0.1')).status, 200);
  const rolledBack = { release: '1.0.1', generation: 2, time: '2030-01-01T00:00:00Z', message: 'hello did not come up' };
  await status({ release: { current: '1.0.0', target: '1.0.1', rolledBack } });
  assert.equal((await ask('1.0.2')).status, 403, 'nobody comes by 1.0.1 any more');
  assert.equal((await ask('1.0.0')).status, 200);
});

test('I2: a release that does not exist is waited for', async () => {
  const { ask } = await start();
  assert.equal((await ask('9.9.9')).status, 200);
  assert.equal((await ask('3.0.0')).status, 403, 'what runs is 1.0.0 still');
});

test('I3: before the cluster was available everything goes', async () => {
  const { ask } = await start(false);
  assert.equal((await ask('3.0.0')).status, 200);
});
