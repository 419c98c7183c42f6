/**
 * HAProxy as a node's balancer: its configuration, what it is told while it runs, and what it tells. Written for HAProxy 2.4 to 2.6 and later.
 *
 * I1: only the shape (services, ports, modes, limits, number of slots) needs a new configuration; instances come and go by its runtime API.
 * I2: an instance is left out at the first connection that it refuses, and taken back when a check by TCP succeeds.
 * I3: while no instance takes a connection, the client is held: its connection is tried again and again, first at a place where nobody answers (`wait`),
 *     and as soon as there is an instance at that one, until `clientWaitMs` are over.
 * I4: a request is repeated only when it changes nothing and has no body (as http-framing.ts, I3).
 */

import { shortHash } from '../base/canonical.ts';
import { LIMITS } from '../model/limits.ts';
import type { BalancedService, EndpointTable } from './endpoints.ts';

export interface HaproxyInput extends EndpointTable {
  /** Where it listens. */
  readonly address: string;
  /** Files that it may have open. */
  readonly openFiles: number;
}

/** Relative to its working folder: a path of a socket may be no longer than some hundred bytes. */
export const HAPROXY_SOCKET = 'haproxy.sock';

/** Between two attempts to connect; it waits so long when there is no other instance to try. */
const TRY_MS = 250;
const SLOTS_AT_LEAST = 16;
/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1';
const FILES_OF_ITS_OWN = 256;
const SPARE_CONNECTIONS = 256;

function slotsOf(service: BalancedService): number {
  return Math.ceil(Math.max(service.endpoints.length, SLOTS_AT_LEAST) / SLOTS_AT_LEAST) * SLOTS_AT_LEAST;
}

function limitOf(service: BalancedService): number {
  return service.maxConnections ?? LIMITS.balancedConnections;
}

/** Changes exactly when a running HAProxy needs a new configuration. */
export function shapeOf(input: HaproxyInput): string {
  return shortHash({
    version: 1,
    address: input.address,
    services: input.services.map((one) => ({
      name: one.name,
      port: one.port,
      protocol: one.protocol,
      proxyProtocol: one.proxyProtocol === true,
      limit: limitOf(one),
      slots: slotsOf(one),
    })),
  });
}

/** `address:port` of each listener, as the configuration has it. */
export function bindsIn(config: string): string[] {
  return [...config.matchAll(/^ {2}bind (\S+)$/gm)].map(([, bind]) => bind ?? '');
}

export function haproxyConfig(input: HaproxyInput): string {
  const wanted = input.services.reduce((sum, service) => sum + limitOf(service) + SPARE_CONNECTIONS, SPARE_CONNECTIONS);
  const possible = Math.max(Math.floor((input.openFiles - FILES_OF_ITS_OWN) / 2), 64);
  return `# Written by Outrigger's balancer; changes are lost.
global
  description ${shapeOf(input)}
  maxconn ${Math.min(wanted, possible)}
  no strict-limits
  noreuseport
  stats socket unix@${HAPROXY_SOCKET} mode 600 level admin expose-fd listeners
  hard-stop-after ${LIMITS.haproxyFinishMs}
defaults
  timeout connect ${TRY_MS}
  timeout queue ${LIMITS.clientWaitMs}
  timeout client 24d
  timeout server 24d
  timeout tunnel 24d
  timeout client-fin ${LIMITS.halfOpenMs}
  timeout server-fin ${LIMITS.halfOpenMs}
  timeout http-request ${LIMITS.httpIdleMs}
  timeout http-keep-alive ${LIMITS.httpIdleMs}
  retries ${Math.floor(LIMITS.clientWaitMs / TRY_MS)}
  option redispatch 1
  option clitcpka
  option srvtcpka
  balance leastconn
  default-server check inter 60s fastinter ${LIMITS.instanceRecheckMs} downinter ${LIMITS.instanceRecheckMs} rise 1 fall 1 observe layer4 error-limit 1 on-error mark-down
${input.services.map((service) => sectionsOf(input.address, service)).join('')}`;
}

function sectionsOf(address: string, service: BalancedService): string {
  const mode = service.protocol === 'HTTP' ? 'http' : 'tcp';
  const limit = limitOf(service);
  const send = service.proxyProtocol === true ? ' send-proxy' : '';
  const servers = Array.from({ length: slotsOf(service) }, (_, index) => {
    const endpoint = service.endpoints[index];
    return `  server i${index + 1} ${endpoint?.address ?? NOWHERE}${send}${endpoint === undefined ? ' disabled' : ''}\n`;
  });
  const http = `  http-reuse never
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless { method GET HEAD OPTIONS }
  http-request disable-l7-retry if { req.hdr_cnt(transfer-encoding) gt 0 } or { req.hdr_val(content-length) gt 0 }
`;
  return `frontend f-${service.name}
  mode ${mode}
  bind ${address}:${service.port}
  maxconn ${limit + SPARE_CONNECTIONS}
  tcp-request connection reject if { fe_conn gt ${limit} }
  default_backend b-${service.name}
backend b-${service.name}
  mode ${mode}
${mode === 'http' ? http : ''}${servers.join('')}  server wait ${NOWHERE} backup no-check
`;
}

