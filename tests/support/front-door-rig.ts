/**
 * Front doors of a site (connection-server-proxy) as their agent starts them: real processes of the program, in a node's folder that the test writes.
 *
 *   const rig = await frontDoorRig();
 *   const door = await rig.door('n0', { site: siteOf(servers), license: rig.license() });
 *   await door.post('ann');
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameworkConfig, FrameworkSite, ConnectionServerProxyStatus } from '../../src/model/framework.ts';
import type { Json } from '../../src/model/json.ts';
import type { LicenseRecord, LicenseStatement } from '../../src/model/license-statement.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { nodeStore } from '../../src/platform/node-store.ts';
import { bootId, isAlive, sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { roleEnvironment, systemProcesses } from '../../src/platform/spawn.ts';
import { certificateIssuer } from '../../src/platform/x509.ts';
import type { CertificateAuthority } from '../../src/ports/x509.ts';
import type { ProcessExit } from '../../src/ports/processes.ts';
import { ask, connectSession, RIG_ACCOUNT } from './connection-server-rig.ts';
import type { Asked, AskOptions, RunningServer, TestSession } from './connection-server-rig.ts';
import { endWithUs } from './end-with-us.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { statementOf } from './unsigned-license.ts';

export const DAY_MS = 24 * 3600 * 1000;

/** What a test changes while a door runs. */
export type DoorConfig = Partial<Pick<FrameworkConfig, 'site' | 'license'>>;

export interface RunningDoor {
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly folder: string;
  log(): string;
  /** As a client, without any account. */
  ask(method: string, path: string, options?: AskOptions): Promise<Asked>;
  /** Asks for a session. */
  post(user: string, cookie?: string): Promise<Asked>;
  connect(id: string): Promise<TestSession>;
  status(): Promise<ConnectionServerProxyStatus>;
  /** As its agent: writes `framework.json` anew. */
  tell(config: DoorConfig): Promise<void>;
  stop(): Promise<ProcessExit>;
}

export interface FrontDoorRig {
  /** `ran`: running time since it was signed. */
  license(serial?: number, ranMs?: number): LicenseRecord;
  door(name: string, config: DoorConfig): Promise<RunningDoor>;
  cleanup(): void;
}

export function siteOf(servers: readonly Pick<RunningServer, 'url' | 'thumbprint'>[], more: Partial<FrameworkSite> = {}): FrameworkSite {
  return {
    name: 'harbor',
    uid: 'site-uid',
    environment: 'OnPremises',
    paired: true,
    servers: servers.map(({ url, thumbprint }, index) => ({ name: `server-${index + 1}`, url, pin: thumbprint })),
    credentials: RIG_ACCOUNT,
    ...more,
  };
}

export async function frontDoorRig(): Promise<FrontDoorRig> {
  const root = mkdtempSync(join(tmpdir(), 'outrigger-front-door-'));
  endWithUs(root);
  const pids: number[] = [];
  const issuer = certificateIssuer();
  const [fromMs, untilMs] = [Date.now() - DAY_MS, Date.now() + 3650 * DAY_MS];
  const { certificatePem, privateKeyPem } = await issuer.createAuthority('test', fromMs, untilMs);
  const authority = await issuer.openAuthority(certificatePem, privateKeyPem);
  return {
    license: licenseOf,
    door: async (name, config) => {
      const folder = join(root, name);
      mkdirSync(folder, { mode: 0o700 });
      await nodeStore(`${folder}/identity`).write('identity', await identityOf(authority, name));
      await writeConfig(folder, name, config);
      const door = await startDoor(folder, name);
      pids.push(door.pid);
      return door;
    },
    cleanup: () => {
      for (const pid of pids) sendSignal(-pid, 'SIGKILL');
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function licenseOf(serial = 1, ranMs = 0): LicenseRecord {
  const nowMs = Date.now();
  const { license, ...rest } = statementOf({ serial, licenseMs: nowMs, trustedMs: nowMs });
  const statement: LicenseStatement = { ...rest, license: { ...license, startMs: nowMs - DAY_MS, endMs: nowMs + 365 * DAY_MS } };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'EdDSA' })}.${part(statement)}.${part('no signature')}`;
  return { token, statement, since: { ranMs, bootId: bootId(), bootMs: systemClock().monotonicMs() } };
}

async function identityOf(authority: CertificateAuthority, name: string): Promise<Json> {
  const { privateKeyPem, publicKeyDer } = certificateIssuer().newKey();
  const certificate = await authority.issue({
    commonName: `outrigger:node:${name}:1`,
    organization: 'outrigger:nodes',
    publicKeyDer,
    notBeforeMs: Date.now() - 5 * 60_000,
    notAfterMs: Date.now() + 365 * DAY_MS,
    usage: 'client',
  });
  return { certificate, privateKey: privateKeyPem, authority: authority.certificatePem };
}

async function writeConfig(folder: string, name: string, { site, license }: DoorConfig): Promise<void> {
  const node = { name, uid: name, incarnation: 1, address: '127.0.0.1' };
  const config: FrameworkConfig = {
    cluster: { namespace: 'demo', name: 'harbor', uid: 'cluster-uid' },
    node,
    primary: name,
    term: 1,
    directors: [],
    members: [{ ...node, role: 'Primary' }],
    services: [],
    peerPort: 0,
    portalPort: 0,
    site,
    license,
  };
  await nodeStore(folder).write('framework', config as unknown as Json);
}

async function startDoor(folder: string, name: string): Promise<RunningDoor> {
  const port = await freePort();
  const logFile = join(folder, 'door.log');
  const { id, exited } = await systemProcesses().start({
    command: programCommand(['service', 'connection-server-proxy']),
    environment: {
      ...roleEnvironment(process.env, { data: folder, role: 'pod' }),
      OUTRIGGER_NODE_FOLDER: folder,
      POD_IP: '127.0.0.1',
      PORT: String(port),
    },
    folder,
    logFile,
  });
  const log = (): string => readFileSync(logFile, 'utf8');
  await eventually(`the front door ${name} is open`, () => (isAlive(id) ? log().includes('is open') : assertAlive(log())), 30_000);
  return {
    port,
    pid: id.pid,
    exited,
    folder,
    log,
    ask: (method, path, options = {}) => ask(port, method, path, { auth: false, ...options }),
    post: (user, cookie) =>
      ask(port, 'POST', '/v1/sessions', { auth: false, body: { user }, headers: cookie === undefined ? {} : { cookie } }),
    connect: (session) => connectSession(`wss://127.0.0.1:${port}/v1/sessions/${session}/connect`),
    status: async () => {
      const read = await nodeStore(join(folder, 'framework')).read<Json>('connection-server-proxy');
      return read.state === 'found' ? (read.body as unknown as ConnectionServerProxyStatus) : { servers: {}, use: undefined };
    },
    tell: (config) => writeConfig(folder, name, config),
    stop: async () => {
      sendSignal(id.pid, 'SIGTERM');
      return await exited;
    },
  };
}

function assertAlive(log: string): never {
  throw new Error(`The front door ended before it was open:\n${log}`);
}
