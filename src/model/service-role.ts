/**
 * The parts that run as services of a machine, and what is true of each: its settings, where its things lie, and what of the machine it needs.
 *
 * I1: every part has a user of its own, so that a part that is broken into holds no other part's keys.
 * I2: what a part started and must survive it (nodes of a host; pods and balancer of an agent) is not ended with it.
 */

import type { SettingName } from './settings.ts';

export const SERVICE_ROLES = ['director', 'extension', 'host', 'agent'] as const;
export type ServiceRole = (typeof SERVICE_ROLES)[number];

/** To whom a file belongs: a user with its group, or root with the group of a part, which may then read it. */
export interface Owner {
  readonly user: string;
  readonly group: string;
}

export interface ServiceRoleFacts {
  /** As systemd shows it. */
  readonly description: string;
  /** What `outrigger install` takes for it and writes into its environment file. */
  readonly settings: readonly SettingName[];
  /** It keeps something on disk; else the whole disk is read-only to it. */
  readonly hasState: boolean;
  /** Processes that it starts go on when it ends, however it ends. */
  readonly isOutlived: boolean;
  /** What runs below it may listen on ports below 1024. */
  readonly bindsLowPorts: boolean;
  /** The longest an orderly end takes, in s: requests under way, the last write, the farewell. */
  readonly stopSeconds: number;
  /** Until it says that it works, in s: it may have to wait for a database or a director. */
  readonly startSeconds: number;
  /** Files and sockets it may have open. */
  readonly openFiles: number;
}

/** A process that makes no round for so long is ended and started anew. Three rounds of the slowest main loop (an agent's, 10 s). */
export const WATCHDOG_SECONDS = 30;
/** So long systemd waits before it starts a part again that ended. */
export const RESTART_SECONDS = 1;

export const SERVICE_ROLE_FACTS: Readonly<Record<ServiceRole, ServiceRoleFacts>> = {
  director: {
    description: 'Outrigger director: the API over PostgreSQL',
    settings: ['port', 'listen', 'server', 'advertise', 'databaseUrl', 'databaseSocket', 'storeKeyFile', 'otlpEndpoint', 'logLevel'],
    hasState: true,
    isOutlived: false,
    bindsLowPorts: true,
    stopSeconds: 60,
    startSeconds: 600,
    openFiles: 131_072,
  },
  extension: {
    description: 'Outrigger extension server: creates, repairs and deletes clusters',
    settings: ['kubeconfig', 'identity', 'healthListen', 'certificate', 'key', 'otlpEndpoint', 'logLevel'],
    hasState: false,
    isOutlived: false,
    bindsLowPorts: false,
    stopSeconds: 30,
    startSeconds: 120,
    openFiles: 65_536,
  },
  host: {
    description: 'Outrigger host daemon: lends this machine to clusters',
    settings: ['server', 'hostName', 'token', 'caHash', 'leaseRenew', 'balancer', 'otlpEndpoint', 'logLevel'],
    hasState: true,
    isOutlived: true,
    bindsLowPorts: true,
    stopSeconds: 60,
    startSeconds: 600,
    openFiles: 131_072,
  },
  agent: {
    description: 'Outrigger agent: this machine as a node of one cluster',
    settings: ['server', 'token', 'caHash', 'leaseRenew', 'balancer'],
    hasState: true,
    isOutlived: true,
    bindsLowPorts: true,
    stopSeconds: 60,
    startSeconds: 120,
    openFiles: 131_072,
  },
};

/** Where the files of a part lie when it is a service. */
export function servicePlaces(role: ServiceRole): {
  readonly unit: string;
  readonly user: string;
  readonly state: string;
  readonly environment: string;
} {
  return {
    unit: `outrigger-${role}.service`,
    user: `outrigger-${role}`,
    state: `/var/lib/outrigger/${role}`,
    environment: `${SERVICE_CONFIG}/${role}.env`,
  };
}

/** Of root; each file in it may be read by the part that it is for. */
export const SERVICE_CONFIG = '/etc/outrigger';
export const UNIT_FOLDER = '/etc/systemd/system';
