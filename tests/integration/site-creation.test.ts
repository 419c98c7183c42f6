/**
 * A site from creation to removal, with everything real: director, extension server, host, agents, a connection server over TLS, and the command that a
 * person types.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { CLUSTERS, SITES } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import type { Site } from '../../src/model/site.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { BAD_SERVER_ACCOUNT, badConnectionServer } from '../support/bad-connection-server.ts';
import type { BadConnectionServer } from '../support/bad-connection-server.ts';
import { clusterOf, createCluster, NAMESPACE, startControlPlane } from '../support/control-plane.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

const LONG_MS = 90_000;
const NAME = 'dock-cluster';
const SITE = 'dock';
let plane: ControlPlane;
let server: BadConnectionServer;

before(async () => {
  server = await badConnectionServer('normal');
  plane = await startControlPlane('site', 1);
});
after(async () => {
  await plane.cleanup();
  await server.close();
});

interface Typed {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** What a person types, without a terminal. */
function outrigger(...args: readonly string[]): Promise<Typed> {
  const [file = '', ...rest] = programCommand(['site', ...args, '--data', plane.data]);
  return new Promise((done) => {
    execFile(file, rest, { timeout: LONG_MS }, (error, out, err) => {
      done({ exit: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}

async function becomes(what: string, holds: (cluster: Cluster) => boolean): Promise<Cluster> {
  let last: Cluster | undefined;
  await eventually(what, async () => holds((last = await clusterOf(plane, NAME))), LONG_MS, 200).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${JSON.stringify(last?.status, undefined, 1)}`);
  });
  return last as Cluster;
}

const reasonOf = (cluster: Cluster, type: 'Ready' | 'Paired'): string => conditionOf(cluster.status?.conditions, type)?.reason ?? '';
const site = async (): Promise<Site | undefined> => await plane.get<Site>(SITES, NAMESPACE, SITE);

test('creation waits for a site that is missing, then for a person who accepts its certificate', async () => {
  await createCluster(plane, NAME, 1, { site: SITE });
  const missing = await becomes('it waits for the site', (cluster) => reasonOf(cluster, 'Ready') === 'SiteNotFound');
  const attempt = missing.status?.attempts?.[0];
  assert.deepEqual([attempt?.step, attempt?.waitingFor, reasonOf(missing, 'Paired')], ['PairSite', 'Input', 'SiteNotFound']);
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'dock-account', namespace: NAMESPACE },
    stringData: { ...BAD_SERVER_ACCOUNT },
  };
  const spec = {
    environment: 'OnPremises',
    connectionServers: [{ name: 'cs-1', url: server.url }],
    credentials: { secret: 'dock-account' },
  };
  const object = { apiVersion: 'outrigger.dev/v1', kind: 'Site', metadata: { name: SITE, namespace: NAMESPACE }, spec };
  for (const one of [secret, object]) assert.equal((await plane.apply(one)).code, 0);
  const waiting = await becomes('it waits for a person', (cluster) => reasonOf(cluster, 'Paired') === 'ThumbprintNotAccepted');
  assert.equal(waiting.status?.availableAt, undefined);
  assert.match(conditionOf(waiting.status?.conditions, 'Ready')?.message ?? '', /Thumbprint of cs-1: cs-1 shows the certificate sha256:/);
  assert.deepEqual(server.requests(), []);
});

test('outrigger site pair: refuses to accept blindly, pairs when the thumbprint is named, and the cluster is available', async () => {
  const asked = await outrigger('pair', SITE, '-n', NAMESPACE);
  assert.equal(asked.exit, 3, asked.out + asked.err);
  assert.match(asked.out, /cs-1 {2}Port {9}Passed/);
  assert.ok(asked.out.includes(`outrigger site pair ${SITE} -n ${NAMESPACE} --accept ${server.shown}`), asked.out);
  const wrong = await outrigger('pair', SITE, '-n', NAMESPACE, '--accept', `sha256:${'0'.repeat(64)}`);
  assert.deepEqual([wrong.exit, /No connection server shows sha256:0{64}/.test(wrong.out)], [3, true], wrong.out);
  assert.equal((await site())?.spec.connectionServers[0]?.pin, undefined);
  const startedMs = Date.now();
  const paired = await outrigger('pair', SITE, '-n', NAMESPACE, '--accept', server.shown);
  assert.equal(paired.exit, 0, paired.out + paired.err);
  assert.match(paired.out, /Accepted for cs-1: sha256:[\s\S]*cs-1 {2}PreChecks {4}Passed[\s\S]*Site dock is paired/);
  const available = await becomes(
    'it is available',
    (cluster) => cluster.status?.phase === 'Available' && reasonOf(cluster, 'Paired') === 'Paired',
  );
  console.log(`# available ${Date.now() - startedMs} ms after pairing was asked for`);
  assert.ok(available.status?.attempts?.[0]?.steps.some((step) => step.name === 'PairSite'));
  assert.equal((await outrigger('status', SITE, '-n', NAMESPACE)).exit, 0);
  const list = JSON.parse((await outrigger('list', '-n', NAMESPACE, '-o', 'json')).out) as {
    site: string;
    cluster: string;
    pairing: string;
  }[];
  assert.deepEqual(
    list.filter((one) => one.site === `${NAMESPACE}/${SITE}`).map(({ cluster, pairing }) => [cluster, pairing]),
    [[NAME, 'Paired']],
  );
});

test('unplug before delete: what is plugged in is refused, unpair takes the license away, pair --cluster plugs in again', async () => {
  const refused = await plane.kubectl('delete', 'cluster', NAME, '-n', NAMESPACE);
  assert.deepEqual(
    [refused.code, /it is plugged into site dock; unplug first: outrigger site unpair dock/.test(refused.err)],
    [1, true],
    refused.err,
  );
  const unpaired = await outrigger('unpair', SITE, '-n', NAMESPACE);
  assert.equal(unpaired.exit, 0, unpaired.out + unpaired.err);
  assert.ok(server.requests().includes('DELETE /v1/license'));
  await becomes('it says so', (cluster) => reasonOf(cluster, 'Paired') === 'NoSite');
  assert.match((await outrigger('pair', SITE, '-n', NAMESPACE)).err, /No cluster names site dock; say which one/);
  const json = await outrigger('pair', SITE, '-n', NAMESPACE, '--cluster', NAME, '-o', 'json');
  assert.deepEqual([json.exit, (JSON.parse(json.out) as { pairing: { state: string } }).pairing.state], [0, 'Paired'], json.out);
});

test('unpair --force works while the agents are silent, and says what stays', async () => {
  const stopped = plane.of('agent');
  assert.ok(stopped.length >= 2);
  for (const one of stopped) sendSignal(one.pid, 'SIGSTOP');
  try {
    const late = await outrigger('unpair', SITE, '-n', NAMESPACE, '--timeout', '2s');
    assert.deepEqual([late.exit, /its primary did not unplug it.*--force/.test(late.out)], [5, true], late.out);
    const forced = await outrigger('unpair', SITE, '-n', NAMESPACE, '--force');
    assert.equal(forced.exit, 1, forced.out + forced.err);
    assert.match(
      forced.out,
      /Site dock is free, and this stays .*\n {2}cs-1 may still hold .*because cluster dock-cluster was unplugged by force/,
    );
  } finally {
    for (const one of stopped) sendSignal(one.pid, 'SIGCONT');
  }
});

test('a cluster that is deleted by force frees its site, and the site says what stays', async () => {
  const again = await outrigger('pair', SITE, '-n', NAMESPACE, '--cluster', NAME);
  assert.equal(again.exit, 0, again.out + again.err);
  assert.equal((await site())?.status?.leftBehind, undefined, 'what was left there is this cluster again');
  await plane.patch(CLUSTERS, NAMESPACE, NAME, { metadata: { annotations: { 'outrigger.dev/force-delete': 'true' } } });
  assert.equal((await plane.kubectl('delete', 'cluster', NAME, '-n', NAMESPACE, '--wait=false')).code, 0);
  await eventually('the cluster is gone', async () => (await plane.get(CLUSTERS, NAMESPACE, NAME)) === undefined, LONG_MS, 200);
  const left = (await site())?.status;
  assert.deepEqual([left?.cluster, left?.pairing], [undefined, undefined]);
  assert.match(
    left?.leftBehind?.[0] ?? '',
    /^cs-1 may still hold .*DELETE https:.*because cluster dock-cluster was deleted while it was plugged in/,
  );
  assert.equal((await plane.kubectl('delete', 'site', SITE, '-n', NAMESPACE)).code, 0);
});
