/**
 * Bytes from one stream into another, or both ways between two, as fast as the slower side takes them.
 *
 * I1: when one side breaks, the other is ended too; nothing is left open that nobody reads.
 * I2: what waits in memory is what the streams' own buffers hold.
 * I3: where nothing moves for `idleMs`, both are ended.
 */

import { pipeline } from 'node:stream';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { JoinedStreams, JoinStreams } from '../ports/tunnel.ts';
import type { Relayed } from '../ports/http.ts';

/** Never rejects: a stream that breaks is an answer. */
export function relayInto(source: Readable, target: Writable, idleMs: number): Promise<Relayed> {
  return new Promise((done) => {
    let bytes = 0;
    const idle = idleTimer(idleMs, () => source.destroy(new Error('nothing moved for too long')));
    source.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      idle.refresh();
    });
    pipeline(source, target, (error) => {
      clearTimeout(idle);
      done({ bytes, complete: error === undefined || error === null });
    });
  });
}

/** Both ways, until both have ended or one breaks. */
export const joinStreams: JoinStreams = (near: Duplex, far: Duplex, idleMs: number): Promise<JoinedStreams> => {
  const counts = { inwardBytes: 0, outwardBytes: 0 };
  const idle = idleTimer(idleMs, () => cut());
  const cut = (): void => {
    near.destroy();
    far.destroy();
  };
  near.on('data', (chunk: Buffer) => {
    counts.inwardBytes += chunk.length;
    idle.refresh();
  });
  far.on('data', (chunk: Buffer) => {
    counts.outwardBytes += chunk.length;
    idle.refresh();
  });
  near.pipe(far);
  far.pipe(near);
  return new Promise((done) => {
    let open = 2;
    const closed = (): void => {
      cut();
      if (--open > 0) return;
      clearTimeout(idle);
      done(counts);
    };
    for (const stream of [near, far]) {
      stream.on('error', cut);
      stream.once('close', closed);
      if (stream.destroyed) cut();
    }
  });
};

function idleTimer(idleMs: number, onIdle: () => void): NodeJS.Timeout {
  const timer = setTimeout(onIdle, idleMs);
  timer.unref();
  return timer;
}
