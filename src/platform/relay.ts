/**
 * The balancer as our own relay process: listens on the node's address for every balanced service and forwards TCP to an instance.
 *
 * I1: a listener serves as long as the table names its service; a new table cuts no connection.
 * I2: an instance that refused a connection is left out until a check by TCP succeeds, or a client that had no better choice got through.
 * I3: beyond `balancedConnections` a client is turned away at once, instead of all being served slowly.
 */

import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { pickEndpoint } from '../decide/balancing.ts';
import type { BalancedService } from '../decide/endpoints.ts';
import { LIMITS } from '../model/limits.ts';
import type { Balancer, BalancerTable, ListenerStatus } from '../ports/balancer.ts';
import type { Log } from '../ports/log.ts';
import { dial, serveClient } from './relay-connection.ts';
import type { Instances } from './relay-connection.ts';

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
  readonly instances: Map<string, Experience>;
  retry: NodeJS.Timeout | undefined;
  message: string | undefined;
  accepted: number;
  refused: number;
  failed: number;
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
  void recheckForever(state, stop.signal);
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
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const listener: Listener = {
    name: service.name,
    port: service.port,
    node: '',
    service,
    server,
    clients: new Set(),
    instances: new Map(),
    retry: undefined,
    message: 'starts to listen',
    accepted: 0,
    refused: 0,
    failed: 0,
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
  if (listener.clients.size >= LIMITS.balancedConnections) {
    listener.refused++;
    client.resetAndDestroy();
    return;
  }
  listener.accepted++;
  listener.clients.add(client);
  client.once('close', () => listener.clients.delete(client));
  void serveClient(client, instancesOf(listener)).then((served) => {
    if (!served) listener.failed++;
  });
}

function instancesOf(listener: Listener): Instances {
  const experienceOf = (address: string): Experience => {
    const known = listener.instances.get(address) ?? { connections: 0, ejected: false };
    listener.instances.set(address, known);
    return known;
  };
  return {
    protocol: listener.service.protocol,
    // Counted when it is chosen, not when it answers: else all who come at once would choose the same.
    take: (tried) => {
      const best = pickEndpoint(candidatesOf(listener), tried);
      if (best !== undefined) experienceOf(best.address).connections++;
      return best?.address;
    },
    connected: (address) => {
      experienceOf(address).ejected = false;
    },
    refused: (address) => {
      const known = experienceOf(address);
      known.connections--;
      known.ejected = true;
    },
    released: (address) => {
      experienceOf(address).connections--;
      forgetGone(listener);
    },
  };
}

function candidatesOf(listener: Listener) {
  return listener.service.endpoints.map(({ address, node, draining }) => {
    const { connections, ejected } = listener.instances.get(address) ?? { connections: 0, ejected: false };
    return { address, draining, local: node === listener.node, connections, ejected };
  });
}

function forgetGone(listener: Listener): void {
  const listed = new Set(listener.service.endpoints.map((endpoint) => endpoint.address));
  for (const [address, known] of listener.instances) {
    if (!listed.has(address) && known.connections <= 0) listener.instances.delete(address);
  }
}

/** Looks whether those that refused a connection take one again. */
async function recheckForever(state: Relay, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await recheck(state);
    await wait(LIMITS.instanceRecheckMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function recheck(state: Relay): Promise<void> {
  const ejected = [...state.listeners.values()].flatMap((listener) =>
    [...listener.instances].filter(([, known]) => known.ejected).map(([address, known]) => ({ address, known })),
  );
  await Promise.all(
    ejected.map(async ({ address, known }) => {
      const socket = await dial(address);
      if (socket === undefined) return;
      known.ejected = false;
      socket.destroy();
    }),
  );
}

function statusOf(listener: Listener): ListenerStatus {
  return {
    name: listener.name,
    port: listener.port,
    listening: listener.server.listening,
    ...(listener.message === undefined ? {} : { message: listener.message }),
    connections: listener.clients.size,
    accepted: listener.accepted,
    refused: listener.refused,
    failed: listener.failed,
    ejected: [...listener.instances].filter(([, known]) => known.ejected).map(([address]) => address),
  };
}
