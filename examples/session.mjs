/**
 * A client for one session: asks the front door for it, connects, sends the lines of standard input, prints what comes.
 *
 *     node examples/session.mjs https://ADDRESS:8443 ann --pin sha256:HEX | --ca FILE | --insecure
 *
 * The front door shows its node's certificate, which names no address: compare its thumbprint (--pin), or try things with --insecure.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`session: ${message}`);
  process.exit(1);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ca: { type: 'string' }, pin: { type: 'string' }, insecure: { type: 'boolean' } },
});
const [door = '', user = ''] = positionals;
if (!door.startsWith('https://') || user === '')
  fail('use: node examples/session.mjs https://ADDRESS:8443 USER [--ca FILE | --pin sha256:HEX | --insecure]');
const trust = {
  rejectUnauthorized: values.insecure !== true && values.pin === undefined,
  ...(values.ca === undefined ? {} : { ca: readFileSync(values.ca) }),
};

/** @param {import('node:tls').TLSSocket} socket */
function judge(socket) {
  const shown = `sha256:${socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase()}`;
  if (values.pin !== undefined && shown !== values.pin) fail(`${door} shows ${shown}, not ${values.pin}`);
}

/** @param {Error} error @returns {never} */
function unreachable(error) {
  return fail(`${door}: ${error.message}; see that it is the front door, and take --pin, --ca or --insecure for its certificate`);
}

const body = JSON.stringify({ user });
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
const asking = request(new URL('/v1/sessions', door), { method: 'POST', headers, agent: false, ...trust }, (answer) => {
  let text = '';
  answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  answer.on('end', () => {
    if (answer.statusCode !== 201) fail(`${door} answers ${answer.statusCode}: ${text.trim()}`);
    connect(JSON.parse(text).connect);
  });
});
asking.on('error', unreachable);
// Nothing is sent to whom we do not know.
asking.on('socket', (socket) =>
  socket.once('secureConnect', () => {
    judge(/** @type {import('node:tls').TLSSocket} */ (socket));
    asking.end(body);
  }),
);

/** @param {string} path */
function connect(path) {
  const socket = new WebSocket(new URL(path, door.replace('https:', 'wss:')), { perMessageDeflate: false, ...trust });
  socket.on('upgrade', (answer) => judge(/** @type {import('node:tls').TLSSocket} */ (answer.socket)));
  socket.on('error', unreachable);
  socket.on('message', (data) => process.stdout.write(/** @type {Buffer} */ (data)));
  socket.on('close', () => process.exit(0));
  socket.on('open', () => {
    console.error(`session: connected as ${user}; lines go to the back end, Ctrl-D ends`);
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => socket.send(Buffer.from(`${line}\n`)));
    // What is under way still comes.
    lines.on('close', () => setTimeout(() => socket.close(), 1_000));
  });
}
