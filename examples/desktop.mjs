/**
 * desktop: a small TCP service to stand behind connection servers. It greets, says which server it is, and sends back what it gets.
 *
 *   node examples/desktop.mjs [--port 3389] [--host 127.0.0.1] [--name desktop]
 *
 * The greeting is one line, `desktop NAME ready, session N`; after it every byte comes back. A client that ends its half is answered with the
 * rest and an end.
 */
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '3389' },
    host: { type: 'string', default: '127.0.0.1' },
    name: { type: 'string', default: 'desktop' },
  },
});
/** A silent connection is ended after this. */
const SILENCE_MS = 3_600_000;
const MOST_CONNECTIONS = 10_000;
let sessions = 0;

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  sessions++;
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.write(`desktop ${values.name} ready, session ${sessions}\n`);
  // With back-pressure, and the end is passed on.
  socket.pipe(socket);
});
server.maxConnections = MOST_CONNECTIONS;
server.on('error', (error) => {
  console.error(`desktop ${values.name} cannot listen on ${values.host}:${values.port}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(values.port), values.host, () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : values.port;
  console.log(`desktop ${values.name} listens on ${values.host}:${port}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    console.log(`desktop ${values.name} stops`);
    process.exit(0);
  });
}
