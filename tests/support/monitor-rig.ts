/**
 * A site with a monitor, against a real director: two nodes that joined, real connection servers, the door of connector-client, all over real TLS.
 *
 * Agents do not run here: what they would tell (framework.json, the node's metrics) is told by the rig.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_METRICS_PATH } from '../../src/model/framework.ts';
import type { FrameworkConfig, FrameworkMember, MonitorStatus } from '../../src/model/framework.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { certificates } from '../../src/platform/certificate.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { listenHttp } from '../../src/platform/http-server.ts';
import { metricSegments } from '../../src/platform/metric-segments.ts';
import { judgeCertificate, mutualHttp } from '../../src/platform/mutual-http.ts';
import { nodeStore } from '../../src/platform/node-store.ts';
import { bootId } from '../../src/platform/process-id.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { watchRecord } from '../../src/platform/watched-record.ts';
import type { Identity } from '../../src/ports/director.ts';
import type { HttpServer } from '../../src/ports/http.ts';
import { createNodeDoor } from '../../src/services/connector-client/node-door.ts';
import { openFramework } from '../../src/services/framework.ts';
import type { Framework } from '../../src/services/framework.ts';
import { runMonitor } from '../../src/services/monitor/monitor.ts';
import { RIG_ACCOUNT } from './connection-server-rig.ts';
import type { RunningServer } from './connection-server-rig.ts';
import type { TestDirector } from './director.ts';
import { freePort } from './free-port.ts';
import { joinAs } from './license-rig.ts';
import type { NodeRig, RigNode } from './node-rig.ts';
import { quietLog } from './postgres.ts';

export interface MonitorRig {
  /** `<node folder>/monitor` of the primary. */
  readonly folder: string;
  readonly identity: Identity;
  /** Starts the monitor; gives how to stop it. */
  start(): () => Promise<void>;
  status(): Promise<MonitorStatus>;
  /** What node `index` answers to a scrape from now on. */
  answer(index: number, text: string): void;
  close(): Promise<void>;
}

const clock = systemClock();

export async function monitorRig(
  director: TestDirector,
  rig: NodeRig,
  servers: readonly RunningServer[],
  scrapeEveryMs: number,
): Promise<MonitorRig> {
  const end = new AbortController();
  const [peerPort, doorPort] = [await freePort(), await freePort()];
  const identities = await Promise.all(rig.nodes.map(joinAs));
  const { metadata } = await rig.cluster();
  const members = rig.nodes.map(memberOf);
  const texts = members.map(({ name }) => `# TYPE load gauge\nload 0.5\nname_of{name="${name}"} 1\n`);
  const open: HttpServer[] = [];
  const frameworks: Framework[] = [];
  for (const [index, node] of rig.nodes.entries()) {
    const cluster = { namespace: 'demo', name: metadata.name, uid: metadata.uid };
    const config = configOf({ director, node, members, cluster, servers, peerPort, doorPort });
    frameworks.push(await frameworkOf(node, identities[index] as Identity, config, end.signal));
    open.push(await serveMetrics(frameworks[index] as Framework, peerPort, () => texts[index] ?? ''));
  }
  const [framework, identity, primary] = [frameworks[0], identities[0], rig.nodes[0]];
  if (framework === undefined || identity === undefined || primary === undefined) throw new Error('a rig has a primary');
  open.push(await openDoor(framework, doorPort, end.signal));
  const folder = join(primary.dir, 'monitor');
  return {
    folder,
    identity,
    start: () => {
      const stop = new AbortController();
      const running = runMonitor(
        {
          framework,
          http: mutualHttp(),
          clock,
          random: systemRandom(),
          log: quietLog,
          segments: metricSegments(folder),
          notes: nodeStore(folder),
          scrapeEveryMs,
          backfillEveryMs: 20,
          onKept: () => undefined,
        },
        stop.signal,
      );
      return async () => {
        stop.abort();
        await running;
      };
    },
    status: async () => {
      const read = await nodeStore(join(primary.dir, 'framework')).read<JsonObject>('monitor');
      return (read.state === 'found' ? read.body : { backlog: -1, targets: {} }) as unknown as MonitorStatus;
    },
    answer: (index, text) => void (texts[index] = text),
    close: async () => {
      end.abort();
      await Promise.all(open.map((server) => server.close(100)));
    },
  };
}

function memberOf(node: RigNode, index: number): FrameworkMember {
  return { name: node.name, uid: node.uid, incarnation: 1, address: node.address, role: index === 0 ? 'Primary' : 'Worker' };
}

interface ConfigParts {
  readonly director: TestDirector;
  readonly node: RigNode;
  readonly members: readonly FrameworkMember[];
  readonly cluster: FrameworkConfig['cluster'];
  readonly servers: readonly RunningServer[];
  readonly peerPort: number;
  readonly doorPort: number;
}

function configOf({ director, node, members, cluster, servers, peerPort, doorPort }: ConfigParts): FrameworkConfig {
  return {
    cluster,
    node: { name: node.name, uid: node.uid, incarnation: 1, address: node.address },
    primary: members[0]?.name,
    term: 1,
    directors: [director.url],
    members,
    services: [{ name: 'connector-client', port: doorPort, protocol: 'TCP', framework: 'connector-client' }],
    peerPort,
    portalPort: 1,
    site: {
      name: 'quay',
      uid: 'site',
      environment: 'OnPremises',
      paired: true,
      servers: servers.map(({ url, thumbprint }, index) => ({ name: `server-${index}`, url, pin: thumbprint })),
      credentials: RIG_ACCOUNT,
    },
    license: undefined,
  };
}

async function frameworkOf(node: RigNode, identity: Identity, config: FrameworkConfig, signal: AbortSignal): Promise<Framework> {
  mkdirSync(join(node.dir, 'identity'), { recursive: true });
  await nodeStore(join(node.dir, 'identity')).write('identity', { ...identity });
  await nodeStore(node.dir).write('framework', JSON.parse(JSON.stringify(config)) as Json);
  return await openFramework(
    {
      service: 'monitor',
      watch: (record, onRead, stop) => watchRecord(join(node.dir, `${record}.json`), onRead, stop),
      statuses: nodeStore(join(node.dir, 'framework')),
      certificates: certificates(),
      judgeCertificate,
      clock,
      bootId: bootId(),
      log: quietLog,
    },
    signal,
  );
}

function tlsOf(framework: Framework): { certificate: string; key: string; clientCa: string } {
  const { certificate, privateKey, authority } = framework.identity();
  return { certificate, key: privateKey, clientCa: authority };
}

/** As the peer port of an agent does: members are answered, nobody else. */
async function serveMetrics(framework: Framework, port: number, text: () => string): Promise<HttpServer> {
  return await listenHttp({
    host: framework.config().node.address,
    port,
    tls: tlsOf(framework),
    handler: (request, response) => {
      const judged = framework.judgeMember(request.peer.certificate, request.peer.address);
      const isMine = !('refused' in judged) && request.target === NODE_METRICS_PATH;
      response.send(isMine ? 200 : 403, ['content-type', 'text/plain'], Buffer.from(text()));
    },
    onError: (error) => console.error(error),
  });
}

async function openDoor(framework: Framework, port: number, signal: AbortSignal): Promise<HttpServer> {
  return await listenHttp({
    host: framework.config().node.address,
    port,
    tls: tlsOf(framework),
    handler: createNodeDoor({ framework, http: mutualHttp(), director: () => undefined, log: quietLog }, signal),
    onError: (error) => console.error(error),
  });
}
