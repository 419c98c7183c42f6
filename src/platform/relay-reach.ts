/**
 * How the relay gets a client an instance.
 *
 * I1: a failure to connect is met with the next instance; the client notices only the time.
 * I2: the client is held for at most `clientWaitMs`.
 * I3: where the service asks for it, the first bytes that an instance gets say who the client is (PROXY protocol, version 1).
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { proxyHeader } from '../decide/balancing.ts';
import { LIMITS } from '../model/limits.ts';
import { instanceAnswered, instanceRefused, instanceReleased, takeInstance } from './relay-instances.ts';
import type { Instance, Instances } from './relay-instances.ts';
import { waitsOf } from './waits.ts';

/** What a connection asks of its service. */
export interface Streams {
  readonly instances: Instances;
  /** Connections to instances that are open. */
  readonly dialed: Set<Socket>;
}

export interface Reached {
  readonly one: Instance;
  readonly socket: Socket;
}

/** Calls back with an instance for `client`; undefined: none in time, or the client went away. None of `died` is asked in the first round. */
export function reach(
  client: Socket,
  { instances, dialed }: Streams,
  died: ReadonlySet<string>,
  done: (found: Reached | undefined) => void,
): void {
  const untilMs = performance.now() + LIMITS.clientWaitMs;
  let tried: Set<string> | undefined;
  const attempt = (): void => {
    if (client.destroyed) return done(undefined);
    const one = takeInstance(instances, tried ?? died);
    if (one === undefined) {
      if (performance.now() >= untilMs) return done(undefined);
      // One that took the request and died may be back by then.
      tried = new Set();
      return void setTimeout(attempt, LIMITS.balancerRetryMs);
    }
    dial(one.host, one.port, (socket) => {
      if (socket === undefined) {
        tried ??= new Set(died);
        tried.add(one.address);
        instanceRefused(instances, one);
        return performance.now() >= untilMs ? done(undefined) : attempt();
      }
      instanceAnswered(instances, one);
      dialed.add(socket);
      if (tried !== undefined) instances.counts.retries++;
      if (instances.proxyProtocol) socket.write(proxyHeader(client));
      done({ one, socket });
    });
  };
  attempt();
}

/** The connection to it is over. */
export function released({ instances, dialed }: Streams, { one, socket }: Reached): void {
  dialed.delete(socket);
  instanceReleased(instances, one);
}

const dialing = waitsOf(LIMITS.instanceConnectMs, (socket: Socket) => void socket.destroy());

/** Calls back with a connection, paused; with undefined when there is none in time. */
export function dial(host: string, port: number, done: (socket: Socket | undefined) => void): void {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  let isConnected = false;
  dialing.begin(socket);
  socket.on('close', () => {
    if (isConnected) return;
    dialing.end(socket);
    done(undefined);
  });
  // `close` follows, and says all there is to say.
  socket.on('error', ignore);
  socket.on('connect', () => {
    isConnected = true;
    dialing.end(socket);
    done(socket);
  });
}

/** An error is followed by `close`, where it is looked at. */
export function ignore(): void {}
