/**
 * The load generator against servers that answer, refuse, cut off and keep silent.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, test } from 'node:test';
import type { LoadReport } from '../../src/decide/load-tally.ts';
import { loadSentence } from '../../src/decide/load-tally.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { loadGenerator } from '../../src/platform/load-generator.ts';
import type { LoadOrder } from '../../src/ports/load.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';

const clock = systemClock();
const servers: { close(): unknown }[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function serve(
  listener: RequestListener,
): Promise<{ readonly port: number; readonly server: Server; readonly sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer(listener).on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  servers.push({ close: () => server.close().closeAllConnections() });
  return { port: (server.address() as AddressInfo).port, server, sockets };
}

/** Loads until `enough`. */
async function load(order: Partial<LoadOrder> & { port: number }, enough: (report: LoadReport) => boolean): Promise<LoadReport> {
  const stop = new AbortController();
  const running = loadGenerator(clock).start({ host: '127.0.0.1', request: { kind: 'Http', path: '/' }, ...order }, stop.signal);
  try {
    await eventually('the load has seen enough', () => enough(running.report()), 20_000, 20);
  } finally {
    stop.abort();
  }
  return await running.ended;
}

test('200 new connections a second and 8 that are kept, all answered; what it costs', async () => {
  let connections = 0;
  const { port, server } = await serve((_, response) => void response.end('well'));
  server.on('connection', () => connections++);
  const before = process.cpuUsage();
  const report = await load({ port }, (now) => now.toMs - now.fromMs > 2_000);
  const used = process.cpuUsage(before);
  const share = ((used.user + used.system) / 1000 / (report.toMs - report.fromMs)) * 100;
  console.log(`measured: ${loadSentence(report)}; client and server together took ${share.toFixed(0)} % of a core`);
  assert.equal(report.failed, 0, loadSentence(report));
  const seconds = (report.toMs - report.fromMs) / 1000;
  const due = report.kinds.fresh.attempts + report.kinds.fresh.skipped;
  assert.ok(Math.abs(due / seconds - 200) < 10, `${due} in ${seconds} s`);
  assert.ok(report.kinds.kept.attempts > 20 * seconds, 'the kept clients ask all the time');
  assert.ok(connections <= report.kinds.fresh.attempts + 8, 'I1: the kept clients keep their connections');
});

test('an answer that is not 2xx, a refused and a cut connection have failed; reasons are told', async () => {
  const unavailable = await serve((_, response) => void response.writeHead(503).end());
  const refused = await load({ port: unavailable.port, keptClients: 1 }, (now) => now.attempts > 20);
  assert.equal(refused.failed, refused.attempts);
  assert.deepEqual(Object.keys(refused.reasons), ['answered 503']);

  const nobody = await load({ port: await freePort(), keptClients: 1 }, (now) => now.attempts > 20);
  assert.equal(nobody.failed, nobody.attempts);
  assert.deepEqual(Object.keys(nobody.reasons), ['ECONNREFUSED']);

  const cutting = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('part');
    setImmediate(() => response.destroy());
  });
  const cut = await load({ port: cutting.port, keptClients: 1 }, (now) => now.attempts > 20);
  assert.equal(cut.failed, cut.attempts, 'half an answer is none');
  assert.ok((cut.errors?.ms ?? 0) > 0);
});

test('I1: a kept connection that was closed between two requests is opened anew, and nothing has failed', async () => {
  const { port, server } = await serve((_, response) => void response.writeHead(200, { connection: 'close' }).end('well'));
  let connections = 0;
  server.on('connection', () => connections++);
  const report = await load({ port, keptClients: 2, keptPauseMs: 1, freshPerSecond: 0 }, (now) => now.attempts > 20);
  assert.equal(report.failed, 0, loadSentence(report));
  assert.ok(connections > 15);
  assert.equal(report.kinds.fresh.attempts, 0);
});

test('I1: a request whose kept connection breaks under it has failed and is not sent again', async () => {
  let asked = 0;
  const { port } = await serve((request, response) => {
    asked++;
    if (asked % 5 === 0) request.socket.destroy();
    else response.end('well');
  });
  const report = await load({ port, keptClients: 1, keptPauseMs: 0, freshPerSecond: 0 }, (now) => now.attempts >= 25);
  assert.equal(report.attempts, asked);
  assert.equal(report.failed, Math.floor(asked / 5));
});

test('I2, I3: nobody answers: new connections go on being sent, and each has failed when its time is over', async () => {
  const { port } = await serve(() => {});
  const report = await load({ port, keptClients: 1, freshPerSecond: 200, timeoutMs: 500 }, (now) => now.failed > 3);
  assert.match(Object.keys(report.reasons).join(), /nothing within 500 ms/);
  assert.ok(report.kinds.fresh.attempts > 50, `${report.kinds.fresh.attempts} were sent although nobody answered`);
  assert.ok(report.longestGapMs >= 500);
});

test('by TCP a connection is enough, or one byte of the other end', async () => {
  const talking = createTcpServer((socket) => void socket.on('error', () => {}).end('x'));
  const silent = createTcpServer((socket) => void socket.on('error', () => {}).end());
  for (const server of [talking, silent]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  servers.push(talking, silent);
  const portOf = (server: typeof talking): number => (server.address() as AddressInfo).port;
  const byte = { kind: 'Tcp', firstByte: true } as const;
  const well = await load({ port: portOf(talking), request: byte }, (now) => now.attempts > 20);
  assert.equal(well.failed, 0, loadSentence(well));
  assert.equal(well.kinds.kept.attempts, 0);
  const mute = await load({ port: portOf(silent), request: byte }, (now) => now.attempts > 20);
  assert.equal(mute.failed, mute.attempts);
  const connected = await load({ port: portOf(silent), request: { kind: 'Tcp', firstByte: false } }, (now) => now.attempts > 20);
  assert.equal(connected.failed, 0, loadSentence(connected));
});
