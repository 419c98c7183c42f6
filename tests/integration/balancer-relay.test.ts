/**
 * The relay with real sockets: where connections go, what happens when instances die, how ends are passed on.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Agent, createServer as createHttpServer, get } from 'node:http';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Endpoint } from '../../src/decide/endpoints.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { relay } from '../../src/platform/relay.ts';
import type { Balancer } from '../../src/ports/balancer.ts';
import type { Log } from '../../src/ports/log.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => log };
const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

interface Instance {
  readonly address: string;
  readonly sockets: Set<Socket>;
  readonly server: Server;
  /** As if its process was killed: it stops listening and all connections are reset. */
  kill(): void;
}

async function instance(onSocket: (socket: Socket, name: string) => void, port = 0): Promise<Instance> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    onSocket(socket, address);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kill = (): void => {
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
  };
  cleanups.push(kill);
  return { address, sockets, server, kill };
}

const namer = () => instance((socket, name) => void socket.end(name));

async function httpInstance(onRequest?: (request: IncomingMessage) => boolean): Promise<Instance & { http: HttpServer; name: string }> {
  const http = createHttpServer((request, response) => {
    if (onRequest?.(request) !== false) response.end(made.address);
  });
  const made = await instance((socket) => void http.emit('connection', socket));
  return { ...made, http, name: made.address };
}

interface Balanced {
  readonly balancer: Balancer;
  readonly port: number;
  readonly set: (endpoints: readonly (string | Partial<Endpoint>)[]) => void;
}

async function balanced(protocol: 'TCP' | 'HTTP', first: readonly (string | Partial<Endpoint>)[]): Promise<Balanced> {
  const balancer = relay(log);
  cleanups.push(() => balancer.close());
  const port = await freePort();
  const set = (endpoints: readonly (string | Partial<Endpoint>)[]): void => {
    const full = endpoints.map((one) => ({
      node: 'other',
      draining: false,
      address: '',
      ...(typeof one === 'string' ? { address: one } : one),
    }));
    balancer.apply({ address: '127.0.0.1', node: 'here', services: [{ name: 'hello', port, protocol, endpoints: full }] });
  };
  set(first);
  await eventually('it listens', () => balancer.listeners()[0]!.listening);
  return { balancer, port, set };
}

/** All that a connection says until it ends; rejects when it is reset. */
function say(port: number, text = ''): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  return new Promise((done, failed) => {
    let said = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    socket.once('end', () => done(said));
    socket.once('error', failed);
    if (text !== '') socket.write(text);
    socket.once('end', () => socket.end());
  });
}

function httpGet(port: number, agent?: Agent): Promise<string> {
  return new Promise((done, failed) => {
    const request = get({ port, host: '127.0.0.1', path: '/', agent: agent ?? false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.once('end', () => done(body)).once('error', failed);
    });
    request.once('error', failed);
  });
}

test('connections go to the instance with the fewest, the local one on a tie', async () => {
  const holders = await Promise.all(
    [1, 2, 3].map(() => instance((socket, name) => void socket.once('end', () => socket.end()).write(name))),
  );
  const [a, b, c] = holders.map((one) => one.address);
  const { port, balancer } = await balanced('TCP', [a!, b!, { address: c!, node: 'here' }]);
  const clients = Array.from({ length: 9 }, () => connect({ port, host: '127.0.0.1' }));
  const names = await Promise.all(
    clients.map((client) => new Promise<string>((done) => client.once('data', (bytes) => done(bytes.toString())))),
  );
  for (const holder of holders) assert.equal(names.filter((name) => name === holder.address).length, 3, names.join());
  for (const client of clients) client.destroy();
  await eventually('all are gone', () => balancer.listeners()[0]!.connections === 0);
  const last = connect({ port, host: '127.0.0.1' });
  assert.equal(await new Promise<string>((done) => last.once('data', (bytes) => done(bytes.toString()))), c, 'a tie goes to the local one');
  last.destroy();
});

test('I1 of connections: one that refuses is left out within the same client connection, and readmitted when it is back', async () => {
  const [one, two] = [await namer(), await namer()];
  const { port, balancer } = await balanced('TCP', [one.address, two.address]);
  one.kill();
  for (let i = 0; i < 5; i++) assert.equal(await say(port), two.address);
  assert.deepEqual(balancer.listeners()[0]!.ejected, [one.address]);
  const back = await instance((socket, name) => void socket.end(name), Number(one.address.split(':')[1]));
  assert.equal(back.address, one.address);
  await eventually('it is readmitted', () => balancer.listeners()[0]!.ejected.length === 0);
  const [status] = balancer.listeners();
  assert.deepEqual([status!.accepted, status!.failed, status!.refused], [5, 0, 0]);
});

test('a client waits while nobody is there, and is served when somebody comes', async () => {
  const { port, set } = await balanced('TCP', []);
  const waiting = say(port);
  await wait(300);
  const late = await namer();
  set([late.address]);
  assert.equal(await waiting, late.address);
});

test('I2 of connections: a client is held for its time, then reset', async () => {
  const { port, balancer } = await balanced('TCP', [`127.0.0.1:${await freePort()}`]);
  const startedMs = performance.now();
  await assert.rejects(say(port), /ECONNRESET/);
  const heldMs = performance.now() - startedMs;
  assert.ok(heldMs >= LIMITS.clientWaitMs - 100 && heldMs < LIMITS.clientWaitMs + 3_000, `held ${heldMs} ms`);
  await eventually('it is counted', () => balancer.listeners()[0]!.failed === 1);
});

