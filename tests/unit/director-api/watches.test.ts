/**
 * Watches against a peer whose reading the test decides: what is shared, what waits, and when it ends.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { LIMITS } from '../../../src/model/limits.ts';
import { at, memoryApi } from '../../support/memory-api.ts';
import type { MemoryApi } from '../../support/memory-api.ts';
import { eventually } from '../../support/eventually.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

const SPACES = '/api/v1/namespaces';
const open: MemoryApi[] = [];
after(() => Promise.all(open.map((memory) => memory.close())));

async function start(setup: Parameters<typeof memoryApi>[0] = {}): Promise<MemoryApi> {
  const memory = await memoryApi(setup);
  open.push(memory);
  return memory;
}

const make = (memory: MemoryApi, name: string, labels: Record<string, string> = {}): Promise<unknown> =>
  memory.ask('POST', SPACES, { body: { metadata: { name, labels } } });

describe('what is sent', () => {
  test('all watchers without a selector get the very same bytes', async () => {
    const memory = await start();
    const streams = await Promise.all([memory.watch(`${SPACES}?watch=1`), memory.watch(`${SPACES}?watch=1`)]);
    await Promise.all(['a', 'b', 'c'].map((name) => make(memory, name)));
    await eventually('three events', () => streams.every((stream) => stream.lines().length === 3));
    assert.ok(
      streams[0].chunks.every((chunk, i) => chunk === streams[1].chunks[i]),
      'one buffer, shared',
    );
  });

  test('I1: an object that leaves a selection is shown as it last was in it, at the new revision', async () => {
    const memory = await start();
    await make(memory, 'x', { on: 'yes' });
    const stream = await memory.watch(`${SPACES}?watch=1&labelSelector=on%3Dyes`);
    const left = await memory.ask('PATCH', `${SPACES}/x`, {
      body: { metadata: { labels: { on: 'no' } } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    const [, last] = await eventually('two events', () => (stream.lines().length === 2 ? stream.lines() : undefined));
    assert.deepEqual(
      [last?.['type'], at(last, 'object.metadata.labels.on'), at(last, 'object.metadata.resourceVersion')],
      ['DELETED', 'yes', left.at('metadata.resourceVersion')],
    );
  });

  test('as a table: the first event names the columns, later ones do not', async () => {
    const memory = await start();
    const stream = await memory.watch(`${SPACES}?watch=1`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    for (const name of ['a', 'b']) await make(memory, name);
    const [first, second] = await eventually('two events', () => (stream.lines().length === 2 ? stream.lines() : undefined));
    assert.equal(at(first, 'object.columnDefinitions.0.name'), 'Name');
    assert.deepEqual([at(second, 'object.columnDefinitions'), at(second, 'object.rows.0.cells.0')], [null, 'b']);
  });
});

describe('events that are gathered', () => {
  const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
  const renew = (memory: MemoryApi, name: string): Promise<unknown> =>
    memory.ask('POST', LEASES, { body: { metadata: { name }, spec: { holderIdentity: name } } });
  const namesOf = (stream: Awaited<ReturnType<MemoryApi['watch']>>): unknown[] =>
    stream.lines().map((line) => at(line, 'object.metadata.name'));
  const START = `${LEASES}?watch=1&allowWatchBookmarks=true`;

  async function withLeases(): Promise<{ memory: MemoryApi; clock: ReturnType<typeof virtualClock> }> {
    const clock = virtualClock();
    const memory = await start({ clock });
    await make(memory, 'default');
    return { memory, clock };
  }

  test('I4: Leases: one alone comes at once; those after it together, in order, once', async () => {
    const { memory } = await withLeases();
    const stream = await memory.watch(START);
    await renew(memory, 'a');
    assert.deepEqual(namesOf(stream), ['a'], 'the first waits for nobody');
    for (const name of ['b', 'c', 'd']) await renew(memory, name);
    assert.deepEqual(namesOf(stream), ['a'], 'those after it wait for each other');
    await eventually('the others came', () => stream.lines().length === 4);
    assert.deepEqual(namesOf(stream), ['a', 'b', 'c', 'd']);
    assert.equal(stream.chunks.length, 2, 'in one write');
  });

  test('I4: a bookmark and the end come after what was gathered', async () => {
    const { memory, clock } = await withLeases();
    const stream = await memory.watch(START);
    for (const name of ['a', 'b']) await renew(memory, name);
    await clock.advance(LIMITS.bookmarkIntervalMs + 1000);
    await eventually('a bookmark', () => stream.lines().at(-1)?.['type'] === 'BOOKMARK');
    assert.deepEqual(namesOf(stream).slice(0, 2), ['a', 'b']);
    for (const name of ['c', 'd']) await renew(memory, name);
    memory.api.drain();
    assert.equal(stream.closed(), true);
    assert.deepEqual(namesOf(stream).slice(-2), ['c', 'd'], 'nothing that was gathered is lost at the end');
  });

  test('I4: what is urgent is not gathered', async () => {
    const { memory } = await withLeases();
    const stream = await memory.watch(`${SPACES}?watch=1`);
    const before = stream.chunks.length;
    for (const name of ['a', 'b', 'c']) await make(memory, name);
    assert.equal(stream.chunks.length, before + 3);
  });
});

describe('a peer that does not read', () => {
  test('I2: costs a bound, not the stream of events; what it missed comes when it reads', async () => {
    const memory = await start();
    const stream = await memory.watch(`${SPACES}?watch=1`);
    stream.reading = false;
    const count = LIMITS.watcherQueueEvents + 300;
    for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => make(memory, `n${i + k}`)));
    const sent = stream.lines().length;
    assert.ok(sent >= LIMITS.watcherQueueEvents && sent < count, `${sent} of ${count} wait in memory`);
    stream.read();
    await eventually('all came', () => stream.lines().length === count);
    const names = stream.lines().map((line) => at(line, 'object.metadata.name'));
    assert.equal(new Set(names).size, count);
    stream.end();
  });

  test('I2: for long: is cut off', async () => {
    const clock = virtualClock();
    const memory = await start({ clock });
    const stream = await memory.watch(`${SPACES}?watch=1`);
    stream.reading = false;
    await make(memory, 'x');
    await eventually('something waits', () => stream.unsentBytes() > 0);
    for (let i = 0; i < 4; i++) {
      await clock.advance(LIMITS.sendStallMs / 2);
      await new Promise((resolve) => setTimeout(resolve, 600));
    }
    await eventually('it is closed', () => stream.closed());
  });
});

describe('the end', () => {
  test('I3: all end when the server drains', async () => {
    const memory = await start();
    const stream = await memory.watch(`${SPACES}?watch=1`);
    assert.equal((await memory.ask('GET', '/readyz')).status, 200);
    memory.api.drain();
    assert.equal(stream.closed(), true);
    assert.equal((await memory.ask('GET', '/readyz')).status, 503);
    assert.equal((await memory.ask('GET', '/livez')).status, 200);
  });

  test('bookmarks say how far it is, when asked for', async () => {
    const clock = virtualClock();
    const memory = await start({ clock });
    const stream = await memory.watch(`${SPACES}?watch=1&allowWatchBookmarks=true&labelSelector=none`);
    const { body } = (await make(memory, 'x')) as Awaited<ReturnType<MemoryApi['ask']>>;
    await clock.advance(LIMITS.bookmarkIntervalMs + 1000);
    const [line] = await eventually('a bookmark', () => (stream.lines().length > 0 ? stream.lines() : undefined));
    assert.deepEqual([line?.['type'], at(line, 'object.metadata.resourceVersion')], ['BOOKMARK', at(body, 'metadata.resourceVersion')]);
  });
});
