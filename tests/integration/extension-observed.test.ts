/**
 * An extension server seen from outside, as a process: what it obeys and that a change applies without restart, its probes, its metrics, and that the log
 * of one creation can be told from all others.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ended, made, NAMESPACE, startPlane } from '../../bench/provisioning/rig.ts';
import type { BenchPlane } from '../../bench/provisioning/rig.ts';
import { kubernetesApi } from '../../src/client/kubernetes.ts';
import { CLUSTERS, SERVER_CONFIGS } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { LEASES } from '../../src/model/core-kinds.ts';
import type { Lease } from '../../src/model/core-kinds.ts';
import { ANNOTATION_OBEYS } from '../../src/model/labels.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { PLAIN_RELEASE } from '../support/plain-release.ts';

const PROGRAM = resolve(import.meta.dirname, '../../src/main/outrigger.ts');
const SYSTEM_NAMESPACE = 'outrigger-system';
const PATIENCE_MS = 30_000;
const ANSWER_MS = 2_000;

let plane: BenchPlane;
let server: ChildProcess;
let port: number;
let log = '';

before(async () => {
  plane = await startPlane({ homes: 1, hosts: true, machineMs: 200, servicesMs: 200 });
  port = await freePort();
  server = start('--health-listen', `127.0.0.1:${port}`);
  server.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
});
after(async () => {
  server.kill('SIGCONT');
  await ended(server);
  await plane.stop();
});

describe('an extension server seen from outside', { timeout: 120_000 }, () => {
  it('is ready when it has read all and shows its Lease, which says what it obeys', async () => {
    await untilAnswers('/readyz', 200);
    assert.equal((await lease()).metadata.annotations?.[ANNOTATION_OBEYS], 'defaults');
  });

  it('applies a ServerConfig without restart, and says so', async () => {
    const config = { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'default' } };
    await made(plane.api.create(SERVER_CONFIGS, '', { ...config, spec: { leaseSeconds: 7 } }, within()));
    await untilObeyed('default@1', 7);
    await made(plane.api.mergePatch(SERVER_CONFIGS, '', 'default', { spec: { leaseSeconds: 4 } }, within()));
    await untilObeyed('default@2', 4);
    assert.match(await textOf('/metrics'), /outrigger_extension_info\{obeys="default@2",/);
  });

  it('broken relations and nonsense are refused with the field', async () => {
    const refused = async (spec: Readonly<Record<string, number>>): Promise<string> => {
      const answer = await plane.api.mergePatch(SERVER_CONFIGS, '', 'default', { spec }, within());
      assert.ok(!answer.ok && answer.reason === 'Invalid', JSON.stringify(answer));
      return answer.message;
    };
    assert.match(await refused({ leaseRenewMilliseconds: 3000 }), /spec\.leaseSeconds.*three times leaseRenewMilliseconds/);
    assert.match(await refused({ overdueSeconds: 4 }), /spec\.overdueSeconds.*longer than leaseSeconds/);
    assert.match(await refused({ leaseSweepSeconds: 10, leaseSeconds: 10 }), /spec\.leaseSweepSeconds.*longer than leaseSeconds/);
    assert.match(await refused({ lookRetryMilliseconds: 16_000 }), /spec\.lookRetryCapSeconds.*not be less than lookRetryMilliseconds/);
    assert.match(await refused({ concurrency: 0 }), /spec\.concurrency/);
    assert.equal((await lease()).metadata.annotations?.[ANNOTATION_OBEYS], 'default@2');
  });

  it('logs and counts a creation so that it can be told from others', async () => {
    await Promise.all(['one', 'two'].map(createCluster));
    const lines = log.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
    const ofOne = lines
      .filter((line) => line['cluster'] === `${NAMESPACE}/one` && line['attempt'] === 1)
      .map((line) => String(line['message']));
    for (const word of ['SetClusterFinalizer done', 'Reserve done', 'CreateNode done', 'PatchClusterStatus done'])
      assert.ok(ofOne.includes(word), `${word} is not among ${ofOne.join('; ')}`);
    assert.equal(ofOne.filter((line) => line === 'CreateNode done').length, 2);
    const bare = lines.filter(
      (line) => /^(one|two)\b/.test(typeof line['name'] === 'string' ? line['name'] : '') && line['cluster'] === undefined,
    );
    assert.deepEqual(bare, []);
    const metrics = await textOf('/metrics');
    assert.match(metrics, /^outrigger_extension_attempts_begun_total 2$/m);
    assert.match(metrics, /^outrigger_extension_attempts_available_total 2$/m);
    assert.match(metrics, /^outrigger_extension_effects_total\{effect="CreateNode",result="ok"\} 4$/m);
    assert.match(metrics, /^outrigger_extension_live_servers 1$/m);
  });

  it('is not ready without a director, and alive all the same', async () => {
    const director = plane.pids()['director'] ?? 0;
    process.kill(director, 'SIGSTOP');
    try {
      assert.match(await untilAnswers('/readyz', 503), /^Its Lease was last renewed \d+ s ago and lasts 4 s/);
      assert.equal((await ask('/livez'))?.status, 200);
    } finally {
      process.kill(director, 'SIGCONT');
    }
    await untilAnswers('/readyz', 200);
  });

  it('goes on with a token that is replaced in its file, after all earlier ones were taken back', async () => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'extension', namespace: SYSTEM_NAMESPACE } };
    assert.ok((await plane.api.delete(SERVICE_ACCOUNTS, SYSTEM_NAMESPACE, 'extension', {}, within())).ok);
    await made(plane.api.create(SERVICE_ACCOUNTS, SYSTEM_NAMESPACE, account, within()));
    assert.match(await untilAnswers('/readyz', 503), /^Its Lease was last renewed/);
    const given = await made(plane.api.post(tokenPath('extension'), TOKEN_REQUEST, within()));
    const { token } = (given as unknown as { readonly status: { readonly token: string } }).status;
    writeFileSync(join(dirname(plane.kubeconfig), 'token'), token);
    await untilAnswers('/readyz', 200);
    // As the server itself: another token of its own, and none of anybody else.
    const own = kubernetesApi({ file: plane.kubeconfig }, () => token);
    assert.ok((await own.post(tokenPath('extension'), TOKEN_REQUEST, within())).ok);
    const other = await own.post(tokenPath('other'), TOKEN_REQUEST, within());
    assert.ok(!other.ok && other.reason === 'Forbidden', JSON.stringify(other));
  });

  it('does not answer while it hangs', async () => {
    server.kill('SIGSTOP');
    assert.equal(await ask('/livez'), undefined);
    server.kill('SIGCONT');
    await untilAnswers('/livez', 200);
  });

  it('stops without a warning: what its own stop cuts off has not failed', async () => {
    const before = log.length;
    server.kill('SIGTERM');
    await ended(server);
    const after = log.slice(before).split('\n');
    assert.deepEqual(
      after.filter((line) => /"level":"(warn|error)"/.test(line)),
      [],
    );
    assert.ok(
      after.some((line) => line.includes('The extension server has stopped.')),
      log.slice(before),
    );
  });

  it('refuses to tell it in the clear beyond this machine', async () => {
    const other = start('--health-listen', '0.0.0.0:9464');
    let said = '';
    other.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const code = await new Promise((done) => other.once('close', done));
    assert.notEqual(code, 0);
    assert.match(said, /--health-listen 0\.0\.0\.0:9464 is not on loopback, so it needs TLS/);
  });
});

const SERVICE_ACCOUNTS = { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', scope: 'Namespaced' } as const;
const TOKEN_REQUEST = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds: 600 } };

function tokenPath(account: string): string {
  return `/api/v1/namespaces/${SYSTEM_NAMESPACE}/serviceaccounts/${account}/token`;
}

function start(...args: string[]): ChildProcess {
  const all = [PROGRAM, 'extension', '--kubeconfig', plane.kubeconfig, '--identity', 'watched', ...args];
  return spawn(process.execPath, all, { stdio: ['ignore', 'inherit', 'pipe'] });
}

function within(): AbortSignal {
  return AbortSignal.timeout(PATIENCE_MS);
}

/** Undefined: no answer came. */
async function ask(path: string): Promise<{ readonly status: number; readonly text: string } | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return undefined;
  }
}

