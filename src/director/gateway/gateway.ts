/**
 * The gateway: what authorized people at the center reach at a site, through the tunnels that its nodes dialed.
 *
 * A request is authenticated and authorized here as every other (subresources clusters/proxy and clusternodes/log); where it leads inside of the site
 * is decided there, by cloud-proxy.
 *
 * I1: every request gets exactly one answer and one audit line.
 * I2: nothing of the caller's credentials passes (src/decide/proxied-headers.ts).
 * I3: requests under way are bounded, in each tunnel and in all; beyond that they are refused, not queued, so that a slow site holds up nobody.
 * I4: a director without a tunnel of the cluster sends the caller to one that has it, and asks nobody in his name.
 */

import { AssertionFailed } from '../../base/assert.ts';
import { readGatewayPath } from '../../decide/gateway-path.ts';
import type { GatewayAim } from '../../decide/gateway-path.ts';
import { isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import { API_GROUP, API_VERSION } from '../../model/resource.ts';
import type { HttpHeaders, HttpPeer, HttpUpgrade } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import type { EntityStore } from '../../ports/store.ts';
import type { CenterTunnel, JoinStreams } from '../../ports/tunnel.ts';
import { badRequest, internalError, methodNotAllowed, notFound, ofFault, refused, statusBody } from '../api/status.ts';
import type { Refused } from '../api/status.ts';
import type { Attributes, Authenticator, Authorizer, Identity } from '../auth/identity.ts';
import { isRefused } from '../auth/identity.ts';
import type { Relations } from '../auth/relations.ts';
import { audit } from './audit.ts';
import type { CountRequest, GatewayDoor } from './door.ts';
import { passRequest, passUpgrade } from './pass.ts';
import type { Passed } from './pass.ts';
import type { TunnelLeases } from './tunnel-lease.ts';
import type { Tunnels } from './tunnels.ts';

export interface GatewayParts {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly relations: Relations;
  readonly store: EntityStore;
  readonly tunnels: Tunnels;
  readonly leases: TunnelLeases;
  readonly join: JoinStreams;
  readonly log: Log;
  /** A promise of our own code was broken. */
  readonly onBroken: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface Gateway extends GatewayDoor {
  /** A request to upgrade, on any path. */
  upgrade(upgrade: HttpUpgrade): void;
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  OPTIONS: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What both kinds of requests have. */
interface Asked {
  readonly method: string;
  readonly target: string;
  readonly peer: HttpPeer;
  readonly webSocket?: true;
  header(name: string): string | undefined;
}

/** Where a request goes, once everything about it is right. */
type Way =
  | { readonly kind: 'tunnel'; readonly tunnel: CenterTunnel; readonly aim: GatewayAim }
  | { readonly kind: 'elsewhere'; readonly location: string; readonly status: 307 | 308 }
  | { readonly kind: 'refused'; readonly refusal: Refused };

/** What the audit line says besides. */
interface Course {
  user: string | undefined;
  verb: string;
  aim: GatewayAim | undefined;
}

export function createGateway(parts: GatewayParts): Gateway {
  const underWay = { count: 0 };
  return {
    serves: (target) => readGatewayPath(target) !== undefined,
    tunnels: () => parts.tunnels.count(),
    handle: (request, response, count) => {
      const send = (status: number, headers: HttpHeaders, body: Buffer): Passed => {
        response.send(status, headers, body);
        return { status, outwardBytes: body.length, complete: true };
      };
      void run(parts, underWay, request, send, (tunnel, aim) => passRequest(tunnel, aim, request, response), count);
    },
    upgrade: (upgrade) => {
      const send = (status: number, headers: HttpHeaders, body: Buffer): Passed => {
        upgrade.refuse(status, headers, body);
        return { status, outwardBytes: body.length, complete: true };
      };
      const { method, target, peer } = upgrade;
      const asked: Asked = { method, target, peer, header: (name) => upgrade.header(name), webSocket: true };
      void run(parts, underWay, asked, send, (tunnel, aim) => passUpgrade(tunnel, aim, upgrade, parts.join));
    },
  };
}

async function run(
  parts: GatewayParts,
  underWay: { count: number },
  asked: Asked,
  send: (status: number, headers: HttpHeaders, body: Buffer) => Passed,
  pass: (tunnel: CenterTunnel, aim: GatewayAim) => Promise<Passed>,
  count?: CountRequest,
): Promise<void> {
  const begunMs = performance.now();
  const course: Course = { user: undefined, verb: '', aim: undefined };
  let passed: Passed;
  underWay.count++;
  try {
    const way = underWay.count > LIMITS.proxiedRequests ? tooMany() : await wayOf(parts, asked, course);
    if (way.kind === 'tunnel') passed = await pass(way.tunnel, way.aim);
    else if (way.kind === 'elsewhere') passed = send(way.status, ['location', way.location, 'cache-control', 'no-store'], Buffer.alloc(0));
    else passed = sendRefusal(send, way.refusal);
  } catch (error) {
    passed = sendRefusal(send, refusalOf(parts, asked, error));
  } finally {
    underWay.count--;
  }
  const ms = performance.now() - begunMs;
  count?.(course.aim?.kind ?? 'proxy', passed.status, ms);
  audit(parts.log, { ...course, method: asked.method, address: asked.peer.address, ...passed, ms });
}

function tooMany(): Way {
  const message = `${LIMITS.proxiedRequests} requests go through the tunnels of this director at this moment; try again in a second`;
  return { kind: 'refused', refusal: { ...refused(429, 'TooManyRequests', message), retryAfterSeconds: 1 } };
}

function sendRefusal(send: (status: number, headers: HttpHeaders, body: Buffer) => Passed, refusal: Refused): Passed {
  const retry = refusal.retryAfterSeconds === undefined ? [] : ['retry-after', String(refusal.retryAfterSeconds)];
  const body = Buffer.from(JSON.stringify(statusBody(refusal)), 'utf8');
  return send(refusal.code, ['content-type', 'application/json', 'cache-control', 'no-cache, private', ...retry], body);
}

function refusalOf(parts: GatewayParts, asked: Asked, error: unknown): Refused {
  if (isFault(error)) return ofFault(error);
  parts.log.error('A request through the gateway failed inside of the director.', { method: asked.method, error });
  if (error instanceof AssertionFailed) parts.onBroken(error);
  return internalError('the director failed at this request; its log says why');
}

async function wayOf(parts: GatewayParts, asked: Asked, course: Course): Promise<Way> {
  const no = (refusal: Refused): Way => ({ kind: 'refused', refusal });
  const read = readGatewayPath(asked.target);
  if (read !== undefined && 'aim' in read) course.aim = read.aim;
  const { authenticator, authorizer } = parts;
  const { peer } = asked;
  const identity = await authenticator.authenticate({
    authorization: asked.header('authorization'),
    peerCertificate: peer.certificate,
    connection: peer,
  });
  if (isRefused(identity)) return no(refused(401, 'Unauthorized', identity.refused));
  course.user = identity.name;
  if (asked.header('impersonate-user') !== undefined) return no(refused(403, 'Forbidden', 'impersonation (kubectl --as) is not served'));
  if (read === undefined)
    return no(badRequest('WebSockets are served below …/clusters/NAME/proxy/ alone; what else there is, is asked for without Upgrade'));
  if ('refused' in read) return no(badRequest(read.refused));
  const verb = (course.verb = VERBS[asked.method] ?? '');
  if (verb === '' || (read.aim.kind === 'log' && verb !== 'get')) return no(methodNotAllowed(`${asked.method} is not supported here`));
  const refusal = authorized(authorizer, identity, verb, read.aim);
  if (refusal !== undefined) return no(refusal);
  const slashed = asked.webSocket === true ? undefined : withSlash(asked.target, read.aim);
  if (slashed !== undefined) return { kind: 'elsewhere', location: slashed, status: 308 };
  return await tunnelFor(parts, asked, read.aim);
}

/**
 * Where the path ends with what is reached, without a slash, links of its pages would lead beside it: the same path with the slash, for the
 * same method (308), relative, as whoever stands between (kubectl proxy) may have other paths. Undefined: it has one.
 */
function withSlash(target: string, aim: GatewayAim): string | undefined {
  if (aim.kind === 'log') return undefined;
  const { prefix } = aim;
  const behind = target.slice(prefix.length);
  if (behind !== '' && !behind.startsWith('?')) return undefined;
  return `./${prefix.slice(prefix.lastIndexOf('/') + 1)}/${behind}`;
}

function authorized(authorizer: Authorizer, identity: Identity, verb: string, aim: GatewayAim): Refused | undefined {
  const [resource, subresource, name] = aim.kind === 'log' ? ['clusternodes', 'log', aim.node] : ['clusters', 'proxy', aim.cluster];
  const attributes: Attributes = { verb, group: API_GROUP, version: API_VERSION, resource, subresource, namespace: aim.namespace, name };
  const decision = authorizer.authorize(identity, attributes);
  return decision.allowed ? undefined : refused(403, 'Forbidden', decision.reason, { name, group: API_GROUP, kind: resource });
}

async function tunnelFor(parts: GatewayParts, asked: Asked, aim: GatewayAim): Promise<Way> {
  // Somebody else's director may have just created what is asked for.
  if (isUnknown(parts, aim)) await parts.store.fresh(parts.signal);
  const found = aim.kind === 'log' ? ofNode(parts, aim.namespace, aim.node) : ofCluster(parts, aim.namespace, aim.cluster);
  if ('code' in found) return { kind: 'refused', refusal: found };
  if (typeof found.to === 'string') return { kind: 'elsewhere', location: `${found.to}${asked.target}`, status: 307 };
  if (found.to.streams() < LIMITS.tunnelStreams) return { kind: 'tunnel', tunnel: found.to, aim };
  const message = `${LIMITS.tunnelStreams} requests are under way in the tunnel of this site; try again in a second`;
  return { kind: 'refused', refusal: { ...refused(429, 'TooManyRequests', message), retryAfterSeconds: 1 } };
}

function isUnknown({ relations }: GatewayParts, aim: GatewayAim): boolean {
  return aim.kind === 'log'
    ? relations.nodeAt(aim.namespace, aim.node) === undefined
    : relations.cluster(aim.namespace, aim.cluster) === undefined;
}

/** A tunnel that is open here, or the URL of a director that has one. */
type Found = { readonly to: CenterTunnel | string } | Refused;

function ofNode({ relations, tunnels, leases }: GatewayParts, namespace: string, name: string): Found {
  const node = relations.nodeAt(namespace, name);
  if (node === undefined) return notFound({ group: API_GROUP, resource: 'clusternodes', name });
  const to = tunnels.ofNode(node.uid) ?? leases.movedTo(node);
  return to === undefined ? noTunnel(`the node ${name}`) : { to };
}

function ofCluster({ relations, tunnels, leases }: GatewayParts, namespace: string, name: string): Found {
  const cluster = relations.cluster(namespace, name);
  if (cluster === undefined) return notFound({ group: API_GROUP, resource: 'clusters', name });
  const to = tunnels.ofCluster(namespace, name, cluster.uid) ?? leases.elsewhere(namespace, name, cluster.uid);
  return to === undefined ? noTunnel(`the cluster ${name}`) : { to };
}

function noTunnel(of: string): Refused {
  const message = `${of} has no tunnel to any director at this moment: its site is cut off, or its connector-client does not run; its services go on, and the tunnel comes back by itself`;
  return { ...refused(503, 'ServiceUnavailable', message), retryAfterSeconds: 2 };
}
