/**
 * HTTPS calls to whoever is known by a certificate: handshake first, judge it, then speak (src/ports/mutual-http.ts).
 *
 * I1: not one byte of a request leaves before the other end has been judged.
 * I2: an answer beyond its bound, its deadline or HTTP/1.1 is a `Fault`; the connection is cut.
 * I3: so is an address that is none, whoever gave it: hosts and ports come from other nodes.
 */

import { createHash, X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { clause, secondsText } from '../base/clause.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { MutualAnswer, MutualHttp, MutualOrder, ShownCertificate, Trust } from '../ports/mutual-http.ts';
import type { Identity } from '../ports/director.ts';
import type { CertificateFacts } from '../ports/x509.ts';
import { certificates, readCertificate } from './certificate.ts';
import { request as httpRequest } from './node-http.ts';

export interface TrustedConnection {
  readonly host: string;
  readonly port: number;
  readonly trust: Trust;
  readonly identity?: Identity;
  /** Undefined: no date is judged. */
  readonly trustedNowMs: number | undefined;
  readonly deadlineMs: number;
  /** For the TCP connection alone; the whole deadline, unless told. */
  readonly connectMs?: number;
  /** Protocols to ask for. */
  readonly alpn?: readonly string[];
}

export function mutualHttp(): MutualHttp {
  return {
    call,
    look: (host, port, deadlineMs, signal) => withDeadline(`${host}:${port}`, deadlineMs, signal, (end) => look(host, port, end)),
    resolve: (host, deadlineMs, signal) => withDeadline(host, deadlineMs, signal, () => resolve(host)),
    reach: (host, port, deadlineMs, signal) => withDeadline(`${host}:${port}`, deadlineMs, signal, (end) => reach(host, port, end)),
  };
}

/** A TLS connection whose other end has been judged; nothing was sent on it. Throws `Fault` PeerUnreachable, PeerUntrusted or DeadlineExceeded. */
export async function openTrusted(order: TrustedConnection, signal: AbortSignal): Promise<TLSSocket> {
  const where = `${order.host}:${order.port}`;
  return await withDeadline(where, order.deadlineMs, signal, async (end) => {
    const socket = await shakeHands(order.host, order.port, order.identity, order.alpn, end, order.connectMs);
    const refusal = judge(socket, where, order.trust, order.trustedNowMs);
    if (refusal === undefined) return socket;
    socket.destroy();
    throw new Fault('PeerUntrusted', refusal);
  });
}

/** Why a certificate that somebody showed is not to be trusted; undefined: it is. `where` names who showed it. */
export function judgeCertificate(
  der: Uint8Array | undefined,
  where: string,
  trust: Trust,
  trustedNowMs: number | undefined,
): string | undefined {
  const facts = der === undefined ? undefined : readCertificate(der);
  if (der === undefined || facts === undefined) return `${where} showed no certificate that can be read, so it was not spoken to.`;
  if (trust.kind === 'pin') {
    const shown = thumbprintOf(der);
    if (shown !== trust.pin)
      return `${where} showed the certificate ${shown}, and ${trust.pin} is pinned: either its certificate was replaced, then compare and accept the new one, or something else answers there. Nothing was sent to it.`;
    return outsideOfDates(facts, where, trustedNowMs);
  }
  if (!certificates().isIssuedBy(der, trust.authority))
    return `${where} showed a certificate that was not issued by this control plane, so it was not spoken to.`;
  return outsideOfDates(facts, where, trustedNowMs, trust.endedForMs) ?? trust.accepts(facts);
}

export function thumbprintOf(der: Uint8Array): string {
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
}

async function call(order: MutualOrder, signal: AbortSignal): Promise<MutualAnswer> {
  const url = httpsUrl(order.url);
  const { host, port } = placeOf(url);
  return await withDeadline(`${host}:${port}`, order.deadlineMs, signal, async (end) => {
    const socket = await openTrusted({ ...order, host, port }, end);
    const cut = (): void => void socket.destroy();
    end.addEventListener('abort', cut, { once: true });
    try {
      return await exchange(socket, url, order);
    } finally {
      end.removeEventListener('abort', cut);
      socket.destroy();
    }
  });
}

function exchange(socket: TLSSocket, url: URL, order: MutualOrder): Promise<MutualAnswer> {
  const where = url.host;
  return new Promise((done, failed) => {
    const body = order.body ?? '';
    const outgoing = httpRequest({
      createConnection: () => socket,
      method: order.method,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, connection: 'close', 'content-length': Buffer.byteLength(body), ...order.headers },
      maxHeaderSize: 16 * 1024,
    });
    const invalid = (what: string): void => failed(new Fault('PeerAnswerInvalid', `${where} ${what}; its answer was not used.`));
    outgoing.on('error', (cause) => invalid(`broke off or did not speak HTTP (${cause.message})`));
    outgoing.on('upgrade', () => invalid('answered with another protocol'));
    outgoing.on('response', (incoming) => readWhole(incoming, order.maxAnswerBytes, invalid, done));
    outgoing.end(body);
  });
}

/** The whole answer, or `invalid` with what is wrong with it; never more than `maxBytes` of it. */
export function readWhole(
  incoming: IncomingMessage,
  maxBytes: number,
  invalid: (what: string) => void,
  done: (answer: MutualAnswer) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const tooLarge = (): void => {
    invalid(`sent more than the ${maxBytes} bytes that such an answer may have`);
    incoming.destroy();
  };
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return tooLarge();
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) tooLarge();
    else chunks.push(chunk);
  });
  incoming.on('error', (cause) => invalid(`broke off in the middle of its answer (${cause.message})`));
  incoming.on('end', () => {
    if (!incoming.complete) return invalid('ended its answer before the length that it had announced');
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]));
    done({ status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
  });
}

