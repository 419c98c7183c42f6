/**
 * Both ends of bulk traffic, each as a process of its own: `main.ts source PORT` answers any request with a body that never ends in practice;
 * `main.ts sink PORT MS` reads it for so long and prints bytes per second.
 *
 * Neither looks at a byte: the kernel's copies are nearly all that they cost.
 */

import { connect, createServer } from 'node:net';

const PIECE = Buffer.alloc(256 * 1024, 7);
const LENGTH = 2 ** 50;
const CONNECTIONS = 2;

function source(port: number): void {
  createServer({ noDelay: true }, (socket) => {
    const pour = (): void => {
      while (!socket.destroyed && socket.write(PIECE));
    };
    socket.on('error', () => {}).on('drain', pour);
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LENGTH}\r\n\r\n`);
      pour();
    });
  }).listen(port, '127.0.0.1');
}

async function sink(port: number, ms: number): Promise<void> {
  let bytes = 0;
  const buffer = Buffer.alloc(1024 * 1024);
  const count = (length: number): boolean => {
    bytes += length;
    return true;
  };
  const sockets = Array.from({ length: CONNECTIONS }, () => connect({ port, host: '127.0.0.1', onread: { buffer, callback: count } }));
  for (const socket of sockets) socket.on('error', () => {}).write('GET /bulk HTTP/1.1\r\nHost: bench\r\n\r\n');
  const pause = (forMs: number): Promise<void> => new Promise((done) => void setTimeout(done, forMs));
  await pause(100);
  const [begin, before] = [performance.now(), bytes];
  await pause(ms);
  process.stdout.write(`${(bytes - before) / ((performance.now() - begin) / 1000)}\n`);
  for (const socket of sockets) socket.destroy();
}

const [, , role, port, ms] = process.argv;
if (role === 'source') source(Number(port));
else await sink(Number(port), Number(ms));
