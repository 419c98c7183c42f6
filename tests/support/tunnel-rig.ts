/**
 * A site with tunnels, of real processes: per node a connector-client and a cloud-proxy of the program, in a folder that the test writes as an agent would,
 * a service to reach, and the portal's place. Directors are the test's.
 *
 *   const rig = await tunnelRig([director], 2);
 *   await rig.start();
 *   await director.call('GET', rig.proxy('services/web/'));
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { ConnectorClientStatus, FrameworkConfig, PublishedService } from '../../src/model/framework.ts';
import type { Json } from '../../src/model/json.ts';
import { certificates, publicKeyHash } from '../../src/platform/certificate.ts';
import { identityStore } from '../../src/platform/identity-store.ts';
import { directors as directorDoor } from '../../src/platform/join.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { nodeStore, readRecord } from '../../src/platform/node-store.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { roleEnvironment, systemProcesses } from '../../src/platform/spawn.ts';
import type { Identity } from '../../src/ports/director.ts';
import { credentialsIn } from './director.ts';
import type { TestDirector } from './director.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { never, nodeRig } from './node-rig.ts';
import type { NodeRig, RigNode } from './node-rig.ts';

export interface TunnelNode {
  readonly node: RigNode;
  identity(): Promise<Identity>;
  /** Makes a new key and joins with it by a new token; what a host does after a revocation. */
  join(): Promise<void>;
  start(service: 'connector-client' | 'cloud-proxy'): Promise<number>;
  /** Ports of its two services. */
  readonly ports: { readonly connectorClient: number; readonly cloudProxy: number };
  status(): Promise<ConnectorClientStatus | undefined>;
  log(service: string): string;
  kill(service: 'connector-client' | 'cloud-proxy'): void;
}

