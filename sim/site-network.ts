/**
 * The way to a simulated site's connection servers: HTTPS as one life of an agent has it.
 *
 * It is the site's own network: an agent that is cut off from the directors still reaches them.
 */

import { Fault } from '../src/model/fault.ts';
import type { MutualAnswer, MutualHttp, MutualOrder, ShownCertificate } from '../src/ports/mutual-http.ts';
import type { SimConnectionServer } from './connection-servers.ts';
import { WALL_START_MS, later } from './process.ts';
import type { Life } from './process.ts';
import type { World } from './world.ts';

/** HTTPS to connection servers, as one life of an agent has it. */
export function simulatedHttp(world: World, life: Life): MutualHttp {
  const ask = <T>(host: string, deadlineMs: number, work: (server: SimConnectionServer) => T): Promise<T> =>
    travel(world, life, host, deadlineMs, work);
  return {
    resolve: (host, deadlineMs) => ask(host, deadlineMs, () => ['192.0.2.1']),
    reach: (host, _, deadlineMs) => ask(host, deadlineMs, () => undefined),
    look: (host, _, deadlineMs) => ask(host, deadlineMs, (server) => shownBy(server)),
    call: (order) => ask(new URL(order.url).hostname, order.deadlineMs, (server) => answerOf(world, server, order)),
  };
}

/** One question and its answer. What was asked may have happened without an answer. */
function travel<T>(world: World, life: Life, host: string, deadlineMs: number, work: (server: SimConnectionServer) => T): Promise<T> {
  const { scheduler } = world;
  const { dice } = life.process;
  const isLost = dice.chance(0.01);
  return new Promise((resolve, reject) => {
    const end = (waitMs: number, what: () => void): void =>
      void later(life, waitMs, () => {
        scheduler.touch();
        what();
      });
    const fail = (waitMs: number): void => end(waitMs, () => reject(new Fault('PeerUnreachable', `${host} does not answer.`)));
    scheduler.after(dice.between(1, 40), () => {
      const server = world.connectionServers.get(host);
      if (server === undefined || server.downUntilMs > scheduler.nowMs()) {
        fail(server?.isMute === true ? deadlineMs : 1);
        return;
      }
      try {
        const answer = work(server);
        if (isLost) fail(deadlineMs);
        else end(dice.between(1, 40), () => resolve(answer));
      } catch (cause) {
        if (!(cause instanceof Error)) throw cause;
        end(1, () => reject(cause));
      }
    });
  });
}

function shownBy({ thumbprint }: SimConnectionServer): ShownCertificate {
  const facts = {
    commonNames: [],
    organizations: [],
    notBeforeMs: WALL_START_MS - 1_000_000,
    notAfterMs: WALL_START_MS * 2,
    clientAuth: false,
    serverAuth: true,
    isAuthority: false,
    serialNumber: '01',
    publicKeyDer: new Uint8Array(),
  };
  return { thumbprint, facts, selfSigned: true };
}

function answerOf(world: World, server: SimConnectionServer, { method, url, trust, headers = {} }: MutualOrder): MutualAnswer {
  if (trust.kind !== 'pin' || trust.pin !== server.thumbprint)
    throw new Fault('PeerUntrusted', `${server.host} shows another certificate than the pinned one.`);
  const say = (status: number, body: object): MutualAnswer => ({ status, headers: {}, body: Buffer.from(JSON.stringify(body)) });
  const path = new URL(url).pathname;
  if (path === '/v1/health') {
    const isIll = server.illUntilMs > world.scheduler.nowMs();
    return say(isIll ? 503 : 200, { status: isIll ? 'Failed' : 'Ok' });
  }
  if (server.asksLogIn && headers['authorization'] === undefined) return say(401, {});
  if (path === '/v1/version') return say(200, { product: 'Desktops', version: '1.2.0', api: ['v1'], instance: server.host });
  if (path === '/v1/capacity') return say(200, { capacity: 100 });
  if (method === 'DELETE') server.licenseOf = undefined;
  return say(method === 'DELETE' ? 204 : 404, {});
}
