/**
 * Nodes that keep a license, in one process: real keepers, real peer links over TLS, real files, a CA and a signer; the director is the test.
 * The wall clock of every node throws when it is read.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepLicense } from '../../src/agent/license-keeper.ts';
import type { KeeperParts, LicenseKeeping, LicenseSurroundings, SyncAsk } from '../../src/agent/license-keeper.ts';
import { openMemory } from '../../src/agent/memory.ts';
import type { Memory } from '../../src/agent/memory.ts';
import { openPeerLink } from '../../src/agent/peer-link.ts';
import type { PeerLink } from '../../src/agent/peer-link.ts';
import { openTrustedTime } from '../../src/agent/trusted-time.ts';
import type { TrustedClock } from '../../src/agent/trusted-time.ts';
import type { AgentDeps } from '../../src/agent/deps.ts';
import type { FrameworkMember } from '../../src/model/framework.ts';
import { LICENSE_SIGNERS } from '../../src/model/license-statement.ts';
import type { LicenseStatement } from '../../src/model/license-statement.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { listenHttp } from '../../src/platform/http-server.ts';
import { licenseSigner } from '../../src/platform/jws.ts';
import { readLicenseToken } from '../../src/platform/license-token.ts';
import { judgeCertificate, mutualHttp } from '../../src/platform/mutual-http.ts';
import { nodeStore } from '../../src/platform/node-store.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { certificateIssuer } from '../../src/platform/x509.ts';
import type { Identity } from '../../src/ports/director.ts';
import type { Log } from '../../src/ports/log.ts';
import type { CertificateAuthority } from '../../src/ports/x509.ts';

export const DAY_MS = 86_400_000;
export const SITE_UID = 'site-uid';
export const CLUSTER_UID = '5a5a5a5a-0000-4000-8000-000000000000';
const YEAR_MS = 365 * DAY_MS;

export interface World {
  readonly authority: CertificateAuthority;
  /** Signs as the director does. */
  sign(change?: (statement: LicenseStatement) => LicenseStatement): Promise<string>;
  /** Signs by a certificate that is otherwise than it should be. */
  signBy(order: { readonly organization?: string; readonly authority?: CertificateAuthority; readonly endedMs?: number }): Promise<string>;
  /** `endedDays`: since when it does not hold any more. */
  identityOf(commonName: string, organization: string, endedDays?: number): Promise<Identity>;
  readonly members: FrameworkMember[];
  /** Of the newest request of any node; statements that are signed from then on bear it. */
  nonce: string | undefined;
}

export async function licenseWorld(): Promise<World> {
  const issuer = certificateIssuer();
  const bornMs = Date.now();
  const openAuthority = async (): Promise<CertificateAuthority> => {
    const made = await issuer.createAuthority('test-ca', bornMs - 2 * YEAR_MS, bornMs + YEAR_MS);
    return await issuer.openAuthority(made.certificatePem, made.privateKeyPem);
  };
  const authority = await openAuthority();
  const statement = statements(bornMs);
  const signer = licenseSigner();
  const signBy: World['signBy'] = async ({ organization = LICENSE_SIGNERS, authority: by = authority, endedMs }) => {
    const key = await signer.newKey();
    const certificate = await by.issue({
      commonName: 'outrigger:license-signer',
      organization,
      publicKeyDer: key.publicKeyDer,
      notBeforeMs: bornMs - YEAR_MS,
      notAfterMs: endedMs ?? bornMs + YEAR_MS / 2,
      usage: 'signer',
    });
    return await (await signer.open(key.privateKey, certificate)).sign(statement(world.nonce));
  };
  const key = await signer.newKey();
  const order = { commonName: 'outrigger:license-signer', organization: LICENSE_SIGNERS, publicKeyDer: key.publicKeyDer };
  const own = await authority.issue({ ...order, notBeforeMs: bornMs - YEAR_MS, notAfterMs: bornMs + YEAR_MS, usage: 'signer' });
  const open = await signer.open(key.privateKey, own);
  const world: World = {
    authority,
    members: [],
    nonce: undefined,
    sign: (change = (one) => one) => open.sign(change(statement(world.nonce))),
    signBy,
    identityOf: async (commonName, organization, endedDays) => {
      const pair = issuer.newKey();
      const span =
        endedDays === undefined
          ? { notBeforeMs: Date.now() - 300_000, notAfterMs: Date.now() + YEAR_MS / 2 }
          : { notBeforeMs: Date.now() - YEAR_MS - endedDays * DAY_MS, notAfterMs: Date.now() - endedDays * DAY_MS };
      const certificate = await authority.issue({ commonName, organization, publicKeyDer: pair.publicKeyDer, ...span, usage: 'client' });
      return { certificate, privateKey: pair.privateKeyPem, authority: authority.certificatePem };
    },
  };
  return world;
}