async function textOf(path: string): Promise<string> {
  const answer = await ask(path);
  assert.equal(answer?.status, 200, path);
  return answer?.text ?? '';
}

async function untilAnswers(path: string, status: number): Promise<string> {
  let answer: Awaited<ReturnType<typeof ask>>;
  await eventually(`${path} answers ${status}`, async () => (answer = await ask(path))?.status === status, PATIENCE_MS, 50);
  return answer?.text ?? '';
}

async function lease(): Promise<Lease> {
  const { items } = await made(plane.api.list<Lease>(LEASES, { namespace: SYSTEM_NAMESPACE }, within()));
  const mine = items.find(({ spec }) => spec.holderIdentity?.startsWith('watched-') === true);
  assert.ok(mine);
  return mine;
}

async function untilObeyed(obeys: string, leaseSeconds: number): Promise<void> {
  await eventually(
    `the Lease says ${obeys} and ${leaseSeconds} s`,
    async () => {
      const { metadata, spec } = await lease();
      return metadata.annotations?.[ANNOTATION_OBEYS] === obeys && spec.leaseDurationSeconds === leaseSeconds;
    },
    PATIENCE_MS,
    50,
  );
}

async function createCluster(name: string): Promise<void> {
  const spec = { virtualDataCenter: plane.homes[0], release: PLAIN_RELEASE, workers: 1 };
  await made(
    plane.api.create(
      CLUSTERS,
      NAMESPACE,
      { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name, namespace: NAMESPACE }, spec },
      within(),
    ),
  );
  await eventually(
    `${name} is available`,
    async () => (await made(plane.api.get<Cluster>(CLUSTERS, NAMESPACE, name, within()))).status?.availableAt !== undefined,
    PATIENCE_MS,
    50,
  );
}
