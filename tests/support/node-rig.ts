/**
 * A cluster of real agents against a real director, without host daemon and extension servers: the test makes the objects and starts the agents.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubernetesApi } from '../../src/client/kubernetes.ts';
import { createJoinToken } from '../../src/client/join-token.ts';
import { CLUSTER_NODES, CLUSTER_RELEASES, CLUSTERS, VIRTUAL_DATA_CENTERS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { NAMESPACES } from '../../src/model/core-kinds.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { FINALIZER_NODE, LABEL_ATTEMPT, LABEL_CLUSTER, LABEL_CLUSTER_UID, LABEL_VDC, nodeName } from '../../src/model/labels.ts';
import type { VirtualDataCenter } from '../../src/model/virtual-data-center.ts';
import { publicKeyHash } from '../../src/platform/certificate.ts';
import { newJoinSecret } from '../../src/platform/join-secret.ts';
import { processesMarked, sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { roleEnvironment, systemProcesses } from '../../src/platform/spawn.ts';
import type { Answer, EntityApi } from '../../src/ports/api.ts';
import type { FoundProcess, StartedProcess } from '../../src/ports/processes.ts';
import { credentialsIn, wrongClock } from './director.ts';
import type { TestDirector } from './director.ts';
import { endWithUs } from './end-with-us.ts';
import { eventually } from './eventually.ts';

export const never = new AbortController().signal;
export const PORT = 8080;
const NAMESPACE = 'demo';
let rigs = 0;

export interface RigNode {
  readonly name: string;
  readonly uid: string;
  readonly dir: string;
  /** Where its balancer listens. */
  readonly address: string;
  /** Starts its agent; `clock`: how far its wall clock is off, as faketime writes it. */
  start(clock?: string): Promise<StartedProcess>;
  /** The object as the director has it. */
  seen(): Promise<ClusterNode>;
  /** Living processes: all, or of one role. */
  processes(role?: string): readonly FoundProcess[];
  /** Pid of the program that runs for a service. */
  podPid(service: string): number;
  killAll(): void;
  log(): string;
  podLog(service: string): string;
}

export interface NodeRig {
  readonly api: EntityApi;
  readonly name: string;
  readonly nodes: readonly RigNode[];
  cluster(): Promise<Cluster>;
  patch(spec: JsonObject): Promise<void>;
  patchStatus(status: JsonObject): Promise<void>;
  cleanup(): void;
}