async function look(host: string, port: number, signal: AbortSignal): Promise<ShownCertificate> {
  const socket = await shakeHands(host, port, undefined, undefined, signal);
  try {
    const der = socket.getPeerCertificate(false).raw;
    const facts = der === undefined ? undefined : readCertificate(der);
    if (der === undefined || facts === undefined)
      throw new Fault('PeerUntrusted', `${host}:${port} showed no certificate that can be read.`);
    const parsed = new X509Certificate(der);
    // By the signature itself: checkIssued also asks for the right to sign, which a server's own certificate need not have.
    const selfSigned = parsed.subject === parsed.issuer && parsed.verify(parsed.publicKey);
    return { thumbprint: thumbprintOf(der), facts, selfSigned };
  } finally {
    socket.destroy();
  }
}

async function resolve(host: string): Promise<readonly string[]> {
  if (isIP(bareHost(host)) !== 0) return [bareHost(host)];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new Fault(
      'PeerUnreachable',
      `The name ${host} does not resolve here (${codeOf(cause)}); correct it or the name service of this machine.`,
      {
        cause,
      },
    );
  }
}

function reach(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    // Without a host the system would take this very machine.
    if (host === '') throw unreachable(`${host}:${port}`, { code: 'it names no host' });
    const socket = begun(`${host}:${port}`, () => connectTcp({ host: bareHost(host), port }));
    const finish = (then: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      then();
    };
    const onAbort = (): void => finish(() => failed(signal.reason as Error));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('connect', () => finish(done));
    socket.on('error', (cause) => finish(() => failed(unreachable(`${host}:${port}`, cause))));
  });
}

function shakeHands(
  host: string,
  port: number,
  identity: Identity | undefined,
  alpn: readonly string[] | undefined,
  signal: AbortSignal,
  connectMs?: number,
): Promise<TLSSocket> {
  return new Promise((done, failed) => {
    const options = {
      host,
      port,
      // Judged by us, after the handshake and before anything is sent.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2' as const,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey }),
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
    };
    const socket = begun(`${host}:${port}`, () => connectTls(options));
    const onAbort = (): void => {
      clearTimeout(late);
      socket.destroy();
      failed(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const late = connectMs === undefined ? undefined : setTimeout(() => socket.destroy(noAnswer(connectMs)), connectMs);
    socket.once('connect', () => clearTimeout(late));
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      done(socket);
    });
    socket.on('error', (cause) => {
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
      failed(unreachable(`${host}:${port}`, cause));
    });
  });
}

function judge(socket: TLSSocket, where: string, trust: Trust, trustedNowMs: number | undefined): string | undefined {
  return judgeCertificate(socket.getPeerCertificate(false).raw, where, trust, trustedNowMs);
}

/**
 * Only the end is judged. Trusted time does not count the time in which a machine was off, so it may lag: that a certificate has ended is known by
 * it, that one has not begun yet is not; and a node that was off while the other one renewed would refuse that one.
 */
function outsideOfDates(facts: CertificateFacts, where: string, nowMs: number | undefined, endedForMs = 0): string | undefined {
  if (nowMs === undefined || nowMs <= facts.notAfterMs + endedForMs) return undefined;
  return `The certificate of ${where} ended on ${dayOf(facts.notAfterMs)}; renew it there. Nothing was sent to it.`;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

async function withDeadline<T>(where: string, deadlineMs: number, signal: AbortSignal, work: (end: AbortSignal) => Promise<T>): Promise<T> {
  // Work that is begun now would hear of no abort.
  signal.throwIfAborted();
  // Whole milliseconds only: what is left of a deadline is none.
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineMs)));
  const end = AbortSignal.any([signal, deadline]);
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(end.reason as Error);
  end.addEventListener('abort', onAbort, { once: true });
  if (end.aborted) onAbort();
  try {
    return await Promise.race([work(end), aborted.promise]);
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (deadline.aborted && !isFault(cause, 'PeerUntrusted'))
      throw new Fault(
        'DeadlineExceeded',
        `${where} did not answer within ${secondsText(deadlineMs)}; see whether it runs and is not overloaded.`,
      );
    throw cause;
  } finally {
    end.removeEventListener('abort', onAbort);
  }
}

/** Node throws at once for a host or port that cannot be one. */
function begun<T>(where: string, begin: () => T): T {
  try {
    return begin();
  } catch (cause) {
    throw unreachable(where, cause);
  }
}

/** Throws `Fault` PeerUnreachable when it is none. */
export function httpsUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:') throw new Fault('PeerUnreachable', `${text.slice(0, 300)} is no https URL; correct it.`);
  return url;
}

export function placeOf({ hostname, port }: URL): { readonly host: string; readonly port: number } {
  return { host: bareHost(hostname), port: port === '' ? 443 : Number(port) };
}

function noAnswer(connectMs: number): Error {
  return new Error(`no connection within ${connectMs} ms`);
}

function unreachable(where: string, cause: unknown): Fault {
  const code = codeOf(cause);
  const why =
    code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'its name does not resolve here'
        : code === 'EHOSTUNREACH' || code === 'ENETUNREACH'
          ? 'there is no way to it in the network'
          : `the connection failed (${code})`;
  return new Fault(
    'PeerUnreachable',
    `${where} cannot be reached: ${clause(why)}. See that it runs, and that address, port and firewall are right.`,
    {
      cause,
    },
  );
}

function codeOf(cause: unknown): string {
  const { code, message } = cause as { code?: string; message?: string };
  return code ?? message ?? 'unknown';
}

/** `[::1]` → `::1`. */
function bareHost(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
