/**
 * hello: a small HTTP service that says which instance answered. Replicated: every node runs one, every node's balancer reaches all.
 *
 *   GET /            {"service","node","pod","release","uptimeSeconds"}
 *   GET /healthz     200 while it takes requests, 503 once it was asked to stop
 *   GET /slow?ms=N   the same answer, N ms later (at most 60,000): to see what draining does
 *
 * It reads what every pod is told: POD_IP, PORT, NODE_NAME, POD_NAME, SERVICE_NAME; and RELEASE, which its release sets.
 */
import { createServer } from 'node:http';

const {
  POD_IP = '127.0.0.1',
  PORT = '8080',
  NODE_NAME = 'unknown',
  POD_NAME = 'unknown',
  SERVICE_NAME = 'hello',
  RELEASE = 'unknown',
} = process.env;
const SLOWEST_MS = 60_000;
let stopping = false;

function answer() {
  return { service: SERVICE_NAME, node: NODE_NAME, pod: POD_NAME, release: RELEASE, uptimeSeconds: Math.round(process.uptime()) };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {object} body
 */
function send(response, status, body) {
  // Asked to stop: the client is told to come back on another connection, which another instance will get.
  const connection = stopping ? { connection: 'close' } : {};
  response.writeHead(status, { 'content-type': 'application/json', ...connection });
  response.end(`${JSON.stringify(body)}\n`);
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://hello');
  if (url.pathname === '/healthz') send(response, stopping ? 503 : 200, { ready: !stopping });
  else if (url.pathname === '/slow')
    setTimeout(() => send(response, 200, answer()), Math.min(Number(url.searchParams.get('ms')) || 0, SLOWEST_MS));
  else if (url.pathname === '/') send(response, 200, answer());
  else send(response, 404, { message: `there is no ${url.pathname} here; try /` });
});

server.listen(Number(PORT), POD_IP, () => console.log(`hello ${RELEASE} on ${NODE_NAME} listens on ${POD_IP}:${PORT}`));

process.on('SIGTERM', () => {
  stopping = true;
  console.log(`hello ${RELEASE} on ${NODE_NAME} finishes what it has and stops`);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
