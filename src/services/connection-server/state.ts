/**
 * What the parts of a connection server share, and what it needs of the world.
 */

import type { BootReading } from '../../decide/license-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ListenHttp, TlsIdentity } from '../../ports/http.ts';
import type { ReadLicenseToken } from '../../ports/license-token.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { SessionRelay } from '../../ports/session-relay.ts';
import type { LicenseBoard } from './license-board.ts';
import type { Account, Digest, LogIns } from './log-in.ts';
import type { SessionTable } from './sessions.ts';

export interface ConnectionServerOptions {
  readonly name: string;
  /** Of this program. */
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly backend: { readonly host: string; readonly port: number };
  readonly capacity: number;
  readonly idleTimeoutMs: number;
  readonly account: Account;
  readonly tls: TlsIdentity;
  /** PEM; undefined: licenses are shown, not verified. */
  readonly licenseAuthority: string | undefined;
}

export interface ConnectionServerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly listen: ListenHttp;
  readonly relay: SessionRelay;
  readonly digest: Digest;
  readonly readLicenseToken: ReadLicenseToken;
  readonly bootId: string;
}

export interface ServerState extends ConnectionServerDeps {
  readonly options: ConnectionServerOptions;
  /** Of this life; session ids begin with it. */
  readonly instance: string;
  readonly logIns: LogIns;
  readonly sessions: SessionTable;
  readonly license: LicenseBoard;
  /** What the last look at the back end said. */
  readonly backend: { up: boolean; message: string | undefined };
  readonly traffic: { in: number; out: number; readonly refusals: Map<string, number> };
  /** Cuts the connection of a session, if there is one. */
  readonly cut: (id: string, reason: string) => void;
  readonly bootNow: () => BootReading;
}