/** A row of `show stat`: names of columns to values. */
export type StatRow = Readonly<Record<string, string>>;

/** Reads the CSV that `show stat` answers with. */
export function statRows(csv: string): StatRow[] {
  const [head = '', ...lines] = csv.split('\n').filter((line) => line !== '');
  const names = head.replace(/^# /, '').split(',');
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  });
}

interface Slot {
  readonly name: string;
  readonly address: string;
  readonly state: 'ready' | 'drain' | 'maint';
  readonly connections: number;
}

function slotsIn(rows: readonly StatRow[], service: string): Slot[] {
  return rows
    .filter((row) => row['pxname'] === `b-${service}` && /^i\d+$/.test(row['svname'] ?? ''))
    .map((row) => {
      const status = row['status'] ?? '';
      const state = status.startsWith('MAINT') ? 'maint' : status.startsWith('DRAIN') ? 'drain' : 'ready';
      return { name: row['svname'] ?? '', address: row['addr'] ?? '', state, connections: Number(row['scur']) };
    });
}

/** What a running HAProxy of the right shape is to be told, so that it has the instances of the table. Empty: it has them. */
export function commandsFor(input: EndpointTable, rows: readonly StatRow[]): string[] {
  return input.services.flatMap((service) => {
    const slots = slotsIn(rows, service.name);
    const wanted = new Map(service.endpoints.map((one) => [one.address, one.draining ? 'drain' : 'ready'] as const));
    const kept = new Set<string>();
    const commands: string[] = [];
    const say = (slot: Slot, what: string): void => void commands.push(`set server b-${service.name}/${slot.name} ${what}`);
    for (const slot of slots) {
      const state = slot.state === 'maint' || kept.has(slot.address) ? undefined : wanted.get(slot.address);
      if (state !== undefined) kept.add(slot.address);
      if ((state ?? 'maint') !== slot.state) say(slot, `state ${state ?? 'maint'}`);
    }
    // One that still finishes connections of an instance that is gone is taken last: least connections counts them.
    const free = slots.filter((slot) => slot.state === 'maint').sort((a, b) => a.connections - b.connections);
    for (const [address, state] of wanted) {
      const slot = kept.has(address) ? undefined : free.shift();
      if (slot === undefined) continue;
      const at = address.lastIndexOf(':');
      say(slot, `addr ${address.slice(0, at)} port ${address.slice(at + 1)}`);
      say(slot, `state ${state}`);
    }
    return commands;
  });
}

export interface HaproxyCounts {
  readonly connections: number;
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
  readonly retries: number;
  readonly ejections: number;
  readonly readmissions: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly ejected: readonly string[];
  readonly instances: readonly { readonly address: string; readonly connections: number }[];
}

/** What it counted of a service since it was started. */
export function countsOf(rows: readonly StatRow[], service: string): HaproxyCounts {
  const count = (proxy: string, server: string, column: string): number =>
    Number(rows.find((row) => row['pxname'] === proxy && row['svname'] === server)?.[column] ?? 0);
  const [front, back] = [`f-${service}`, `b-${service}`];
  const servers = rows.filter((row) => row['pxname'] === back && /^i\d+$/.test(row['svname'] ?? ''));
  const sum = (column: string): number => servers.reduce((total, row) => total + Number(row[column]), 0);
  const down = servers.filter((row) => row['status']?.startsWith('DOWN') === true).map((row) => row['addr'] ?? '');
  const refused = count(front, 'FRONTEND', 'dcon');
  return {
    connections: count(front, 'FRONTEND', 'scur'),
    accepted: count(front, 'FRONTEND', 'conn_tot') - refused,
    refused,
    failed: count(back, 'BACKEND', 'econ'),
    retries: sum('wredis'),
    ejections: sum('chkdown'),
    readmissions: Math.max(sum('chkdown') - down.length, 0),
    inBytes: count(front, 'FRONTEND', 'bin'),
    outBytes: count(front, 'FRONTEND', 'bout'),
    ejected: down,
    instances: slotsIn(rows, service)
      .filter((slot) => slot.state !== 'maint' || slot.connections > 0)
      .map(({ address, connections }) => ({ address, connections })),
  };
}
