/**
 * What an agent and the process that carries out a drill tell each other, by records in `<node's folder>/drills`, named by the drill's uid.
 *
 * Neither is on the other's lifeline: the process measures while agents die, and an agent reports what it finds whenever it lives again.
 *
 * I1: `order` is there before the process, `begun` is its first act, `result` its last; so whoever looks knows what became of it.
 * I2: `killed` is on the disk of the target before anything dies: the same drill never kills twice.
 */

import type { DrillMeasured } from '../../decide/drill-verdict.ts';
import type { DrillTarget } from '../../model/drill.ts';
import type { FrameworkMember } from '../../model/framework.ts';
import type { LoadRequest } from '../../ports/load.ts';
import type { NodeStore } from '../../ports/node-store.ts';
import type { Json, JsonObject } from '../../model/json.ts';

export const DRILLS_FOLDER = 'drills';

/** Something that answers while it lives: a port, and with `path` an HTTP request there. */
export interface DrillLook {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  readonly path?: string;
}

export interface DrillOrder {
  readonly uid: string;
  readonly target: DrillTarget;
  /** Where the kill is asked for. */
  readonly member: FrameworkMember;
  readonly load: {
    readonly host: string;
    readonly port: number;
    readonly request: LoadRequest;
    readonly keptClients: number;
    readonly freshPerSecond: number;
    readonly seconds: number;
  };
  /** What must have gone, and must be there again. */
  readonly looks: readonly DrillLook[];
  /** Of the loaded service on the target, `ip:port`. */
  readonly instance?: string;
  /** Recovery is over only when the executor hears the node again. */
  readonly isHeardAgain: boolean;
  /** Trusted time when this was written, and the machine's running time then. */
  readonly trustedNowMs: number;
  readonly writtenMs: number;
}

/** What the executor's agent sees of the target, on the clock of its machine (Clock.monotonicMs). */
export interface DrillSeen {
  readonly changes: readonly { readonly isDown: boolean; readonly atMs: number }[];
}

export type DrillResult =
  | { readonly state: 'measured'; readonly measured: DrillMeasured }
  /** Nothing was killed, or it could not be measured. */
  | { readonly state: 'failed'; readonly why: string };

interface Kinds {
  readonly order: DrillOrder;
  readonly begun: { readonly atMs: number };
  readonly seen: DrillSeen;
  readonly result: DrillResult;
  readonly killed: { readonly atMs: number };
}
export type DrillRecord = keyof Kinds;

const RECORDS: readonly DrillRecord[] = ['order', 'begun', 'seen', 'result', 'killed'];

export interface DrillRecords {
  /** A damaged record reads as absent. */
  read<N extends DrillRecord>(uid: string, name: N): Promise<Kinds[N] | undefined>;
  /** Throws `Fault` when the disk refuses. */
  write<N extends DrillRecord>(uid: string, name: N, body: Kinds[N]): Promise<void>;
  forget(uid: string): Promise<void>;
}

export function drillRecords(store: NodeStore): DrillRecords {
  const nameOf = (uid: string, name: DrillRecord): string => `drill-${uid}-${name}`;
  return {
    read: async <N extends DrillRecord>(uid: string, name: N) => {
      const read = await store.read<JsonObject>(nameOf(uid, name));
      return read.state === 'found' ? (read.body as unknown as Kinds[N]) : undefined;
    },
    write: async (uid, name, body) => await store.write(nameOf(uid, name), body as unknown as Json),
    forget: async (uid) => {
      for (const name of RECORDS) await store.remove(nameOf(uid, name));
    },
  };
}
