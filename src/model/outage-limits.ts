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

  /** "0 failed requests" means: so many clients that keep their connection and so many new connections a second, and 2xx within this time. */
  loadKeptClients: 8,
  loadFreshPerSecond: 200,
  loadTimeoutMs: 5_000,
  /** A client that keeps its connection reads for this long before it asks again: else 8 of them would be a benchmark of the machine. */
  loadKeptPauseMs: 20,
  /** Requests over new connections under way at a time: 200 a second that are not answered within 5 s. */
  loadUnderWay: 1_000,
  /** A request that could not be sent for so long, because this machine stood still, is left out. */
  loadLateMs: 100,
} as const;
