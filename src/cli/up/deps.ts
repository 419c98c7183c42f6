/**
 * What `outrigger up` is made of: everything that it needs of the world, handed in by src/main/up.ts.
 */

import { SETTINGS } from '../../model/settings.ts';
import type { BalancerChoice } from '../../model/balancer-choice.ts';
import type { DirectorApi } from '../../ports/director.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Files } from '../../ports/files.ts';
import type { NameLocks } from '../../ports/name-lock.ts';
import type { NewJoinSecret } from '../../ports/join-secret.ts';
import type { LoadGenerator } from '../../ports/load.ts';
import type { MutualHttp } from '../../ports/mutual-http.ts';
import type { ProcessId, Processes } from '../../ports/processes.ts';
import type { Random } from '../../ports/random.ts';
import type { TcpPorts } from '../../ports/tcp-ports.ts';
import type { DataPaths } from '../data-folder.ts';
import type { Screen } from '../screen.ts';
import type { SampleOrder } from './sample.ts';
import type { RunningPart } from './supervisor.ts';

/** The embedded database, as far as up needs to know it. */
export interface Database {
  /** Starts it, or adopts the one that still holds the folder. */
  start(signal: AbortSignal): Promise<RunningPart>;
  /** True when it takes connections. */
  check(signal: AbortSignal): Promise<boolean>;
  /** Folder of its socket, for the director. */
  socketFolder(): string;
  /** Ends whatever runs in the folder, whoever started it; false: nothing did. `force`: at once, without waiting for sessions. */
  stop(force: boolean): Promise<boolean>;
  /** The process that runs in the folder, whoever started it. */
  running(): ProcessId | undefined;
}

/** Access to the control plane with the admin's certificate. */
export interface AdminAccess {
  readonly api: DirectorApi;
  readonly authorityPem: string;
  readonly caHash: string;
}

export interface UpDeps {
  readonly paths: DataPaths;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly processes: Processes;
  readonly locks: NameLocks;
  readonly ports: TcpPorts;
  readonly screen: Screen;
  readonly database: Database;
  /** Undefined until the director has written the kubeconfig. */
  readonly admin: () => AdminAccess | undefined;
  /** `sha256:<hex>` of the CA that this machine's host joined, if it did. */
  readonly joinedCaHash: () => Promise<string | undefined>;
  readonly newJoinSecret: NewJoinSecret;
  /** The kubeconfig of an extension server that reads its token from a file. */
  readonly tokenKubeconfig: (server: string, authorityPem: string, tokenFile: string) => string;
  /** Asks connection servers, known by their pins. */
  readonly http: MutualHttp;
  /** Makes a server's certificate in the folder where there is none; its thumbprint. */
  readonly serverIdentity: (folder: string, name: string, address: string) => Promise<string>;
  /** Clients of a node's balancer, while a drill kills something. */
  readonly loads: LoadGenerator;
  /** Runs a program of examples/. */
  readonly exampleCommand: (file: string, args: readonly string[]) => readonly [string, ...string[]];
  readonly programCommand: (args: readonly string[]) => readonly [string, ...string[]];
  readonly environment: (role: string) => Readonly<Record<string, string>>;
  /** Read when it is needed: whoever only stops things needs no examples. */
  readonly sample: () => SampleOrder;
  /** Name of this machine's Host. */
  readonly hostName: string;
  /** Which of these programs a person has in the PATH. */
  readonly hasProgram: (name: string) => boolean;
  /** How a person calls this very program. */
  readonly ownCommand: string;
}

export interface UpOptions {
  /** Undefined: as the last time, else the default. 0: a free one. */
  readonly port: number | undefined;
  readonly extensionServers: number;
  readonly sample: boolean;
  readonly logLevel: string;
  /** Where traces go; undefined: there are none. */
  readonly otlpEndpoint: string | undefined;
  /** What balances on the nodes of this machine. */
  readonly balancer: BalancerChoice;
  /** How long a day of license time takes, in ms. */
  readonly day: number;
}

/** Days of license time are made shorter, for a person to watch. */
export function isShortDay({ day }: UpOptions): boolean {
  return day !== SETTINGS.day.default;
}
