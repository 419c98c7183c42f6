/**
 * connection-server-proxy: the front door of a site, on every node of its cluster.
 *
 * I1: without a site, or with servers that are all gone, it listens and says so: what it fronts makes no pod restart.
 * I2: stopped, it lets answers finish, then cuts what is left; the balancer sends nothing new meanwhile.
 */

import { reportOf } from '../../decide/server-choice.ts';
import type { ConnectionServerProxyStatus } from '../../model/framework.ts';
import type { Json } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { HttpServer, TlsIdentity } from '../../ports/http.ts';
import type { ProxyDeps } from './deps.ts';
import { openDoor } from './door.ts';
import { watchServers } from './servers.ts';
import type { Servers } from './servers.ts';

/** The status is written when it changed, and looked at this often. */
const TELL_MS = 1_000;

/** Runs until the signal aborts. Throws `Fault` PortTaken. */
export async function runConnectionServerProxy(deps: ProxyDeps, signal: AbortSignal): Promise<void> {
  const closing = new AbortController();
  const servers = watchServers(deps, closing.signal);
  const door = openDoor(deps, servers, closing.signal);
  const server = await deps.listenHttp({
    ...deps.listen,
    tls: certificateOf(deps),
    handler: door.handler,
    onUpgrade: door.onUpgrade,
    onError: (error) => deps.log.error('The front door failed.', { error }),
  });
  deps.log.info('The front door of the site is open.', { address: `${deps.listen.host}:${server.port}` });
  try {
    await keepTelling(deps, servers, server, signal);
  } finally {
    await server.close(LIMITS.doorCloseMs);
    closing.abort();
  }
}

async function keepTelling(deps: ProxyDeps, servers: Servers, server: HttpServer, signal: AbortSignal): Promise<void> {
  let shown = certificateOf(deps);
  while (!signal.aborted) {
    const tls = certificateOf(deps);
    if (tls.certificate !== shown.certificate) server.replaceTls(tls);
    shown = tls;
    await deps.framework.tell(statusOf(servers) as unknown as Json);
    await deps.clock.sleep(TELL_MS, signal).catch(() => undefined);
  }
}

function certificateOf({ framework, ownCertificate }: ProxyDeps): TlsIdentity {
  const { certificate, privateKey } = framework.identity();
  return ownCertificate() ?? { certificate, key: privateKey };
}

function statusOf(servers: Servers): ConnectionServerProxyStatus {
  const states = [...servers.states()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { servers: Object.fromEntries(states.map((state) => [state.name, reportOf(state)])), use: servers.seats() };
}
