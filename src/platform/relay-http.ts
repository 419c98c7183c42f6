/**
 * One client of a service that speaks HTTP/1: each request goes to an instance, as long as the framing of both sides is plain.
 *
 * I1: a request that may be repeated, and of whose answer no byte has come, is given to another instance when the first goes away.
 * I2: an instance that goes away between two requests is not noticed: the next request is given to another.
 * I3: an answer that breaks off, or that cannot be begun, resets the client: it never looks whole.
 * I4: what is not plain HTTP/1 (also after a switch of protocols, in the last exchange of a connection, and when the client ended its half) is
 *     carried byte by byte from there on (relay-splice.ts); nothing is repeated any more.
 * I5: of a client at most `replayBytes` wait here: a head that is not whole, or requests that came before the answer of the one before.
 * I6: a client that asks for nothing is kept for at most `httpIdleMs`.
 */

import type { Socket } from 'node:net';
import { answerHeadOf, followBody, mayBeginRequest, requestHeadOf, seekHeadEnd } from '../decide/http-framing.ts';
import type { BodyState, RequestHead } from '../decide/http-framing.ts';
import { LIMITS } from '../model/limits.ts';
import { isServing } from './relay-instances.ts';
import { reach, released } from './relay-reach.ts';
import type { Reached, Streams } from './relay-reach.ts';
import { splice } from './relay-splice.ts';

/** One request is given to at most so many instances. */
const ATTEMPTS = 3;

/** Bytes of a head that is not whole yet. */
interface HeadBytes {
  chunks: Buffer[];
  length: number;
  matched: number;
}

interface Exchange {
  readonly request: RequestHead;
  requestBody: BodyState;
  /** What the instance gets as soon as there is one; kept while it may be given to another. */
  toSend: Buffer | undefined;
  readonly died: Set<string>;
  attempts: number;
  isAnswered: boolean;
  /** Undefined: the head is being read. */
  answerBody: BodyState | undefined;
  isPersistent: boolean;
}

interface Conversation {
  readonly client: Socket;
  readonly streams: Streams;
  readonly done: (served: boolean) => void;
  instance: (Reached & { readonly off: () => void }) | undefined;
  exchange: Exchange | undefined;
  /** While an instance is looked for. */
  isReaching: boolean;
  requestHead: HeadBytes;
  answerHead: HeadBytes;
  /** Came before the answer of the request before it. */
  held: Buffer[];
  heldBytes: number;
  isOver: boolean;
  readonly off: () => void;
}

/** Serves `client` to its end, then calls back: false when no instance could be reached for it. */
export function converse(client: Socket, streams: Streams, done: (served: boolean) => void): void {
  const onData = (chunk: Buffer): void => {
    streams.instances.counts.inBytes += chunk.length;
    fromClient(talk, chunk);
  };
  const onEnd = (): void => clientEnded(talk);
  const onClose = (): void => finish(talk, true);
  const onDrain = (): void => void talk.instance?.socket.resume();
  const onTimeout = (): void => {
    if (talk.exchange === undefined) finish(talk, true);
  };
  const off = (): void =>
    void client.off('data', onData).off('end', onEnd).off('close', onClose).off('drain', onDrain).off('timeout', onTimeout).setTimeout(0);
  const talk: Conversation = {
    client,
    streams,
    done,
    instance: undefined,
    exchange: undefined,
    isReaching: false,
    requestHead: noHead(),
    answerHead: noHead(),
    held: [],
    heldBytes: 0,
    isOver: false,
    off,
  };
  client.on('data', onData).on('end', onEnd).on('close', onClose).on('drain', onDrain).on('timeout', onTimeout);
  client.setTimeout(LIMITS.httpIdleMs);
  client.resume();
}

function noHead(): HeadBytes {
  return { chunks: [], length: 0, matched: 0 };
}

/** Adds `bytes` from `from` on; a whole head and where it ends in `bytes`, or undefined when more is needed. */
function readHead(head: HeadBytes, bytes: Buffer, from: number): { readonly text: string; readonly end: number } | undefined {
  const { matched, end } = seekHeadEnd(head.matched, bytes, from);
  const part = from === 0 && end < 0 ? bytes : bytes.subarray(from, end < 0 ? bytes.length : end);
  head.matched = matched;
  if (end >= 0 && head.length === 0) return { text: part.toString('latin1'), end };
  head.chunks.push(part);
  head.length += part.length;
  if (end < 0) return undefined;
  const text = Buffer.concat(head.chunks).toString('latin1');
  head.chunks = [];
  head.length = 0;
  return { text, end };
}

