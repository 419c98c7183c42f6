/**
 * Rendezvous (highest random weight) hashing: who of the living serves a key.
 *
 * Every server computes the same answer from the same list of members, without talking (Thaler and Ravishankar, 1998).
 *
 * I1: the owner depends on the set of members only, not on their order.
 * I2: when a member leaves, only its keys move; when one joins, keys move only to it.
 */

/** FNV-1a over UTF-16 code units, then the murmur3 finalizer for avalanche; an unsigned 32-bit number. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** The member that owns `key`, or undefined when there are no members. Ties go to the greater name. */
export function ownerOf(key: string, members: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestWeight = -1;
  for (const member of members) {
    const weight = hash32(`${member}\u0000${key}`);
    if (weight > bestWeight || (weight === bestWeight && best !== undefined && member > best)) {
      best = member;
      bestWeight = weight;
    }
  }
  return best;
}
