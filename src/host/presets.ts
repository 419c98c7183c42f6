/**
 * Keeps up with `availability.nodeRestart` of the clusters whose nodes run here. A host may read Clusters by name, not follow them, so it asks now and
 * then; what it last heard holds as long as no director answers.
 */

import { DEFAULT_PRESET } from '../decide/node-restart.ts';
import { CLUSTERS } from '../model/addresses.ts';
import type { Cluster } from '../model/cluster.ts';
import { isFault } from '../model/fault.ts';
import type { HostDeps } from './deps.ts';
import type { NodeRecord, NodeRecords } from './records.ts';

/** One look at each cluster. `onChange` is called for each node whose preset is another one now. */
export async function readPresets(
  deps: HostDeps,
  records: NodeRecords,
  onChange: (nodeUid: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const byCluster = Map.groupBy(records.all(), (record) => record.clusterUid);
  try {
    for (const nodes of byCluster.values()) await readPreset(deps, records, nodes, onChange, signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.debug('What clusters say of restarts could not be read', { error: cause });
  }
}

async function readPreset(
  deps: HostDeps,
  records: NodeRecords,
  nodes: readonly NodeRecord[],
  onChange: (nodeUid: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const [first] = nodes;
  if (first === undefined) return;
  const answer = await deps.api.get<Cluster>(CLUSTERS, first.namespace, first.cluster, signal);
  if (!answer.ok || answer.value.metadata.uid !== first.clusterUid) return;
  const nodeRestart = answer.value.spec.availability?.nodeRestart ?? DEFAULT_PRESET;
  for (const { nodeUid } of nodes) {
    const record = records.get(nodeUid);
    if (record === undefined || record.nodeRestart === nodeRestart) continue;
    await records.save({ ...record, nodeRestart });
    onChange(nodeUid);
  }
}