export interface TunnelRig {
  readonly nodes: readonly TunnelNode[];
  readonly rig: NodeRig;
  /** What the service `web` was sent. */
  readonly seen: SeenRequest[];
  /** Starts all services of all nodes, and waits until each has a tunnel. */
  start(): Promise<void>;
  /** Writes `framework.json` anew on all nodes. */
  tell(change: Partial<FrameworkConfig>): Promise<void>;
  proxy(path: string): string;
  logPath(index: number, query: string): string;
  cleanup(): Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

const NAMESPACE = 'demo';
const SITE = { peerPort: 0, site: undefined, license: undefined, term: 1 } as const;

/** `dialed`: what the nodes dial, where that is not the directors themselves. */
export async function tunnelRig(directors: readonly TestDirector[], count: number, dialed?: readonly string[]): Promise<TunnelRig> {
  const [director] = directors;
  if (director === undefined) throw new Error('a director is needed');
  const rig = await nodeRig(director, count - 1);
  const cluster = await rig.cluster();
  const seen: SeenRequest[] = [];
  const web = await startWeb(seen);
  const hidden = await startWeb(seen);
  const nodes: TunnelNode[] = [];
  for (const node of rig.nodes) nodes.push(await makeNode(director, rig, node));
  const portal = await startPortal(await (nodes[0] as TunnelNode).identity());
  const members = nodes.map(({ node }, index) => ({
    name: node.name,
    uid: node.uid,
    incarnation: 1,
    address: '127.0.0.1',
    role: index === 0 ? ('Primary' as const) : ('Worker' as const),
  }));
  let change: Partial<FrameworkConfig> = {};
  const configOf = ({ node, ports }: TunnelNode): FrameworkConfig => ({
    ...SITE,
    cluster: { namespace: NAMESPACE, name: rig.name, uid: cluster.metadata.uid },
    node: { name: node.name, uid: node.uid, incarnation: 1, address: '127.0.0.1' },
    primary: nodes[0]?.node.name,
    directors: dialed ?? directors.map(({ url }) => url),
    members,
    services: servicesOf(web, ports),
    portalPort: portOf(portal),
    ...change,
  });
  const write = async (): Promise<void> => {
    for (const one of nodes) await nodeStore(one.node.dir).write('framework', configOf(one) as unknown as Json);
  };
  return {
    nodes,
    rig,
    seen,
    start: async () => {
      await write();
      for (const one of nodes) for (const service of ['cloud-proxy', 'connector-client'] as const) await one.start(service);
      for (const one of nodes) await eventually('the tunnel is open', async () => (await one.status())?.director !== undefined, 20_000);
    },
    tell: async (next) => {
      change = { ...change, ...next };
      await write();
    },
    proxy: (path) => `/apis/outrigger.dev/v1/namespaces/${NAMESPACE}/clusters/${rig.name}/proxy/${path}`,
    logPath: (index, query) => `/apis/outrigger.dev/v1/namespaces/${NAMESPACE}/clusternodes/${nodes[index]?.node.name}/log?${query}`,
    cleanup: async () => {
      for (const one of nodes) for (const service of ['cloud-proxy', 'connector-client'] as const) one.kill(service);
      for (const server of [web, hidden, portal]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
      rig.cleanup();
    },
  };
}

function servicesOf(web: Server, ports: TunnelNode['ports']): PublishedService[] {
  return [
    { name: 'web', port: portOf(web), protocol: 'HTTP' },
    // Of the customer, with TLS of its own.
    { name: 'secure', port: ports.cloudProxy, protocol: 'TCP' },
    { name: 'cloud-proxy', port: ports.cloudProxy, protocol: 'HTTP', framework: 'cloud-proxy' },
    { name: 'connector-client', port: ports.connectorClient, protocol: 'HTTP', framework: 'connector-client' },
  ];
}

async function makeNode(director: TestDirector, rig: NodeRig, node: RigNode): Promise<TunnelNode> {
  const { dir } = node;
  const store = identityStore(`${dir}/identity`, certificates());
  const ports = { connectorClient: await freePort(), cloudProxy: await freePort() };
  const pids = new Map<string, number>();
  const join = async (token: string): Promise<void> => {
    const caHash = publicKeyHash(credentialsIn(director.kubeconfig).ca) ?? '';
    const issued = await directorDoor(systemRandom()).join(
      { directors: [director.url], caHash, token, request: await store.request() },
      never,
    );
    await store.save(issued);
  };
  await join((JSON.parse(readFileSync(`${dir}/node.json`, 'utf8')) as { token: string }).token);
  mkdirSync(`${dir}/logs/web`, { recursive: true });
  writeFileSync(`${dir}/logs/web/web.log`, Array.from({ length: 2_000 }, (_, i) => `line ${i}\n`).join(''));
  return {
    node,
    ports,
    identity: async () => (await store.load()) as Identity,
    join: async () => {
      const { createJoinToken } = await import('../../src/client/join-token.ts');
      const { newJoinSecret } = await import('../../src/platform/join-secret.ts');
      const bearer = { kind: 'node' as const, uid: node.uid, name: node.name, incarnation: 1 };
      const made = await createJoinToken(rig.api, newJoinSecret, { namespace: NAMESPACE, bearer, nowMs: Date.now() }, never);
      if (!made.ok) throw new Error(made.message);
      await join(made.value);
    },
    start: async (service) => {
      const port = service === 'cloud-proxy' ? ports.cloudProxy : ports.connectorClient;
      const { id } = await systemProcesses().start({
        command: programCommand(['service', service]),
        environment: {
          ...roleEnvironment(process.env, { data: dir, role: 'pod' }),
          OUTRIGGER_NODE_FOLDER: dir,
          POD_IP: '127.0.0.1',
          PORT: String(port),
          OUTRIGGER_NODE: node.uid,
        },
        folder: dir,
        logFile: `${dir}/${service}.log`,
      });
      pids.set(service, id.pid);
      return id.pid;
    },
    status: async () => {
      const read = await readRecord(`${dir}/framework/connector-client.json`);
      return read.state === 'found' ? (read.body as unknown as ConnectorClientStatus) : undefined;
    },
    log: (service) => (existsSync(`${dir}/${service}.log`) ? readFileSync(`${dir}/${service}.log`, 'utf8') : ''),
    kill: (service) => {
      const pid = pids.get(service);
      if (pid !== undefined) sendSignal(pid, 'SIGKILL');
      pids.delete(service);
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Paths: /echo gives back the body, /large?bytes= gives that many, /slow never answers, /ws echoes, all else tells what was seen. */
async function startWeb(seen: SeenRequest[]): Promise<Server> {
  const server = createServer((request, response) => answerWeb(seen, request, response));
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket, request) => {
    seen.push({ method: 'GET', url: request.url ?? '', headers: request.headers });
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

function answerWeb(seen: SeenRequest[], request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '';
  seen.push({ method: request.method ?? '', url, headers: request.headers });
  if (url.startsWith('/slow')) return;
  if (url.startsWith('/echo')) return void request.pipe(response);
  if (url.startsWith('/large')) return sendLarge(response, Number(new URL(url, 'http://x').searchParams.get('bytes')));
  if (url.startsWith('/count')) {
    const hash = createHash('sha256');
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    request.on('end', () => response.end(JSON.stringify({ bytes, sha256: hash.digest('hex') })));
    return;
  }
  if (url.startsWith('/redirect'))
    return void response.writeHead(302, { location: '/login', 'set-cookie': 'sid=1; Path=/; HttpOnly' }).end();
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ url, method: request.method }));
}

function sendLarge(response: ServerResponse, bytes: number): void {
  response.setHeader('content-length', bytes);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      if (!response.write(part)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
}

/** The primary's portal, shown by the node's certificate. */
async function startPortal({ certificate, privateKey }: Identity): Promise<Server> {
  const server = createTlsServer({ cert: certificate, key: privateKey }, (request, response) => {
    response.setHeader('set-cookie', 'portal=s1; Path=/; HttpOnly');
    response.end(`portal ${request.url} ${request.headers.cookie ?? 'no cookie'}`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}
