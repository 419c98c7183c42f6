/**
 * `outrigger node revoke`: says that the certificates of a node, as they are now, prove nothing any more.
 *
 * I1: what was issued before that moment is refused everywhere; what the node gets afterwards holds.
 */

import { isForJoined } from '../decide/node-facts.ts';
import { eventOf } from '../decide/request.ts';
import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { EVENTS } from '../model/core-kinds.ts';
import { Fault, isFault } from '../model/fault.ts';
import { tokenCommand } from '../model/joined-machine.ts';
import type { EntityApi } from '../ports/api.ts';

export interface RevokeOrder {
  readonly namespace: string;
  readonly name: string;
  /** This machine's clock. */
  readonly nowMs: number;
}

/** The sentence to show. Throws `Fault` DirectorRefused or UsageWrong. */
export async function revokeNode(api: EntityApi, { namespace, name, nowMs }: RevokeOrder, signal: AbortSignal): Promise<string> {
  const revokedBefore = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  const answer = await api.mergePatch<ClusterNode>(CLUSTER_NODES, namespace, name, { spec: { revokedBefore } }, signal);
  if (answer.ok) {
    await recordEvent(api, answer.value, { revokedBefore, nowMs }, signal);
    const next = isForJoined(answer.value)
      ? `Its machine joins again with a new token: ${tokenCommand(namespace, name)}`
      : 'Its host gives it a new one';
    return `The certificates that ${namespace}/${name} got before ${revokedBefore} are revoked: what they have open ends within seconds. ${next}.\n`;
  }
  if (answer.reason === 'NotFound') throw new Fault('UsageWrong', `There is no ClusterNode ${name} in the namespace ${namespace}.`);
  throw new Fault('DirectorRefused', `${name} was not revoked: ${answer.message}`);
}

/** So that those who look after the cluster learn of it. It is revoked whether or not this is recorded. */
async function recordEvent(
  api: EntityApi,
  node: ClusterNode,
  { revokedBefore, nowMs }: { readonly revokedBefore: string; readonly nowMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace = '', uid } = node.metadata;
  const next = isForJoined(node) ? 'a person makes a token for its machine' : 'its host gives it a new one';
  const about = { kind: 'ClusterNode', namespace, name, uid } as const;
  const message = `A person revoked the certificates that ${name} got before ${revokedBefore}; ${next}.`;
  const event = eventOf(
    { kind: 'RecordEvent', about, type: 'Warning', reason: 'NodeRevoked', message },
    'outrigger-cli',
    `${name}.revoked-${nowMs.toString(16)}`,
    `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
  );
  try {
    await api.create(EVENTS, namespace, event, signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
  }
}
