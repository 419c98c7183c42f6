/**
 * Balancers under test, with instances behind them that do what a test wants.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, get } from 'node:http';
import type { Agent, IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe } from 'node:test';
import type { BalancedService, Endpoint } from '../../src/decide/endpoints.ts';
import { haproxy } from '../../src/platform/haproxy.ts';
import { installedHaproxy } from '../../src/platform/haproxy-process.ts';
import { relay } from '../../src/platform/relay.ts';
import { tcpHandles } from '../../src/platform/tcp-handle.ts';
import type { Balancer, ListenerStatus } from '../../src/ports/balancer.ts';
import type { Log } from '../../src/ports/log.ts';
import { endWithUs } from './end-with-us.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => log };

export interface Way {
  readonly name: 'relay' | 'relay by streams' | 'HAProxy';
  /** True: a reset of an instance reaches a TCP client as a reset; HAProxy makes an end of it. */
  readonly passesResets: boolean;
  /** Undefined: it is not installed here. */
  readonly make: (() => Balancer) | undefined;
}

const program = installedHaproxy();

const WAYS: readonly Way[] = [
  { name: 'relay', passesResets: true, make: () => relay(log, tcpHandles()) },
  // What is done on a Node whose handles are not as they are known.
  { name: 'relay by streams', passesResets: true, make: () => relay(log, undefined) },
  { name: 'HAProxy', passesResets: false, make: program === undefined ? undefined : () => haproxyIn(program) },
];

function haproxyIn(path: string): Balancer {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-haproxy-'));
  // What the process of a balancer is marked with by the agent that starts it.
  process.env['OUTRIGGER_DATA'] = dir;
  endWithUs(dir);
  const balancer = haproxy(path, dir, log);
  return {
    ...balancer,
    close: async () => {
      await balancer.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export type Cleanups = (() => unknown)[];

export interface Instance {
  readonly address: string;
  readonly sockets: Set<Socket>;
  /** As if its process was killed: it stops listening and all connections are reset. */
  kill(): void;
}

export async function instance(cleanups: Cleanups, onSocket: (socket: Socket, name: string) => void, port = 0): Promise<Instance> {
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
  return { address, sockets, kill };
}

/** Says its address to whoever connects, and ends. */
export function namer(cleanups: Cleanups, port = 0): Promise<Instance> {
  return instance(cleanups, (socket, name) => void socket.end(name), port);
}

/** Answers with its address, unless `onRequest` returns false. */
export async function httpInstance(
  cleanups: Cleanups,
  onRequest?: (request: IncomingMessage, response: ServerResponse) => boolean | void,
): Promise<Instance> {
  const http = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (onRequest?.(request, response) !== false) response.end(made.address);
  });
  const made = await instance(cleanups, (socket) => void http.emit('connection', socket));
  return made;
}

/** Runs `parts`, each a few tests, by each way; both at once, because most of their time is waiting. */
export function byEachWay(parts: readonly ((way: Way, cleanups: Cleanups) => void)[]): void {
  void describe('balancers', { concurrency: 2 }, () => {
    for (const way of WAYS) {
      const skip = way.make === undefined ? `${way.name} is not installed (apt-get install haproxy)` : false;
      void describe(way.name, { skip, concurrency: 1 }, () => {
        const cleanups: Cleanups = [];
        const clean = async (): Promise<void> => {
          for (const one of cleanups.splice(0).reverse()) await one();
        };
        afterEach(clean);
        after(clean);
        for (const part of parts) part(way, cleanups);
      });
    }
  });
}

export type Places = readonly (string | Partial<Endpoint>)[];

export interface Balanced {
  readonly balancer: Balancer;
  readonly port: number;
  readonly set: (places: Places) => void;
  readonly status: () => ListenerStatus;
}

export function endpointsAt(places: Places): Endpoint[] {
  return places.map((one) => ({ node: 'other', draining: false, address: '', ...(typeof one === 'string' ? { address: one } : one) }));
}

/** A balancer of one service, that listens. */
export async function balanced(
  cleanups: Cleanups,
  way: Way,
  protocol: 'TCP' | 'HTTP',
  first: Places,
  more: Partial<BalancedService> = {},
): Promise<Balanced> {
  if (way.make === undefined) throw new Error(`${way.name} is not installed`);
  const balancer = way.make();
  cleanups.push(() => balancer.close());
  const port = await freePort();
  const status = (): ListenerStatus => {
    const [listener] = balancer.listeners();
    if (listener === undefined) throw new Error('the balancer has no listener');
    return listener;
  };
  const set = (places: Places): void =>
    balancer.apply({
      address: '127.0.0.1',
      node: 'here',
      services: [{ name: 'hello', port, protocol, ...more, endpoints: endpointsAt(places) }],
    });
  set(first);
  await eventually('it listens', () => status().listening);
  return { balancer, port, set, status };
}

/** All that a connection says until it ends; rejects when it is reset. */
export function say(port: number, text = ''): Promise<string> {
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

export function open(port: number): Socket {
  return connect({ port, host: '127.0.0.1' }).on('error', () => {});
}

/** The next words of a connection. */
export function nextWords(client: Socket, question = ''): Promise<string> {
  return new Promise((done, failed) => {
    client.once('data', (bytes) => done(bytes.toString()));
    client.once('error', failed);
    if (question !== '') client.write(question);
  });
}

/** The body of a 2xx; rejects otherwise. */
export function ask(port: number, agent?: Agent, path = '/', method = 'GET'): Promise<string> {
  return new Promise((done, failed) => {
    const request = get({ port, host: '127.0.0.1', path, method, agent: agent ?? false, timeout: 5_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.once('error', failed).once('end', () => {
        if (response.statusCode === 200) done(body);
        else failed(new Error(`answered ${response.statusCode}`));
      });
    });
    request.once('error', failed).once('timeout', () => request.destroy(new Error('no answer within 5 s')));
  });
}
