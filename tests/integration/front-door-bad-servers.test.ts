/**
 * The front door of a site in front of connection servers that misbehave: clients get a sentence in time, nothing hangs, nothing leaks.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { thumbprintOf } from '../../src/platform/mutual-http.ts';
import { certificateIssuer } from '../../src/platform/x509.ts';
import { BAD_BEHAVIORS, BAD_SERVER_ACCOUNT, badConnectionServer } from '../support/bad-connection-server.ts';
import type { BadBehavior, BadConnectionServer } from '../support/bad-connection-server.ts';
import { connectionServerRig, RIG_ACCOUNT } from '../support/connection-server-rig.ts';
import { eventually } from '../support/eventually.ts';
import { frontDoorRig, siteOf } from '../support/front-door-rig.ts';
import type { FrontDoorRig, RunningDoor } from '../support/front-door-rig.ts';

/** Trusted time cannot tell that a certificate begins only tomorrow; that one behaves well otherwise. */
const ILL: readonly BadBehavior[] = BAD_BEHAVIORS.filter((behavior) => behavior !== 'normal' && behavior !== 'not-yet-valid');
/** Ill already when they shake hands: nothing may be sent to them. */
const UNTRUSTED: readonly BadBehavior[] = ['wrong-certificate', 'expired'];
const FAST_MS = 9_000;

