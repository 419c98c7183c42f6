/**
 * Joining as kubeadm does it: the server is known by the hash of its CA's public key before it is told anything.
 *
 * First a connection that only looks: the chain that the server shows must hold a certificate with the pinned key. Then a connection that is
 * verified with that certificate as the only CA, on which the token is sent. Whoever sits between can make the look fail, not more.
 * Dates are not judged here: who has never joined knows no time but its wall clock, which may be years off, and the pin says more than any date.
 *
 * I1: the token leaves this machine only on a connection that was verified against the pinned CA.
 * I2: a lost answer is no dead end: the same request may be sent again.
 */

import { connect } from 'node:tls';
import type { DetailedPeerCertificate } from 'node:tls';
import { Fault } from '../model/fault.ts';
import type { Json } from '../model/json.ts';
import { isJsonObject } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import type { Answer } from '../ports/api.ts';
import type { Directors, IssuedIdentity, JoinedNode, JoinOrder, JoinOutcome } from '../ports/director.ts';
import type { Random } from '../ports/random.ts';
import type { Era } from '../ports/store.ts';
import { directorApi, postOnce } from './api-client.ts';
import { publicKeyHash } from './certificate.ts';
import { reasonOf } from './director-session.ts';

const CHAIN_MAX = 10;

/** The directors of this control plane. */
export function directors(random: Random): Directors {
  return {
    open: (options) => directorApi(options, random),
    join: async (order, signal) => await join(order, random, signal),
    renew: async (api, request, signal) => issued(await api.post('/outrigger/v1/renew', { csr: request }, signal), 'The renewal'),
  };
}

async function join(order: JoinOrder, random: Random, signal: AbortSignal): Promise<JoinOutcome> {
  const failures: Fault[] = [];
  for (const director of order.directors) {
    try {
      const { authority, localAddress } = await pinnedAuthority(director, order.caHash, signal);
      const { machine, traceparent } = order;
      const body = { token: order.token, csr: order.request, ...(machine === undefined ? {} : { machine: { ...machine } }) };
      const { answer } = await postOnce([director], { authority }, { path: '/outrigger/v1/join', body, traceparent }, random, signal);
      const node = answer.ok && isJsonObject(answer.value) ? nodeOf(answer.value['node']) : undefined;
      return {
        ...issued(answer, 'The join'),
        ...(node === undefined ? {} : { node }),
        ...(localAddress === undefined ? {} : { localAddress }),
      };
    } catch (cause) {
      if (!(cause instanceof Fault) || cause.code === 'JoinRefused' || signal.aborted) throw cause;
      failures.push(cause);
    }
  }
  const code = failures.find((one) => one.code === 'CertificateInvalid')?.code ?? 'DirectorUnreachable';
  throw new Fault(code, failures.length === 0 ? 'There is no director to join; name one.' : failures.map((one) => one.message).join(' '));
}

function issued(answer: Answer<Json>, what: string): IssuedIdentity {
  if (!answer.ok) throw new Fault('JoinRefused', `${what} was refused: ${answer.message}`);
  const body = answer.value;
  if (isJsonObject(body) && typeof body['certificate'] === 'string' && typeof body['ca'] === 'string') {
    const era = eraOf(body['era']);
    if (era !== undefined) return { certificate: body['certificate'], authority: body['ca'], era };
  }
  throw new Fault(
    'DirectorAnswerInvalid',
    `${what} was answered without a certificate, its CA and an era; is the address that of a director?`,
  );
}

function nodeOf(json: Json | undefined): JoinedNode | undefined {
  if (json === undefined || !isJsonObject(json)) return undefined;
  const { namespace, name, uid, incarnation, cluster, clusterUid, role } = json;
  const texts = [namespace, name, uid, cluster, clusterUid].every((one) => typeof one === 'string' && one !== '');
  if (!texts || typeof incarnation !== 'number' || (role !== 'Primary' && role !== 'Worker')) return undefined;
  return json as unknown as JoinedNode;
}

function eraOf(json: Json | undefined): Era | undefined {
  if (json === undefined || !isJsonObject(json) || typeof json['number'] !== 'number' || typeof json['id'] !== 'string') return undefined;
  return { number: json['number'], id: json['id'] };
}

interface Shown {
  readonly chain: readonly Buffer[];
  /** Ours, on that connection. */
  readonly localAddress: string | undefined;
}

/** The CA certificate (PEM) with the pinned key, out of the chain that the server shows. */
async function pinnedAuthority(
  director: string,
  caHash: string,
  signal: AbortSignal,
): Promise<{ readonly authority: string; readonly localAddress: string | undefined }> {
  const { chain, localAddress } = await shownChain(director, signal);
  const found = chain.find((raw) => publicKeyHash(raw) === caHash.toLowerCase());
  if (found !== undefined) return { authority: pemOf(found), localAddress };
  const shown = chain.map((raw) => publicKeyHash(raw)).join(', ');
  throw new Fault(
    'CertificateInvalid',
    `${director} is not of the control plane with CA hash ${caHash}: it shows ${shown === '' ? 'no certificate' : shown}. Nothing was sent; check the address and the hash.`,
  );
}

function shownChain(director: string, signal: AbortSignal): Promise<Shown> {
  const { hostname, port } = new URL(director);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((done, failed) => {
    // Only looks, and sends nothing: trust is decided by the hash of what is shown.
    const socket = connect({
      host,
      port: Number(port || 443),
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...serverName(host),
    });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${LIMITS.connectMs} ms`)), LIMITS.connectMs);
    const onAbort = (): void => void socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('secureConnect', () => {
      done({ chain: rawChain(socket.getPeerCertificate(true)), localAddress: socket.localAddress });
      socket.end();
    });
    socket.on('error', (cause) => failed(new Fault('DirectorUnreachable', `${director} does not answer: ${reasonOf(cause)}.`, { cause })));
    socket.once('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      failed(new Fault('DirectorUnreachable', `${director} closed the connection before it showed its certificate.`));
    });
  });
}

/** An address is no server name (RFC 6066). */
function serverName(host: string): { servername?: string } {
  return /^[\d.]+$/.test(host) || host.includes(':') ? {} : { servername: host };
}

function rawChain(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  let certificate: DetailedPeerCertificate | undefined = leaf;
  while (certificate?.raw !== undefined && chain.length < CHAIN_MAX) {
    chain.push(certificate.raw);
    // A self-signed certificate names itself as its issuer.
    certificate = certificate.issuerCertificate === certificate ? undefined : certificate.issuerCertificate;
  }
  return chain;
}

function pemOf(raw: Buffer): string {
  const lines = raw.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
