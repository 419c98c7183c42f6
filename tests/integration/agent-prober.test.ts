/**
 * Probes against real sockets: what is well, what is not, and that no answer is an answer in time.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { Probe } from '../../src/model/pod.ts';
import { prober } from '../../src/platform/prober.ts';
import type { PodRuntime } from '../../src/ports/runtime.ts';
import { freePort } from '../support/free-port.ts';

const never = new AbortController().signal;
const target = { key: { service: 'hello', revisionHash: 'a' }, container: 'main', podAddress: '127.0.0.1' };
const times = { initialDelaySeconds: 0, periodSeconds: 1, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };
const closing: { close(): unknown }[] = [];
after(() => closing.forEach((one) => one.close()));

const noExec = (): Promise<never> => Promise.reject(new Error('not asked'));
const ask = (probe: Partial<Probe>, timeoutMs = 1_000, exec: PodRuntime['exec'] = noExec) =>
  prober({ exec } as unknown as PodRuntime).ask({ ...times, ...probe }, target, timeoutMs, never);

test('I2: httpGet is well from 200 to 399, and says what came instead', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.url}`);
    const status = Number(request.url?.slice(1));
    if (status > 0) response.writeHead(status).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push({ close: () => server.closeAllConnections() }, server);
  const { port } = server.address() as AddressInfo;
  for (const status of [200, 204, 302]) assert.deepEqual(await ask({ httpGet: { port, path: `/${status}` } }), { ok: true });
  for (const status of [404, 500, 503]) {
    assert.deepEqual(await ask({ httpGet: { port, path: `/${status}` } }), {
      ok: false,
      message: `http://127.0.0.1:${port}/${status}: ${status}`,
    });
  }
  const startedMs = performance.now();
  const silent = await ask({ httpGet: { port, path: '/0' } }, 100);
  assert.deepEqual(silent, { ok: false, message: `http://127.0.0.1:${port}/0: no answer within 100 ms` });
  assert.ok(performance.now() - startedMs < 2_000, 'I1');
  assert.equal(seen[0], '/200');
});

test('I2: tcpSocket is well with a connection, httpGet is not with something that is no HTTP', async () => {
  const server = createTcpServer((socket) => socket.on('error', () => {}).end('x'.repeat(100)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(server);
  const { port } = server.address() as AddressInfo;
  assert.deepEqual(await ask({ tcpSocket: { port } }), { ok: true });
  assert.equal((await ask({ httpGet: { port, path: '/' } })).ok, false);
  const nobody = await freePort();
  assert.deepEqual(await ask({ tcpSocket: { port: nobody } }), { ok: false, message: `127.0.0.1:${nobody}: ECONNREFUSED` });
});

test('I2: exec is well with exit code 0, and tells what it said', async () => {
  const exec = { command: ['check', 'it'] };
  const answering = (exitCode: number | null, output: string) => ask({ exec }, 500, () => Promise.resolve({ exitCode, output }));
  assert.deepEqual(await answering(0, ''), { ok: true });
  assert.deepEqual(await answering(3, 'no disk\n'), { ok: false, message: 'check ended with 3: no disk' });
  assert.deepEqual(await answering(null, ''), { ok: false, message: 'check did not end within 500 ms' });
});
