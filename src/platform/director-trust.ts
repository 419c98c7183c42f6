/**
 * Who is a director: a connection to one, judged by us and not by the TLS library, because that reads the wall clock.
 *
 * Judged are: signed by the pinned CA, for servers, of no organization (nodes, which serve each other, have one), for the name in the URL, not past its end. When a certificate begins is not asked: only our
 * own CA could have written that, and a machine that was off for long is behind. Past its end is one only when it is so by trusted time *and* by the
 * wall clock: either of them may be wrong (a director whose clock ran ahead passes that on as trusted time), and a node that refuses every director
 * could be told the right time by none. What that leaves to a thief of a director's key, whose year is over, is a machine whose wall clock he has turned back.
 *
 * I1: nothing is sent on a connection before all of this was judged.
 * I2: without trusted time (a machine that has never joined) no date is judged: the pinned CA alone decides.
 */

import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Fault } from '../model/fault.ts';
import { LIMITS } from '../model/limits.ts';
import { openTrusted } from './mutual-http.ts';

export interface Credentials {
  /** The CA by which directors are known, PEM. */
  readonly authority: string;
  /** Absent: anonymous. */
  readonly certificate?: string;
  readonly privateKey?: string;
  /** Trusted time, ms since 1970; absent: no date is judged. */
  readonly trustedNowMs?: () => number;
}

/** An HTTP/2 connection to the director at `origin`. Throws `Fault` PeerUnreachable, PeerUntrusted or DeadlineExceeded. */
export async function openDirector(origin: string, credentials: Credentials, signal: AbortSignal): Promise<ClientHttp2Session> {
  const socket = await openDirectorSocket(origin, ['h2'], credentials, signal);
  return await new Promise((done, failed) => {
    const http2 = connectHttp2(origin, { createConnection: () => socket, settings: { enablePush: false } });
    // Errors after the first connection end the streams; each of them tells its caller.
    http2.on('error', failed);
    http2.once('close', () => failed(new Fault('PeerUnreachable', `${origin} closed the connection.`)));
    http2.once('connect', () => done(http2));
  });
}

/** A TLS connection to the director at `origin` that speaks one of `alpn`; nothing was sent on it. Throws as `openDirector`. */
async function openDirectorSocket(
  origin: string,
  alpn: readonly string[],
  credentials: Credentials,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  const { authority, certificate, privateKey, trustedNowMs } = credentials;
  const socket = await openTrusted(
    {
      host,
      port: Number(port || 443),
      alpn,
      ...(certificate === undefined || privateKey === undefined ? {} : { identity: { certificate, privateKey, authority } }),
      trust: {
        kind: 'authority',
        authority,
        accepts: (facts) =>
          facts.serverAuth && !facts.isAuthority && facts.organizations.length === 0
            ? undefined
            : `${origin} showed a certificate that is none of a director.`,
      },
      trustedNowMs: trustedNowMs === undefined ? undefined : Math.min(trustedNowMs(), Date.now()),
      deadlineMs: LIMITS.connectMs,
    },
    signal,
  );
  const refusal = otherwise(socket, origin, host, alpn);
  if (refusal === undefined) return socket;
  socket.destroy();
  throw new Fault('PeerUntrusted', refusal);
}

function otherwise(socket: TLSSocket, origin: string, host: string, alpn: readonly string[]): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  const named = isIP(host) === 0 ? certificate?.checkHost(host) : certificate?.checkIP(host);
  if (named === undefined)
    return `${origin} showed a certificate for other names (${certificate?.subjectAltName ?? 'none'}), so it was not spoken to.`;
  const spoken = socket.alpnProtocol || 'http/1.1';
  return alpn.includes(spoken) ? undefined : `${origin} does not speak ${alpn.join(' or ')}; is it a director?`;
}
