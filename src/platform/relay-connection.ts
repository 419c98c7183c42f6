/**
 * One client of the balancer: finds it an instance, then carries bytes both ways.
 *
 * I1: while nothing was sent to an instance, a failure to connect is met with the next instance, and the client notices only the time.
 * I2: the client is held for at most `clientWaitMs`, then its connection is reset.
 * I3: bytes are never kept beyond the sockets' own buffers, but for a first HTTP request, of which at most `replayBytes` are kept until its
 *     answer begins; when its instance dies before that, and it may be, it is given to another.
 * I4: an end is passed on as an end, a reset as a reset, so that a torn answer never looks whole.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { isReplayable } from '../decide/balancing.ts';
import { LIMITS } from '../model/limits.ts';

/** What a connection asks of its service. */
export interface Instances {
  readonly protocol: 'TCP' | 'HTTP';
  /** The best instance (`ip:port`) that is not in `tried`, which is thereby taken; undefined: none is left. */
  take(tried: ReadonlySet<string>): string | undefined;
  /** It took the connection. */
  connected(address: string): void;
  /** It did not; it is no longer taken. */
  refused(address: string): void;
  /** A connection that was `connected` is over. */
  released(address: string): void;
}

/** One request is given to at most so many instances. */
const ATTEMPTS = 3;

/** Serves `client` to its end. Resolves with false when no instance could be reached for it. */
export async function serveClient(client: Socket, instances: Instances): Promise<boolean> {
  client.setKeepAlive(true, LIMITS.keepAliveMs);
  client.setNoDelay(true);
  client.on('error', () => client.destroy());
  const died = new Set<string>();
  let kept: readonly Buffer[] = [];
  for (let attempt = 1; ; attempt++) {
    const found = await findInstance(client, instances, died);
    if (found === undefined) {
      const leftByItself = client.destroyed;
      client.resetAndDestroy();
      return leftByItself;
    }
    const unanswered = await relay(client, found.socket, instances.protocol, kept, attempt < ATTEMPTS);
    instances.released(found.address);
    if (unanswered === undefined) return true;
    kept = unanswered;
    died.add(found.address);
  }
}

interface Found {
  readonly address: string;
  readonly socket: Socket;
}

async function findInstance(client: Socket, instances: Instances, died: ReadonlySet<string>): Promise<Found | undefined> {
  const untilMs = performance.now() + LIMITS.clientWaitMs;
  let tried = new Set(died);
  while (!client.destroyed && performance.now() < untilMs) {
    const address = instances.take(tried);
    if (address === undefined) {
      // One that took the request and died may be back by then.
      tried = new Set();
      await pause(LIMITS.balancerRetryMs);
      continue;
    }
    const socket = await dial(address);
    if (socket !== undefined) {
      instances.connected(address);
      return { address, socket };
    }
    tried.add(address);
    instances.refused(address);
  }
  return undefined;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => void setTimeout(done, ms));
}

/** A connection to `ip:port`, paused; undefined when there is none in time. */
export function dial(address: string): Promise<Socket | undefined> {
  const at = address.lastIndexOf(':');
  const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)), allowHalfOpen: true, noDelay: true });
  return new Promise((done) => {
    const timer = setTimeout(() => socket.destroy(), LIMITS.instanceConnectMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('close', onClose);
      socket.setKeepAlive(true, LIMITS.keepAliveMs);
      done(socket);
    });
    const onClose = (): void => {
      clearTimeout(timer);
      done(undefined);
    };
    socket.once('close', onClose);
    // `close` follows, and says all there is to say.
    socket.on('error', () => socket.destroy());
  });
}

/** Carries bytes until both are closed. Resolves with the request to be repeated, when that is allowed, else with undefined. */
async function relay(
  client: Socket,
  instance: Socket,
  protocol: 'TCP' | 'HTTP',
  kept: readonly Buffer[],
  mayRepeat: boolean,
): Promise<readonly Buffer[] | undefined> {
  if (protocol === 'HTTP') {
    const unanswered = await firstAnswer(client, instance, kept);
    if (unanswered !== undefined && mayRepeat) return unanswered;
  }
  if (client.destroyed || instance.destroyed) {
    passOnEnd(instance, client);
    passOnEnd(client, instance);
    return undefined;
  }
  await Promise.all([carry(client, instance), carry(instance, client)]);
  return undefined;
}

/** Carries one way, with back-pressure, and passes the end on. Resolves when the reading side is closed. */
function carry(from: Socket, to: Socket): Promise<void> {
  // Once half is over the other half may take its time, but not for ever in silence.
  const boundSilence = (): void => {
    for (const socket of [from, to]) socket.setTimeout(LIMITS.halfOpenMs, () => socket.destroy());
  };
  return new Promise((done) => {
    if (from.readableEnded) boundSilence();
    else from.once('end', boundSilence);
    from.once('close', () => {
      passOnEnd(from, to);
      done();
    });
    from.pipe(to);
  });
}

/** `from` is closed. In peace: what it sent still flows out of `to`. By error or timeout: `to` is reset. */
function passOnEnd(from: Socket, to: Socket): void {
  if (!from.destroyed || to.destroyed) return;
  if (!from.readableEnded || from.errored !== null) to.resetAndDestroy();
}

/**
 * The first request of a connection: sent while a copy is kept. Resolves with the copy when the instance died without a word and another may be
 * asked; with undefined as soon as an answer begins (its first bytes are put back into `instance`), or when the request may not be repeated.
 */
function firstAnswer(client: Socket, instance: Socket, kept: readonly Buffer[]): Promise<readonly Buffer[] | undefined> {
  return new Promise((done) => {
    let copy: Buffer[] | undefined = [...kept];
    let length = kept.reduce((sum, chunk) => sum + chunk.length, 0);
    const onRequest = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > LIMITS.replayBytes) copy = undefined;
      copy?.push(chunk);
      if (!instance.write(chunk)) client.pause();
    };
    const onDrain = (): void => void client.resume();
    const onAnswer = (chunk: Buffer): void => {
      instance.pause();
      instance.unshift(chunk);
      finish(undefined);
    };
    const onInstanceOver = (): void => finish(isRepeatable(client, copy) ? copy : undefined);
    const onClientOver = (): void => finish(undefined);
    const finish = (result: readonly Buffer[] | undefined): void => {
      client.off('data', onRequest).off('end', onClientOver).off('close', onClientOver).pause();
      instance.off('drain', onDrain).off('data', onAnswer).off('end', onInstanceOver).off('close', onInstanceOver);
      if (result !== undefined) instance.destroy();
      done(result);
    };
    client.on('data', onRequest).once('end', onClientOver).once('close', onClientOver);
    instance.on('drain', onDrain).once('data', onAnswer).once('end', onInstanceOver).once('close', onInstanceOver);
    for (const chunk of kept) instance.write(chunk);
    client.resume();
  });
}

/** Nothing was asked yet: then nothing could happen twice. */
function isRepeatable(client: Socket, copy: readonly Buffer[] | undefined): boolean {
  if (copy === undefined || client.destroyed) return false;
  return copy.length === 0 || isReplayable(Buffer.concat(copy).toString('latin1'));
}
