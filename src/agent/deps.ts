/**
 * What an agent is made of: everything that it needs of the world, handed in.
 */

import type { FrameworkService } from '../model/framework.ts';
import type { JsonObject } from '../model/json.ts';
import type { Clock } from '../ports/clock.ts';
import type { Directors, IdentityStore } from '../ports/director.ts';
import type { PackArchive } from '../ports/archive.ts';
import type { Files } from '../ports/files.ts';
import type { ListenHttp } from '../ports/http.ts';
import type { ReadLicenseToken } from '../ports/license-token.ts';
import type { Log } from '../ports/log.ts';
import type { LogFiles } from '../ports/log-files.ts';
import type { MachineLoads } from '../ports/machine-load.ts';
import type { JudgeCertificate, KeepConnection, MutualHttp } from '../ports/mutual-http.ts';
import type { NodeStore, RecordRead } from '../ports/node-store.ts';
import type { Passwords } from '../ports/passwords.ts';
import type { Prober } from '../ports/prober.ts';
import type { Processes, ProcessStart } from '../ports/processes.ts';
import type { Random } from '../ports/random.ts';
import type { PodRuntime } from '../ports/runtime.ts';
import type { ServiceManager } from '../ports/service-manager.ts';
import type { Certificates } from '../ports/x509.ts';
import type { NodeTrace } from './trace.ts';
import type { NodeFile } from './node-file.ts';

export interface AgentDeps {
  /** The node's folder, absolute. */
  readonly dir: string;
  readonly node: NodeFile;
  /** Of this program. */
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: nothing is traced. */
  readonly trace?: NodeTrace | undefined;
  readonly files: Files;
  /** `<dir>/store`: what a reboot must not take away. */
  readonly store: NodeStore;
  /** `<dir>/drills`: what it and the processes that carry out drills tell each other; and how one is started. */
  readonly drills: NodeStore;
  readonly drillStart: (uid: string) => ProcessStart;
  /** `<dir>` itself as a store, for `balancer.json`. */
  readonly folder: NodeStore;
  readonly runtime: PodRuntime;
  /** Environment of the pods of framework services: where this node lives, and what program to run. Nobody else's pods get it. */
  readonly frameworkMarks: Readonly<Record<string, string>>;
  /** `<dir>/framework`: what framework services say of themselves, whenever it may have changed. */
  readonly watchFramework: (service: FrameworkService, onRead: (read: RecordRead<JsonObject>) => void, signal: AbortSignal) => void;
  readonly prober: Prober;
  readonly processes: Processes;
  readonly service: ServiceManager;
  /** How the balancer of this node is started. */
  readonly balancerStart: ProcessStart;
  /** The balancer's own word about itself, whenever it may have changed. */
  readonly watchBalancer: (onRead: (read: RecordRead<JsonObject>) => void, signal: AbortSignal) => void;
  readonly directors: Directors;
  readonly identity: IdentityStore;
  readonly certificates: Certificates;
  /** Which boot of the machine this is. */
  readonly bootId: string;
  /** Calls to other nodes and to framework services; a server for other nodes; who may be let in there. */
  readonly http: MutualHttp;
  readonly keepConnection: KeepConnection;
  readonly listenHttp: ListenHttp;
  readonly judgeCertificate: JudgeCertificate;
  readonly readLicenseToken: ReadLicenseToken;
  /** How busy the machine is; its disk is that of `dir`. */
  readonly loads: MachineLoads;
  /** For the portal. */
  readonly passwords: Passwords;
  readonly logFiles: LogFiles;
  readonly packArchive: PackArchive;
}
