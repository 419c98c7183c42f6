/**
 * What the host daemon is made of: everything that it needs of the world, handed in.
 */

import type { EntityApi } from '../ports/api.ts';
import type { BalancerChoice } from '../model/balancer-choice.ts';
import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { NewJoinSecret } from '../ports/join-secret.ts';
import type { Log } from '../ports/log.ts';
import type { LoopbackNetworks } from '../ports/loopback.ts';
import type { NodeStore } from '../ports/node-store.ts';
import type { Processes } from '../ports/processes.ts';
import type { Random } from '../ports/random.ts';
import type { ServiceManager } from '../ports/service-manager.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { CertificateFacts } from '../ports/x509.ts';

export interface HostDeps {
  /** Name of the Host that this daemon speaks for. */
  readonly name: string;
  /** The data folder, absolute: the mark by which processes are found again. */
  readonly data: string;
  /** Addresses of directors, for the agents. */
  readonly directors: readonly string[];
  /** `sha256:<hex>` of the CA's public key, by which agents know a director. */
  readonly caHash: string;
  /** Stands for every preset's silence, for trying; absent: the presets hold. */
  readonly nodeSilenceMs?: number;
  /** How often this host and its agents show that they live. */
  readonly leaseRenewMs: number;
  /** What balances on its nodes. */
  readonly balancer: BalancerChoice;
  /** Of this program. */
  readonly version: string;
  readonly api: EntityApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly files: Files;
  /** The daemon's own records, in `storeFolder`. */
  readonly store: NodeStore;
  readonly storeFolder: string;
  readonly processes: Processes;
  readonly service: ServiceManager;
  readonly networks: LoopbackNetworks;
  readonly newJoinSecret: NewJoinSecret;
  /** The certificate that a node of this host has; undefined: none, or none that can be read. */
  readonly nodeCertificate: (nodeUid: string) => Promise<CertificateFacts | undefined>;
  /** The command line that runs `outrigger` with these arguments. */
  readonly programCommand: (args: readonly string[]) => readonly [string, ...string[]];
  /** The whole environment of an agent of the node with this uid. */
  readonly agentEnvironment: (nodeUid: string) => Readonly<Record<string, string>>;
}

/** Where the folders of all nodes are, each by its uid. */
export function nodesFolder(data: string): string {
  return `${data}/host/nodes`;
}

export function nodeFolder(data: string, nodeUid: string): string {
  return `${nodesFolder(data)}/${nodeUid}`;
}