function fromClient(talk: Conversation, chunk: Buffer): void {
  const { exchange } = talk;
  if (exchange === undefined) return beginExchange(talk, chunk);
  const { state, used } = followBody(exchange.requestBody, chunk, 0);
  exchange.requestBody = state;
  if (state.at === 'Odd') return passThrough(talk, [chunk]);
  if (used > 0) send(talk, used === chunk.length ? chunk : chunk.subarray(0, used));
  if (used < chunk.length) hold(talk, chunk.subarray(used));
}

function send(talk: Conversation, bytes: Buffer): void {
  if (talk.instance?.socket.write(bytes) === false) talk.client.pause();
}

function hold(talk: Conversation, bytes: Buffer): void {
  talk.held.push(bytes);
  talk.heldBytes += bytes.length;
  if (talk.heldBytes > LIMITS.replayBytes) talk.client.pause();
}

function beginExchange(talk: Conversation, chunk: Buffer): void {
  const before = talk.requestHead.chunks;
  const isFirst = talk.requestHead.length === 0;
  if (isFirst && !mayBeginRequest(chunk[0] ?? 0)) return passThrough(talk, [chunk]);
  const read = readHead(talk.requestHead, chunk, 0);
  if (read === undefined) {
    if (talk.requestHead.length <= LIMITS.replayBytes) return;
    return passThrough(talk, talk.requestHead.chunks);
  }
  const all = isFirst ? chunk : Buffer.concat([...before.slice(0, -1), chunk]);
  const request = requestHeadOf(read.text);
  if (request === undefined) return passThrough(talk, [all]);
  const { state, used } = followBody(request.body, chunk, read.end);
  if (state.at === 'Odd') return passThrough(talk, [all]);
  const end = all.length - (chunk.length - used);
  const toSend = end === all.length ? all : all.subarray(0, end);
  talk.exchange = {
    request,
    requestBody: state,
    toSend,
    died: new Set(),
    attempts: 0,
    isAnswered: false,
    answerBody: undefined,
    isPersistent: request.isPersistent,
  };
  if (end < all.length) hold(talk, all.subarray(end));
  sendRequest(talk, talk.exchange);
}

/** To the instance at hand, if it may be given more, else to another. */
function sendRequest(talk: Conversation, exchange: Exchange): void {
  const { instance, streams } = talk;
  exchange.attempts++;
  if (instance !== undefined && !isServing(streams.instances, instance.one)) letGo(talk);
  if (talk.instance === undefined) return findInstance(talk, () => deliver(talk, exchange));
  deliver(talk, exchange);
}

function deliver(talk: Conversation, exchange: Exchange): void {
  const bytes = exchange.toSend;
  if (!exchange.request.isReplayable) exchange.toSend = undefined;
  if (bytes !== undefined) send(talk, bytes);
}

/** The client waits, unread, until there is one. */
function findInstance(talk: Conversation, then: () => void): void {
  const { client, streams } = talk;
  client.pause();
  talk.isReaching = true;
  reach(client, streams, talk.exchange?.died ?? new Set(), (found) => {
    talk.isReaching = false;
    if (found === undefined) return giveUp(talk);
    if (talk.isOver) {
      released(streams, found);
      return void found.socket.destroy();
    }
    attach(talk, found);
    client.resume();
    then();
    // Its end may have come while it waited.
    if (client.readableEnded) clientEnded(talk);
  });
}

function attach(talk: Conversation, { one, socket }: Reached): void {
  const onData = (chunk: Buffer): void => fromInstance(talk, chunk);
  const onDrain = (): void => void talk.client.resume();
  const onGone = (): void => instanceGone(talk);
  const off = (): void => void socket.off('data', onData).off('drain', onDrain).off('end', onGone).off('close', onGone);
  socket.on('data', onData).on('drain', onDrain).once('end', onGone).once('close', onGone);
  talk.instance = { one, socket, off };
}

/** The connection to the instance is of no use any more. */
function letGo(talk: Conversation): void {
  const { instance } = talk;
  if (instance === undefined) return;
  talk.instance = undefined;
  talk.answerHead = noHead();
  instance.off();
  instance.socket.destroy();
  released(talk.streams, instance);
}

