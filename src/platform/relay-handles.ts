/**
 * A client of a TCP service from its first moment to its last, by handles (tcp-handle.ts): an instance is found for it, and bytes are carried both ways.
 * What relay-reach.ts and relay-splice.ts do by streams, for about half of the work.
 *
 * I1: a failure to connect is met with the next instance; the client notices only the time, which is at most `clientWaitMs`.
 * I2: where the service asks for it, the first bytes that an instance gets say who the client is.
 * I3: of each way at most one piece waits in memory: while the slower side has not taken it, nothing more is read, no end either.
 * I4: an end is passed on as an end; whatever ends otherwise (an error, silence) is passed on as a reset, so that a torn answer never looks whole.
 * I5: once one side has ended, silence of both is bounded: by twice `halfOpenMs`.
 *
 * What is done here is done for each connection and each piece: an object, a timer or a call of the system less is seen in `bench/balancer`. So state
 * is passed by fields of what is called back, and not by closures.
 */

import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { proxyHeader } from '../decide/balancing.ts';
import { LIMITS } from '../model/limits.ts';
import { bytesRead, giveBack, readBuffer, stepBuffer } from './relay-buffer.ts';
import type { ReadBuffer } from './relay-buffer.ts';
import { instanceAnswered, instanceRefused, instanceReleased, NONE_TRIED, takeInstance } from './relay-instances.ts';
import type { Instance, Instances } from './relay-instances.ts';
import { END } from './tcp-handle.ts';
import type { HandleAddress, HandleRequest, TcpHandle, TcpHandles } from './tcp-handle.ts';
import { waitsOf } from './waits.ts';

/** What all clients of a service share. */
export interface Lane {
  readonly tcp: TcpHandles;
  readonly instances: Instances;
  /** Clients that are there. */
  readonly pairs: Set<Pair>;
  /** For the next write; most are done with at once, and need none of their own. */
  spare: HandleRequest;
}

interface Side {
  readonly pair: Pair;
  readonly handle: WiredHandle;
  other: Side | undefined;
  buffer: ReadBuffer | undefined;
  writes: number;
  /** It said that nothing more comes. */
  hasEnded: boolean;
  /** It has not taken all yet that the other side said; nothing more is read there. */
  isOwed: boolean;
  /** It is being told that nothing more comes. */
  isShutting: boolean;
  isOpen: boolean;
}

export interface Pair {
  readonly lane: Lane;
  client: Side | undefined;
  /** Since it is asked for a connection. */
  instance: Side | undefined;
  /** Which that is; undefined: it has no connection to its account. */
  chosen: Instance | undefined;
  at: 'Seeking' | 'Joined' | 'Over';
  isAskedWhetherItLives: boolean;
  readonly untilMs: number;
  tried: Set<string> | undefined;
  retry: NodeJS.Timeout | undefined;
  /** Pieces that were carried, and waits for the slower side that ended. */
  moves: number;
  /** `moves` when its silence was last looked at; undefined: neither has ended. */
  seen: number | undefined;
}

type WiredHandle = TcpHandle & { side?: Side };
type WiredRequest = HandleRequest & { side?: Side };

const dialing = waitsOf(LIMITS.instanceConnectMs, ({ instance }: Pair) => instance?.handle.close());

const halfOpen = waitsOf(LIMITS.halfOpenMs, (pair: Pair) => {
  if (pair.seen === pair.moves) return cut(pair);
  pair.seen = pair.moves;
  halfOpen.begin(pair);
});

export function laneOf(tcp: TcpHandles, instances: Instances): Lane {
  return { tcp, instances, pairs: new Set(), spare: tcp.writeRequest() };
}

/** Serves `handle` to its end. */
export function serveHandle(lane: Lane, handle: TcpHandle): void {
  const pair: Pair = {
    lane,
    client: undefined,
    instance: undefined,
    chosen: undefined,
    at: 'Seeking',
    isAskedWhetherItLives: false,
    untilMs: performance.now() + LIMITS.clientWaitMs,
    tried: undefined,
    retry: undefined,
    moves: 0,
    seen: undefined,
  };
  pair.client = sideOf(pair, handle);
  lane.pairs.add(pair);
  seek(pair);
}

