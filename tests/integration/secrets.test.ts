/**
 * Secrets lie where they must and nowhere else: a whole control plane with its sample cluster and site runs, with secrets that can be recognized; then
 * every file, log, event, status, process, the database on disk and the support bundle are searched for each of them.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CLUSTERS } from '../../src/model/addresses.ts';
import { SECRETS } from '../../src/model/core-kinds.ts';
import type { Secret } from '../../src/model/core-kinds.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { allPids, environmentOf } from '../../src/platform/process-id.ts';
import { preparePostgresHome } from '../../src/platform/postgres/home.ts';
import type { DirectorApi } from '../../src/ports/director.ts';
import { openApi } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { makePassword, portalClient } from '../support/portal-client.ts';
import { UP_DEADLINE_MS, upRig } from '../support/up-rig.ts';
import type { UpRun } from '../support/up-rig.ts';

interface Planted {
  readonly what: string;
  /** Texts by which it is recognized. */
  readonly forms: readonly string[];
  /** Paths in the data folder where it must be, or may be. */
  readonly at: RegExp;
}

const NOWHERE = /^$/;
const never = new AbortController().signal;
const rig = upRig('secrets');
const planted: Planted[] = [];
let run: UpRun;
let api: DirectorApi;
let bundle = '';

before(async () => {
  const serverPassword = 'Planted-Connection-Server-Password-7Q';
  mkdirSync(rig.data, { mode: 0o755 });
  mkdirSync(join(rig.data, 'connection-servers'), { mode: 0o700 });
  writeFileSync(join(rig.data, 'connection-servers', 'password'), `${serverPassword}\n`, { mode: 0o600 });
  const basic = Buffer.from(`outrigger:${serverPassword}`).toString('base64');
  const places = /^connection-servers\/password$|^host\/nodes\/[^/]+\/(framework|store\/site)\.json$/;
  planted.push({ what: 'the account of the connection servers', forms: [...textForms(serverPassword), basic], at: places });
  run = rig.start();
  await run.line(/Outrigger is up after [\d.]+ s/, 2 * UP_DEADLINE_MS);
  api = openApi(join(rig.data, 'kubeconfig'));
  await eventually('the license of the sample is active', async () => (await harbor())?.status?.license?.state === 'Active', 60_000);
  await plantInDirector();
  await plantInPortal();
  plantFromFiles();
});
after(async () => {
  api?.close();
  await rig.cleanup();
});

async function harbor(): Promise<Cluster | undefined> {
  const answer = await api.get<Cluster>(CLUSTERS, 'demo', 'harbor', never).catch(() => undefined);
  return answer?.ok === true ? answer.value : undefined;
}

function textForms(text: string): string[] {
  // The last sign of base64 depends on what follows.
  return [text, Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1)];
}

/** A key is recognized by a piece of its second line: the first is the same for all. */
function keyForms(pem: string): string[] {
  const body = pem
    .replaceAll('\\n', '\n')
    .replaceAll(/-----[A-Z ]+-----/g, '')
    .replaceAll(/\s/g, '');
  // Within the second line of 64 signs, however lines are ended.
  const piece = body.slice(66, 112);
  const der = Buffer.from(body, 'base64');
  return [
    piece,
    Buffer.from(pem).toString('base64').slice(100, 160),
    der.toString('latin1').slice(36, 60),
    der.subarray(36, 60).toString('hex'),
  ];
}

