/**
 * What a simulated host says of its nodes: `status.infrastructure`, as src/host/infrastructure.ts and src/host/lost.ts have it.
 */

import { lostMachine } from '../src/decide/host-claim.ts';
import { CLUSTER_NODES } from '../src/model/addresses.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import { isFault } from '../src/model/fault.ts';
import type { JsonObject } from '../src/model/json.ts';
import type { EntityApi } from '../src/ports/api.ts';
import { bootOf } from './host-state.ts';
import type { HostRecord, SimHost } from './host-state.ts';
import type { Life } from './process.ts';

export interface Reporter {
  readonly host: SimHost;
  readonly life: Life;
  readonly api: EntityApi;
}

type SaidPhase = 'Starting' | 'Running' | 'Gone' | 'Failed';

/** Writes the host's section; when it fails, the next look does it again. False: the director did not take it. */
export async function report({ host, api, life }: Reporter, record: HostRecord, phase: SaidPhase, reason?: 'RecordLost'): Promise<boolean> {
  const slot = [...host.records.keys()].indexOf(record.nodeUid) + 1;
  const address = `127.77.${host.name.slice(-1)}.${10 * slot}`;
  const podAddresses = [1, 2, 3].map((pod) => `127.77.${host.name.slice(-1)}.${10 * slot + pod}`);
  const { incarnation } = record;
  const section: JsonObject = { incarnation, phase, address, podAddresses, bootId: bootOf(host), reason: reason ?? null };
  const patch = { metadata: { uid: record.nodeUid }, status: { infrastructure: section } };
  try {
    return (await api.mergePatch(CLUSTER_NODES, record.namespace, record.node, patch, life.controller.signal, 'status')).ok;
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    host.world.trace(`${host.name} could not report ${record.node} (incarnation ${incarnation}, uid ${record.nodeUid.slice(0, 8)})`);
    return false;
  }
}

/** A life that ran here and of which there is no record. */
export async function sayLost(reporter: Reporter, node: ClusterNode): Promise<void> {
  const { host } = reporter;
  const { namespace = '', name, uid: nodeUid } = node.metadata;
  const isThere = host.machines.get(nodeUid)?.isAlive === true;
  const state = lostMachine(host.name, node, { pids: isThere ? [1] : [], folder: isThere ? '/folder' : undefined });
  const { incarnation, resources } = node.spec;
  const record: HostRecord = { namespace, node: name, nodeUid, incarnation, ...resources, phase: 'Preparing' };
  await report(reporter, record, state.phase, 'reason' in state ? state.reason : undefined);
}

export function isReported(node: ClusterNode, record: HostRecord, phase: 'Running' | 'Gone', bootId?: string): boolean {
  const section = node.status?.infrastructure;
  return section?.incarnation === record.incarnation && section.phase === phase && (bootId === undefined || section.bootId === bootId);
}
