/**
 * How commands read the folders of nodes on this machine (src/cli/status/node-folders.ts), composed.
 */

import { readNodeFile } from '../agent/node-file.ts';
import type { NodeFolderDeps } from '../cli/status/node-folders.ts';
import { nodeStore } from '../platform/node-store.ts';
import { askBySocket } from '../platform/prober.ts';
import { bootId } from '../platform/process-id.ts';
import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { Processes } from '../ports/processes.ts';

/** A machine of the same room answers in far less. */
const ANSWER_MS = 1_000;

export function nodeFolderDeps(files: Files, processes: Processes, clock: Clock): NodeFolderDeps {
  return {
    files,
    processes,
    store: nodeStore,
    nodeFile: (folder) => readNodeFile(files, folder),
    answers: async (address, port, signal) => (await askBySocket(address, port, undefined, ANSWER_MS, signal)).ok,
    now: { bootId: bootId(), bootMs: clock.monotonicMs() },
  };
}
