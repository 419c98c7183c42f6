/**
 * The faults that a trap can hold, and where they wait.
 */

export const TRAP_FAULTS = ['lostRequest', 'lostAnswer', 'late', 'stall', 'crash', 'pause'] as const;
export type TrapFault = (typeof TRAP_FAULTS)[number];

/** Effect → faults that wait for it. */
export type Traps = Map<string, TrapFault[]>;
