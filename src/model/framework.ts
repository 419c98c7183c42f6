/**
 * What an agent and the framework services of its node tell each other, by files in the node's folder.
 *
 * Framework services are pods of the release whose `framework` field names one of FRAMEWORK_SERVICES. They get OUTRIGGER_NODE_FOLDER, read
 * `framework.json` there (written by the agent, kept when it dies) and the node's identity, and write `framework/<service>.json`.
 * So neither side is on the other's lifeline: a pod goes on by what it read last, an agent reports by what it read last.
 *
 * I1: everything here is readable by the node's own user only; nothing of it leaves the node but by mutual TLS.
 */

import type { LicenseRecord, RunningTime } from './license-statement.ts';

export const FRAMEWORK_SERVICES = ['connector-client', 'cloud-proxy', 'connection-server-proxy', 'monitor'] as const;
export type FrameworkService = (typeof FRAMEWORK_SERVICES)[number];

/** Names of records, without `.json`. */
export const FRAMEWORK_RECORD = 'framework';
export const FRAMEWORK_FOLDER = 'framework';
/** Of a node on its peer port, for the monitor of its cluster. */
export const NODE_METRICS_PATH = '/peer/v1/metrics';
/** Below the node's folder: `certificate.pem` and `key.pem` of people, shown to browsers and clients instead of the node's own certificate. */
export const PORTAL_CERTIFICATE_FOLDER = 'portal-certificate';

export interface FrameworkMember {
  readonly name: string;
  readonly uid: string;
  readonly incarnation: number;
  readonly address: string;
  readonly role: 'Primary' | 'Worker';
  /** `ClusterNode.spec.revokedBefore`: a certificate of it that begins earlier is refused. */
  readonly revokedBefore?: string;
}

/** A port on which every node of the cluster listens for a replicated service. */
export interface PublishedService {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'HTTP';
  /** True: an instance is told by the PROXY protocol who its client is. */
  readonly proxyProtocol?: boolean;
  /** Connections that one node's balancer holds at a time; absent: LIMITS.balancedConnections. */
  readonly maxConnections?: number;
  /** Set for our own: such a service answers only nodes of this cluster and is never reached through the tunnel. */
  readonly framework?: FrameworkService;
}

export interface FrameworkSite {
  readonly name: string;
  readonly uid: string;
  readonly environment: string;
  /** True once pairing was passed; until then nothing is delivered to the connection servers. */
  readonly paired: boolean;
  readonly servers: readonly { readonly name: string; readonly url: string; readonly pin: string }[];
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** Body of the record FRAMEWORK_RECORD in the node's folder. */
export interface FrameworkConfig {
  readonly cluster: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly node: { readonly name: string; readonly uid: string; readonly incarnation: number; readonly address: string };
  readonly primary: string | undefined;
  readonly term: number;
  readonly directors: readonly string[];
  /** All nodes of the cluster that are known here, this one among them. */
  readonly members: readonly FrameworkMember[];
  readonly services: readonly PublishedService[];
  readonly peerPort: number;
  readonly portalPort: number;
  readonly site: FrameworkSite | undefined;
  readonly license: LicenseRecord | undefined;
  /** What trusted time begins with while there is no license: `notBefore` of this node's certificate, and how long it has been running since. */
  readonly joined?: { readonly notBeforeMs: number; readonly since: RunningTime };
}

/** Body of `framework/connector-client.json`. */
export interface ConnectorClientStatus {
  /** URL of the director at the other end of the tunnel; undefined: there is none now. */
  readonly director: string | undefined;
  /** CLOCK_BOOTTIME of the last change. */
  readonly sinceBootMs: number;
  readonly message: string | undefined;
}

/** Body of `framework/connection-server-proxy.json`. */
export interface ConnectionServerProxyStatus {
  readonly servers: Readonly<
    Record<
      string,
      {
        readonly state: 'Healthy' | 'Draining' | 'Unhealthy';
        readonly message: string | undefined;
        readonly version: string | undefined;
        readonly sessions: number | undefined;
        readonly capacity: number | undefined;
        /** Serial of the statement that it holds. */
        readonly licenseSerial: number | undefined;
      }
    >
  >;
  /** Over all connection servers that answered; undefined: none did. `users`: SHA-256 hex (32 digits) of each user seen, for counting named seats. */
  readonly use: { readonly concurrent: number; readonly users: readonly string[] } | undefined;
}

/** Body of `framework/monitor.json`. */
export interface MonitorStatus {
  readonly shippedThroughMs: number | undefined;
  /** Batches kept at the site that no director has acknowledged yet. */
  readonly backlog: number;
  /** By `node/<name>` and `server/<name>`. */
  readonly targets: Readonly<Record<string, { readonly up: boolean; readonly message: string | undefined }>>;
  /** Why samples are not kept or not shipped; undefined: they are. */
  readonly message: string | undefined;
}