async function plantInDirector(): Promise<void> {
  const value = 'Planted-Secret-Of-A-Customer-3Z';
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'planted', namespace: 'demo' },
    data: { word: Buffer.from(value).toString('base64') },
  };
  assert.ok((await api.create(SECRETS, 'demo', secret, never)).ok);
  planted.push({ what: 'a Secret of a customer', forms: textForms(value), at: NOWHERE });
  const made = rig.run(['token', 'create', '--host', 'local', '--data', rig.data, '--json']);
  const { token } = JSON.parse(made.out) as { token: string };
  planted.push({ what: 'a join token', forms: textForms(token.split('.')[2] ?? ''), at: NOWHERE });
  const link = rig.run(['console', 'link', '--data', rig.data]).out.trim();
  assert.match(link, /#code=[a-z0-9]{10}\.[a-z0-9]{32}$/);
  planted.push({ what: 'a link to the console', forms: textForms(link.slice(-32)), at: NOWHERE });
  const listed = await api.list<Secret>(SECRETS, {}, never);
  assert.ok(listed.ok);
  for (const { metadata, data } of listed.value.items)
    for (const [field, base64] of Object.entries(data ?? {})) {
      // A key may be JSON within JSON.
      const text = Buffer.from(base64, 'base64').toString('utf8').replaceAll('\\"', '"');
      const what = `${metadata.namespace}/${metadata.name} ${field}`;
      const bare = /"(?:d|privateKey)":"([^"]{30,})"/.exec(text)?.[1];
      if (text.includes('PRIVATE KEY')) planted.push({ what, forms: keyForms(text), at: NOWHERE });
      else if (bare !== undefined) planted.push({ what, forms: [bare, bare.slice(-30)], at: NOWHERE });
    }
  for (const name of ['ca', 'service-account-keys', 'license-signing-keys'])
    assert.ok(
      planted.some(({ what }) => what.includes(`/${name} `)),
      `the key in ${name} is among them`,
    );
}

async function plantInPortal(): Promise<void> {
  const primary =
    nodeFolders().find((folder) => (JSON.parse(readFileSync(join(folder, 'node.json'), 'utf8')) as { role: string }).role === 'Primary') ??
    '';
  const { address } = JSON.parse(readFileSync(join(primary, 'node.json'), 'utf8')) as { address: string };
  const { password } = await makePassword(primary);
  planted.push({ what: 'the password of the portal', forms: textForms(password), at: NOWHERE });
  const wrong = 'Planted-Wrong-Portal-Password-9K';
  planted.push({ what: 'a wrong password that somebody typed', forms: textForms(wrong), at: NOWHERE });
  const client = portalClient(address);
  await eventually('the portal answers', async () => (await client.get('/login').catch(() => undefined))?.status === 200, 60_000);
  assert.equal((await client.post('/login', { password: wrong })).status, 401);
  assert.equal((await client.post('/login', { password })).status, 303);
  for (const page of ['/', '/pairing', '/license', '/logs']) assert.equal((await client.get(page)).status, 200);
  planted.push({ what: 'a session of the portal', forms: [client.cookie()?.split('=')[1] ?? '', client.csrf()], at: NOWHERE });
  const answer = await client.post('/support-bundle', {});
  assert.equal(answer.status, 200);
  bundle = gunzipSync(answer.body).toString('latin1');
  assert.ok(bundle.includes('outrigger-support/manifest.json') && bundle.includes('harbor-a1-n1'));
}

function nodeFolders(): string[] {
  const nodes = join(rig.data, 'host', 'nodes');
  return readdirSync(nodes).map((uid) => join(nodes, uid));
}

