/**
 * Loopback networks of this machine (src/ports/loopback.ts).
 *
 * A claim is a lock by name (src/platform/name-lock.ts), which belongs to the network namespace, as loopback addresses do. A host daemon that
 * died may have left nodes behind, which still listen: a network on which somebody listens is passed over unless it is our own.
 */

import { readFileSync } from 'node:fs';
import { Fault } from '../model/fault.ts';
import { LOOPBACK_PREFIX } from '../model/ports.ts';
import type { LoopbackNetworks } from '../ports/loopback.ts';
import type { NameLocks } from '../ports/name-lock.ts';

const FIRST = 1;
const LAST = 254;
/** State of a listening socket in /proc/net/tcp. */
const LISTEN = '0A';

export function loopbackNetworks(locks: NameLocks): LoopbackNetworks {
  return {
    claim: async (preferred, occupied) => {
      const others = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index);
      const candidates = preferred === undefined ? others : [preferred, ...others.filter((network) => network !== preferred)];
      for (const network of candidates) {
        const own = occupied && network === preferred;
        if (!own && isListenedOn(network)) continue;
        const held = await locks.hold(`loopback/${LOOPBACK_PREFIX}.${network}`);
        if (held !== undefined) return { network, ...held };
      }
      throw new Fault('PortTaken', `All networks ${LOOPBACK_PREFIX}.${FIRST}–${LAST}.0/24 are taken; stop an Outrigger of this machine.`);
    },
  };
}

/** Whether any socket of this network namespace listens on an address of the network. */
function isListenedOn(network: number): boolean {
  const octets = `${LOOPBACK_PREFIX}.${network}`.split('.').map(Number);
  // Addresses stand there as little-endian words: 127.0.0.1 is 0100007F.
  const suffix = octets
    .toReversed()
    .map((octet) => octet.toString(16).toUpperCase().padStart(2, '0'))
    .join('');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  return lines.some((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return state === LISTEN && local?.split(':')[0]?.endsWith(suffix) === true;
  });
}