export async function nodeRig(director: TestDirector, workers: number): Promise<NodeRig> {
  const api = kubernetesApi({ file: director.kubeconfig });
  const name = `rig${++rigs}`;
  const data = mkdtempSync(join(tmpdir(), 'outrigger-nodes-'));
  endWithUs(data);
  // Every test process has its own loopback network, every rig in it its own nodes.
  const network = `127.${90 + (process.pid % 100)}.${rigs}`;
  await ensureShared(api);
  const made = await must(
    api.create<Cluster>(
      CLUSTERS,
      NAMESPACE,
      {
        apiVersion: 'outrigger.dev/v1',
        kind: 'Cluster',
        metadata: { name, namespace: NAMESPACE },
        spec: { virtualDataCenter: 'main', release: '1.0.0', workers },
      },
      never,
    ),
  );
  const cluster = () => must(api.get<Cluster>(CLUSTERS, NAMESPACE, name, never));
  const nodes: RigNode[] = [];
  for (let index = 0; index <= workers; index++) nodes.push(await makeNode({ api, director, data, network, cluster: made, index }));
  return {
    api,
    name,
    nodes,
    cluster,
    patch: async (spec) => void (await must(api.mergePatch<Cluster>(CLUSTERS, NAMESPACE, name, { spec }, never))),
    patchStatus: async (status) => void (await must(api.mergePatch<Cluster>(CLUSTERS, NAMESPACE, name, { status }, never, 'status'))),
    cleanup: () => {
      for (const node of nodes) node.killAll();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

interface NodeOrder {
  readonly api: EntityApi;
  readonly director: TestDirector;
  readonly data: string;
  readonly network: string;
  readonly cluster: Cluster;
  readonly index: number;
}

async function makeNode({ api, director, data, network, cluster, index }: NodeOrder): Promise<RigNode> {
  const name = nodeName(cluster.metadata.name, 1, index);
  const role = index === 0 ? 'Primary' : 'Worker';
  await reserve(api, cluster, name, index);
  const node = await must(api.create<ClusterNode>(CLUSTER_NODES, NAMESPACE, nodeObject(cluster, name, role, index), never));
  const uid = node.metadata.uid;
  const dir = join(data, 'nodes', uid);
  const address = `${network}.${10 * (index + 1)}`;
  const owner = { apiVersion: 'outrigger.dev/v1', kind: 'ClusterNode', name, uid };
  const bearer = { kind: 'node' as const, uid, name, incarnation: 1 };
  const token = await must(createJoinToken(api, newJoinSecret, { namespace: NAMESPACE, bearer, nowMs: Date.now(), owner }, never));
  mkdirSync(dir, { recursive: true });
  const file = {
    format: 1,
    namespace: NAMESPACE,
    node: name,
    nodeUid: uid,
    incarnation: 1,
    cluster: cluster.metadata.name,
    clusterUid: cluster.metadata.uid,
    role,
    address,
    podAddresses: Array.from({ length: 9 }, (_, pod) => `${network}.${10 * (index + 1) + pod + 1}`),
    directors: [director.url],
    caHash: publicKeyHash(credentialsIn(director.kubeconfig).ca),
    token,
  };
  writeFileSync(join(dir, 'node.json'), JSON.stringify(file), { mode: 0o600 });
  return handleOf(api, data, { name, uid, dir, address });
}

function handleOf(api: EntityApi, data: string, facts: Pick<RigNode, 'name' | 'uid' | 'dir' | 'address'>): RigNode {
  const { name, uid, dir } = facts;
  const processes = (role?: string) => processesMarked({ OUTRIGGER_NODE: uid, ...(role === undefined ? {} : { OUTRIGGER_ROLE: role }) });
  const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return {
    ...facts,
    start: (clock) =>
      systemProcesses().start({
        command: programCommand(['agent', '--dir', dir]),
        environment: {
          ...roleEnvironment(process.env, { data, role: 'agent', OUTRIGGER_NODE: uid }),
          ...(clock === undefined ? {} : wrongClock(clock)),
        },
        folder: dir,
        logFile: join(dir, 'logs', 'agent.log'),
      }),
    seen: () => must(api.get<ClusterNode>(CLUSTER_NODES, NAMESPACE, name, never)),
    processes,
    podPid: (service) => {
      const family = processes('pod').filter((one) => one.environment['OUTRIGGER_POD']?.split('/')[1] === service);
      return family.find((one) => !read(`/proc/${one.id.pid}/cmdline`).includes('trap :'))?.id.pid ?? 0;
    },
    killAll: () => {
      for (let left = processes(); left.length > 0; left = processes()) for (const { id } of left) sendSignal(id.pid, 'SIGKILL');
    },
    log: () => read(join(dir, 'logs', 'agent.log')),
    podLog: (service) => read(join(dir, 'logs', service, `${service}.log`)),
  };
}

/** Namespace, releases and the VirtualDataCenter, once a director. */
async function ensureShared(api: EntityApi): Promise<void> {
  await api.create(NAMESPACES, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, never);
  for (const version of ['1.0.0', '1.0.1']) await api.create(CLUSTER_RELEASES, '', release(version), never);
  await api.create(
    VIRTUAL_DATA_CENTERS,
    NAMESPACE,
    {
      apiVersion: 'outrigger.dev/v1',
      kind: 'VirtualDataCenter',
      metadata: { name: 'main', namespace: NAMESPACE },
      spec: { quota: { nodes: 50 }, hosts: ['nobody'] },
    },
    never,
  );
}

function release(version: string): object {
  const env = [{ name: 'RELEASE', value: version }];
  const hello = {
    name: 'hello',
    command: ['node', '$(OUTRIGGER_EXAMPLES)/hello.mjs'],
    env,
    readinessProbe: { httpGet: { path: '/healthz', port: PORT } },
  };
  const ticker = { name: 'ticker', command: ['node', '$(OUTRIGGER_EXAMPLES)/ticker.mjs'], env };
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'ClusterRelease',
    metadata: { name: version },
    spec: {
      version,
      upgradesFrom: version === '1.0.1' ? ['1.0.0'] : [],
      services: [
        { name: 'hello', mode: 'Replicated', protocol: 'HTTP', port: PORT, pod: { containers: [hello], terminationGracePeriodSeconds: 5 } },
        { name: 'ticker', mode: 'Singleton', pod: { containers: [ticker], terminationGracePeriodSeconds: 5 } },
      ],
    },
  };
}

function nodeObject(cluster: Cluster, name: string, role: string, index: number): object {
  const { metadata, spec } = cluster;
  const labels = { [LABEL_CLUSTER]: metadata.name, [LABEL_CLUSTER_UID]: metadata.uid, [LABEL_ATTEMPT]: '1', [LABEL_VDC]: 'main' };
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'ClusterNode',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels,
      finalizers: [FINALIZER_NODE],
      ownerReferences: [{ apiVersion: 'outrigger.dev/v1', kind: 'Cluster', name: metadata.name, uid: metadata.uid, controller: true }],
    },
    spec: {
      cluster: metadata.name,
      clusterUid: metadata.uid,
      virtualDataCenter: 'main',
      attempt: 1,
      index,
      role,
      incarnation: 1,
      host: 'nobody',
      resources: { ...spec.resources },
    },
  };
}

async function reserve(api: EntityApi, cluster: Cluster, node: string, index: number): Promise<void> {
  await eventually('the reservation is made', async () => {
    const vdc = await must(api.get<VirtualDataCenter>(VIRTUAL_DATA_CENTERS, NAMESPACE, 'main', never));
    const { cpuMillis = 500, memoryMiB = 256 } = cluster.spec.resources;
    const entry = { cluster: cluster.metadata.name, node, generation: cluster.metadata.generation ?? 1, cpuMillis, memoryMiB };
    const reservations = { ...vdc.status?.reservations, [`${cluster.metadata.uid}.${index}`]: entry };
    const all = Object.values(reservations);
    const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0);
    const reserved = { nodes: all.length, cpuMillis: sum((one) => one.cpuMillis), memoryMiB: sum((one) => one.memoryMiB) };
    const patch = { metadata: { resourceVersion: vdc.metadata.resourceVersion }, status: { reservations, reserved } };
    return (await api.mergePatch(VIRTUAL_DATA_CENTERS, NAMESPACE, 'main', patch, never, 'status')).ok;
  });
}

export async function must<T>(answer: Promise<Answer<T>>): Promise<T> {
  const settled = await answer;
  if (settled.ok) return settled.value;
  throw new Error(`${settled.reason}: ${settled.message}`);
}
