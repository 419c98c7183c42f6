/**
 * What a framework service knows of its node, by the files that the agent keeps.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { FrameworkConfig } from '../../../src/model/framework.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import { judgeCertificate } from '../../../src/platform/mutual-http.ts';
import { certificateIssuer } from '../../../src/platform/x509.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { RecordRead } from '../../../src/ports/node-store.ts';
import type { CertificateAuthority } from '../../../src/ports/x509.ts';
import { Fault } from '../../../src/model/fault.ts';
import { openFramework } from '../../../src/services/framework.ts';
import type { Framework, FrameworkDeps } from '../../../src/services/framework.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

const issuer = certificateIssuer();
const BEGIN_MS = Date.UTC(2030, 0, 1);
const DAY_MS = 24 * 3600 * 1000;
const warnings: string[] = [];
const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message) => void warnings.push(message),
  error: () => undefined,
  with: () => log,
};

async function authority(): Promise<CertificateAuthority> {
  const { certificatePem, privateKeyPem } = await issuer.createAuthority('test', BEGIN_MS - DAY_MS, BEGIN_MS + 3650 * DAY_MS);
  return await issuer.openAuthority(certificatePem, privateKeyPem);
}

async function certificate(by: CertificateAuthority, commonName: string, organization = 'outrigger:nodes', days = 365) {
  const { privateKeyPem, publicKeyDer } = issuer.newKey();
  const order = {
    commonName,
    organization,
    publicKeyDer,
    notBeforeMs: BEGIN_MS,
    notAfterMs: BEGIN_MS + days * DAY_MS,
    usage: 'client' as const,
  };
  const pem = await by.issue(order);
  return { pem, key: privateKeyPem, der: Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64') };
}

const member = (name: string, incarnation = 1) => ({ name, uid: name, incarnation, address: '10.0.0.1', role: 'Worker' as const });
const config = (more: Partial<FrameworkConfig> = {}): RecordRead<JsonObject> => ({
  state: 'found',
  body: {
    cluster: { namespace: 'demo', name: 'harbor', uid: 'c' },
    node: { name: 'n0', uid: 'n0', incarnation: 1, address: '10.0.0.1' },
    term: 1,
    directors: [],
    members: [member('n0'), member('n1', 2)],
    services: [],
    peerPort: 1,
    portalPort: 2,
    ...more,
  } as unknown as JsonObject,
});

describe('what a framework service knows', () => {
  let ours: CertificateAuthority;
  let identity: RecordRead<JsonObject>;
  before(async () => {
    ours = await authority();
    const own = await certificate(ours, 'outrigger:node:n0:1');
    identity = { state: 'found', body: { certificate: own.pem, privateKey: own.key, authority: ours.certificatePem } };
  });

  /** Opened, and how to write its records. */
  async function opened(): Promise<{
    framework: Framework;
    clock: VirtualClock;
    write(record: string, read: RecordRead<JsonObject>): void;
    told: Json[];
    breaks: { write: boolean };
  }> {
    const readers = new Map<string, (read: RecordRead<JsonObject>) => void>();
    const told: Json[] = [];
    const breaks = { write: false };
    const clock = virtualClock();
    const deps: FrameworkDeps = {
      service: 'monitor',
      watch: (record, onRead) => void readers.set(record, onRead),
      statuses: {
        read: () => Promise.resolve({ state: 'absent' }),
        write: async (_, body) => {
          if (breaks.write) throw new Fault('DiskFull', 'The disk is full.');
          told.push(structuredClone(body));
        },
        remove: () => Promise.resolve(),
      },
      certificates: issuer,
      judgeCertificate,
      clock,
      bootId: 'b',
      log,
    };
    const opening = openFramework(deps, new AbortController().signal);
    const write = (record: string, read: RecordRead<JsonObject>): void => readers.get(record)?.(read);
    write('framework', { state: 'absent' });
    write('identity/identity', identity);
    write('framework', config());
    return { framework: await opening, clock, write, told, breaks };
  }

  test('I1: the last good record holds; what is damaged is said once; news are told once', async () => {
    const { framework, write } = await opened();
    let changes = 0;
    framework.onChange(() => changes++);
    for (let i = 0; i < 3; i++) write('framework', { state: 'damaged', message: 'framework.json has a wrong checksum.' });
    write('framework', { state: 'absent' });
    write('framework', { state: 'found', body: { nonsense: true } });
    write('framework', config());
    assert.deepEqual([framework.config().node.name, changes, warnings.length], ['n0', 0, 1]);
    write('framework', config({ term: 7 }));
    assert.deepEqual([framework.config().term, changes], [7, 1]);
    const renewed = await certificate(ours, 'outrigger:node:n0:1');
    write('identity/identity', {
      state: 'found',
      body: { certificate: renewed.pem, privateKey: renewed.key, authority: ours.certificatePem },
    });
    assert.deepEqual([framework.identity().certificate, changes], [renewed.pem, 2]);
  });

  test('I2: members of this cluster in their incarnation are let in, and nobody else', async () => {
    const { framework } = await opened();
    const judged = async (commonName: string, by = ours, organization?: string): Promise<string> => {
      const judgement = framework.judgeMember((await certificate(by, commonName, organization)).der, 'the caller');
      return 'member' in judgement ? judgement.member.name : judgement.refused;
    };
    assert.equal(await judged('outrigger:node:n1:2'), 'n1');
    assert.match(await judged('outrigger:node:n1:1'), /incarnation 1 of n1, and incarnation 2 is known here/);
    assert.match(await judged('outrigger:node:n9:1'), /does not belong to this cluster/);
    assert.match(await judged('outrigger:node:n1:2', ours, 'outrigger:hosts'), /not that of a node/);
    assert.match(await judged('outrigger:node:n1:2', await authority()), /not issued by this control plane/);
    assert.match(JSON.stringify(framework.judgeMember(undefined, 'the caller')), /showed no certificate/);
    assert.match(JSON.stringify(framework.judgeMember(Buffer.from('junk'), 'the caller')), /showed no certificate/);
  });

  test('I3, I4: trusted time comes from the license, else from the join, and ends certificates', async () => {
    const { framework, clock, write } = await opened();
    assert.equal(framework.trustedNowMs(), BEGIN_MS + LIMITS.certificateBackdateMs);
    const since = { ranMs: 0, bootId: 'b', bootMs: clock.monotonicMs() };
    write('framework', config({ joined: { notBeforeMs: BEGIN_MS, since } }));
    await clock.advance(5_000);
    assert.equal(framework.trustedNowMs(), BEGIN_MS + LIMITS.certificateBackdateMs + 5_000);
    const other = await certificate(ours, 'outrigger:node:n1:2', undefined, 10);
    assert.ok('member' in framework.judgeMember(other.der, 'n1'));
    const statement = { trustedMs: BEGIN_MS + 11 * DAY_MS } as NonNullable<FrameworkConfig['license']>['statement'];
    write('framework', config({ license: { token: 't', statement, since } }));
    assert.equal(framework.trustedNowMs(), BEGIN_MS + 11 * DAY_MS + 5_000);
    assert.ok('member' in framework.judgeMember(other.der, 'n1'), 'I4: no director renewed it, and nothing stops');
    const months = { trustedMs: BEGIN_MS + 10 * DAY_MS + LIMITS.renewalAcceptedMs } as typeof statement;
    write('framework', config({ license: { token: 't', statement: months, since } }));
    assert.match(JSON.stringify(framework.judgeMember(other.der, 'n1')), /ended on 2030-01-11/);
  });

  test('a status is written when it changed; a disk that refuses stops nothing, and is tried again', async () => {
    const { framework, told, breaks } = await opened();
    await framework.tell({ backlog: 1 });
    await framework.tell({ backlog: 1 });
    breaks.write = true;
    await framework.tell({ backlog: 2 });
    breaks.write = false;
    await framework.tell({ backlog: 2 });
    assert.deepEqual(told, [{ backlog: 1 }, { backlog: 2 }]);
  });
});
