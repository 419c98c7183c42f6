/**
 * A TCP port that was free a moment ago.
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(0, address, done);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