function site(bad: readonly BadConnectionServer[], good: readonly { url: string; thumbprint: string }[] = []) {
  return siteOf([...bad.map(({ url, pin }) => ({ url, thumbprint: pin })), ...good], { credentials: BAD_SERVER_ACCOUNT });
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

describe('the front door before connection servers that misbehave', { timeout: 180_000 }, () => {
  let rig: FrontDoorRig;
  let door: RunningDoor;
  const bad: BadConnectionServer[] = [];
  const servers = connectionServerRig();
  before(async () => {
    rig = await frontDoorRig();
    for (const behavior of ILL) bad.push(await badConnectionServer(behavior));
    door = await rig.door('n0', { site: site(bad), license: rig.license() });
  });
  after(async () => {
    rig.cleanup();
    servers.cleanup();
    for (const server of bad) await server.close();
  });

  test('each of them is found out, in a sentence; a client gets one in time', async () => {
    const status = await eventually(
      'each was looked at',
      async () => {
        const said = await door.status();
        const all = Object.values(said.servers);
        return all.length === ILL.length && all.every((one) => one.state === 'Unhealthy' && one.message !== 'It has not answered yet.')
          ? said
          : undefined;
      },
      30_000,
    );
    for (const [index, behavior] of ILL.entries()) {
      const message = status.servers[`server-${index + 1}`]?.message ?? '';
      console.log(`${behavior}: ${message}`);
      assert.match(message, /^\S.*\.$/s, `${behavior}: a sentence`);
      assert.ok(message.length < 1_000);
    }
    assert.match(status.servers[`server-${ILL.indexOf('unauthorized') + 1}`]?.message ?? '', /user name and password/);
    const begun = performance.now();
    const refused = await door.post('ann');
    assert.deepEqual([refused.status, refused.json['code']], [503, 'NoServer']);
    assert.match(String(refused.json['message']), /No connection server can take a session now: server-1 does not answer as it should/);
    assert.doesNotMatch(refused.text, /127\.0\.0\.1|sha256|password/, 'clients learn no addresses, pins and accounts');
    assert.ok(performance.now() - begun < FAST_MS);
  });

  test('not one byte of a request reached a server whose certificate is not the pinned one', () => {
    for (const behavior of UNTRUSTED) assert.deepEqual(bad[ILL.indexOf(behavior)]?.requests(), [], behavior);
  });

  test('beside all of them a good server gets every session, quickly', async () => {
    const backend = await servers.backend('one');
    const good = await servers.server('good', backend.port, ['--capacity', '100', '--account', RIG_ACCOUNT.username]);
    const mixed = site(bad, [good]);
    await door.tell({ site: { ...mixed, credentials: RIG_ACCOUNT }, license: rig.license() });
    await eventually('the good one is found', async () => (await door.ask('GET', '/v1/health')).status === 200, 20_000);
    for (let i = 0; i < 20; i++) {
      const begun = performance.now();
      const made = await door.post(`user-${i}`);
      assert.equal(made.status, 201, made.text);
      assert.ok(performance.now() - begun < FAST_MS);
    }
    await door.tell({ site: site(bad), license: rig.license() });
  });

  test('nothing piles up: connections and memory stay bounded while they go on misbehaving', async () => {
    const before = residentMiB(door.pid);
    const sentBefore = bad[ILL.indexOf('floods')]?.sentBytes() ?? 0;
    for (let i = 0; i < 10; i++) {
      await new Promise((done) => setTimeout(done, 1_000));
      for (const [index, server] of bad.entries())
        assert.ok(server.connections() <= 8, `${ILL[index]}: ${server.connections()} connections`);
    }
    const grown = residentMiB(door.pid) - before;
    const flooded = ((bad[ILL.indexOf('floods')]?.sentBytes() ?? 0) - sentBefore) / 1024 / 1024;
    console.log(`10 s of misbehavior: ${grown.toFixed(1)} MiB more memory, ${flooded.toFixed(1)} MiB of flood left the server`);
    assert.ok(grown < 40, `${grown} MiB`);
    await door.tell({ site: undefined, license: rig.license() });
    const open = (): string[] => ILL.filter((_, index) => (bad[index]?.connections() ?? 0) > 0);
    await eventually('all connections are let go', () => open().length === 0, 10_000).catch((cause: unknown) => {
      throw new Error(`connections are kept to: ${open().join(', ')}`, { cause });
    });
  });
});

/** Looks healthy, and then fails whoever wants a session. */
async function twoFaced(
  face: (socket: TLSSocket, head: string) => void,
): Promise<{ url: string; thumbprint: string; close(): Promise<void> }> {
  const nowMs = Date.now();
  const order = { commonName: 'two-faced', names: ['127.0.0.1'], notBeforeMs: nowMs - 86_400_000, notAfterMs: nowMs + 86_400_000 };
  const { certificatePem, privateKeyPem } = await certificateIssuer().createSelfSigned(order);
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert: certificatePem, key: privateKeyPem }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      const head = chunk.toString('latin1');
      const body = LOOKS[head.split(' ')[1] ?? ''];
      if (head.startsWith('GET ') && body !== undefined && !/upgrade: websocket/i.test(head)) socket.write(answer(200, body));
      else if (/^(POST|GET|DELETE) \/v1\/sessions/.test(head)) face(socket, head);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const der = Buffer.from(certificatePem.replace(/-----[^-]+-----/g, ''), 'base64');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    thumbprint: thumbprintOf(der),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

const LOOKS: Readonly<Record<string, object>> = {
  '/v1/health': { status: 'Ok', message: '' },
  '/v1/version': { product: 'outrigger-connection-server', name: 'f', instance: 'feed', version: '1', api: ['v1'] },
  '/v1/capacity': { capacity: 100, used: 0, free: 100, draining: false },
  '/v1/sessions': { concurrent: 0, connected: 0, peakConcurrent: 0, users: ['not a hash', 7, 'f'.repeat(32)] },
};

function answer(status: number, body: object): string {
  const text = JSON.stringify(body);
  return `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

const FACES: readonly (readonly [what: string, face: (socket: TLSSocket, head: string) => void, status: number])[] = [
  ['hangs', () => undefined, 504],
  ['resets', (socket) => void socket.destroy(), 502],
  ['says garbage', (socket) => void socket.write('what?\r\n\r\n'), 502],
  ['lies about its length', (socket) => void socket.end('HTTP/1.1 201 X\r\ncontent-length: 1000\r\n\r\n{"id":"feed.1"}'), 502],
  ['gives an id that is none', (socket) => void socket.write(answer(201, { id: 'no instance', user: 'a', connect: '/' })), 502],
  ['sets headers that are not its to set', (socket) => void socket.write(answer(500, { message: 'x'.repeat(5_000) })), 502],
  ['is full', (socket) => void socket.write(answer(503, { code: 'AtCapacity', message: 'full' })), 503],
];

describe('a server that looks healthy and fails whoever wants a session', { timeout: 120_000 }, () => {
  for (const [what, face, status] of FACES) {
    test(`${what}: a client gets ${status} with a sentence in time, also by WebSocket`, async (t) => {
      const rig = await frontDoorRig();
      t.after(() => rig.cleanup());
      const server = await twoFaced(face);
      t.after(() => server.close());
      const door = await rig.door('n0', { site: siteOf([server]), license: undefined });
      await eventually('it looks healthy', async () => (await door.ask('GET', '/v1/health')).status === 200, 10_000);
      await door.tell({ site: siteOf([server]), license: rig.license() });
      await eventually('the license is there', async () => (await door.post('ann')).status !== 403);
      await eventually('it looks healthy', async () => (await door.ask('GET', '/v1/health')).status === 200 || status === 503, 10_000);
      const begun = performance.now();
      const refused = await door.post('ann');
      assert.equal(refused.status, status, refused.text);
      assert.match(String(refused.json['message']), /^[A-Z].*\.$/);
      assert.doesNotMatch(refused.text, /127\.0\.0\.1|sha256|xxx/);
      await assert.rejects(door.connect('feed.1'), /refused (5\d\d|404)/);
      assert.ok(performance.now() - begun < 12_000);
    });
  }
});
