/**
 * A long way, on one machine: hands bytes of TCP connections on, each `delayMs` after they came, in both directions. `node bench/scale-out/relay/main.ts`,
 * its options as one JSON object as its only argument; it tells its parent the port that it listens on, and ends with it.
 */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface RelayOptions {
  /** Where it leads to, on this machine. */
  readonly port: number;
  readonly delayMs: number;
}

const { port, delayMs } = JSON.parse(process.argv[2] ?? '{}') as RelayOptions;

/** Timers of one length fire in the order in which they were set, so bytes stay in order. */
function lead(from: Socket, to: Socket): void {
  from.on('data', (bytes) => void setTimeout(() => to.write(bytes), delayMs));
  from.on('end', () => void setTimeout(() => to.end(), delayMs));
  from.on('error', () => undefined);
  from.on('close', () => void setTimeout(() => to.destroy(), delayMs));
}

const server = createServer((near) => {
  const far = connect({ port, host: '127.0.0.1' });
  for (const socket of [near, far]) socket.setNoDelay(true);
  lead(near, far);
  lead(far, near);
});
process.once('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