/** What the program itself has laid down: each may be in that one file only. */
function plantFromFiles(): void {
  const exactly = (path: string): RegExp => new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
  for (const file of filesBelow(rig.data)) {
    const path = relative(rig.data, file);
    if (path.startsWith('postgres/')) continue;
    const text = readFileSync(file, 'utf8');
    if (path === 'keys/store.key')
      planted.push({ what: 'the key of the store', forms: text.split('\n').filter((line) => line.length > 20), at: exactly(path) });
    else if (path === 'run/extension.token')
      planted.push({ what: 'the token of the extension servers', forms: [text.trim()], at: exactly(path) });
    else if (path === 'kubeconfig')
      planted.push({
        what: "the admin's key",
        forms: [/client-key-data: "?(\S{80,})/.exec(text)?.[1]?.slice(60, 160) ?? ''],
        at: exactly(path),
      });
    else if (text.includes('PRIVATE KEY')) {
      const [, pem = ''] = /(-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\\\s]*?-----END)/.exec(text) ?? [];
      if (pem.length > 150) planted.push({ what: `the key in ${path}`, forms: keyForms(pem), at: exactly(path) });
    }
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((one) => {
    const path = join(folder, one.name);
    if (one.isDirectory()) return filesBelow(path);
    return one.isFile() ? [path] : [];
  });
}

/** `path`: undefined: it may be nowhere in there. */
function leaksIn(content: string, path: string | undefined): string[] {
  return planted.flatMap(({ what, forms, at }) =>
    forms.some((form) => form.length > 8 && content.includes(form)) && (path === undefined || !at.test(path)) ? [what] : [],
  );
}

function assertNone(where: string, leaks: readonly string[]): void {
  assert.deepEqual(leaks, [], `${where} holds ${leaks.join(', ')}`);
}

test('what was planted can be recognized, and is where it must be', () => {
  assert.ok(planted.length >= 14, planted.map(({ what }) => what).join('; '));
  for (const { what, forms } of planted)
    assert.ok(
      forms.some((form) => form.length > 8),
      what,
    );
  for (const { what, forms, at } of planted.filter((one) => one.at !== NOWHERE)) {
    const found = filesBelow(rig.data).filter(
      (file) => at.test(relative(rig.data, file)) && forms.some((form) => readFileSync(file, 'latin1').includes(form)),
    );
    assert.ok(found.length > 0, `${what} was not found where it must be: the search is blind`);
  }
  console.log(`measured: ${planted.length} secrets: ${planted.map(({ what }) => what).join('; ')}`);
});

test('no file of the data folder holds one: logs, records, framework files, but for where it must be', () => {
  let searched = 0;
  for (const file of filesBelow(rig.data)) {
    if (!existsSync(file)) continue;
    assertNone(file, leaksIn(readFileSync(file, 'latin1'), relative(rig.data, file)));
    searched++;
  }
  console.log(`measured: ${searched} files`);
  assert.ok(searched > 60);
});

test('the files that hold one are for their owner alone', () => {
  for (const file of filesBelow(rig.data)) {
    const path = relative(rig.data, file);
    if (path.startsWith('postgres/') || leaksIn(readFileSync(file, 'latin1'), undefined).length === 0) continue;
    assert.equal((statSync(file).mode & 0o077).toString(8), '0', `${path} can be read by others`);
  }
});

test('the database on disk, its log of changes included, holds no plain secret', () => {
  const home = dirname(preparePostgresHome(rig.data).folder);
  const folder = preparePostgresHome(rig.data).folder;
  let bytes = 0;
  let isSeen = false;
  for (const file of filesBelow(existsSync(folder) ? folder : home)) {
    const content = readFileSync(file, 'latin1');
    bytes += content.length;
    isSeen ||= content.includes('"kind":"Site"') || content.includes('harbor-connection-servers');
    assertNone(file, leaksIn(content, undefined));
  }
  console.log(`measured: ${(bytes / 1e6).toFixed(0)} MB of database files`);
  assert.ok(bytes > 1e6 && isSeen, 'what is no secret is found there, so the search is not blind');
});

test('no entity shows one: no spec, status or event, of any kind but Secret', async () => {
  const kinds = rig.run(['status', '--data', rig.data]);
  assertNone('outrigger status', leaksIn(kinds.out + kinds.err, undefined));
  for (const [group, plural] of [
    ['outrigger.dev', 'clusters'],
    ['outrigger.dev', 'clusternodes'],
    ['outrigger.dev', 'sites'],
    ['outrigger.dev', 'universallicenses'],
    ['outrigger.dev', 'hosts'],
    ['outrigger.dev', 'clusterreleases'],
    ['outrigger.dev', 'serverconfigs'],
    ['outrigger.dev', 'virtualdatacenters'],
    ['', 'events'],
    ['', 'configmaps'],
    ['', 'serviceaccounts'],
    ['', 'namespaces'],
    ['coordination.k8s.io', 'leases'],
  ] as const) {
    const answer = await api.list({ group, version: 'v1', plural, kind: 'Any', scope: 'Cluster' } as never, {}, never);
    assert.ok(answer.ok, plural);
    assertNone(plural, leaksIn(JSON.stringify(answer.value.items), undefined));
  }
});

test('no command line and no environment of a process holds one, nor what outrigger up printed', () => {
  let processes = 0;
  for (const pid of allPids()) {
    const environment = environmentOf(pid);
    if (environment?.['OUTRIGGER_DATA'] !== rig.data && pid !== run.pid) continue;
    const read = (name: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, 'latin1');
      } catch {
        return '';
      }
    };
    assertNone(`/proc/${pid}`, leaksIn(`${read('cmdline')}\n${read('environ')}`, undefined));
    processes++;
  }
  console.log(`measured: ${processes} processes`);
  assert.ok(processes > 8);
  assertNone('the output of outrigger up', leaksIn(run.output(), undefined));
});

test('the support bundle holds none', () => {
  assertNone('the support bundle', leaksIn(bundle, undefined));
});
