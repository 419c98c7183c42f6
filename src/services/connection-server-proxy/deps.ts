/**
 * What the front door of a site is made of.
 */

import type { Clock } from '../../ports/clock.ts';
import type { ListenHttp, TlsIdentity } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { JoinStreams } from '../../ports/tunnel.ts';
import type { OpenUpstream } from '../../ports/upstream.ts';
import type { Framework } from '../framework.ts';

export interface ProxyDeps {
  readonly framework: Framework;
  readonly listen: { readonly host: string; readonly port: number };
  readonly listenHttp: ListenHttp;
  readonly openUpstream: OpenUpstream;
  readonly joinStreams: JoinStreams;
  /** A certificate that people put into the node's folder; undefined: there is none that can be used. */
  readonly ownCertificate: () => TlsIdentity | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
