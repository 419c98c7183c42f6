/**
 * Finds the pods that earlier lives of the agent left behind: by their records, by the marks in the environment of processes whose record was
 * not finished, and ends those that nobody could find again.
 *
 * I1: a process that carries this node's mark is either part of a pod that is returned, or ended.
 */

import { parseProcessMark } from './pod-files.ts';
import type { PodRecord } from './pod-files.ts';
import { readPodRecords } from './pod-files.ts';
import { bootId, processesMarked, processesOf, sendSignal, statOf } from './process-id.ts';
import type { ProcessId } from '../ports/processes.ts';
import type { PodKey } from '../ports/runtime.ts';
import type { Log } from '../ports/log.ts';

export interface AdoptedPod {
  readonly folder: string;
  readonly record: PodRecord;
}

interface Leader {
  readonly id: ProcessId;
  readonly container: string;
}

/** Grace of a pod whose record cannot be read. */
const DEFAULT_GRACE_MS = 10_000;

export function adoptPods(nodeUid: string, podsFolder: string, own: OwnMarks, log: Log): AdoptedPod[] {
  const leaders = markedLeaders(nodeUid, own);
  const adopted = readPodRecords(podsFolder).map(({ key, folder, record }) => {
    const found = leaders.get(nameOfPod(key)) ?? [];
    leaders.delete(nameOfPod(key));
    return { folder, record: completedRecord(record ?? lostRecord(key, found), found) };
  });
  for (const [name, found] of leaders) {
    log.warn(`The pod ${name} runs without a record; it is ended, because nobody could find it again.`, {
      pids: found.map((one) => one.id.pid),
    });
    const ids = found.map((one) => one.id);
    for (const { pid } of processesOf({ ...own, OUTRIGGER_POD: `${nodeUid}/${name}` }, ids)) sendSignal(pid, 'SIGKILL');
  }
  return adopted;
}

/** What every process of this host bears: two hosts on one machine may run two lives of one node, and neither touches what is the other's. */
export type OwnMarks = Readonly<Record<string, string>>;

export function ownMarks(environment: Readonly<Record<string, string>> | undefined): OwnMarks {
  const data = environment?.['OUTRIGGER_DATA'];
  return data === undefined ? {} : { OUTRIGGER_DATA: data };
}

export function nameOfPod(key: PodKey): string {
  return `${key.service}/${key.revisionHash}`;
}

/** Leaders of sessions that carry the mark of this node, by the name of their pod. */
function markedLeaders(nodeUid: string, own: OwnMarks): Map<string, Leader[]> {
  const leaders = new Map<string, Leader[]>();
  for (const { id, environment } of processesMarked({ ...own, OUTRIGGER_NODE: nodeUid, OUTRIGGER_ROLE: 'pod' })) {
    const name = parseProcessMark(environment['OUTRIGGER_POD'] ?? '', nodeUid);
    if (name === undefined || statOf(id.pid)?.sessionId !== id.pid) continue;
    leaders.set(name, [...(leaders.get(name) ?? []), { id, container: environment['OUTRIGGER_CONTAINER'] ?? '' }]);
  }
  return leaders;
}

/** The record with the processes that a crash left out of it. */
function completedRecord(record: PodRecord, found: readonly Leader[]): PodRecord {
  const containers = record.containers.map((container) => {
    const id = container.id ?? found.find((one) => one.container === container.name)?.id;
    return id === undefined ? container : { ...container, id };
  });
  return { ...record, containers };
}

/** What is known of a pod whose record is damaged: its processes, if any live. */
function lostRecord(key: PodKey, found: readonly Leader[]): PodRecord {
  const containers = found.map((one) => ({ name: one.container, id: one.id }));
  return { key, bootId: bootId(), restartPolicy: 'Always', graceMs: DEFAULT_GRACE_MS, containers };
}
