/**
 * Which instance gets a new connection, and which unanswered HTTP request may be given to another.
 *
 * I1: least connections; of equals the one on this node, then the first by address.
 * I2: one that refused a connection, or is being drained, is asked only when nothing better is left; one that was tried is not tried again.
 * I3: only a request that changes nothing, is whole and of which no byte was answered is given to another instance (RFC 9110, 9.2.1).
 */

export interface Candidate {
  /** `ip:port`. */
  readonly address: string;
  readonly local: boolean;
  readonly draining: boolean;
  /** Refused a connection, and no check since has succeeded. */
  readonly ejected: boolean;
  readonly connections: number;
}

/** The instance to try next; undefined when all were tried. */
export function pickEndpoint(candidates: readonly Candidate[], tried: ReadonlySet<string>): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) {
    if (!tried.has(candidate.address) && (best === undefined || isBetter(candidate, best))) best = candidate;
  }
  return best;
}

/** Draining ones still answer, ejected ones probably do not: both are better than turning a client away. */
function rankOf(candidate: Candidate): number {
  if (candidate.ejected) return 2;
  return candidate.draining ? 1 : 0;
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (rankOf(a) !== rankOf(b)) return rankOf(a) < rankOf(b);
  if (a.connections !== b.connections) return a.connections < b.connections;
  if (a.local !== b.local) return a.local;
  return a.address < b.address;
}

const SAFE_REQUEST = /^(?:GET|HEAD|OPTIONS) [^ \r\n]+ HTTP\/1\.[01]\r\n/;
const HAS_BODY = /\r\n(?:content-length:[ \t]*[1-9]|transfer-encoding:)/i;

/** True when `sent` (Latin-1) is exactly one whole HTTP/1 request without a body, of a method that changes nothing. */
export function isReplayable(sent: string): boolean {
  return SAFE_REQUEST.test(sent) && sent.indexOf('\r\n\r\n') === sent.length - 4 && !HAS_BODY.test(sent);
}
