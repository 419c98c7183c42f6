/**
 * What the relay knows of the instances of one service: which the table lists, how many connections each has, which refused one.
 *
 * I1: a connection is counted when its instance is chosen, not when that answers: else all who come at once would choose the same.
 * I2: one that refused a connection is left out until a check succeeds, or a client that had no better choice got through.
 * I3: what is known of one is kept while it is in the table or has connections.
 */

import { pickEndpoint } from '../decide/balancing.ts';
import type { BalancedService } from '../decide/endpoints.ts';
import { hostPortOf } from '../model/network-address.ts';

export interface Instance {
  /** `ip:port`, also `name:port`. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** In the table. */
  listed: boolean;
  local: boolean;
  draining: boolean;
  ejected: boolean;
  connections: number;
}

/** Since the listener began. */
export interface Counts {
  accepted: number;
  refused: number;
  failed: number;
  retries: number;
  ejections: number;
  readmissions: number;
  /** From clients, and to them. */
  inBytes: number;
  outBytes: number;
}

export interface Instances {
  readonly counts: Counts;
  /** By address. */
  readonly known: Map<string, Instance>;
  /** Those of the table. */
  listed: readonly Instance[];
  proxyProtocol: boolean;
}

export const NONE_TRIED: ReadonlySet<string> = new Set();

export function noInstances(): Instances {
  const counts = { accepted: 0, refused: 0, failed: 0, retries: 0, ejections: 0, readmissions: 0, inBytes: 0, outBytes: 0 };
  return { counts, known: new Map(), listed: [], proxyProtocol: false };
}

/** From now on these are listed. `node`: the name of this one. */
export function listInstances(instances: Instances, service: BalancedService, node: string): void {
  for (const one of instances.known.values()) one.listed = false;
  instances.listed = service.endpoints.map((endpoint) => {
    const one = instances.known.get(endpoint.address) ?? unknown(endpoint.address);
    instances.known.set(one.address, one);
    one.listed = true;
    one.local = endpoint.node === node;
    one.draining = endpoint.draining;
    return one;
  });
  instances.proxyProtocol = service.proxyProtocol === true;
  for (const one of instances.known.values()) forgetIfGone(instances, one);
}

function unknown(address: string): Instance {
  // A table with what is no address was refused at the door; who is asked all the same, refuses.
  const { host, port } = hostPortOf(address) ?? { host: address, port: 0 };
  return { address, host, port, listed: true, local: false, draining: false, ejected: false, connections: 0 };
}

function forgetIfGone(instances: Instances, one: Instance): void {
  if (!one.listed && one.connections <= 0) instances.known.delete(one.address);
}

/** The best one that is not in `tried`, which thereby has a connection more; undefined: none is left. */
export function takeInstance(instances: Instances, tried: ReadonlySet<string>): Instance | undefined {
  const best = pickEndpoint(instances.listed, tried);
  if (best !== undefined) best.connections++;
  return best;
}

/** It took a connection. */
export function instanceAnswered(instances: Instances, one: Instance): void {
  if (!one.ejected) return;
  one.ejected = false;
  instances.counts.readmissions++;
}

/** It did not take the connection that it was chosen for. */
export function instanceRefused(instances: Instances, one: Instance): void {
  if (!one.ejected) instances.counts.ejections++;
  one.ejected = true;
  instanceReleased(instances, one);
}

/** A connection that it was chosen for is over. */
export function instanceReleased(instances: Instances, one: Instance): void {
  one.connections--;
  forgetIfGone(instances, one);
}

/** True while it may be given further requests. */
export function isServing(instances: Instances, one: Instance): boolean {
  return (one.listed && !one.draining) || !instances.listed.some(({ draining }) => !draining);
}