test('draining instances finish what they have and get nothing new', async () => {
  const [old, fresh] = [await instance((socket, name) => void socket.on('data', () => socket.write(name))), await namer()];
  const { port, set } = await balanced('TCP', [old.address]);
  const client = connect({ port, host: '127.0.0.1' });
  const answer = () => new Promise<string>((done) => client.once('data', (bytes) => done(bytes.toString())).write('?'));
  assert.equal(await answer(), old.address);
  set([{ address: old.address, draining: true }, fresh.address]);
  for (let i = 0; i < 4; i++) assert.equal(await say(port), fresh.address);
  assert.equal(await answer(), old.address);
  set([fresh.address]);
  assert.equal(await answer(), old.address, 'also when it is not in the table any more');
  client.destroy();
});

test('I4: halves are ended as halves, resets passed on as resets', async () => {
  const echo = await instance((socket) => {
    let heard = '';
    socket.on('data', (bytes) => (heard += bytes.toString())).once('end', () => socket.end(`heard ${heard}`));
  });
  const { port } = await balanced('TCP', [echo.address]);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.end('all I say');
  const said = await new Promise<string>((done) => client.once('data', (bytes) => done(bytes.toString())));
  assert.equal(said, 'heard all I say', 'the client ended its half and still got its answer');

  const torn = await instance((socket) => void socket.write('half an ans', () => setTimeout(() => socket.resetAndDestroy(), 20)));
  const second = await balanced('TCP', [torn.address]);
  await assert.rejects(say(second.port), /ECONNRESET/, 'a torn answer must not look whole');

  const heard = await instance(() => {});
  const third = await balanced('TCP', [heard.address]);
  const rude = connect({ port: third.port, host: '127.0.0.1' });
  await eventually('it is connected through', () => heard.sockets.size === 1);
  rude.resetAndDestroy();
  await eventually('the instance is told', () => heard.sockets.size === 0);
});

test('I3: back-pressure reaches the sender, and every byte arrives in order', async () => {
  const bytes = randomBytes(32 * 1024 * 1024);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const sender = await instance((socket) => void socket.end(bytes));
  const { port } = await balanced('TCP', [sender.address]);
  const client = connect({ port, host: '127.0.0.1' }).pause();
  await eventually('it is connected through', () => sender.sockets.size === 1);
  await wait(200);
  const kept = [...sender.sockets][0]!.writableLength;
  assert.ok(kept > 8 * 1024 * 1024, `the sender still holds ${kept} bytes, because the client does not read`);
  const hash = createHash('sha256');
  for await (const chunk of client) hash.update(chunk as Buffer);
  assert.equal(hash.digest('hex'), digest);
});

test('a table that changes cuts nothing; a service that is gone stops listening', async () => {
  const echo = await instance((socket) => void socket.on('data', (bytes) => socket.write(bytes)));
  const { port, balancer } = await balanced('TCP', [echo.address]);
  const client = connect({ port, host: '127.0.0.1' });
  const answer = () => new Promise<string>((done) => client.once('data', (bytes) => done(bytes.toString())).write('!'));
  assert.equal(await answer(), '!');
  balancer.apply({ address: '127.0.0.1', node: 'here', services: [] });
  assert.equal(await answer(), '!');
  await assert.rejects(say(port), /ECONNREFUSED/);
  client.destroy();
});

test('a port that is taken is tried again until it is free, and said', async () => {
  const squatter = await namer();
  const port = Number(squatter.address.split(':')[1]);
  const balancer = relay(log);
  cleanups.push(() => balancer.close());
  const free = await namer();
  const services = [{ name: 'hello', port, protocol: 'TCP' as const, endpoints: [{ node: 'x', address: free.address, draining: false }] }];
  balancer.apply({ address: '127.0.0.1', node: 'here', services });
  await eventually('it says why', () => balancer.listeners()[0]!.message?.includes('another program listens there') === true);
  squatter.kill();
  await eventually('it listens', () => balancer.listeners()[0]!.listening);
  assert.equal(await say(port), free.address);
});

test('HTTP: the first request of a connection survives the death of its instance, when it may be repeated', async () => {
  const seen: string[] = [];
  const dying = await httpInstance((request) => {
    seen.push(`${request.method}`);
    request.socket.resetAndDestroy();
    return false;
  });
  const ending = await instance((socket) => void socket.once('data', () => socket.end()));
  const good = await httpInstance();
  const { port, set } = await balanced('HTTP', [{ address: dying.address, node: 'here' }, good.address]);
  assert.equal(await httpGet(port), good.name);
  assert.deepEqual(seen, ['GET']);
  set([{ address: ending.address, node: 'here' }, good.address]);
  assert.equal(await httpGet(port), good.name, 'also when it just ends without an answer');

  set([{ address: dying.address, node: 'here' }, good.address]);
  const post = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi';
  await assert.rejects(say(port, post), /ECONNRESET/, 'what changes something is not repeated');
  assert.equal(seen.length, 2);

  set([dying.address]);
  await assert.rejects(httpGet(port), /ECONNRESET|socket hang up/);
  assert.equal(seen.length, 2 + 3, 'at most three instances are asked');
});

test('HTTP: a connection with an answer begun is passed through as it is, also large ones and several requests', async () => {
  const big = 'x'.repeat(3_000_000);
  const http = createHttpServer((request, response) => void request.resume().once('end', () => response.end(big)));
  const server = await instance((socket) => void http.emit('connection', socket));
  const { port, balancer } = await balanced('HTTP', [server.address]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => agent.destroy());
  for (let i = 0; i < 3; i++) assert.equal((await httpGet(port, agent)).length, big.length);
  assert.equal(balancer.listeners()[0]!.accepted, 1);
});
