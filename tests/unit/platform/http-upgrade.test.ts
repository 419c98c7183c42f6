/** The HTTP server's door to other protocols: WebSocket upgrades and tunnels, over real sockets. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { listenHttp } from '../../../src/platform/http-server.ts';
import { certificateIssuer } from '../../../src/platform/x509.ts';
import { TUNNEL_PROTOCOL } from '../../../src/ports/http.ts';
import type { HttpServer, TlsIdentity } from '../../../src/ports/http.ts';

const HANDSHAKE = 'GET /ws?x=%41 HTTP/1.1\r\nhost: a\r\nX-One: 1\r\nupgrade: WebSocket\r\nconnection: Upgrade\r\n\r\n';

async function closing(server: HttpServer, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    await server.close(0);
  }
}

test('an upgrade gets the raw connection, with what was sent right after the head', async () => {
  const server = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    handler: (_request, response) => response.send(200, [], Buffer.from('plain')),
    onUpgrade: (upgrade) => {
      assert.equal(upgrade.target, '/ws?x=%41');
      assert.equal(upgrade.header('x-one'), '1');
      assert.deepEqual(upgrade.headers().slice(0, 4), ['host', 'a', 'x-one', '1']);
      upgrade.stream.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      upgrade.stream.pipe(upgrade.stream);
    },
    onError: (error) => assert.fail(String(error)),
  });
  await closing(server, async () => {
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.write(`${HANDSHAKE}early`);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith('early')) socket.write(' late');
      if (text.endsWith('late')) socket.end();
    });
    await once(socket, 'close');
    assert.match(text, /^HTTP\/1.1 101 .*early late$/s);
  });
});

test('a refused upgrade is a whole answer, and other requests to upgrade are plain ones', async () => {
  const server = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    handler: (_request, response) => response.send(200, [], Buffer.from('plain')),
    onUpgrade: (upgrade) => upgrade.refuse(403, ['content-type', 'text/plain'], Buffer.from('no')),
    onError: (error) => assert.fail(String(error)),
  });
  await closing(server, async () => {
    for (const [upgrade, status] of [
      ['websocket', 403],
      ['h2c', 200],
    ] as const) {
      const asked = request({ port: server.port, host: '127.0.0.1', headers: { upgrade, connection: 'upgrade' } });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
      answer.resume();
      assert.equal(answer.statusCode, status);
    }
  });
});

async function identity(): Promise<TlsIdentity> {
  const x509 = certificateIssuer();
  const now = Date.now();
  const made = await x509.createAuthority('ca', now - 1000, now + 3_600_000);
  const authority = await x509.openAuthority(made.certificatePem, made.privateKeyPem);
  const key = x509.newKey();
  const leaf = {
    commonName: 'x',
    publicKeyDer: key.publicKeyDer,
    notBeforeMs: now - 1000,
    notAfterMs: now + 3_600_000,
    names: ['127.0.0.1'],
  };
  return { certificate: await authority.issue({ ...leaf, usage: 'server' }), key: key.privateKeyPem };
}

test('I2: a tunnel is told by ALPN, is all the taker’s, and ends with the server', async () => {
  const tunnels: Duplex[] = [];
  const server = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    tls: await identity(),
    handler: (_request, response) => response.send(200, [], Buffer.from('plain')),
    onTunnel: (socket, peer) => {
      assert.equal(peer.protocol, 'tunnel');
      tunnels.push(socket);
      socket.write('hello');
    },
    onError: (error) => assert.fail(String(error)),
  });
  const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [TUNNEL_PROTOCOL] });
  const [first] = (await once(socket, 'data')) as [Buffer];
  assert.equal(first.toString(), 'hello');
  socket.on('error', () => undefined);
  const ended = once(socket, 'close');
  await server.close(0);
  await ended;
  assert.equal(tunnels.length, 1);
});
