/**
 * Which director a node dials for its tunnel, and when.
 *
 * Node i of a cluster begins with director (i + something of the cluster) mod n, so that the nodes of a cluster hold different ones and the clusters
 * spread over all; when that one is lost the next is dialed, and when it is back the tunnel returns to it.
 *
 * I1: two nodes of a cluster whose indices differ by less than n prefer different ones of n directors.
 * I2: every director is dialed once before any is dialed again, and there is a wait only after a whole round without success.
 * I3: a tunnel that was lost at once counts as a failure, so that a director that takes and drops connections is not dialed in a hot loop.
 */

import { LIMITS } from '../model/limits.ts';

export interface DialState {
  /** URLs; never empty when something is dialed. */
  readonly directors: readonly string[];
  /** Which of them this node prefers. */
  readonly preferred: number;
  /** Which one is dialed next. */
  readonly next: number;
  /** In a row. */
  readonly failures: number;
}

/** `<cluster>-a<attempt>-n<index>`; 0 for any other name. */
export function indexOfNode(name: string): number {
  return Number(/-n(\d{1,3})$/.exec(name)?.[1] ?? 0);
}

export function beginDialing(directors: readonly string[], clusterUid: string, nodeIndex: number): DialState {
  const preferred = directors.length === 0 ? 0 : (offsetOf(clusterUid) + nodeIndex) % directors.length;
  return { directors, preferred, next: preferred, failures: 0 };
}

/** Nobody answered, or was let in, at `next`. */
export function afterFailure(state: DialState): DialState {
  return { ...state, next: following(state, state.next), failures: state.failures + 1 };
}

/** The tunnel to `director` is over. */
export function afterLoss(state: DialState, director: string, livedMs: number): DialState {
  const at = state.directors.indexOf(director);
  const next = following(state, at < 0 ? state.next : at);
  // As a whole round: whoever drops tunnels at once has a reason.
  return { ...state, next, failures: livedMs < LIMITS.tunnelStableMs ? state.failures + state.directors.length : 0 };
}

/** `dice`: uniform in [0, 1). */
export function dialDelayMs({ failures, directors }: Pick<DialState, 'failures' | 'directors'>, dice: number): number {
  const rounds = roundsOf({ failures, directors });
  // All nodes of a director lose it at the same moment. Within a round nobody waits: the next director may be well.
  if (rounds === 0 || failures % directors.length !== 0) return dice * LIMITS.tunnelRetryBaseMs;
  const wholeMs = Math.min(LIMITS.tunnelRetryCapMs, LIMITS.tunnelRetryBaseMs * 2 ** Math.min(16, rounds - 1));
  return wholeMs * (0.5 + dice / 2);
}

/**
 * How long a director may take. A storm of nodes takes longer to be let in than one: whoever gives up early only makes it handshake again.
 */
export function dialDeadlineMs(state: Pick<DialState, 'failures' | 'directors'>): number {
  return Math.min(LIMITS.tunnelDialMaxMs, LIMITS.tunnelDialMs * 2 ** Math.min(8, roundsOf(state)));
}

/** How long a tunnel to another director than the preferred one is kept before that one is tried; undefined: it is the preferred one. */
export function returnAfterMs(state: DialState, director: string, dice: number): number | undefined {
  if (state.directors[state.preferred] === director) return undefined;
  return LIMITS.tunnelReturnMs * (0.5 + dice);
}

/**
 * What is to be thought of a tunnel that has shown no sign of life for `silentMs`, when its echoes take `roundTripMs`.
 * `suspect`: open another one beside it. `dead`: end it. `busy`: something is under way in it; on a slow line echoes then wait behind data.
 */
export function judgeSilence(silentMs: number, roundTripMs: number, busy: boolean): 'alive' | 'suspect' | 'dead' {
  const endMs = busy ? LIMITS.tunnelBusySilenceMs : LIMITS.tunnelSilenceMs;
  if (silentMs >= Math.max(endMs, LIMITS.tunnelPingEveryMs + 4 * roundTripMs)) return 'dead';
  return silentMs >= LIMITS.tunnelPingEveryMs + Math.max(LIMITS.tunnelEchoMs, 3 * roundTripMs) ? 'suspect' : 'alive';
}

function roundsOf({ failures, directors }: Pick<DialState, 'failures' | 'directors'>): number {
  return Math.floor(failures / Math.max(1, directors.length));
}

function following({ directors }: DialState, at: number): number {
  return directors.length === 0 ? 0 : (at + 1) % directors.length;
}

/** FNV-1a: any function that spreads uids will do. */
function offsetOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
