/**
 * Turns: work on one thing that many would change goes one after the other within this server.
 *
 * The reservations of a VirtualDataCenter are one object. Clusters that reserve there at the same moment would all be decided on the same revision, and
 * all but one would lose the compare-and-swap, again and again. In turn each is decided on what the one before has written.
 *
 * It spares lost races and nothing else: other servers have turns of their own.
 *
 * I1: of one key at most one work runs at a time; they run in the order in which they asked.
 * I2: a work that fails ends its turn like any other.
 * I3: a key is remembered only while somebody works on it or waits, so it is bounded by the works under way.
 */

export interface Turns {
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    inTurn: async (key, work) => {
      const before = last.get(key) ?? Promise.resolve();
      const mine = before.then(work, work);
      last.set(key, mine);
      try {
        return await mine;
      } finally {
        if (last.get(key) === mine) last.delete(key);
      }
    },
  };
}
