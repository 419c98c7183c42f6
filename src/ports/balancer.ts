/**
 * The door to the balancer: a process apart from the agent, told by a file, so that neither's death touches the other.
 *
 * The agent writes `<dir>/balancer.json` (a record, see ports/node-store.ts); the balancer obeys the last good one, and writes
 * `<dir>/balancer-status.json` about what it does.
 */

import type { EndpointTable } from '../decide/endpoints.ts';
import type { ProcessId } from './processes.ts';

/** What the balancer of a node is told. */
export interface BalancerTable extends EndpointTable {
  /** The node's own address, where it listens. */
  readonly address: string;
  /** The node's name: instances on it are preferred among equals. */
  readonly node: string;
}

export interface ListenerStatus {
  readonly name: string;
  readonly port: number;
  readonly listening: boolean;
  /** Why it does not listen. */
  readonly message?: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Since its start: connections taken, turned away because there were too many, and given up because no instance could be reached. */
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
  /** Connections and requests that were given to another instance; instances left out because they refused a connection, and taken back. */
  readonly retries: number;
  readonly ejections: number;
  readonly readmissions: number;
  /** From clients, and to them. */
  readonly inBytes: number;
  readonly outBytes: number;
  /** Addresses of instances that refused a connection and have not come back. */
  readonly ejected: readonly string[];
  /** Those in the table, or with connections. */
  readonly instances: readonly { readonly address: string; readonly connections: number }[];
}

export interface BalancerStatus {
  readonly process: ProcessId;
  /** Hash of the table that it obeys; absent: it has read none. */
  readonly table?: string;
  /** Why the newest table is not obeyed. */
  readonly message?: string;
  readonly listeners: readonly ListenerStatus[];
}

/** Listens and forwards; `src/platform/relay.ts` is one, HAProxy another. */
export interface Balancer {
  /** From now on this table holds. Connections that are open go on, whatever it says. */
  apply(table: BalancerTable): void;
  listeners(): readonly ListenerStatus[];
  /** Called when a listener begins or ceases to listen, or fails to. */
  onListening(listener: () => void): void;
  /** Stops listening and cuts what is open. */
  close(): Promise<void>;
}
