/**
 * What the host daemon knows of its nodes, on its own disk: it finds agents again after a crash, and starts all nodes after a reboot,
 * director or not.
 *
 * I1: a slot is written down before anything uses it, and given up only after nothing of the node lives and its folder is gone.
 * I2: a record that cannot be read is reported and left alone; its node goes on, and nothing is started in its place.
 */

import type { RestartPreset, RestartRecord } from '../decide/node-restart.ts';
import type { Json } from '../model/json.ts';
import type { Files } from '../ports/files.ts';
import type { Log } from '../ports/log.ts';
import type { NodeStore } from '../ports/node-store.ts';
import type { ProcessId } from '../ports/processes.ts';

export interface NodeRecord {
  readonly namespace: string;
  readonly node: string;
  readonly nodeUid: string;
  readonly incarnation: number;
  readonly cluster: string;
  readonly clusterUid: string;
  /** The attempt that made the node; absent: written before this was kept. */
  readonly attempt?: number;
  readonly virtualDataCenter: string;
  readonly role: 'Primary' | 'Worker';
  readonly slot: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  /**
   * Preparing: a slot is taken, nothing runs. Running: an agent is to live. Stopping: everything of it is to end (a tombstone, a higher
   * incarnation, retired). It never goes back.
   */
  readonly phase: 'Preparing' | 'Running' | 'Stopping';
  /** The agent's process as last started. */
  readonly agent?: ProcessId;
  /** Starts after the first. */
  readonly restarts: number;
  /** `availability.nodeRestart` of its cluster as last read; absent: not read yet. */
  readonly nodeRestart?: RestartPreset;
  /** How often it failed lately, and whether it is left as it is; absent: it never failed. */
  readonly restart?: RestartRecord;
}

export interface NodeRecords {
  all(): readonly NodeRecord[];
  get(nodeUid: string): NodeRecord | undefined;
  /** Shown by `all` and `get` at once, so that nobody else takes its slot; on disk when it resolves. */
  save(record: NodeRecord): Promise<void>;
  forget(nodeUid: string): Promise<void>;
  /** Uids whose record is damaged; their slots are unknown. */
  damaged(): readonly string[];
}

const PREFIX = 'node-';
const SUFFIX = '.json';

/** Reads what is there. `folder` is where `store` keeps its files. */
export async function loadRecords(store: NodeStore, files: Files, folder: string, log: Log): Promise<NodeRecords> {
  const records = new Map<string, NodeRecord>();
  const damaged: string[] = [];
  for (const file of files.list(folder)) {
    if (!file.startsWith(PREFIX) || !file.endsWith(SUFFIX)) continue;
    const nodeUid = file.slice(PREFIX.length, -SUFFIX.length);
    const read = await store.read<Json>(PREFIX + nodeUid);
    if (read.state === 'found') records.set(nodeUid, read.body as unknown as NodeRecord);
    if (read.state === 'damaged') {
      damaged.push(nodeUid);
      log.error('The record of a node is damaged; the node is left as it is', { nodeUid, why: read.message });
    }
  }
  return {
    all: () => [...records.values()],
    get: (nodeUid) => records.get(nodeUid),
    save: async (record) => {
      const before = records.get(record.nodeUid);
      records.set(record.nodeUid, record);
      try {
        await store.write(PREFIX + record.nodeUid, record as unknown as Json);
      } catch (cause) {
        if (before === undefined) records.delete(record.nodeUid);
        else records.set(record.nodeUid, before);
        throw cause;
      }
    },
    forget: async (nodeUid) => {
      await store.remove(PREFIX + nodeUid);
      records.delete(nodeUid);
    },
    damaged: () => damaged,
  };
}
