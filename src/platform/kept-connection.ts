/**
 * One HTTPS connection that is kept for many small calls, to whoever is known by a certificate (src/ports/mutual-http.ts).
 *
 * A handshake costs two signatures and some 5 ms of a core; a heartbeat five times a second must not.
 *
 * I1: the other end is judged before anything is sent, once for the connection. Whoever stops being trusted is cut by closing it.
 * I2: an answer beyond its bound, its deadline or HTTP/1.1 is a `Fault` and ends the connection; nothing is ever read from it afterwards.
 * I3: one call at a time.
 */

import type { TLSSocket } from 'node:tls';
import { assert } from '../base/assert.ts';
import { clause, secondsText } from '../base/clause.ts';
import { Fault } from '../model/fault.ts';
import type { KeptConnection, KeptOrder, MutualAnswer } from '../ports/mutual-http.ts';
import { httpsUrl, openTrusted, placeOf, readWhole } from './mutual-http.ts';
import { Agent, request as httpRequest } from './node-http.ts';

type KeptRequest = Parameters<KeptConnection['call']>[0];

export async function keepConnection(order: KeptOrder, signal: AbortSignal): Promise<KeptConnection> {
  const url = httpsUrl(order.origin);
  const { host } = url;
  const socket = await openTrusted({ ...order, ...placeOf(url) }, signal);
  socket.setNoDelay(true);
  // Between two calls nobody else listens; a peer that vanishes then is met by the next call.
  socket.on('error', () => socket.destroy());
  const agent = agentFor(socket);
  let isBusy = false;
  return {
    call: async (request, until) => {
      assert(!isBusy, 'one call at a time on a kept connection');
      until.throwIfAborted();
      isBusy = true;
      try {
        return await exchange(socket, agent, host, request, until);
      } catch (cause) {
        socket.destroy();
        throw cause;
      } finally {
        isBusy = false;
      }
    },
    isOpen: () => !socket.destroyed && !socket.readableEnded,
    close: () => {
      agent.destroy();
      socket.destroy();
    },
  };
}

/** Node's own keeping of connections, with this one connection to keep. */
function agentFor(socket: TLSSocket): InstanceType<typeof Agent> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  let isGiven = false;
  agent.createConnection = () => {
    // Asked for a second time only when the first is gone: then it is destroyed, and the call fails by that.
    if (isGiven) socket.destroy();
    isGiven = true;
    return socket;
  };
  return agent;
}

/** With a timer of its own: signals made for each call cost more than the call. */
function exchange(
  socket: TLSSocket,
  agent: InstanceType<typeof Agent>,
  host: string,
  { method, path, body = '', maxAnswerBytes, deadlineMs }: KeptRequest,
  until: AbortSignal,
): Promise<MutualAnswer> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Fault('PeerUnreachable', `${host} has closed the connection.`));
    const over = (then: () => void): void => {
      clearTimeout(timer);
      until.removeEventListener('abort', onAbort);
      then();
    };
    const onAbort = (): void => over(() => reject(until.reason as Error));
    const timer = setTimeout(() => over(() => reject(tooLate(host, deadlineMs))), deadlineMs);
    until.addEventListener('abort', onAbort, { once: true });
    const invalid = (what: string): void => over(() => reject(new Fault('PeerAnswerInvalid', `${host} ${what}; its answer was not used.`)));
    const outgoing = httpRequest({
      agent,
      method,
      path,
      headers: { host, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      maxHeaderSize: 16 * 1024,
    });
    outgoing.on('error', (cause) =>
      over(() => reject(new Fault('PeerUnreachable', `${host} broke off: ${clause(cause.message)}.`, { cause }))),
    );
    outgoing.on('upgrade', () => invalid('answered with another protocol'));
    outgoing.on('response', (incoming) => readWhole(incoming, maxAnswerBytes, invalid, (answer) => over(() => resolve(answer))));
    outgoing.end(body);
  });
}

function tooLate(host: string, deadlineMs: number): Fault {
  return new Fault(
    'DeadlineExceeded',
    `${host} did not answer within ${secondsText(deadlineMs)}; see whether it runs and is not overloaded.`,
  );
}
