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
import type { Inlet } from './relay-inlet.ts';
import type { Traffic } from './relay-splice.ts';
import { waitsOf } from './waits.ts';

/** What a connection asks of its service. */
export interface Instances {
  readonly proxyProtocol: boolean;
  readonly traffic: Traffic;
  /** The best instance (`ip:port`) that is not in `tried`, which is thereby taken; undefined: none is left. */
  take(tried: ReadonlySet<string>): string | undefined;
  /** It took the connection. */
  connected(address: string, socket: Socket): void;
  /** It did not; it is no longer taken. */
  refused(address: string): void;
  /** A connection that was `connected` is over. */
  released(reached: Reached): void;
  /** True while it may be given further requests. */
  isServing(address: string): boolean;
  /** A connection or request goes to another instance, because the first refused it or died without a word. */
  repeated(): void;
}

export interface Reached {
  readonly address: string;
  readonly socket: Socket;
  /** Where its bytes come in, if that was asked for; else by its `data` events. */
  readonly inlet?: Inlet | undefined;
}

/** Calls back with an instance for `client`; undefined: none in time, or the client went away. None of `died` is asked in the first round. */
export function reach(
  client: Socket,
  instances: Instances,
  died: ReadonlySet<string>,
  done: (found: Reached | undefined) => void,
  makeInlet?: () => Inlet,
): void {
  const untilMs = performance.now() + LIMITS.clientWaitMs;
  let tried: Set<string> | undefined;
  const attempt = (): void => {
    if (client.destroyed) return done(undefined);
    const address = instances.take(tried ?? died);
    if (address === undefined) {
      if (performance.now() >= untilMs) return done(undefined);
      // One that took the request and died may be back by then.
      tried = new Set();
      return void setTimeout(attempt, LIMITS.balancerRetryMs);
    }
    const inlet = makeInlet?.();
    const onDial = (socket: Socket | undefined): void => {
      if (socket === undefined) {
        tried ??= new Set(died);
        tried.add(address);
        instances.refused(address);
        return performance.now() >= untilMs ? done(undefined) : attempt();
      }
      instances.connected(address, socket);
      if (tried !== undefined) instances.repeated();
      if (instances.proxyProtocol) socket.write(proxyHeader(client));
      done({ address, socket, inlet });
    };
    dial(address, onDial, inlet);
  };
  attempt();
}

const dialing = waitsOf(LIMITS.instanceConnectMs, (socket: Socket) => void socket.destroy());

/** Calls back with a connection to `ip:port`, paused; with undefined when there is none in time. */
export function dial(address: string, done: (socket: Socket | undefined) => void, inlet?: Inlet): void {
  const at = address.lastIndexOf(':');
  const to = { host: address.slice(0, at), port: Number(address.slice(at + 1)), allowHalfOpen: true, noDelay: true };
  const socket = connect(inlet === undefined ? to : { ...to, onread: inlet.onread });
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