function sideOf(pair: Pair, handle: WiredHandle): Side {
  return {
    pair,
    handle,
    other: undefined,
    buffer: undefined,
    writes: 0,
    hasEnded: false,
    isOwed: false,
    isShutting: false,
    isOpen: true,
  };
}

function seek(pair: Pair): void {
  const { lane } = pair;
  const one = takeInstance(lane.instances, pair.tried ?? NONE_TRIED);
  pair.chosen = one;
  if (one !== undefined) return isIP(one.host) === 0 ? lookUp(pair, one) : dial(pair, one, one.host);
  if (performance.now() >= pair.untilMs) return giveUp(pair);
  pair.tried = new Set();
  pair.retry = setTimeout(seek, LIMITS.balancerRetryMs, pair);
}

/** A name instead of an address. */
function lookUp(pair: Pair, one: Instance): void {
  lookup(one.host, { order: 'ipv4first' }, (error, ip) => {
    if (pair.at === 'Over') return;
    if (error === null) dial(pair, one, ip);
    else refused(pair);
  });
}

function dial(pair: Pair, one: Instance, ip: string): void {
  const { tcp } = pair.lane;
  const side = sideOf(pair, tcp.handle());
  pair.instance = side;
  const request: WiredRequest = tcp.connectRequest();
  request.side = side;
  request.oncomplete = onDialed;
  const status = ip.includes(':') ? side.handle.connect6(request, ip, one.port) : side.handle.connect(request, ip, one.port);
  if (status === 0) return dialing.begin(pair);
  side.handle.close();
  refused(pair);
}

/** Also when it was closed meanwhile. */
function onDialed(this: WiredRequest, status: number): void {
  const pair = this.side?.pair;
  if (pair === undefined || pair.at === 'Over') return;
  dialing.end(pair);
  if (status === 0) return join(pair);
  pair.instance?.handle.close();
  refused(pair);
}

function refused(pair: Pair): void {
  const { chosen, lane } = pair;
  pair.instance = undefined;
  pair.chosen = undefined;
  if (chosen !== undefined) {
    pair.tried ??= new Set();
    pair.tried.add(chosen.address);
    instanceRefused(lane.instances, chosen);
  }
  if (performance.now() >= pair.untilMs) giveUp(pair);
  else seek(pair);
}

function giveUp(pair: Pair): void {
  pair.lane.instances.counts.failed++;
  cut(pair);
}

function join(pair: Pair): void {
  const { client, instance, chosen, lane } = pair;
  const { instances } = lane;
  if (client === undefined || instance === undefined || chosen === undefined) return;
  pair.at = 'Joined';
  instanceAnswered(instances, chosen);
  if (pair.tried !== undefined) instances.counts.retries++;
  client.other = instance;
  instance.other = client;
  if (instances.proxyProtocol) introduce(lane, client, instance);
  beginReading(instance);
  beginReading(client);
}

function introduce(lane: Lane, client: Side, instance: Side): void {
  const [remote, local]: HandleAddress[] = [{}, {}];
  client.handle.getpeername(remote ?? {});
  client.handle.getsockname(local ?? {});
  const header = proxyHeader({
    remoteAddress: remote?.address,
    remotePort: remote?.port,
    localAddress: local?.address,
    localPort: local?.port,
  });
  const request = lane.tcp.writeRequest();
  request.oncomplete = () => {};
  instance.writes++;
  // Should it fail, the next write fails too.
  instance.handle.writeLatin1String(request, header);
}

function beginReading(side: Side): void {
  const { handle } = side;
  side.buffer = readBuffer();
  handle.side = side;
  handle.onread = onRead;
  handle.useUserBuffer(side.buffer.bytes);
  handle.readStart();
}

function onRead(this: WiredHandle): Buffer | undefined {
  const { side } = this;
  if (side === undefined || !side.isOpen) return undefined;
  const result = side.pair.lane.tcp.readResult();
  if (result > 0) return carry(side, result);
  if (result === END) ended(side);
  else if (result < 0) cut(side.pair);
  return undefined;
}

