/**
 * The life of a license at a real site, with days of half a second: directors, agents, framework services and a connection server as processes.
 * The director goes; grace; sessions are let in on day 24 and refused past day 25, while a running one goes on; the director comes back; one success
 * clears it. Then the contract ends: contract grace, expired, renewed. What was measured is printed.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { ranMs } from '../../src/decide/license-clock.ts';
import { licenseNowMs } from '../../src/decide/license-clock.ts';
import { momentsOf } from '../../src/decide/license-moments.ts';
import { CLUSTER_RELEASES, SITES, UNIVERSAL_LICENSES } from '../../src/model/addresses.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { SECRETS } from '../../src/model/core-kinds.ts';
import type { FrameworkConfig } from '../../src/model/framework.ts';
import type { LicenseRecord } from '../../src/model/license-statement.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { bootId } from '../../src/platform/process-id.ts';
import { programCommand } from '../../src/platform/program.ts';
import { connectionServerRig, RIG_ACCOUNT } from '../support/connection-server-rig.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { DAY_MS, makeLicense } from '../support/license-rig.ts';
import { must, never, nodeRig } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';

const DAY = ['--day', '500ms'];
const REAL_DAY_MS = 500;
const LONG_MS = 30_000;
const DOOR = 8443;
const clock = systemClock();
const servers = connectionServerRig();
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
let director: TestDirector;
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;

before(async () => {
  director = await startDirector({ more: DAY });
  rig = await nodeRig(director, 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
  const backend = await servers.backend('desktop');
  const server = await servers.server('one', backend.port, ['--capacity', '5000']);
  await makeLicense(rig, 'standard', { end: at(400), syncGraceDays: 25, contractGraceDays: 10 });
  await makeSecretAndSite(server.url, server.thumbprint);
  await must(rig.api.create(CLUSTER_RELEASES, '', siteRelease(), never));
  await rig.patch({ release: '2.0.0', site: 'north' });
  await rig.patchStatus({ attempt: 1, availableAt: at(0) });
  for (const node of rig.nodes) await node.start();
});
after(async () => {
  agent.destroy();
  rig.cleanup();
  servers.cleanup();
});

/** RFC 3339, days from now of the wall clock. */
function at(days: number, fromMs = Date.now()): string {
  return `${new Date(fromMs + days * DAY_MS).toISOString().slice(0, 19)}Z`;
}

async function makeSecretAndSite(url: string, pin: string): Promise<void> {
  const data = Object.fromEntries(Object.entries(RIG_ACCOUNT).map(([name, value]) => [name, Buffer.from(value).toString('base64')]));
  const metadata = (name: string): object => ({ name, namespace: 'demo' });
  await must(rig.api.create(SECRETS, 'demo', { apiVersion: 'v1', kind: 'Secret', metadata: metadata('account'), data }, never));
  const spec = {
    environment: 'OnPremises',
    connectionServers: [{ name: 'one', url, pin }],
    credentials: { secret: 'account' },
    license: 'standard',
  };
  const site = { apiVersion: 'outrigger.dev/v1', kind: 'Site', metadata: metadata('north'), spec };
  await must(rig.api.create(SITES, 'demo', site, never));
}

/** The framework services of the bundled release, and nothing else. */
function siteRelease(): object {
  const bundled = parse(readFileSync('examples/release-1.0.0.yaml', 'utf8')) as { spec: { services: { framework?: string }[] } };
  const services = bundled.spec.services.filter(({ framework }) => framework !== undefined && framework !== 'monitor');
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'ClusterRelease',
    metadata: { name: '2.0.0' },
    spec: { version: '2.0.0', upgradesFrom: ['1.0.0'], services },
  };
}

interface DoorAnswer {
  readonly status: number;
  readonly text: string;
}

