/**
 * `node.json`: what a host tells the agent of a node. Written before the agent's first start, brought up to date before each later one.
 *
 * I1: it holds the join token until the agent has its certificate, so it is readable by its owner alone.
 * I2: a change of addresses or directors reaches the agent with its next start.
 */

import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import type { HostDeps } from './deps.ts';
import { nodeFolder } from './deps.ts';
import type { NodeRecord } from './records.ts';
import { LOOPBACK_NODE_STRIDE } from '../model/ports.ts';
import { addressesOf } from './slots.ts';

const FORMAT = 1;
const OWNER_ONLY = 0o600;
const FOLDER_MODE = 0o700;

/** A token, and the serial number of the certificate that it replaces; none where the node has none. */
export interface NodeToken {
  readonly token: string;
  readonly replaces?: string;
}

/** Writes it; without `token` the one that stands there is kept. True when something changed. */
export function writeNodeFile(deps: HostDeps, network: number, record: NodeRecord, token?: NodeToken): boolean {
  const folder = nodeFolder(deps.data, record.nodeUid);
  deps.files.ensureFolder(folder, FOLDER_MODE);
  const path = `${folder}/node.json`;
  const before = readNodeFile(deps, path);
  const { address, podAddresses } = addressesOf(network, record.slot);
  const facts: JsonObject = {
    format: FORMAT,
    namespace: record.namespace,
    node: record.node,
    nodeUid: record.nodeUid,
    incarnation: record.incarnation,
    cluster: record.cluster,
    clusterUid: record.clusterUid,
    ...(record.attempt === undefined ? {} : { attempt: record.attempt }),
    role: record.role,
    address,
    podAddresses: [...podAddresses],
    directors: [...deps.directors],
    caHash: deps.caHash,
    leaseRenewMs: deps.leaseRenewMs,
    balancer: deps.balancer,
    ...token,
  };
  const same = Object.entries(facts).every(([name, value]) => JSON.stringify(before[name]) === JSON.stringify(value));
  if (same) return false;
  // What the agent may have added, and the token that stands there, stay.
  deps.files.writeText(path, `${JSON.stringify({ ...before, ...facts }, undefined, 2)}\n`, OWNER_ONLY);
  return true;
}

/** The slot that a node's file speaks of: where its record is damaged or lost, its addresses are still not to be given to another. */
export function slotInNodeFile(deps: HostDeps, nodeUid: string): number | undefined {
  const { address } = readNodeFile(deps, `${nodeFolder(deps.data, nodeUid)}/node.json`);
  const slot = typeof address === 'string' ? Number(address.split('.').at(-1)) / LOOPBACK_NODE_STRIDE : Number.NaN;
  return Number.isInteger(slot) ? slot : undefined;
}

/** The token that lies there unused. */
export function tokenInNodeFile(deps: HostDeps, nodeUid: string): Partial<NodeToken> {
  const { token, replaces } = readNodeFile(deps, `${nodeFolder(deps.data, nodeUid)}/node.json`);
  return { ...(typeof token === 'string' ? { token } : {}), ...(typeof replaces === 'string' ? { replaces } : {}) };
}

function readNodeFile(deps: HostDeps, path: string): JsonObject {
  try {
    const content: unknown = JSON.parse(deps.files.readText(path) ?? '{}');
    return isJsonObject(content) ? content : {};
  } catch {
    return {};
  }
}