/** `length` bytes in the buffer of `side`, to the other one. The answer: where to read from now on, if elsewhere. */
function carry(side: Side, length: number): Buffer | undefined {
  const { pair, other, buffer } = side;
  if (other === undefined || buffer === undefined) return undefined;
  const { lane } = pair;
  if (side === pair.client) lane.instances.counts.inBytes += length;
  else lane.instances.counts.outBytes += length;
  pair.moves++;
  // The first piece goes out at once anyway; most connections have no second.
  if (++other.writes === 2) other.handle.setNoDelay(true);
  const request: WiredRequest = lane.spare;
  if (other.handle.writeBuffer(request, bytesRead(buffer, length)) !== 0) {
    cut(pair);
    return undefined;
  }
  if (lane.tcp.wroteLater()) {
    lane.spare = lane.tcp.writeRequest();
    request.side = other;
    request.oncomplete = onWritten;
    other.isOwed = true;
    side.handle.readStop();
  }
  return stepBuffer(buffer, length, other.isOwed);
}

/** The slower side has taken all. */
function onWritten(this: WiredRequest, status: number): void {
  const { side } = this;
  if (side === undefined || !side.isOpen) return;
  const { pair, other } = side;
  side.isOwed = false;
  pair.moves++;
  if (status < 0) cut(pair);
  else other?.handle.readStart();
}

function ended(side: Side): void {
  const { pair, other } = side;
  side.hasEnded = true;
  if (other === undefined || other.hasEnded) return end(pair);
  if (!tellEnd(other)) return cut(pair);
  pair.seen = pair.moves;
  halfOpen.begin(pair);
}

/** False: it is broken. */
function tellEnd(side: Side): boolean {
  const request: WiredRequest = side.pair.lane.tcp.shutdownRequest();
  request.side = side;
  request.oncomplete = onShut;
  side.isShutting = true;
  return side.handle.shutdown(request) === 0;
}

function onShut(this: WiredRequest): void {
  if (this.side !== undefined) this.side.isShutting = false;
}

/** Both have ended, and so neither is owed anything (I3): closing says to each that nothing more comes. */
function end(pair: Pair): void {
  close(pair.client);
  close(pair.instance);
  over(pair);
}

function close(side: Side | undefined): void {
  if (side?.isOpen !== true) return;
  side.isOpen = false;
  side.handle.close();
}

/** Both are reset, whatever they are owed. */
export function cut(pair: Pair): void {
  if (pair.at === 'Over') return;
  reset(pair.client);
  reset(pair.instance);
  over(pair);
}

function reset(side: Side | undefined): void {
  if (side?.isOpen !== true) return;
  side.isOpen = false;
  // What is being shut cannot be reset.
  if (side.isShutting) side.handle.close();
  else side.handle.reset();
}

function over(pair: Pair): void {
  const { lane, client, instance, chosen } = pair;
  if (pair.at === 'Seeking') {
    clearTimeout(pair.retry);
    dialing.end(pair);
  }
  if (pair.seen !== undefined) halfOpen.end(pair);
  pair.at = 'Over';
  lane.pairs.delete(pair);
  if (chosen !== undefined) instanceReleased(lane.instances, chosen);
  // A write that was cut short may still name the bytes of the other side.
  if (client?.buffer !== undefined && instance?.isOwed === false) giveBack(client.buffer);
  if (instance?.buffer !== undefined && client?.isOwed === false) giveBack(instance.buffer);
}

/** Lets silent peers be asked whether they live. Not at once: most connections are over sooner, and would pay for it in vain. */
export function keepAskingPairs({ pairs }: Lane): void {
  for (const pair of pairs) {
    if (pair.at !== 'Joined' || pair.isAskedWhetherItLives) continue;
    pair.isAskedWhetherItLives = true;
    pair.client?.handle.setKeepAlive(true, LIMITS.keepAliveMs / 1000);
    pair.instance?.handle.setKeepAlive(true, LIMITS.keepAliveMs / 1000);
  }
}
