/**
 * A client and an instance joined: bytes both ways, whatever they mean.
 *
 * I1: bytes are never kept beyond the sockets' own buffers: the slower side sets the pace.
 * I2: an end is passed on as an end, a reset as a reset, so that a torn answer never looks whole.
 * I3: once one side has ended, silence of both is bounded: by twice `halfOpenMs`.
 *
 * What is done here is done for each connection and each piece of it: a listener, a timer or a call of the system less is seen in `bench/balancer`.
 */

import type { Socket } from 'node:net';
import { LIMITS } from '../model/limits.ts';
import type { Counts } from './relay-instances.ts';
import { waitsOf } from './waits.ts';

interface Pair {
  readonly client: Socket;
  readonly instance: Socket;
  /** Pieces that were carried, and waits for the slower side that ended. */
  moves: number;
  /** `moves` when its silence was last looked at; undefined: neither has ended. */
  seen: number | undefined;
  open: number;
  readonly done: () => void;
}

const halfOpen = waitsOf(LIMITS.halfOpenMs, (pair: Pair) => {
  if (pair.seen !== pair.moves) {
    pair.seen = pair.moves;
    return halfOpen.begin(pair);
  }
  pair.client.destroy();
  pair.instance.destroy();
});

/** Carries until both are closed, then calls back. What either has buffered or ended already is carried too. */
export function splice(client: Socket, instance: Socket, counts: Counts, done: () => void): void {
  const pair: Pair = { client, instance, moves: 0, seen: undefined, open: 2, done };
  client.on('data', (chunk: Buffer) => {
    counts.inBytes += chunk.length;
    pair.moves++;
    if (!instance.write(chunk)) client.pause();
  });
  instance.on('data', (chunk: Buffer) => {
    counts.outBytes += chunk.length;
    pair.moves++;
    if (!client.write(chunk)) instance.pause();
  });
  carry(pair, client, instance);
  carry(pair, instance, client);
}

function carry(pair: Pair, from: Socket, to: Socket): void {
  to.on('drain', () => {
    pair.moves++;
    from.resume();
  });
  if (from.readableEnded) ended(pair, to);
  else from.on('end', () => ended(pair, to));
  if (from.closed) closed(pair, from, to);
  else from.on('close', () => closed(pair, from, to));
  if (to.writableNeedDrain) from.pause();
  else from.resume();
}

/** Nothing more comes for `to`. */
function ended(pair: Pair, to: Socket): void {
  // Nothing more comes from it either, and all it is owed is on its way: closing it says the same as ending it first.
  if (to.readableEnded && to.writableLength === 0) return void to.destroy();
  to.end();
  if (pair.seen !== undefined || pair.open < 2) return;
  pair.seen = pair.moves;
  halfOpen.begin(pair);
}

function closed(pair: Pair, from: Socket, to: Socket): void {
  passOnEnd(from, to);
  if (--pair.open > 0) return;
  halfOpen.end(pair);
  pair.done();
}

/** `from` is closed. In peace: what it sent still flows out of `to`. By error or timeout: `to` is reset. */
function passOnEnd(from: Socket, to: Socket): void {
  if (to.destroyed) return;
  if (!from.readableEnded || from.errored !== null) to.resetAndDestroy();
}
