/**
 * cloud-proxy: the one place at a site that decides what of it is reached through the tunnel.
 *
 * It listens behind every node's balancer, for nodes of this cluster alone (connector-client), and passes on to services that the cluster publishes,
 * by its own node's balancer, and to the portal of the primary.
 *
 * I1: only a member of this cluster, judged by our CA and trusted time, is answered; everybody else gets 403 and a sentence.
 * I2: what is reached is decided by `placeOf` from `framework.json`; no address or port comes from a request.
 * I3: requests are judged when they come: a member that was replaced a moment ago is refused on a connection that is still open.
 */

import { readReached } from '../../decide/gateway-path.ts';
import { placeOf } from '../../decide/published.ts';
import type { ReachedPlace } from '../../decide/published.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Destination, Forwarder, ForwardTo } from '../../ports/forward.ts';
import type { HttpPeer, ListenHttp } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import type { JoinStreams } from '../../ports/tunnel.ts';
import type { Framework } from '../framework.ts';
import { passRequest, passUpgrade } from '../pass-on.ts';
import type { PassOn } from '../pass-on.ts';
import { badRequest, forbidden, notHere, ofCause, sendRefusal, unavailable } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';

export interface CloudProxyDeps {
  readonly framework: Framework;
  readonly listen: { readonly host: string; readonly port: number };
  readonly listenHttp: ListenHttp;
  readonly forwardTo: ForwardTo;
  readonly join: JoinStreams;
  readonly log: Log;
}

const PROXY = '/proxy';

/** Runs until the signal aborts. `onListening`: told the port. */
export async function runCloudProxy(deps: CloudProxyDeps, signal: AbortSignal, onListening?: (port: number) => void): Promise<void> {
  const { framework, listen, log } = deps;
  const ways = forwarders(deps);
  const server = await deps.listenHttp({
    ...listen,
    tls: tlsOf(framework),
    handler: (request, response) => {
      const way = decide(deps, ways, request.peer, request.target);
      if ('status' in way) sendRefusal(response, way);
      else
        passRequest(request, response, way).catch((error: unknown) => {
          log.error('A request could not be passed on.', { error });
          sendRefusal(response, ofCause(error));
        });
    },
    onUpgrade: (upgrade) => {
      const way = decide(deps, ways, upgrade.peer, upgrade.target);
      if ('status' in way) sendRefusal(upgrade, way);
      else
        passUpgrade(upgrade, way, deps.join).catch((error: unknown) => {
          log.error('A WebSocket could not be passed on.', { error });
          upgrade.stream.destroy();
        });
    },
    onError: (error) => log.error('The server of this service failed.', { error }),
  });
  framework.onChange(() => server.replaceTls(tlsOf(framework)));
  onListening?.(server.port);
  await aborted(signal);
  await server.close(LIMITS.podDrainMs);
  ways.close();
}

function decide({ framework }: CloudProxyDeps, ways: Ways, peer: HttpPeer, target: string): PassOn | Refusal {
  const judged = framework.judgeMember(peer.certificate, peer.address);
  if ('refused' in judged) return forbidden(judged.refused);
  if (!target.startsWith(`${PROXY}/`)) return notHere('cloud-proxy serves /proxy/services/… and /proxy/portal/… alone.');
  const read = readReached(target.slice(PROXY.length));
  if ('refused' in read) return badRequest(`${read.refused}.`);
  const place = placeOf(read.reached, framework.config());
  if (place.kind === 'refused') {
    if (place.status === 503) return unavailable(place.message);
    return place.status === 403 ? forbidden(place.message) : notHere(place.message);
  }
  const name = read.reached.kind === 'service' ? read.reached.service : 'portal';
  return { forwarder: ways.to(place, name), target: read.reached.rest };
}

interface Ways {
  to(place: Exclude<ReachedPlace, { readonly kind: 'refused' }>, name: string): Forwarder;
  close(): void;
}

/** One way a destination; there are as many as services. */
function forwarders({ framework, forwardTo }: CloudProxyDeps): Ways {
  const known = new Map<string, Forwarder>();
  const get = (key: string, make: () => Destination): Forwarder => {
    let forwarder = known.get(key);
    if (forwarder === undefined) known.set(key, (forwarder = forwardTo(make())));
    return forwarder;
  };
  return {
    to: (place, name) => {
      if (place.kind === 'service') {
        const { host, port, secure } = place;
        return get(`${secure ? 'tls' : 'plain'} ${name} ${host}:${port}`, () => ({ kind: secure ? 'tls' : 'plain', host, port, name }));
      }
      const { member, port } = place;
      return get(`portal ${member.uid} ${member.address}:${port}`, () => ({
        kind: 'node',
        host: member.address,
        port,
        identity: () => framework.identity(),
        trust: () => framework.memberTrust([member.uid]),
        trustedNowMs: () => framework.trustedNowMs(),
      }));
    },
    close: () => {
      for (const forwarder of known.values()) forwarder.close();
    },
  };
}

function tlsOf(framework: Framework): { readonly certificate: string; readonly key: string; readonly clientCa: string } {
  const { certificate, privateKey, authority } = framework.identity();
  return { certificate, key: privateKey, clientCa: authority };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
