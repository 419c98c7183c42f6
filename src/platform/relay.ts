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
import { pickEndpoint } from '../decide/balancing.ts';
import type { BalancedService } from '../decide/endpoints.ts';
import { LIMITS } from '../model/limits.ts';
import type { Balancer, BalancerTable, ListenerStatus } from '../ports/balancer.ts';
import type { Log } from '../ports/log.ts';
import { converse } from './relay-http.ts';
import { inletOf } from './relay-inlet.ts';
import { dial, ignore, reach } from './relay-reach.ts';
import type { Instances, Reached } from './relay-reach.ts';
import { splice } from './relay-splice.ts';

const BACKLOG = 1024;
const LISTEN_RETRY_MS = 250;

/** What is known of an instance by own experience. Kept while it is in the table or has connections. */
interface Experience {
  connections: number;
  ejected: boolean;
}

interface Listener {
  readonly name: string;
  readonly port: number;
  node: string;
  service: BalancedService;
  readonly server: Server;
  readonly clients: Set<Socket>;
  /** Connections to instances. */
  readonly dialed: Set<Socket>;
  readonly instances: Map<string, Experience>;
  retry: NodeJS.Timeout | undefined;
  message: string | undefined;
  readonly counts: Counts;
  /** What its connections ask of it; one for all of them. */
  readonly asked: Instances;
}

/** Since the listener began. */
interface Counts {
  accepted: number;
  refused: number;
  failed: number;
  retries: number;
  ejections: number;
  readmissions: number;
  inBytes: number;
  outBytes: number;
}

interface Relay {
  readonly log: Log;
  readonly told: (() => void)[];
  readonly listeners: Map<string, Listener>;
  address: string;
}

export function relay(log: Log): Balancer {
  const state: Relay = { log, told: [], listeners: new Map(), address: '' };
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
      for (const listener of state.listeners.values()) for (const client of listener.clients) client.destroy();
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
    listener.node = table.node;
    forgetGone(listener);
  }
}

function startListening(state: Relay, service: BalancedService): Listener {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  const listener: Listener = {
    name: service.name,
    port: service.port,
    node: '',
    service,
    server,
    clients: new Set(),
    dialed: new Set(),
    instances: new Map(),
    retry: undefined,
    message: 'starts to listen',
    counts: { accepted: 0, refused: 0, failed: 0, retries: 0, ejections: 0, readmissions: 0, inBytes: 0, outBytes: 0 },
    asked: instancesOf(() => listener),
  };
  const { address } = state;
  const listen = (): void => void server.listen({ host: address, port: service.port, backlog: BACKLOG });
  server.on('connection', (client) => takeClient(listener, client));
  const say = (message: string | undefined): void => {
    if (listener.message === message) return;
    listener.message = message;
    for (const told of state.told) told();
  };
  server.on('listening', () => say(undefined));
  server.on('error', (cause: NodeJS.ErrnoException) => {
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

function takeClient(listener: Listener, client: Socket): void {
  const { counts, clients, service } = listener;
  client.on('error', ignore);
  if (clients.size >= (service.maxConnections ?? LIMITS.balancedConnections)) {
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
  if (service.protocol === 'HTTP') converse(client, listener.asked, done);
  else serveTcp(client, listener.asked, done);
}

const NONE_DIED: ReadonlySet<string> = new Set();

function serveTcp(client: Socket, instances: Instances, done: (served: boolean) => void): void {
  const onReach = (found: Reached | undefined): void => {
    if (found === undefined) {
      const leftByItself = client.destroyed;
      client.resetAndDestroy();
      return done(leftByItself);
    }
    splice(client, found, instances.traffic, () => {
      instances.released(found);
      done(true);
    });
  };
  reach(client, instances, NONE_DIED, onReach, inletOf);
}

function experienceOf(listener: Listener, address: string): Experience {
  const known = listener.instances.get(address) ?? { connections: 0, ejected: false };
  listener.instances.set(address, known);
  return known;
}

function instancesOf(listenerOf: () => Listener): Instances {
  return {
    get proxyProtocol() {
      return listenerOf().service.proxyProtocol === true;
    },
    get traffic() {
      return listenerOf().counts;
    },
    // Counted when it is chosen, not when it answers: else all who come at once would choose the same.
    take: (tried) => {
      const listener = listenerOf();
      const best = pickEndpoint(candidatesOf(listener), tried);
      if (best !== undefined) experienceOf(listener, best.address).connections++;
      return best?.address;
    },
    connected: (address, socket) => {
      const listener = listenerOf();
      readmit(listener, experienceOf(listener, address));
      listener.dialed.add(socket);
    },
    refused: (address) => {
      const listener = listenerOf();
      const known = experienceOf(listener, address);
      known.connections--;
      if (!known.ejected) listener.counts.ejections++;
      known.ejected = true;
    },
    released: ({ address, socket }) => {
      const listener = listenerOf();
      listener.dialed.delete(socket);
      const known = experienceOf(listener, address);
      if (--known.connections <= 0) forgetGone(listener);
    },
    isServing: (address) => {
      const { endpoints } = listenerOf().service;
      return endpoints.some((one) => one.address === address && !one.draining) || !endpoints.some((one) => !one.draining);
    },
    repeated: () => void listenerOf().counts.retries++,
  };
}

function readmit(listener: Listener, known: Experience): void {
  if (!known.ejected) return;
  known.ejected = false;
  listener.counts.readmissions++;
}

function candidatesOf(listener: Listener) {
  return listener.service.endpoints.map(({ address, node, draining }) => {
    const { connections, ejected } = listener.instances.get(address) ?? { connections: 0, ejected: false };
    return { address, draining, local: node === listener.node, connections, ejected };
  });
}

function forgetGone(listener: Listener): void {
  const { endpoints } = listener.service;
  for (const [address, known] of listener.instances) {
    if (known.connections <= 0 && !endpoints.some((endpoint) => endpoint.address === address)) listener.instances.delete(address);
  }
}

async function every(ms: number, act: () => Promise<void> | void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await act();
    await wait(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Looks whether those that refused a connection take one again. */
async function recheck(state: Relay): Promise<void> {
  const ejected = [...state.listeners.values()].flatMap((listener) =>
    [...listener.instances].filter(([, known]) => known.ejected).map(([address, known]) => ({ listener, address, known })),
  );
  await Promise.all(ejected.map(({ listener, address, known }) => answers(address).then((yes) => yes && readmit(listener, known))));
}

function answers(address: string): Promise<boolean> {
  return new Promise((done) => {
    dial(address, (socket) => {
      socket?.destroy();
      done(socket !== undefined);
    });
  });
}

/** Lets a silent peer be asked whether it lives. Not at once: most connections are over sooner, and would pay for it in vain. */
function keepAsking(state: Relay): void {
  for (const { clients, dialed } of state.listeners.values())
    for (const socket of [...clients, ...dialed]) socket.setKeepAlive(true, LIMITS.keepAliveMs);
}

function statusOf(listener: Listener): ListenerStatus {
  return {
    name: listener.name,
    port: listener.port,
    listening: listener.server.listening,
    ...(listener.message === undefined ? {} : { message: listener.message }),
    connections: listener.clients.size,
    ...listener.counts,
    ejected: [...listener.instances].filter(([, known]) => known.ejected).map(([address]) => address),
    instances: [...listener.instances].map(([address, { connections }]) => ({ address, connections })),
  };
}
