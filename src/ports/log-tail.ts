/**
 * The door to the log of one container on this node: its last lines, and what is added while somebody reads.
 *
 * I1: nothing outside of the folder of pods' logs is read, whatever names are asked for.
 * I2: however long the log is and however slowly it is read, only a bounded part is held.
 */

import type { Readable } from 'node:stream';

export interface LogOrder {
  readonly service: string;
  /** Undefined: the only one, or the one named like the service. */
  readonly container: string | undefined;
  readonly tailLines: number;
  readonly follow: boolean;
}

export type LogTail = { readonly stream: Readable } | { readonly refused: string };

/** `folder`: holds `<service>/<container>.log`. A log that is followed goes on until its reader or the signal ends it. */
export type OpenLogTail = (folder: string, order: LogOrder, signal: AbortSignal) => Promise<LogTail>;
