/**
 * What an extension server counts of its work, as plain numbers that only grow: for whoever shows them.
 */

export interface WorkCounts {
  /** Looks that were carried through. */
  looks: number;
  /** Clusters that came to this server from another one that died, stopped or hung; not those that came because this one joined. */
  takeovers: number;
  /** Looks at clusters of other servers whose work was overdue. */
  overdue: number;
  /** Looks that lost a race: somebody else wrote meanwhile what they had decided on. */
  conflicts: number;
}

export function newWorkCounts(): WorkCounts {
  return { looks: 0, takeovers: 0, overdue: 0, conflicts: 0 };
}
