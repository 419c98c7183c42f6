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
  /** One that does not take ours (it is dead, or does not know us) is tried at least this often: a handshake each time. */
  heartbeatRetryCapMs: 1_000,
  /** Of the time between two of its own ticks a node counts at most this much as the silence of others: what is more it stood still itself. */
  heartbeatCountedMs: 300,
  /** One that is silent for so long is asked, at this pace and with this deadline, whether what it runs answers; so often once it is known. */
  heartbeatSuspectMs: 600,
  silentAskMs: 300,
  silentAskAgainMs: 1_000,
  /** Addresses that are asked in one round. */
  silentAsked: 16,
  /** One of which there is nothing to ask is down after such a silence: an agent that is started again is back by then. */
  silentUnaskedMs: 5_000,

  /** A node asks the primary this often whether there is a newer cluster plan, besides being told. */
  planAskMs: 10_000,
  /** A node without a plan asks the others for so long before it takes what a director shows. */
  planPatienceMs: 30_000,
  /** Two contents of at most 64 services each. */
  planBytes: 8 * 1024 * 1024,

  /** A host answers so many failures of an agent within the preset's window by a restart; the next one gives up (design.md §6). */
  nodeRestartsMax: 3,
  /** An agent shows this often that it lives, and its host looks this often. */
  signOfLifeMs: 1_000,
  /** Between two looks a host counts at most this much as silence: what is more it stood still itself. */
  nodeLookGapMs: 2_000,
  /** Running time that restarts are counted by is written down this often. */
  restartClockMs: 10 * 60 * 1000,

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

  /** What a drill compares with: in-site detection, restart of an instance, work of a dead extension server taken over (design: promises). */
  drillDetectedMs: 1_500,
  drillInstanceMs: 1_000,
  drillTakenOverMs: 5_000,
  /** A drill that nobody could begin for this long is not begun any more. */
  drillStaleMs: 15 * 60_000,
  /** The load alone, before the kill: a service that fails without one needs no drill. */
  drillLeadMs: 1_000,
  /** And after everything has come back. */
  drillTailMs: 1_000,
  /** The target's agent may not have heard of the drill yet. */
  drillKillTryMs: 15_000,
  /** From its answer until it kills. */
  drillKillInMs: 50,
  /** What was killed has this long to come back. */
  drillRecoveryMs: 120_000,
  /** Between two looks at what was killed. */
  drillLookMs: 20,
  /** A drill that runs for longer than all of its deadlines together and this has lost its executor. */
  drillLostMs: 60_000,
  /** Uids that a host asks about at a time. */
  tombstonesAsked: 64,
} as const;