/** No instance took it: the client is told by a reset. */
function giveUp(talk: Conversation): void {
  const leftByItself = talk.client.destroyed;
  talk.client.resetAndDestroy();
  finish(talk, leftByItself);
}

function fromInstance(talk: Conversation, chunk: Buffer): void {
  const { exchange } = talk;
  // Nothing was asked: a farewell, like 408 to a connection that was idle for too long. Nobody waits for it.
  if (exchange === undefined) return letGo(talk);
  exchange.isAnswered = true;
  exchange.toSend = undefined;
  const end = followAnswer(talk, exchange, chunk);
  if (end === undefined) return passThrough(talk, [], chunk);
  toClient(talk, end === chunk.length ? chunk : chunk.subarray(0, end));
  const isWhole = exchange.answerBody?.at === 'Whole';
  // More than the answer: who says too much is not asked again.
  if (end < chunk.length) letGo(talk);
  if (isWhole && exchange.requestBody.at === 'Whole') endExchange(talk, exchange);
  else if (isWhole && talk.instance === undefined) finish(talk, true);
}

/** Where what belongs to the answer ends in `chunk`; undefined: from here on nothing is to be followed. */
function followAnswer(talk: Conversation, exchange: Exchange, chunk: Buffer): number | undefined {
  let at = 0;
  while (at < chunk.length) {
    if (exchange.answerBody === undefined) {
      const read = readHead(talk.answerHead, chunk, at);
      if (read === undefined) return talk.answerHead.length > LIMITS.replayBytes ? undefined : chunk.length;
      const head = answerHeadOf(read.text, exchange.request.method);
      if (head === undefined || head.isSwitch || head.body.at === 'UntilEnd') return undefined;
      at = read.end;
      if (head.isInterim) continue;
      exchange.answerBody = head.body;
      exchange.isPersistent &&= head.isPersistent;
    }
    const { state, used } = followBody(exchange.answerBody, chunk, at);
    exchange.answerBody = state;
    if (state.at === 'Odd') return undefined;
    if (state.at === 'Whole') return used;
    at = used;
  }
  return at;
}

function toClient(talk: Conversation, bytes: Buffer): void {
  talk.streams.instances.counts.outBytes += bytes.length;
  if (!talk.client.write(bytes)) talk.instance?.socket.pause();
}

function endExchange(talk: Conversation, exchange: Exchange): void {
  if (!exchange.isPersistent && talk.instance !== undefined) return passThrough(talk, []);
  if (!exchange.isPersistent) return finish(talk, true);
  talk.exchange = undefined;
  if (talk.heldBytes === 0) return;
  const next = Buffer.concat(talk.held);
  talk.held = [];
  talk.heldBytes = 0;
  talk.client.resume();
  fromClient(talk, next);
}

function instanceGone(talk: Conversation): void {
  const { exchange, client, instance } = talk;
  letGo(talk);
  if (exchange === undefined) return;
  if (!exchange.isAnswered && exchange.toSend !== undefined && exchange.attempts < ATTEMPTS) {
    if (instance !== undefined) exchange.died.add(instance.one.address);
    talk.streams.instances.counts.retries++;
    return sendRequest(talk, exchange);
  }
  if (exchange.answerBody?.at !== 'Whole') client.resetAndDestroy();
  finish(talk, true);
}

/** It ended its half, or all of it. */
function clientEnded(talk: Conversation): void {
  if (talk.isReaching || talk.isOver) return;
  if (talk.exchange === undefined) finish(talk, true);
  else passThrough(talk, []);
}

/** From here on bytes are carried and not looked at; `bytes` of the client first, `answer` of the instance too. */
function passThrough(talk: Conversation, bytes: readonly Buffer[], answer?: Buffer): void {
  const { client, instance, streams } = talk;
  if (instance === undefined) {
    if (talk.exchange !== undefined) return finish(talk, true);
    return findInstance(talk, () => passThrough(talk, bytes));
  }
  talk.isOver = true;
  talk.off();
  instance.off();
  if (answer !== undefined) toClient(talk, answer);
  for (const chunk of [...talk.held, ...bytes]) instance.socket.write(chunk);
  splice(client, instance.socket, streams.instances.counts, () => {
    released(streams, instance);
    talk.done(true);
  });
}

function finish(talk: Conversation, served: boolean): void {
  if (talk.isOver) return;
  talk.isOver = true;
  talk.off();
  letGo(talk);
  // What it is still owed flows out first.
  talk.client.resume().destroySoon();
  talk.done(served);
}
