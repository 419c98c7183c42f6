/**
 * Limits of what is done about nodes that are lost. Part of LIMITS (src/model/limits.ts).
 */

export const REPAIR_LIMITS = {
  /** While a node is not well its cluster's manager looks at it this often. */
  healthTickMs: 1_000,
  /** Of the time between two looks at most so much counts against a node: what is more the manager stood still, or waited for an answer. */
  healthCountedMs: 5_000,
  /** How often a manager asks a director for a sign of life of a node that it does not hear itself; an answer shows that there is a director that long. */
  healthAskMs: 5_000,
  healthAnswerHoldsMs: 15_000,
  /** A manager obeys a mass silence that was said of its cluster for so long, by own observation; who said it may be gone. */
  massSilenceObeyedMs: 60 * 60_000,
  /** An extension server looks at all Leases of nodes this often. */
  massSilenceLookMs: 5_000,
  /** One silent site is no mass silence, however few there are. */
  massSilenceSitesMin: 2,
} as const;
