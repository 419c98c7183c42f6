/**
 * Slots that are not to be given to a node.
 *
 * I1: a slot is taken while anything speaks for it: a record, the folder of a node (also of one whose record is damaged or lost), or a socket that
 *     listens on one of its addresses, whosever it is.
 */

import { LOOPBACK_NODE_STRIDE } from '../model/ports.ts';
import type { HostDeps } from './deps.ts';
import { nodesFolder } from './deps.ts';
import { slotInNodeFile } from './node-file.ts';
import type { NodeRecords } from './records.ts';

export function slotsTaken(deps: HostDeps, records: NodeRecords, network: number): ReadonlySet<number> {
  const ofRecords = records.all().map((record) => record.slot);
  const ofFolders = deps.files.list(nodesFolder(deps.data)).flatMap((nodeUid) => slotInNodeFile(deps, nodeUid) ?? []);
  const ofSockets = deps.networks.listening(network).map((last) => Math.floor(last / LOOPBACK_NODE_STRIDE));
  return new Set([...ofRecords, ...ofFolders, ...ofSockets]);
}
