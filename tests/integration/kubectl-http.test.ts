/**
 * The one TLS port as peers meet it, well-behaved and not: HTTP/1.1 and HTTP/2, compression, and noise that must not matter to anybody else.
 */
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { credentialsIn } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { createMap, MAPS, startWire } from '../support/wire.ts';

let director: TestDirector;
before(async () => {
  director = await startWire();
  for (let i = 0; i < 6; i++) await createMap(`large-${i}`, { text: `${i}`.repeat(100_000) });
});
interface Http2Answer {
  readonly headers: IncomingHttpHeaders & { readonly ':status'?: number | undefined };
  readonly body: Buffer;
}

function ask(
  session: ClientHttp2Session,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': method,
      ':path': path,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    });
    const chunks: Buffer[] = [];
    let got: Http2Answer['headers'] = {};
    stream.on('response', (head) => (got = head));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve({ headers: got, body: Buffer.concat(chunks) }));
    stream.on('error', reject);
    stream.end(body);
  });
}

function tls(protocols: string[]): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { host: '127.0.0.1', port: director.port, ALPNProtocols: protocols, ...credentialsIn(director.kubeconfig) },
      () => resolve(socket),
    );
    socket.on('error', reject);
  });
}

/** Everything that comes until the peer closes. */
function everything(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('error', () => undefined);
  });
}

describe('HTTP/2', () => {
  test('many requests at once on one connection, small and large, reads and writes', async () => {
    const session = connectHttp2(director.url, credentialsIn(director.kubeconfig));
    const writes = Array.from({ length: 40 }, (_, i) => ask(session, 'POST', MAPS, JSON.stringify({ metadata: { name: `two-${i}` } })));
    const reads = Array.from({ length: 10 }, () => ask(session, 'GET', MAPS));
    assert.deepEqual([...new Set((await Promise.all(writes)).map(({ headers }) => headers[':status']))], [201]);
    for (const { headers, body } of await Promise.all(reads)) {
      assert.equal(headers[':status'], 200);
      assert.equal(Number(headers['content-length']), body.length);
      assert.ok((JSON.parse(body.toString('utf8')) as { items: unknown[] }).items.length >= 6);
    }
    assert.equal((await ask(session, 'POST', MAPS, 'x'.repeat(3_300_000))).headers[':status'], 413);
    assert.equal((await ask(session, 'GET', `${MAPS}/nosuch`)).headers[':status'], 404);
    session.close();
  });

  test('a watch that is cut by its client is gone', async () => {
    const session = connectHttp2(director.url, credentialsIn(director.kubeconfig));
    const stream = session.request({ ':path': `${MAPS}?watch=1` });
    await new Promise((resolve) => stream.once('data', resolve));
    assert.equal(await director.watches(), 1);
    stream.close();
    await new Promise((resolve) => stream.once('close', resolve));
    for (let tries = 0; (await director.watches()) > 0; tries++) assert.ok(tries < 1000);
    session.close();
  });
});

describe('compression', () => {
  test('large answers are smaller when asked for, and the same', async () => {
    const plain = await director.call('GET', MAPS);
    const zipped = await new Promise<{ encoding: string; body: Buffer }>((resolve) => {
      const session = connectHttp2(director.url, credentialsIn(director.kubeconfig));
      void ask(session, 'GET', MAPS, undefined, { 'accept-encoding': 'gzip' }).then(({ headers, body }) => {
        session.close();
        resolve({ encoding: String(headers['content-encoding']), body });
      });
    });
    assert.equal(zipped.encoding, 'gzip');
    assert.ok(zipped.body.length < plain.text.length / 10);
    assert.equal(gunzipSync(zipped.body).toString('utf8'), plain.text);
  });
});

describe('noise', () => {
  test('what is no HTTP gets a sentence and the end', async () => {
    const socket = await tls(['http/1.1']);
    const said = everything(socket);
    socket.write('\u0016\u0003nonsense\r\n\r\n');
    assert.match(await said, /^HTTP\/1\.1 400 [^]*not a well-formed HTTP\/1\.1 request/);
  });

  test('headers without end are refused', async () => {
    const socket = await tls(['http/1.1']);
    const said = everything(socket);
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nbig: ${'x'.repeat(40_000)}\r\n\r\n`);
    assert.match(await said, /^HTTP\/1\.1 431 /);
  });

  test('a peer without ALPN speaks HTTP/1.1', async () => {
    const socket = await tls([]);
    const said = everything(socket);
    socket.write('GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(await said, /^HTTP\/1\.1 200 OK[^]*\r\n\r\nok$/);
  });

  test('bodies that never come, connections that break, plain text and half handshakes leave nothing behind', async () => {
    const head = `POST ${MAPS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
    for (const sent of [`${head}content-length: 3000000\r\n\r\n{"a":`, `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"a":`, head]) {
      for (let i = 0; i < 60; i++) {
        const socket = await tls(['http/1.1']);
        socket.write(sent);
        setTimeout(() => socket.destroy(), 20);
      }
    }
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000\u0001', '']) {
      const socket = connectTcp(director.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(bytes);
      setTimeout(() => socket.destroy(), 50);
    }
    const session = connectHttp2(director.url, credentialsIn(director.kubeconfig));
    session.on('error', () => undefined);
    const stream = session.request({ ':method': 'POST', ':path': MAPS, 'content-length': '1000' });
    stream.on('error', () => undefined);
    stream.write('{');
    await new Promise((resolve) => setTimeout(resolve, 100));
    session.destroy();
    // Bodies under way have a bound all together: those that were broken off must not count any more.
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => director.call('POST', MAPS, { body: { metadata: { name: `calm-${i}` } } })),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
  });

  test('many requests in one go on one connection are answered in order', async () => {
    const socket = await tls(['http/1.1']);
    const said = everything(socket);
    const get = (name: string, more = ''): string => `GET ${MAPS}/${name} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
    socket.write(get('calm-1') + get('nosuch') + get('calm-2', 'connection: close\r\n'));
    assert.deepEqual(
      [...(await said).matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]),
      ['200', '404', '200'],
    );
  });
});

test('after all that noise it works, and stops as it should', async () => {
  assert.equal((await director.call('GET', '/readyz')).text, 'ok');
  assert.equal(await director.stop(), 0, director.log());
});
