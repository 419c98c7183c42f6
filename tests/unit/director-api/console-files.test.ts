/**
 * The console's files: who gets what, in which encoding, with which guards, and that no path leads out of the folder.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createConsoleFiles } from '../../../src/director/api/console-files.ts';
import type { Reply } from '../../../src/director/api/reply.ts';
import { openStaticFiles } from '../../../src/platform/static-files.ts';

type Bytes = Extract<Reply, { kind: 'bytes' }>;

function open(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-console-files-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'dist', 'assets'), { recursive: true });
  writeFileSync(join(folder, 'secret.json'), 'secret');
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, 'dist', path), text);
  const console = createConsoleFiles(openStaticFiles(join(folder, 'dist')));
  const get = async (
    path: string,
    headers: Readonly<Record<string, string>> = {},
    method = 'GET',
  ): Promise<Bytes & { header(name: string): string | undefined }> => {
    assert.ok(console.serves(path), path);
    const reply = await console.answer({ method, path, header: (name) => headers[name] });
    assert.equal(reply.kind, 'bytes');
    const list = reply.headers ?? [];
    const header = (name: string): string | undefined => (list.indexOf(name) < 0 ? undefined : list[list.indexOf(name) + 1]);
    return { ...reply, header };
  };
  return { console, get };
}

const BUILT = {
  'index.html': '<page>',
  'assets/a-1.js': 'plain',
  'assets/a-1.js.br': 'brotli',
  'assets/a-1.js.gz': 'gzip',
  'assets/f.woff2': 'font',
};

test('I1: files by their name, the page for every other path, 404 below assets', async (t) => {
  const { get } = open(t, BUILT);
  assert.equal((await get('/console/assets/a-1.js')).body.toString(), 'plain');
  for (const path of ['/console/', '/console/clusters/demo/harbor', '/console/index.html'])
    assert.equal((await get(path)).body.toString(), '<page>');
  assert.equal((await get('/console/assets/gone.js')).code, 404);
  assert.deepEqual([(await get('/console')).code, (await get('/console')).header('location')], [308, '/console/']);
  assert.equal((await get('/console/', {}, 'POST')).code, 405);
});

test('I1: no path leads out of the folder', async (t) => {
  const { get, console } = open(t, BUILT);
  for (const path of [
    '../secret.json',
    'assets/../../secret.json',
    '%2e%2e/secret.json',
    '..%2fsecret.json',
    '/secret.json',
    '//etc/passwd',
    'assets/..',
  ])
    assert.doesNotMatch((await get(`/console/${path}`)).body.toString(), /secret|root:/);
  assert.equal(console.serves('/consoles/x'), false);
});

test('the smallest encoding that the browser takes', async (t) => {
  const { get } = open(t, BUILT);
  const as = async (accepts: string): Promise<string> =>
    (await get('/console/assets/a-1.js', { 'accept-encoding': accepts })).body.toString();
  assert.deepEqual(await Promise.all(['gzip, deflate, br', 'gzip', '', 'br;q=0, gzip', 'identity'].map(as)), [
    'brotli',
    'gzip',
    'plain',
    'gzip',
    'plain',
  ]);
  const reply = await get('/console/assets/a-1.js', { 'accept-encoding': 'br' });
  assert.deepEqual([reply.header('content-encoding'), reply.type], ['br', 'text/javascript; charset=utf-8']);
});

test('I2: every answer has its guards: no inline script, no other origin, no frame', async (t) => {
  const { get } = open(t, BUILT);
  for (const path of ['/console/', '/console', '/console/assets/a-1.js', '/console/assets/gone.js']) {
    const reply = await get(path);
    const policy = reply.header('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; /);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(reply.header('x-content-type-options'), 'nosniff');
  }
});

test('I3: assets are kept for ever, the page is asked for anew, and a tag that still fits costs nothing', async (t) => {
  const { get } = open(t, BUILT);
  assert.match((await get('/console/assets/a-1.js')).header('cache-control') ?? '', /immutable/);
  const page = await get('/console/');
  assert.equal(page.header('cache-control'), 'no-cache');
  assert.equal((await get('/console/', { 'if-none-match': page.header('etag') ?? '' })).code, 304);
});

test('a director without a built console says how to get one', async (t) => {
  const { get } = open(t, {});
  const reply = await get('/console/');
  assert.equal(reply.code, 503);
  assert.match(reply.body.toString(), /npm run build/);
});
