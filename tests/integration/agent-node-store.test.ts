/**
 * The node store on a real disk: it keeps what was written, and does not believe what was damaged.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/model/fault.ts';
import type { Json } from '../../src/model/json.ts';
import { decodeRecord, encodeRecord, nodeStore } from '../../src/platform/node-store.ts';

const root = mkdtempSync(join(tmpdir(), 'outrigger-node-store-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('records are read back as they were written, by another store too', async () => {
  const folder = join(root, 'plain');
  const store = nodeStore(folder);
  assert.deepEqual(await store.read('membership'), { state: 'absent' });
  await store.write('membership', { term: 3, voters: ['a'], note: 'Zürich  ' });
  assert.deepEqual(await nodeStore(folder).read('membership'), { state: 'found', body: { term: 3, voters: ['a'], note: 'Zürich  ' } });
  assert.equal(statSync(join(folder, 'membership.json')).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  await store.remove('membership');
  await store.remove('membership');
  assert.deepEqual(await store.read('membership'), { state: 'absent' });
  assert.deepEqual(readdirSync(folder), []);
});

test('any JSON survives the envelope, and any single changed character is noticed', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(), fc.integer({ min: 1, max: 94 }), (value, at, shift) => {
      const body = JSON.parse(JSON.stringify(value)) as Json;
      const text = encodeRecord(body);
      assert.deepEqual(decodeRecord(text, 'f'), { state: 'found', body });
      const place = at % (text.length - 1);
      const changed = text.slice(0, place) + String.fromCharCode(32 + ((text.charCodeAt(place) - 32 + shift) % 95)) + text.slice(place + 1);
      const read = decodeRecord(changed, 'f');
      // White space between the parts may change without meaning.
      if (read.state === 'found') assert.deepEqual(read.body, body);
    }),
  );
});

test('I2: torn, rotten and future records are not used, are reported, and are kept', async () => {
  const folder = join(root, 'damaged');
  const store = nodeStore(folder);
  const file = join(folder, 'plan.json');
  const good = encodeRecord({ a: 1 });
  mkdirSync(folder);
  for (const [text, why] of [
    ['', 'whole JSON'],
    [good.slice(0, -4), 'whole JSON'],
    [good.replace('"a":1', '"a":2'), 'checksum'],
    [good.replace('"format":1', '"format":9'), 'format 9'],
    ['[1]', 'not a record'],
  ] as const) {
    writeFileSync(file, text);
    const read = await store.read('plan');
    assert.equal(read.state, 'damaged');
    assert.ok(read.state === 'damaged' && read.message.includes(why) && read.message.includes(file), JSON.stringify(read));
    assert.equal(readFileSync(file, 'utf8'), text, 'reading changes nothing');
  }
  await store.write('plan', { a: 3 });
  assert.deepEqual(await store.read('plan'), { state: 'found', body: { a: 3 } });
  assert.equal(readFileSync(`${file}.damaged-1`, 'utf8'), '[1]', 'what was damaged is kept aside');
});

test('I3: writes to one record happen in order, and leave no temporary files', async () => {
  const folder = join(root, 'order');
  const store = nodeStore(folder);
  await Promise.all(Array.from({ length: 50 }, (_, n) => store.write('endpoints', { n })));
  assert.deepEqual(await store.read('endpoints'), { state: 'found', body: { n: 49 } });
  assert.deepEqual(readdirSync(folder), ['endpoints.json']);
});

test('I1: a writer that is killed at any moment leaves a whole record, never an older one than it confirmed', async () => {
  const folder = join(root, 'killed');
  const script = `
    const { nodeStore } = await import(${JSON.stringify(new URL('../../src/platform/node-store.ts', import.meta.url).href)});
    const store = nodeStore(${JSON.stringify(folder)});
    for (let n = 1; ; n++) { await store.write('plan', { n, pad: 'x'.repeat(20_000) }); process.stdout.write(n + '\\n'); }`;
  let confirmed = 0;
  for (let round = 0; round < 5; round++) {
    confirmed = await writeUntilKilled(script, 20 + round * 13);
    const read = await nodeStore(folder).read<{ n: number }>('plan');
    assert.ok(read.state === 'found' && read.body.n >= confirmed, `confirmed ${confirmed}, read ${JSON.stringify(read).slice(0, 100)}`);
  }
});

async function writeUntilKilled(script: string, afterWrites: number): Promise<number> {
  const writer = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  writer.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
    if (said.split('\n').length > afterWrites) writer.kill('SIGKILL');
  });
  await new Promise((done) => writer.once('close', done));
  return Number(said.trim().split('\n').at(-1));
}

test('a folder that cannot be written is a sentence', async () => {
  const blocked = join(root, 'blocked');
  writeFileSync(blocked, 'a file where the folder should be');
  await assert.rejects(
    nodeStore(blocked).write('plan', {}),
    (fault) => isFault(fault, 'FolderUnwritable') && fault.message.includes(blocked),
  );
});

test('a truncated record is damaged, whatever its length', async () => {
  const folder = join(root, 'truncated');
  const store = nodeStore(folder);
  await store.write('plan', { text: 'a plan' });
  const file = join(folder, 'plan.json');
  for (let length = statSync(file).size - 2; length > 0; length -= 7) {
    truncateSync(file, length);
    assert.equal((await store.read('plan')).state, 'damaged');
  }
});
