/**
 * Unplugging: what this cluster put into the connection servers is taken back, then the Site is free.
 *
 * I1: it is tried once, all servers at a time, each within its deadline: an unreachable server holds nothing up, and what could not be taken back is
 *     written into `status.leftBehind` in the write that takes the plug away.
 * I2: a server is spoken to only by its pin, and only when this cluster was paired with it.
 */

import { touchedServers, unpluggedStatus } from '../decide/site-duty.ts';
import { isFault } from '../model/fault.ts';
import type { Site, SiteStatus } from '../model/site.ts';
import type { MutualHttp } from '../ports/mutual-http.ts';
import type { SiteCredentials } from './site-memory.ts';
import { callServer } from './site-probe.ts';

export interface UnplugOrder {
  readonly cluster: string;
  readonly site: Site;
  readonly credentials: SiteCredentials | undefined;
  readonly trustedNowMs: number;
}

export interface Unplugged {
  readonly status: SiteStatus;
  /** A sentence each. */
  readonly left: readonly string[];
}

export async function unplug(http: MutualHttp, order: UnplugOrder, signal: AbortSignal): Promise<Unplugged> {
  const { cluster, site, credentials, trustedNowMs } = order;
  const servers = touchedServers(site);
  const answers = await Promise.all(
    servers.map(async (server) => {
      const why = await takeBack(http, { server, credentials, trustedNowMs }, signal);
      return why === undefined
        ? []
        : [
            `${server.name} may still hold the license of cluster ${cluster}: take it away with DELETE ${server.url}/v1/license (with the site's account), or pair another cluster with this site, which replaces it. It was not taken away because ${why}`,
          ];
    }),
  );
  const left = answers.flat();
  return { left, status: unpluggedStatus(site, left) };
}

interface TakeBack {
  readonly server: { readonly url: string; readonly pin: string };
  readonly credentials: SiteCredentials | undefined;
  readonly trustedNowMs: number;
}

/** Why not; undefined: it is gone. */
async function takeBack(
  http: MutualHttp,
  { server, credentials, trustedNowMs }: TakeBack,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const call = { server, credentials, context: { trustedNowMs } };
    const { status } = await callServer(http, call, { method: 'DELETE', path: '/v1/license' }, signal);
    return (status >= 200 && status < 300) || status === 404 ? undefined : `it answered ${status}.`;
  } catch (cause) {
    if (signal.aborted || !isFault(cause)) throw cause;
    return cause.message;
  }
}
