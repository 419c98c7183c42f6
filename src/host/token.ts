/**
 * The token by which a node of this host joins: the first one, and another one when the node has lost what it knew itself by, or when that was revoked.
 *
 * I1: a token is made only for a node that this host holds and that the director knows; nothing here holds up the restart of an agent.
 * I2: the old certificate stays where it is until the agent has a new one: node.json names the certificate that the token replaces.
 * I3: at most one token lies unused at a time for half of its life, and at most one a minute is made.
 */

import { createJoinToken } from '../client/join-token.ts';
import { nodeLogFields } from '../decide/log-fields.ts';
import { isRevoked } from '../decide/renewal.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import { GROUP_VERSION } from '../model/resource.ts';
import type { HostDeps } from './deps.ts';
import { tokenInNodeFile, writeNodeFile } from './node-file.ts';
import type { NodeRecord } from './records.ts';

export interface Healer {
  /** Gives the node a token when it needs one, and starts its agent again with it. Throws `Fault` when no director makes one. */
  heal(record: NodeRecord, node: ClusterNode, signal: AbortSignal): Promise<void>;
  /** The agent was refused with the token that it has. */
  refused(nodeUid: string): void;
}

const MINT_GAP_MS = 60_000;

/** `restart` ends the agent of a node, so that it starts again with its new token. */
export function healer(deps: HostDeps, network: number, restart: (nodeUid: string) => void): Healer {
  /** CLOCK_BOOTTIME at which the unused token of a node was first seen, and at which one was made here. */
  const seenMs = new Map<string, number>();
  const madeMs = new Map<string, number>();
  const refused = new Set<string>();
  const mayWait = (nodeUid: string, need: Need): boolean => {
    const nowMs = deps.clock.monotonicMs();
    if (nowMs - (madeMs.get(nodeUid) ?? Number.NEGATIVE_INFINITY) < MINT_GAP_MS) return true;
    if (!need.hasToken || refused.has(nodeUid)) return false;
    const since = seenMs.get(nodeUid) ?? nowMs;
    seenMs.set(nodeUid, since);
    return nowMs - since < LIMITS.bootstrapTokenTtlMs / 2;
  };
  return {
    refused: (nodeUid) => void refused.add(nodeUid),
    heal: async (record, node, signal) => {
      const { nodeUid } = record;
      const need = await needOf(deps, record, node);
      if (need !== undefined && mayWait(nodeUid, need)) return;
      const token = need === undefined ? undefined : await mintToken(deps, record, signal);
      refused.delete(nodeUid);
      seenMs.delete(nodeUid);
      if (need === undefined || token === undefined) return;
      madeMs.set(nodeUid, deps.clock.monotonicMs());
      deps.log.warn(`${record.node} joins anew: ${need.why}.`, nodeLogFields(record));
      writeNodeFile(deps, network, record, { token, ...(need.replaces === undefined ? {} : { replaces: need.replaces }) });
      // Its pods and balancer go on meanwhile.
      restart(nodeUid);
    },
  };
}

interface Need {
  readonly why: string;
  /** Serial number of the certificate to replace. */
  readonly replaces: string | undefined;
  /** A token for just that lies in node.json. */
  readonly hasToken: boolean;
}

async function needOf(deps: HostDeps, record: NodeRecord, node: ClusterNode): Promise<Need | undefined> {
  const certificate = await deps.nodeCertificate(record.nodeUid);
  const lies = tokenInNodeFile(deps, record.nodeUid);
  if (certificate === undefined)
    return { why: 'it has no certificate that can be read', replaces: undefined, hasToken: lies.token !== undefined };
  if (!isRevoked(certificate, node.spec.revokedBefore)) return undefined;
  const replaces = certificate.serialNumber;
  return { why: 'its certificate was revoked', replaces, hasToken: lies.token !== undefined && lies.replaces === replaces };
}

export async function mintToken(deps: HostDeps, record: NodeRecord, signal: AbortSignal): Promise<string> {
  const { namespace, node: name, nodeUid: uid, incarnation } = record;
  const answer = await createJoinToken(
    deps.api,
    deps.newJoinSecret,
    {
      namespace,
      bearer: { kind: 'node', uid, name, incarnation },
      nowMs: deps.clock.nowMs(),
      owner: { apiVersion: GROUP_VERSION, kind: 'ClusterNode', name, uid },
    },
    signal,
  );
  if (!answer.ok) throw new Fault('DirectorRefused', `No token was made for ${name}: ${answer.message}`);
  return answer.value;
}
