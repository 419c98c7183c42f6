/**
 * The tunnels that are open at this director: who may have one, and which one leads to what.
 *
 * I1: a tunnel is taken only from a node that is known here, in its newest life, whose certificate is not revoked; it is told why not.
 * I2: a node has at most one: a newer one takes the place of the older, whose requests go on to their end.
 * I3: a tunnel that is given out leads to the very cluster that was asked for, by its uid.
 */

import type { Clock } from '../../ports/clock.ts';
import type { HttpPeer, TunnelHandler } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import { LIMITS } from '../../model/limits.ts';
import { TUNNEL_HELLO, TUNNEL_REPLACED } from '../../ports/tunnel.ts';
import type { CenterTunnel, OpenCenterTunnel } from '../../ports/tunnel.ts';
import type { Authenticator } from '../auth/identity.ts';
import { isRefused } from '../auth/identity.ts';
import type { NodeFacts, Relations } from '../auth/relations.ts';
import type { Standing } from '../auth/standing.ts';
import type { TunnelLeases } from './tunnel-lease.ts';

export interface TunnelParts {
  readonly authenticator: Authenticator;
  readonly relations: Relations;
  readonly standing: Standing;
  readonly openTunnel: OpenCenterTunnel;
  readonly leases: TunnelLeases;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Tunnels {
  readonly accept: TunnelHandler;
  /** The tunnel of one node. */
  ofNode(uid: string): CenterTunnel | undefined;
  /** A tunnel of the cluster: the one with the fewest requests under way. */
  ofCluster(namespace: string, cluster: string, clusterUid: string): CenterTunnel | undefined;
  count(): number;
  /** Takes no more; those that are open end after their last request, at the latest after `graceMs`. */
  close(graceMs: number): void;
}

interface Held {
  readonly node: NodeFacts;
  /** From where it was dialed. */
  readonly address: string;
  readonly tunnel: CenterTunnel;
}

interface Registry {
  readonly byNode: Map<string, Held>;
  /** `<namespace>/<cluster>` → uids of nodes. */
  readonly byCluster: Map<string, Set<string>>;
  closed: boolean;
}

export function createTunnels(parts: TunnelParts): Tunnels {
  const registry: Registry = { byNode: new Map(), byCluster: new Map(), closed: false };
  return {
    accept: (socket, peer) => {
      const tunnel = parts.openTunnel(socket);
      admit(parts, registry, tunnel, peer).catch((error: unknown) => {
        parts.log.warn('A tunnel could not be taken.', { remoteAddress: peer.address, error });
        tunnel.end('this director could not take the tunnel; its log says why');
      });
    },
    ofNode: (uid) => {
      const held = registry.byNode.get(uid);
      return held === undefined || parts.leases.movedTo(held.node) !== undefined ? undefined : held.tunnel;
    },
    ofCluster: (namespace, cluster, clusterUid) => leastBusy(parts, registry, placeOf({ namespace, cluster }), clusterUid),
    count: () => registry.byNode.size,
    close: (graceMs) => {
      registry.closed = true;
      for (const { tunnel } of registry.byNode.values()) tunnel.retire(graceMs);
    },
  };
}

async function admit(parts: TunnelParts, registry: Registry, tunnel: CenterTunnel, peer: HttpPeer): Promise<void> {
  const { authenticator, standing, relations, log } = parts;
  const identity = await authenticator.authenticate({ peerCertificate: peer.certificate, connection: peer });
  const why = isRefused(identity)
    ? identity.refused
    : identity.node === undefined
      ? 'tunnels are for nodes, and this is the certificate of somebody else'
      : standing.fallen(identity.node, Infinity);
  const node = isRefused(identity) || identity.node === undefined ? undefined : relations.node(identity.node.uid);
  if (why !== undefined || node === undefined) {
    log.warn('Refused a tunnel.', { remoteAddress: peer.address, why });
    tunnel.end(why ?? 'this director does not know the node');
    return;
  }
  let over: string | undefined;
  tunnel.onEnd((reason) => {
    over = reason;
    forget(parts, registry, node, tunnel, reason);
  });
  const hello = await tunnel.request(
    { method: 'GET', target: TUNNEL_HELLO, headers: [], webSocket: false, headMs: LIMITS.tunnelDialMs },
    new AbortController().signal,
  );
  hello.stream.on('error', () => undefined);
  hello.stream.resume();
  if (over !== undefined) return;
  if (registry.closed) return tunnel.end('this director stops');
  const before = registry.byNode.get(node.uid);
  registry.byNode.set(node.uid, { node, address: peer.address, tunnel });
  const place = placeOf(node);
  registry.byCluster.set(place, (registry.byCluster.get(place) ?? new Set()).add(node.uid));
  before?.tunnel.retire(LIMITS.tunnelRetiredMs, TUNNEL_REPLACED);
  parts.leases.take(node);
  const inPlaceOf = before === undefined ? {} : { inPlaceOfOneFrom: before.address };
  log.info('A tunnel is open.', { node: node.name, namespace: node.namespace, remoteAddress: peer.address, ...inPlaceOf });
}

function forget(parts: TunnelParts, registry: Registry, node: NodeFacts, tunnel: CenterTunnel, why: string): void {
  if (registry.byNode.get(node.uid)?.tunnel !== tunnel) return;
  registry.byNode.delete(node.uid);
  const place = placeOf(node);
  const left = registry.byCluster.get(place);
  left?.delete(node.uid);
  if (left?.size === 0) registry.byCluster.delete(place);
  parts.leases.release(node);
  parts.log.info('A tunnel is over.', { node: node.name, namespace: node.namespace, why });
}

function leastBusy({ leases }: TunnelParts, registry: Registry, place: string, clusterUid: string): CenterTunnel | undefined {
  let best: CenterTunnel | undefined;
  for (const uid of registry.byCluster.get(place) ?? []) {
    const held = registry.byNode.get(uid);
    // What was cut silently is still open here when it has moved on.
    if (held === undefined || held.node.clusterUid !== clusterUid || leases.movedTo(held.node) !== undefined) continue;
    if (best === undefined || held.tunnel.streams() < best.streams()) best = held.tunnel;
  }
  return best;
}

function placeOf({ namespace, cluster }: Pick<NodeFacts, 'namespace' | 'cluster'>): string {
  return `${namespace}/${cluster}`;
}
