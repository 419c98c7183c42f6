/**
 * `outrigger token create`: a single-use token for a host or a node, and the command that uses it.
 */

import { createJoinToken } from '../client/join-token.ts';
import { isForJoined, isLeaving } from '../decide/node-facts.ts';
import type { TokenBearer } from '../model/bootstrap-token.ts';
import { CLUSTER_NODES, HOSTS } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import type { Host } from '../model/host.ts';
import { Fault } from '../model/fault.ts';
import { holderText } from '../model/joined-machine.ts';
import { GROUP_VERSION } from '../model/resource.ts';
import type { OwnerReference } from '../model/resource.ts';
import type { EntityApi } from '../ports/api.ts';
import type { NewJoinSecret } from '../ports/join-secret.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';

export interface TokenOrder {
  /** A Host's name, or a ClusterNode as `namespace/name`. */
  readonly bearer: { readonly host: string } | { readonly node: string };
  readonly ttlMs?: number;
}

export interface TokenDeps {
  readonly api: EntityApi;
  readonly newJoinSecret: NewJoinSecret;
  readonly nowMs: number;
  readonly server: string;
  readonly caHash: string;
}

export interface MadeToken {
  readonly token: string;
  readonly server: string;
  readonly caHash: string;
  /** What to type on the machine that shall join. */
  readonly command: string;
  /** What whoever hands it on should know. */
  readonly note?: string;
}

export async function makeToken(deps: TokenDeps, order: TokenOrder, signal: AbortSignal): Promise<MadeToken> {
  const { namespace, bearer, owner, heldBy } = await resolveBearer(deps.api, order, signal);
  const answer = await createJoinToken(
    deps.api,
    deps.newJoinSecret,
    { namespace, bearer, nowMs: deps.nowMs, ...(order.ttlMs === undefined ? {} : { ttlMs: order.ttlMs }), owner },
    signal,
  );
  if (!answer.ok) throw new Fault('DirectorRefused', `No token was made: ${answer.message}`);
  const { server, caHash } = deps;
  const how = `--server ${server} --token ${answer.value} --ca-hash ${caHash}`;
  const command = bearer.kind === 'host' ? `outrigger host --host-name ${bearer.name} ${how}` : `outrigger agent join ${how}`;
  const note =
    heldBy === undefined
      ? {}
      : {
          note: `${bearer.name} is held by ${holderText(heldBy)}: this token lets only that machine in again, with a new key. For another machine, when that one is off for good: outrigger node confirm-dead ${bearer.name} -n ${namespace}`,
        };
  return { token: answer.value, server, caHash, command, ...note };
}

interface ResolvedBearer {
  readonly namespace: string;
  readonly bearer: TokenBearer;
  readonly owner: OwnerReference;
  /** `spec.host` of the node. */
  readonly heldBy?: string;
}

async function resolveBearer(api: EntityApi, order: TokenOrder, signal: AbortSignal): Promise<ResolvedBearer> {
  if ('host' in order.bearer) {
    const name = order.bearer.host;
    const host = await api.get<Host>(HOSTS, '', name, signal);
    if (!host.ok)
      throw new Fault(
        'DirectorRefused',
        `There is no Host ${name} (${host.message}). Create it first, with what it lends: kubectl apply -f host.yaml`,
      );
    const owner = { apiVersion: GROUP_VERSION, kind: 'Host', name, uid: host.value.metadata.uid };
    return { namespace: SYSTEM_NAMESPACE, bearer: { kind: 'host', name }, owner };
  }
  const [namespace, name, more] = order.bearer.node.split('/');
  if (namespace === undefined || name === undefined || more !== undefined)
    throw new Fault('UsageWrong', '--node must be written as NAMESPACE/NAME.');
  const node = await api.get<ClusterNode>(CLUSTER_NODES, namespace, name, signal);
  if (!node.ok) throw new Fault('DirectorRefused', `There is no ClusterNode ${name} in ${namespace}: ${node.message}`);
  refuseUnlessJoined(node.value);
  const { uid } = node.value.metadata;
  const bearer = { kind: 'node', uid, name, incarnation: node.value.spec.incarnation } as const;
  const { host } = node.value.spec;
  return {
    namespace,
    bearer,
    owner: { apiVersion: GROUP_VERSION, kind: 'ClusterNode', name, uid },
    ...(host === undefined ? {} : { heldBy: host }),
  };
}

/** A token that could let nobody in is not made. */
function refuseUnlessJoined(node: ClusterNode): void {
  const { name, namespace = '' } = node.metadata;
  const title = `${namespace}/${name}`;
  if (!isForJoined(node))
    throw new Fault(
      'DirectorRefused',
      `${title} is run by a host, which makes its tokens itself: machines join only clusters with spec.nodes: Joined.`,
    );
  if (isLeaving(node)) throw new Fault('DirectorRefused', `${title} is to go, so no machine can join as it.`);
}

/** `90s`, `30m`, `1h` in ms. Throws `Fault` UsageWrong. */
export function parseTtl(text: string, option = '--ttl'): number {
  const [, count, unit] = /^([1-9]\d{0,5})(s|m|h)$/.exec(text) ?? [];
  if (count === undefined || unit === undefined)
    throw new Fault('UsageWrong', `${option} must be written as 90s, 30m or 1h, not "${text}".`);
  return Number(count) * (unit === 's' ? 1000 : unit === 'm' ? 60_000 : 3_600_000);
}
