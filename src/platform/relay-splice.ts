/**
 * A client and an instance joined: bytes both ways, whatever they mean.
 *
 * I1: bytes are never kept beyond the sockets' own buffers: the slower side sets the pace.
 * I2: an end is passed on as an end, a reset as a reset, so that a torn answer never looks whole.
 * I3: once one side has ended, silence of both is bounded.
 */

import type { Socket } from 'node:net';
import { LIMITS } from '../model/limits.ts';

/** Carries until both are closed, then calls back. What either has buffered or ended already is carried too. */
export function splice(client: Socket, instance: Socket, done: () => void): void {
  let open = 2;
  const closed = (): void => {
    if (--open === 0) done();
  };
  carry(client, instance, closed);
  carry(instance, client, closed);
}

function carry(from: Socket, to: Socket, closed: () => void): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  const ended = (): void => {
    to.end();
    for (const socket of [from, to]) socket.setTimeout(LIMITS.halfOpenMs, destroy);
  };
  const over = (): void => {
    passOnEnd(from, to);
    closed();
  };
  if (from.readableEnded) ended();
  else from.once('end', ended);
  if (from.closed) over();
  else from.once('close', over);
  if (to.writableNeedDrain) from.pause();
  else from.resume();
}

function destroy(this: Socket): void {
  this.destroy();
}

/** `from` is closed. In peace: what it sent still flows out of `to`. By error or timeout: `to` is reset. */
function passOnEnd(from: Socket, to: Socket): void {
  if (to.destroyed) return;
  if (!from.readableEnded || from.errored !== null) to.resetAndDestroy();
}
