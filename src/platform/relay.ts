/**
 * The balancer as our own relay process: listens on the node's address for every balanced service and forwards TCP to an instance.
 *
 * I1: a listener serves as long as the table names its service; a new table cuts no connection.
 * I2: an instance that refused a connection is left out until a check by TCP succeeds, or a client that had no better choice got through.
 * I3: beyond `maxConnections` of a service (`balancedConnections` where it says nothing) a client is turned away at once, instead of all being
 *     served slowly.
 */

import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { BalancedService } from '../decide/endpoints.ts';
import { LIMITS } from '../model/limits.ts';
import type { Balancer, BalancerTable, ListenerStatus } from '../ports/balancer.ts';
import type { Log } from '../ports/log.ts';
import { cut, keepAskingPairs, laneOf, serveHandle } from './relay-handles.ts';
import type { Lane } from './relay-handles.ts';
import { converse } from './relay-http.ts';
import { instanceAnswered, listInstances, noInstances, NONE_TRIED } from './relay-instances.ts';
import type { Instances } from './relay-instances.ts';
import { dial, ignore, reach, released } from './relay-reach.ts';
import type { Streams } from './relay-reach.ts';
import { splice } from './relay-splice.ts';
import type { TcpHandle, TcpHandles } from './tcp-handle.ts';

const BACKLOG = 1024;
const LISTEN_RETRY_MS = 250;

interface Listener {
  readonly name: string;
  readonly port: number;
  service: BalancedService;
  readonly server: Server;
  /** Clients that are served by streams. */
  readonly clients: Set<Socket>;
  /** Clients that are served by handles, if this Node has them. */
  readonly lane: Lane | undefined;
  readonly instances: Instances;
  /** What its connections by streams ask of it; one for all of them. */
  readonly streams: Streams;
  retry: NodeJS.Timeout | undefined;
  message: string | undefined;
}

interface Relay {
  readonly log: Log;
  readonly told: (() => void)[];
  readonly listeners: Map<string, Listener>;
  readonly tcp: TcpHandles | undefined;
  address: string;
}

/** `tcp`: what clients of TCP services are served by; undefined: by streams, for twice the work. */
export function relay(log: Log, tcp: TcpHandles | undefined): Balancer {
  const state: Relay = { log, told: [], listeners: new Map(), tcp, address: '' };
  const stop = new AbortController();
  void every(LIMITS.instanceRecheckMs, () => recheck(state), stop.signal);
  void every(LIMITS.keepAliveMs, () => keepAsking(state), stop.signal);
  return {
    apply: (table) => applyTable(state, table),
    listeners: () => [...state.listeners.values()].map(statusOf),
    onListening: (listener) => void state.told.push(listener),
    close: async () => {
      stop.abort();
      for (const listener of state.listeners.values()) stopListening(listener);
      for (const { clients, lane } of state.listeners.values()) {
        for (const client of clients) client.destroy();
        for (const pair of lane?.pairs ?? []) cut(pair);
      }
      state.listeners.clear();
    },
  };
}

function applyTable(state: Relay, table: BalancerTable): void {
  const wanted = new Map(table.services.map((service) => [`${table.address}:${service.port}/${service.name}`, service]));
  for (const [key, listener] of state.listeners) {
    if (wanted.has(key)) continue;
    stopListening(listener);
    state.listeners.delete(key);
  }
  state.address = table.address;
  for (const [key, service] of wanted) {
    const listener = state.listeners.get(key) ?? startListening(state, service);
    state.listeners.set(key, listener);
    listener.service = service;
    listInstances(listener.instances, service, table.node);
  }
}

