/**
 * Which instance gets a new connection, and how it is told who its client is.
 *
 * I1: least connections; of equals the one on this node, then the first by address.
 * I2: one that refused a connection, or is being drained, is asked only when nothing better is left; one that was tried is not tried again.
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
export function pickEndpoint<C extends Candidate>(candidates: readonly C[], tried: ReadonlySet<string>): C | undefined {
  let best: C | undefined;
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

interface ClientEnds {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** What tells an instance who its client is: PROXY protocol, version 1 (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, 2.1). */
export function proxyHeader({ remoteAddress, remotePort, localAddress, localPort }: ClientEnds): string {
  if (remoteAddress === undefined || localAddress === undefined || remotePort === undefined || localPort === undefined)
    return 'PROXY UNKNOWN\r\n';
  const [source, target] = [remoteAddress, localAddress].map((address) => address.replace(/^::ffff:(?=\d+\.)/i, ''));
  const family = source?.includes(':') === true ? 'TCP6' : 'TCP4';
  return `PROXY ${family} ${source} ${target} ${remotePort} ${localPort}\r\n`;
}
