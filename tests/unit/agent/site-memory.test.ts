/**
 * What a node remembers of its site, and what makes it forget.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemory } from '../../../src/agent/memory.ts';
import type { Memory } from '../../../src/agent/memory.ts';
import { forgetLeft, leaveSite, rememberedSite, rememberSite } from '../../../src/agent/site-memory.ts';
import type { Json } from '../../../src/model/json.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { NodeStore } from '../../../src/ports/node-store.ts';
import type { Site, SiteStatus } from '../../../src/model/site.ts';
import { cluster, UID } from '../decide/fixtures.ts';

const PIN = `sha256:${'a'.repeat(64)}`;
const LOGIN = { username: 'u', password: 'p' };
const LOG: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => LOG };

function store(records = new Map<string, Json>()): NodeStore {
  return {
    read: (name: string) => Promise.resolve(records.has(name) ? { state: 'found', body: records.get(name) } : { state: 'absent' }),
    write: (name: string, body: Json) => Promise.resolve(void records.set(name, structuredClone(body))),
  } as unknown as NodeStore;
}

function site(status: SiteStatus, uid = 's1'): Site {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Site',
    metadata: { name: 'pier', namespace: 'demo', uid, resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
    spec: {
      environment: 'OnPremises',
      connectionServers: [
        { name: 'cs-1', url: 'https://cs-1:9443', pin: PIN },
        { name: 'cs-2', url: 'https://cs-2:9443' },
      ],
      credentials: { secret: 'x' },
    },
    status,
  };
}

const ours: SiteStatus = { cluster: { name: 'harbor', uid: UID } };
const paired: SiteStatus = { ...ours, pairing: { state: 'Paired', clusterUid: UID, generation: 1, pairedAt: '2030-01-01T00:00:00Z' } };
const named = (generation: number) => cluster({ generation, spec: { site: 'pier' } });

async function remembering(status: SiteStatus = paired): Promise<{ memory: Memory; records: Map<string, Json> }> {
  const records = new Map<string, Json>();
  const memory = await openMemory(store(records), LOG);
  await rememberSite(memory, named(3), site(status), LOGIN);
  return { memory, records };
}

test('what is plugged in is remembered over restarts: pinned servers only, and paired only once it was', async () => {
  assert.equal(rememberedSite((await remembering({})).memory), undefined, 'nobody is plugged in');
  assert.equal(rememberedSite((await remembering(ours)).memory)?.paired, false);
  const { records } = await remembering();
  const again = rememberedSite(await openMemory(store(records), LOG));
  assert.deepEqual(again, {
    name: 'pier',
    uid: 's1',
    environment: 'OnPremises',
    paired: true,
    servers: [{ name: 'cs-1', url: 'https://cs-1:9443', pin: PIN }],
    credentials: LOGIN,
  });
});

test('a Secret that cannot be read, or checks that fail later, take nothing away', async () => {
  const { memory } = await remembering();
  await rememberSite(memory, named(3), site({ ...paired, pairing: { ...paired.pairing!, state: 'Failed' } }), undefined);
  assert.deepEqual([rememberedSite(memory)?.credentials, rememberedSite(memory)?.paired], [LOGIN, true]);
  await rememberSite(memory, named(3), site({}), undefined);
  assert.equal(rememberedSite(memory)?.paired, true, 'a Site that shows no plug any more commands nothing');
});

test('I1: only a younger word makes it leave: a restored director that never heard of the site takes nothing away', async () => {
  const { memory } = await remembering();
  assert.equal(await leaveSite(memory, cluster({ generation: 2 })), false, 'an older generation');
  assert.equal(await leaveSite(memory, cluster({ generation: 3 })), false, 'the same one, without the site');
  assert.equal(rememberedSite(memory)?.paired, true);
  assert.equal(await leaveSite(memory, cluster({ generation: 4 })), true);
  assert.equal(rememberedSite(memory), undefined, 'framework services know it no more');
  assert.deepEqual(memory.get('site')?.leaving?.credentials, LOGIN, 'what unplugging needs is kept until it is done');
  await forgetLeft(memory);
  assert.deepEqual(memory.get('site'), { generation: 4 });
});

test('I1: another cluster in its place is a word too', async () => {
  const { memory } = await remembering();
  await rememberSite(memory, named(3), site({ cluster: { name: 'other', uid: 'u2' } }, 'another-site'), undefined);
  assert.equal(rememberedSite(memory)?.uid, 's1', 'another Site of that name says nothing of ours');
  await rememberSite(memory, named(3), site({ cluster: { name: 'other', uid: 'u2' } }), undefined);
  assert.equal(rememberedSite(memory), undefined);
});