function ask(node: RigNode, method: string, path: string, body?: object): Promise<DoorAnswer> {
  return new Promise((done, failed) => {
    const headers = { 'content-type': 'application/json' };
    const outgoing = request({ host: node.address, port: DOOR, method, path, headers, agent }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => done({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    outgoing.on('error', failed);
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('no answer in 10 s')));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Tries to begin a session; ends it again. */
async function knock(node: RigNode): Promise<DoorAnswer> {
  const made = await ask(node, 'POST', '/v1/sessions', { user: 'ann' });
  if (made.status === 201) await ask(node, 'DELETE', `/v1/sessions/${(JSON.parse(made.text) as { id: string }).id}`);
  return made;
}

/** `outrigger license …` as an administrator. */
function outrigger(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program, ...rest] = programCommand(['license', ...args, '--kubeconfig', director.kubeconfig]);
  return new Promise((done) => {
    execFile(program, rest, { timeout: 60_000 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** As the node has it on its disk; no director is asked. */
function recordOf(node: RigNode): LicenseRecord | undefined {
  const text = readFileSync(join(node.dir, 'framework.json'), 'utf8');
  return (JSON.parse(text) as { body: FrameworkConfig }).body.license;
}

/** Days since the sync was due; negative before. */
function overdueDays(record: LicenseRecord): number {
  const nowMs = licenseNowMs(record, { bootId: bootId(), bootMs: clock.monotonicMs() });
  return (nowMs - momentsOf(record.statement).dueMs) / DAY_MS;
}

async function licenseBecomes(
  what: string,
  holds: (license: NonNullable<NonNullable<Cluster['status']>['license']>) => boolean,
): Promise<void> {
  let last: unknown;
  await eventually(
    what,
    async () => {
      const license = (await rig.cluster()).status?.license;
      last = license;
      return license !== undefined && holds(license);
    },
    LONG_MS,
    50,
  ).catch((error: unknown) => {
    const logs = [primary.log(), primary.podLog('connector-client'), worker.podLog('connector-client')].map((log) => log.slice(-3_000));
    throw new Error([String(error), JSON.stringify(last, undefined, 1), ...logs].join('\n'));
  });
}

test('after pairing the first license is active within seconds, on both nodes, and sessions are let in', async () => {
  await eventually(
    'paired',
    async () => (await must(rig.api.get(SITES, 'demo', 'north', never))).status?.pairing?.state === 'Paired',
    LONG_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${primary.log().slice(-6_000)}`);
  });
  const pairedMs = performance.now();
  await licenseBecomes('the license is active', ({ state }) => state === 'Active');
  console.log(`active ${(performance.now() - pairedMs).toFixed(0)} ms after pairing was seen`);
  await eventually('both nodes hold it', () => [primary, worker].every((node) => recordOf(node) !== undefined), LONG_MS);
  for (const node of rig.nodes)
    await eventually(`${node.name} lets sessions in`, async () => (await knock(node)).status === 201, LONG_MS, 100);
  const valid = async (): Promise<boolean> => conditionOf((await rig.cluster()).status?.conditions, 'LicenseValid')?.status === 'True';
  await eventually('LicenseValid says so', valid, LONG_MS);
});

test('the command line shows it, syncs it, rotates the key and resets the peaks', async () => {
  const json = await outrigger('status', '-n', 'demo', '-o', 'json');
  assert.equal(json.code, 0, json.stderr);
  const [line] = JSON.parse(json.stdout) as { site: string; state: string; seats: string }[];
  assert.deepEqual([line?.site, line?.seats.split('/')[1]], ['demo/north', '10']);
  const table = await outrigger('status');
  assert.match(
    table.stdout,
    /^SITE +CLUSTER +LICENSE +STATE +DAYS LEFT +SEATS +PEAK +LAST SYNC +NEXT SYNC +MESSAGE\ndemo\/north +rig1 +standard/,
  );
  const before = recordOf(primary)?.statement.serial ?? 0;
  const synced = await outrigger('sync', rig.name, '-n', 'demo');
  assert.equal(synced.code, 0, synced.stderr);
  console.log(`${table.stdout}${synced.stdout.trim()}`);
  await eventually('it was synced', () => (recordOf(primary)?.statement.serial ?? 0) > before, LONG_MS);
  const headOf = (record: LicenseRecord | undefined): string | undefined => record?.token.split('.')[0];
  const [signer, reset] = [headOf(recordOf(primary)), recordOf(primary)?.statement.license.peakReset];
  const rotated = await outrigger('rotate-key');
  assert.equal(rotated.code, 0, rotated.stderr);
  assert.equal((await outrigger('reset-peak', 'standard', '-n', 'demo')).code, 0);
  await eventually('the new key signs', () => headOf(recordOf(worker)) !== signer, LONG_MS);
  await eventually('the reset reaches the site', () => recordOf(worker)?.statement.license.peakReset === (reset ?? 0) + 1, LONG_MS);
  assert.deepEqual([(await outrigger('sync', 'nobody', '-n', 'demo')).code, (await outrigger('status', '-o', 'xml')).code], [3, 2]);
});

test('without a director: day 24 of grace works, past day 25 new sessions are refused, a running one goes on; one success clears it', async () => {
  const made = await ask(worker, 'POST', '/v1/sessions', { user: 'running' });
  assert.equal(made.status, 201, made.text);
  const { id } = JSON.parse(made.text) as { id: string };
  const running = new WebSocket(`wss://${worker.address}:${DOOR}/v1/sessions/${id}/connect`, { rejectUnauthorized: false });
  await new Promise((done, failed) => running.once('open', done).once('error', failed));
  await director.stop();
  const seen: { node: string; day: number; status: number; text: string }[] = [];
  const untilMs = performance.now() + 40 * REAL_DAY_MS;
  while (performance.now() < untilMs) {
    for (const node of rig.nodes) {
      const record = recordOf(node) as LicenseRecord;
      const before = overdueDays(record);
      const { status, text } = await knock(node);
      const afterwards = overdueDays(record);
      // Only where it is certain on which side of the end it was asked.
      if (Math.floor(before) === Math.floor(afterwards)) seen.push({ node: node.name, day: before, status, text });
    }
    await new Promise((done) => setTimeout(done, 40));
  }
  const inGrace = seen.filter(({ day }) => day < 25);
  const past = seen.filter(({ day }) => day >= 25);
  const lastIn = Math.max(...seen.filter(({ status }) => status === 201).map(({ day }) => day));
  const firstOut = Math.min(...seen.filter(({ status }) => status === 403).map(({ day }) => day));
  console.log(
    `days of 500 ms: ${inGrace.length} sessions asked for in grace, ${past.length} past it; last let in on day ${lastIn.toFixed(2)}, first refused on day ${firstOut.toFixed(2)}`,
  );
  console.log(past.at(-1)?.text.trim());
  assert.ok(
    inGrace.some(({ day }) => day >= 24),
    'day 24 was asked on',
  );
  assert.deepEqual(
    inGrace.filter(({ status }) => status !== 201),
    [],
  );
  assert.deepEqual(
    past.filter(({ status }) => status !== 403),
    [],
  );
  assert.ok(past.length > 5);
  assert.match(past.at(-1)?.text ?? '', /expired/i);
  assert.equal(running.readyState, WebSocket.OPEN, 'the running session goes on');
  const backMs = performance.now();
  director = await startDirector({
    more: DAY,
    database: director.database,
    data: director.data,
    port: director.port,
    kubeconfig: director.kubeconfig,
  });
  const readyMs = performance.now();
  for (const node of rig.nodes)
    await eventually(`${node.name} lets sessions in again`, async () => (await knock(node)).status === 201, LONG_MS, 50);
  console.log(
    `let in again ${(performance.now() - readyMs).toFixed(0)} ms after the director was ready (${(readyMs - backMs).toFixed(0)} ms for its start)`,
  );
  await licenseBecomes('it is active again', ({ state, refusesNewSessions }) => state === 'Active' && refusesNewSessions === false);
  assert.equal(running.readyState, WebSocket.OPEN, 'it still does');
  running.close();
});

test('the contract ends: contract grace, expired, renewed', async () => {
  const record = recordOf(primary) as LicenseRecord;
  const nowMs = licenseNowMs(record, { bootId: bootId(), bootMs: clock.monotonicMs() });
  const setEnd = (end: string) => must(rig.api.mergePatch(UNIVERSAL_LICENSES, 'demo', 'standard', { spec: { end } }, never));
  await setEnd(at(10, nowMs));
  const beganMs = performance.now();
  const said = (what: string): void => console.log(`${what} after ${((performance.now() - beganMs) / REAL_DAY_MS).toFixed(1)} days`);
  await licenseBecomes('contract grace', ({ state }) => state === 'ContractGrace');
  said('ContractGrace');
  assert.equal((await knock(primary)).status, 201, 'nothing is refused in grace');
  await licenseBecomes('expired', ({ state, refusesNewSessions }) => state === 'Expired' && refusesNewSessions === true);
  said('Expired');
  await eventually('new sessions are refused', async () => (await knock(worker)).status === 403, 5_000, 50);
  await eventually(
    'LicenseValid says so',
    async () => conditionOf((await rig.cluster()).status?.conditions, 'LicenseValid')?.status === 'False',
    LONG_MS,
  );
  const status = await director.call('GET', '/api/v1/namespaces/demo/events');
  const events = (status.json()['items'] as { reason: string; message: string }[]).filter(({ reason }) => reason.startsWith('License'));
  console.log(events.map(({ reason, message }) => `${reason}: ${message}`).join('\n'));
  for (const reason of ['LicenseActivated', 'LicenseStateChanged', 'LicenseWarning'])
    assert.ok(
      events.some((one) => one.reason === reason),
      reason,
    );
  await setEnd(at(400, nowMs));
  await licenseBecomes('renewed', ({ state }) => state === 'Active');
  await eventually('sessions are let in', async () => (await knock(worker)).status === 201, 5_000, 50);
  said('renewed');
  const kept = recordOf(worker) as LicenseRecord;
  assert.ok(ranMs(kept.since, { bootId: bootId(), bootMs: clock.monotonicMs() }) >= 0);
});
