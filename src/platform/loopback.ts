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
        if (!own && listeningOn(network).length > 0) continue;
        const held = await locks.hold(`loopback/${LOOPBACK_PREFIX}.${network}`);
        if (held !== undefined) return { network, ...held };
      }
      throw new Fault('PortTaken', `All networks ${LOOPBACK_PREFIX}.${FIRST}–${LAST}.0/24 are taken; stop an Outrigger of this machine.`);
    },
    listening: listeningOn,
  };
}

/** Last octets of the addresses of the network on which a socket of this network namespace listens. */
function listeningOn(network: number): readonly number[] {
  const octets = `${LOOPBACK_PREFIX}.${network}`.split('.').map(Number);
  // Addresses stand there as little-endian words: 127.0.0.1 is 0100007F.
  const suffix = octets
    .toReversed()
    .map((octet) => octet.toString(16).toUpperCase().padStart(2, '0'))
    .join('');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const octetsHeard = lines.flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    const address = local?.split(':')[0];
    return state === LISTEN && address?.endsWith(suffix) === true ? [Number.parseInt(address.slice(0, 2), 16)] : [];
  });
  return [...new Set(octetsHeard)];
}