function statements(bornMs: number): (nonce: string | undefined) => LicenseStatement {
  let serial = 100;
  return (nonce) => ({
    iss: 'outrigger',
    typ: 'universal-license',
    serial: ++serial,
    ...(nonce === undefined ? {} : { nonce }),
    licenseMs: Date.now(),
    trustedMs: Date.now(),
    rate: 1,
    site: { namespace: 'demo', name: 'north', uid: SITE_UID },
    clusterUid: CLUSTER_UID,
    license: {
      name: 'standard',
      uid: 'license-uid',
      edition: 'Standard',
      seats: 10,
      model: 'Concurrent',
      startMs: bornMs - DAY_MS,
      endMs: bornMs + 300 * DAY_MS,
      syncPeriodMs: DAY_MS,
      syncGraceMs: 25 * DAY_MS,
      contractGraceMs: 30 * DAY_MS,
      onExpiry: 'RefuseNewSessions',
      peakReset: 0,
    },
  });
}

/** Another CA that this control plane has never heard of. */
export async function foreignAuthority(): Promise<CertificateAuthority> {
  const made = await certificateIssuer().createAuthority('foreign-ca', Date.now() - 2 * YEAR_MS, Date.now() + YEAR_MS);
  return await certificateIssuer().openAuthority(made.certificatePem, made.privateKeyPem);
}

export interface WorldNode {
  readonly member: FrameworkMember;
  readonly folder: string;
  readonly memory: Memory;
  readonly keeping: LicenseKeeping;
  readonly peers: PeerLink;
  readonly trusted: TrustedClock;
  readonly identity: Identity;
  /** What was told to people. */
  readonly told: string[];
  /** How many syncs it asked for, and with what. */
  readonly asked: SyncAsk[];
  stop(): Promise<void>;
}

export interface NodeOrder {
  readonly world: World;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** What the director answers. */
  readonly answer?: KeeperParts['ask'];
  /** Of an earlier life. */
  readonly folder?: string;
  readonly bootId?: string;
  readonly uid?: string;
}

export const SURROUNDINGS: LicenseSurroundings = {
  term: 1,
  siteUid: SITE_UID,
  isPlugged: true,
  missing: [],
  request: undefined,
  answered: undefined,
  seats: undefined,
};

export const quiet: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
} as unknown as Log;

export async function startNode(order: NodeOrder): Promise<WorldNode> {
  const { world, name, address, port } = order;
  const folder = order.folder ?? mkdtempSync(join(tmpdir(), `license-${name}-`));
  const uid = order.uid ?? `${name}-0000-4000-8000-000000000000`;
  const member: FrameworkMember = { name, uid, incarnation: 1, address, role: 'Worker' };
  if (!world.members.some((one) => one.uid === uid)) world.members.push(member);
  const identity = await world.identityOf(`outrigger:node:${uid}:1`, 'outrigger:nodes');
  const deps = depsOf(order, uid, identity);
  const end = new AbortController();
  const memory = await openMemory(nodeStore(folder), quiet);
  const trusted = await openTrustedTime(deps, memory, end.signal);
  const told: string[] = [];
  const asked: SyncAsk[] = [];
  const answer = order.answer ?? (async () => ({ why: 'there is no director in this test' }));
  const keeping = keepLicense(
    {
      deps,
      memory,
      ask: async (ask, signal) => {
        asked.push(ask);
        world.nonce = ask.nonce;
        return await answer(ask, signal);
      },
      tell: (news) => void told.push(news.kind === 'ReportFailure' ? news.message : `${news.kind} ${news.key}`),
      onChange: () => undefined,
    },
    end.signal,
  );
  const peers = openPeerLink(
    { deps, port, members: () => world.members, trustedNow: trusted.now, license: keeping, onProblem: () => undefined },
    end.signal,
  );
  return {
    member,
    folder,
    memory,
    keeping,
    peers,
    trusted,
    identity,
    told,
    asked,
    stop: async () => {
      end.abort();
      await Promise.all([keeping.settled(), peers.settled()]);
    },
  };
}

function depsOf({ address, name, bootId }: NodeOrder, nodeUid: string, identity: Identity): AgentDeps {
  const wall = (): never => assert.fail('the wall clock of a node was read');
  return {
    clock: { ...systemClock(), nowMs: wall },
    random: systemRandom(),
    log: quiet,
    bootId: bootId ?? 'boot-1',
    identity: { load: async () => identity, request: wall, save: wall },
    certificates: certificateIssuer(),
    readLicenseToken,
    http: mutualHttp(),
    listenHttp,
    judgeCertificate,
    node: { address, nodeUid, clusterUid: CLUSTER_UID, node: name },
  } as unknown as AgentDeps;
}

export function forget(node: WorldNode): void {
  rmSync(node.folder, { recursive: true, force: true });
}
