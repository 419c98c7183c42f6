/**
 * What a director is answered inside of the tunnel: the greeting, logs of this node's pods, and everything else by way of cloud-proxy.
 *
 * I1: what is reached at the site is not decided here: all of `/proxy/…` goes to cloud-proxy as it came.
 * I2: logs are those of this node's pods alone, read from its own disk; so many are followed at a time.
 */

import { LIMITS } from '../../model/limits.ts';
import type { FrameworkConfig } from '../../model/framework.ts';
import type { Forwarder, ForwardTo } from '../../ports/forward.ts';
import type { HttpHandler, HttpRequest, HttpResponse, UpgradeHandler } from '../../ports/http.ts';
import type { LogOrder, OpenLogTail } from '../../ports/log-tail.ts';
import type { Log } from '../../ports/log.ts';
import { TUNNEL_HELLO } from '../../ports/tunnel.ts';
import type { JoinStreams } from '../../ports/tunnel.ts';
import type { Framework } from '../framework.ts';
import { passRequest, passUpgrade } from '../pass-on.ts';
import { badRequest, notHere, ofCause, sendRefusal, unavailable } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';

export interface InsideDeps {
  readonly framework: Framework;
  readonly forwardTo: ForwardTo;
  readonly openLog: OpenLogTail;
  readonly join: JoinStreams;
  /** Holds `<service>/<container>.log`. */
  readonly logsFolder: string;
  /** Of this program. */
  readonly version: string;
  readonly log: Log;
}

export interface Inside {
  readonly handler: HttpHandler;
  readonly onUpgrade: UpgradeHandler;
  close(): void;
}

export function createInside(deps: InsideDeps): Inside {
  const proxies = new Map<string, Forwarder>();
  const followed = { count: 0 };
  const broke = (error: unknown): void => deps.log.error('A request from the center could not be answered.', { error });
  return {
    handler: (request, response) => {
      answer(deps, proxies, followed, request, response).catch((error: unknown) => {
        broke(error);
        sendRefusal(response, ofCause(error));
      });
    },
    onUpgrade: (upgrade) => {
      const proxy = proxyOf(deps, proxies);
      if (!upgrade.target.startsWith('/proxy/')) sendRefusal(upgrade, notHere('There are WebSockets below /proxy/ alone.'));
      else if ('status' in proxy) sendRefusal(upgrade, proxy);
      else passUpgrade(upgrade, { forwarder: proxy, target: upgrade.target }, deps.join).catch(broke);
    },
    close: () => {
      for (const proxy of proxies.values()) proxy.close();
    },
  };
}

async function answer(
  deps: InsideDeps,
  proxies: Map<string, Forwarder>,
  followed: { count: number },
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const { target } = request;
  if (target === TUNNEL_HELLO) {
    const { cluster, node } = deps.framework.config();
    const body = { cluster, node: { name: node.name, uid: node.uid, incarnation: node.incarnation }, version: deps.version };
    return response.send(200, ['content-type', 'application/json'], Buffer.from(JSON.stringify(body), 'utf8'));
  }
  if (target === '/logs' || target.startsWith('/logs?')) return await answerLog(deps, followed, request, response);
  if (!target.startsWith('/proxy/')) return sendRefusal(response, notHere('connector-client serves /hello, /logs and /proxy/ alone.'));
  const proxy = proxyOf(deps, proxies);
  if ('status' in proxy) return sendRefusal(response, proxy);
  await passRequest(request, response, { forwarder: proxy, target });
}

/** By this node's own balancer, which knows where one runs. */
function proxyOf({ framework, forwardTo }: InsideDeps, proxies: Map<string, Forwarder>): Forwarder | Refusal {
  const { node, services }: FrameworkConfig = framework.config();
  const published = services.find((one) => one.framework === 'cloud-proxy');
  if (published === undefined)
    return unavailable(
      `The release that ${node.name} runs has no cloud-proxy, so nothing of its cluster is reached through the tunnel; upgrade the cluster.`,
    );
  const key = `${node.address}:${published.port}`;
  let proxy = proxies.get(key);
  if (proxy === undefined) {
    proxy = forwardTo({
      kind: 'node',
      host: node.address,
      port: published.port,
      identity: () => framework.identity(),
      trust: () => framework.memberTrust(),
      trustedNowMs: () => framework.trustedNowMs(),
    });
    proxies.set(key, proxy);
  }
  return proxy;
}

async function answerLog(deps: InsideDeps, followed: { count: number }, request: HttpRequest, response: HttpResponse): Promise<void> {
  if (request.method !== 'GET')
    return sendRefusal(response, { status: 405, reason: 'MethodNotAllowed', message: 'Logs are read with GET.' });
  const order = readOrder(request.target);
  if ('status' in order) return sendRefusal(response, order);
  if (order.follow && followed.count >= LIMITS.logsFollowed) {
    const message = `${LIMITS.logsFollowed} logs of this node are being followed already; end one of them.`;
    return sendRefusal(response, { status: 429, reason: 'TooManyRequests', message });
  }
  const gone = new AbortController();
  response.onAbandoned(() => gone.abort());
  followed.count++;
  try {
    const tail = await deps.openLog(deps.logsFolder, order, gone.signal);
    if ('refused' in tail) return sendRefusal(response, notHere(`${tail.refused}.`));
    // A log that is followed may be silent for as long as it likes: nobody is held up by it.
    const idleMs = order.follow ? LIMITS.watchMaxMs : LIMITS.proxyIdleMs;
    await response.relay(200, ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'], tail.stream, idleMs);
  } finally {
    followed.count--;
    gone.abort();
  }
}

function readOrder(target: string): LogOrder | Refusal {
  const query = new URLSearchParams(target.slice(target.indexOf('?') + 1));
  const service = query.get('service') ?? '';
  if (service === '') return badRequest('Say whose log: ?service=NAME, and container= where it has several.');
  const lines = query.get('tailLines') ?? String(LIMITS.logTailLines);
  if (!/^\d{1,9}$/.test(lines)) return badRequest('tailLines must be a whole number.');
  const follow = query.get('follow') ?? 'false';
  if (follow !== 'true' && follow !== 'false') return badRequest('follow must be true or false.');
  const tailLines = Math.min(Number(lines), LIMITS.logTailLinesMax);
  return { service, container: query.get('container') ?? undefined, tailLines, follow: follow === 'true' };
}
