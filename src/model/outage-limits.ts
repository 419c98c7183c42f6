/**
 * Limits of what a site does about outages: heartbeats, changes of what runs, restarts of nodes, drills. Part of LIMITS (src/model/limits.ts).
 */

export const OUTAGE_LIMITS = {
  /** Nodes of a cluster tell each other this often that they live (authority.md: beat). */
  heartbeatMs: 200,
  /** One that said nothing for so long, while this node itself ran, is not heard. In-site detection is promised in 1.5 s. */
  heartbeatSilenceMs: 1_200,
  /** A heartbeat's answer is waited for this long; the connection then counts as dead. */
  heartbeatCallMs: 1_000,
} as const;
