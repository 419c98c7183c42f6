/**
 * Slots and addresses of the `process` driver: pure arithmetic.
 *
 * I1: no two slots share an address.
 * I2: the lowest free slot is taken, so that addresses stay small and the same after a restart.
 */

import { LOOPBACK_NODE_SLOTS, LOOPBACK_NODE_STRIDE, LOOPBACK_PREFIX } from '../model/ports.ts';

export interface NodeAddresses {
  /** The node's own, where its balancer listens. */
  readonly address: string;
  /** Nine for its pods. */
  readonly podAddresses: readonly string[];
}

/** Addresses of slot 1 … LOOPBACK_NODE_SLOTS in 127.77.`network`.0/24. */
export function addressesOf(network: number, slot: number): NodeAddresses {
  const first = slot * LOOPBACK_NODE_STRIDE;
  const at = (last: number): string => `${LOOPBACK_PREFIX}.${network}.${last}`;
  return {
    address: at(first),
    podAddresses: Array.from({ length: LOOPBACK_NODE_STRIDE - 1 }, (_, index) => at(first + index + 1)),
  };
}

/** The lowest slot that nobody has; undefined when all are taken. */
export function freeSlot(taken: Iterable<number>): number | undefined {
  const used = new Set(taken);
  for (let slot = 1; slot <= LOOPBACK_NODE_SLOTS; slot++) if (!used.has(slot)) return slot;
  return undefined;
}