function startListening(state: Relay, service: BalancedService): Listener {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  const instances = noInstances();
  const listener: Listener = {
    name: service.name,
    port: service.port,
    service,
    server,
    clients: new Set(),
    lane: state.tcp === undefined ? undefined : laneOf(state.tcp, instances),
    instances,
    streams: { instances, dialed: new Set() },
    retry: undefined,
    message: 'starts to listen',
  };
  const { address } = state;
  const listen = (): void => void server.listen({ host: address, port: service.port, backlog: BACKLOG });
  server.on('connection', (client) => takeClient(listener, client));
  const say = (message: string | undefined): void => {
    if (listener.message === message) return;
    listener.message = message;
    for (const told of state.told) told();
  };
  server.on('listening', () => {
    const { lane } = listener;
    if (lane !== undefined) lane.tcp.takeFrom(server, (handle) => takeHandle(listener, lane, handle));
    say(undefined);
  });
  server.on('error', (cause: NodeJS.ErrnoException) => {
    // It listens: a client could not be taken, as when too many files are open.
    if (server.listening) return void listener.instances.counts.refused++;
    const why = cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message;
    const message = `cannot listen on ${address}:${service.port}: ${why}; it is tried again`;
    if (listener.message !== message) state.log.warn(`The balancer of ${service.name} ${message}.`);
    say(message);
    listener.retry = setTimeout(listen, LISTEN_RETRY_MS);
  });
  listen();
  return listener;
}

/** Connections that are open go on. */
function stopListening(listener: Listener): void {
  clearTimeout(listener.retry);
  listener.server.removeAllListeners('error').on('error', () => {});
  listener.server.close();
}

/** Of a service that speaks HTTP each request is looked at; that is done by streams. */
function takeHandle(listener: Listener, lane: Lane, handle: TcpHandle): boolean {
  if (listener.service.protocol === 'HTTP') return false;
  const { counts } = listener.instances;
  if (connectionsOf(listener) >= limitOf(listener)) {
    counts.refused++;
    handle.reset();
    return true;
  }
  counts.accepted++;
  serveHandle(lane, handle);
  return true;
}

function limitOf({ service }: Listener): number {
  return service.maxConnections ?? LIMITS.balancedConnections;
}

function connectionsOf({ clients, lane }: Listener): number {
  return clients.size + (lane?.pairs.size ?? 0);
}

function takeClient(listener: Listener, client: Socket): void {
  const { clients, service, streams } = listener;
  const { counts } = listener.instances;
  client.on('error', ignore);
  if (connectionsOf(listener) >= limitOf(listener)) {
    counts.refused++;
    client.resetAndDestroy();
    return;
  }
  counts.accepted++;
  clients.add(client);
  client.on('close', () => void clients.delete(client));
  const done = (served: boolean): void => {
    if (!served) counts.failed++;
  };
  if (service.protocol === 'HTTP') converse(client, streams, done);
  else serveTcp(client, streams, done);
}

function serveTcp(client: Socket, streams: Streams, done: (served: boolean) => void): void {
  reach(client, streams, NONE_TRIED, (found) => {
    if (found === undefined) {
      const leftByItself = client.destroyed;
      client.resetAndDestroy();
      return done(leftByItself);
    }
    splice(client, found.socket, streams.instances.counts, () => {
      released(streams, found);
      done(true);
    });
  });
}

async function every(ms: number, act: () => Promise<void> | void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await act();
    await wait(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Looks whether those that refused a connection take one again. */
async function recheck(state: Relay): Promise<void> {
  const looks = [...state.listeners.values()].flatMap(({ instances }) =>
    [...instances.known.values()].filter((one) => one.ejected).map((one) => ({ instances, one })),
  );
  await Promise.all(looks.map(({ instances, one }) => answers(one.host, one.port).then((yes) => yes && instanceAnswered(instances, one))));
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    dial(host, port, (socket) => {
      socket?.destroy();
      done(socket !== undefined);
    });
  });
}

/** Lets a silent peer be asked whether it lives. Not at once: most connections are over sooner, and would pay for it in vain. */
function keepAsking(state: Relay): void {
  for (const { clients, streams, lane } of state.listeners.values()) {
    for (const socket of [...clients, ...streams.dialed]) socket.setKeepAlive(true, LIMITS.keepAliveMs);
    if (lane !== undefined) keepAskingPairs(lane);
  }
}

function statusOf(listener: Listener): ListenerStatus {
  const known = [...listener.instances.known.values()];
  return {
    name: listener.name,
    port: listener.port,
    listening: listener.server.listening,
    ...(listener.message === undefined ? {} : { message: listener.message }),
    connections: connectionsOf(listener),
    ...listener.instances.counts,
    ejected: known.filter((one) => one.ejected).map((one) => one.address),
    instances: known.map(({ address, connections }) => ({ address, connections })),
  };
}
