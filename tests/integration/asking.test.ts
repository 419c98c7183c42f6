/**
 * Asking: `outrigger status`, `status --readiness` and `outrigger doctor` on one control plane as a person starts it, whole, wounded, and without its
 * director. What they say is compared with what was done to it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { kubernetesApi } from '../../src/client/kubernetes.ts';
import { HOSTS } from '../../src/model/addresses.ts';
import { certificateIssuer } from '../../src/platform/x509.ts';
import { nodeStore } from '../../src/platform/node-store.ts';
import { processesMarked, sendSignal } from '../../src/platform/process-id.ts';
import type { ClusterReadiness } from '../../src/cli/status/readiness.ts';
import type { Status } from '../../src/cli/status/answer.ts';
import type { Finding } from '../../src/decide/doctor.ts';
import { eventually } from '../support/eventually.ts';
import { UP_DEADLINE_MS, upRig } from '../support/up-rig.ts';

const rig = upRig('asking');
const planted = new Set<number>();
after(async () => {
  for (const pid of planted) sendSignal(pid, 'SIGKILL');
  await rig.cleanup();
});

const GHOST = '00000000-0000-4000-8000-00000000dead';
const LEFTOVER = '00000000-0000-4000-8000-0000000000ff';
const [PRIMARY, WORKER] = ['harbor-a1-n0', 'harbor-a1-n1'];
const DAY_MS = 86_400_000;

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function outrigger(...args: readonly string[]): Said {
  return rig.run([...args, '--data', rig.data]);
}

/** Every line of what people read fits the screen and is free of escape sequences. */
function isReadable({ out }: Said): void {
  assert.ok(!out.includes('\u001B'), out);
  for (const line of out.split('\n')) assert.ok(line.length <= 120, `${line.length} columns: ${line}`);
}

function readiness(...args: readonly string[]): {
  readonly code: number | null;
  readonly found: readonly ClusterReadiness[];
  readonly err: string;
} {
  const { code, out, err } = outrigger('status', '--readiness', '-o', 'json', ...args);
  return { code, err, found: out === '' ? [] : (JSON.parse(out) as ClusterReadiness[]) };
}

function verdictOf(found: readonly ClusterReadiness[], row: string, subject?: string): string {
  const one = found[0]?.forecasts.find((forecast) => forecast.row === row && (subject === undefined || forecast.subject === subject));
  return one === undefined ? 'none' : `${one.verdict}${one.promised ? '' : '!'}`;
}

function findings(): { readonly code: number | null; readonly lines: readonly string[] } {
  const { code, out, err } = outrigger('doctor', '--json');
  assert.notEqual(out, '', err);
  const { findings: found } = JSON.parse(out) as { findings: readonly Finding[] };
  for (const { health, remedy, message } of found) assert.ok(health === 'Well' || (remedy ?? '') !== '', `${message} says what to do`);
  return { code, lines: found.map(({ area, health, message }) => `${health} ${area}: ${message}`) };
}

function expectLine(lines: readonly string[], pattern: RegExp): void {
  assert.ok(
    lines.some((line) => pattern.test(line)),
    `${pattern.source} is among\n${lines.join('\n')}`,
  );
}

/** Uid of a node, by its folder on this machine. */
function uidOf(name: string): string {
  const folder = join(rig.data, 'host', 'nodes');
  const uid = readdirSync(folder).find((one) => readFileSync(join(folder, one, 'node.json'), 'utf8').includes(`"${name}"`));
  assert.ok(uid, `${name} has a folder`);
  return uid;
}

test('a whole cluster: one screen, ready for all that is promised, nothing wrong', async () => {
  await rig.start().line(/Ctrl-C stops/, 2 * UP_DEADLINE_MS);
  const status = await eventually(
    'the license is told of',
    () => {
      const said = outrigger('status');
      return said.out.includes('License') && said;
    },
    60_000,
    200,
  );
  assert.equal(status.code, 0, status.err);
  isReadable(status);
  for (const words of [
    /✔ demo\/harbor {2}Available/,
    /hello 2\/2/,
    /ticker 1\/1 on n0/,
    /License +Active/,
    /Front door/,
    /^local +True/m,
    /extension-2 \d+/,
  ])
    assert.match(status.out, words);
  assert.match(status.out, new RegExp(`${WORKER} +worker +local +Running +Ready +yes +1 `));
  assert.ok(status.out.trim().split('\n').length <= 45, 'one screen');

  const json = JSON.parse(outrigger('status', 'demo/harbor', '-o', 'json').out) as Status;
  assert.deepEqual([json.clusters?.[0]?.phase, json.nodes?.length, json.unreachable], ['Available', 2, undefined]);
  assert.equal(outrigger('status', 'nobody').code, 2);

  const { found } = await eventually(
    'the cluster is ready for what is promised',
    () => {
      const said = readiness();
      return said.code === 0 && said;
    },
    60_000,
    200,
  );
  assert.deepEqual(
    ['instance', 'singleton', 'worker', 'primary', 'machine', 'extension-servers', 'director', 'license-sync'].map((row) =>
      verdictOf(found, row),
    ),
    ['NoEffect', 'Degraded', 'Degraded', 'Outage', 'Outage', 'NoEffect', 'Degraded', 'NoEffect'],
  );
  const well = findings();
  assert.equal(well.code, 0, well.lines.join('\n'));
});

test('the doctor finds what was planted: a stopped server, a cordon, an orphan, a folder left behind with a certificate that ends', async () => {
  const orphan = spawn('sleep', ['600'], {
    env: { OUTRIGGER_DATA: rig.data, OUTRIGGER_ROLE: 'pod', OUTRIGGER_NODE: GHOST },
    stdio: 'ignore',
  });
  planted.add(orphan.pid ?? -1);
  await leaveFolder();
  const api = kubernetesApi({ file: join(rig.data, 'kubeconfig') });
  const never = new AbortController().signal;
  assert.ok((await api.mergePatch(HOSTS, '', 'local', { spec: { cordoned: true } }, never)).ok);
  const server = rig.pidOf('extension-2');
  sendSignal(server, 'SIGSTOP');
  try {
    const { code, lines } = await eventually(
      'the stopped server is named',
      () => {
        const said = findings();
        return said.lines.some((line) => line.startsWith('Wrong Extension servers: extension-2 lives')) && said;
      },
      30_000,
      200,
    );
    assert.equal(code, 1);
    expectLine(lines, /^Notice Hosts: local is cordoned/);
    expectLine(lines, new RegExp(`^Wrong This machine: Process ${orphan.pid} \\(pod\\) belongs to the node ${GHOST}`));
    expectLine(lines, new RegExp(`^Notice This machine: .*${LEFTOVER} was left behind`));
    expectLine(lines, /^Notice Certificates: The certificate of ghost-a1-n0 ends on .* in [45] days/);
  } finally {
    sendSignal(server, 'SIGCONT');
  }
});

/** A node's folder of which no host has a record, with a certificate of a year that has five days left. */
async function leaveFolder(): Promise<void> {
  const folder = join(rig.data, 'host', 'nodes', LEFTOVER);
  mkdirSync(join(folder, 'identity'), { recursive: true });
  const file = {
    format: 1,
    namespace: 'demo',
    node: 'ghost-a1-n0',
    nodeUid: LEFTOVER,
    incarnation: 1,
    cluster: 'ghost',
    clusterUid: 'ghost',
    role: 'Primary',
  };
  writeFileSync(
    join(folder, 'node.json'),
    JSON.stringify({ ...file, address: '127.0.0.1', podAddresses: [], directors: [], caHash: 'sha256:0' }),
  );
  const issuer = certificateIssuer();
  const nowMs = Date.now();
  const made = await issuer.createAuthority('a test', nowMs - 400 * DAY_MS, nowMs + 400 * DAY_MS);
  const authority = await issuer.openAuthority(made.certificatePem, made.privateKeyPem);
  const key = issuer.newKey();
  const certificate = await authority.issue({
    commonName: 'outrigger:node:ghost:1',
    publicKeyDer: key.publicKeyDer,
    notBeforeMs: nowMs - 360 * DAY_MS,
    notAfterMs: nowMs + 5 * DAY_MS,
    usage: 'node',
  });
  await nodeStore(join(folder, 'identity')).write('identity', {
    certificate,
    privateKey: key.privateKeyPem,
    authority: authority.certificatePem,
  });
}

test('a dead worker: not ready, and it is said what would stop and why', async () => {
  const worker = uidOf(WORKER);
  // The host would start it again at once; a machine that is off has no host daemon either.
  sendSignal(rig.pidOf('host'), 'SIGSTOP');
  for (let left = processesMarked({ OUTRIGGER_NODE: worker }); left.length > 0; left = processesMarked({ OUTRIGGER_NODE: worker }))
    for (const { id } of left) sendSignal(id.pid, 'SIGKILL');
  const started = performance.now();
  const { found, code } = await eventually(
    'the director shows that the worker is not heard',
    () => {
      const said = readiness();
      return verdictOf(said.found, 'instance', 'hello') === 'Outage!' && said;
    },
    60_000,
    200,
  );
  console.log(`measured: readiness told of the dead worker after ${Math.round(performance.now() - started)} ms`);
  assert.equal(code, 1);
  assert.deepEqual([verdictOf(found, 'worker', WORKER), verdictOf(found, 'primary', PRIMARY)], ['Degraded', 'Outage!']);
  const status = outrigger('status');
  isReadable(status);
  assert.match(status.out, /! demo\/harbor {2}Degraded/);
  assert.match(status.out, new RegExp(`${WORKER} +worker .* no +1 `));
  expectLine(findings().lines, new RegExp(`^Wrong Nodes: demo/${WORKER} is not heard by its cluster`));
});

test('without its director a node is asked by itself: what it runs, who answers, and the same verdict', () => {
  for (const part of ['up', 'director', 'postgres']) sendSignal(rig.pidOf(part), 'SIGKILL');
  const status = outrigger('status');
  assert.equal(status.code, 4);
  isReadable(status);
  assert.match(status.out, /Nobody looks after/);
  assert.match(status.out, new RegExp(`✔ ${PRIMARY} {2}primary .* agent runs`));
  assert.match(status.out, new RegExp(`! ${WORKER} {2}worker .* agent is gone`));

  const folder = join(rig.data, 'host', 'nodes', uidOf(PRIMARY));
  const own = outrigger('status', '--dir', folder);
  assert.equal(own.code, 0, own.err);
  assert.match(own.out, new RegExp(`${WORKER} \\(worker, [\\d.]+\\) does not answer`));

  const asked = readiness();
  assert.match(asked.err, /So the nodes of this machine are asked/);
  for (const { code, found } of [asked, readiness('--dir', folder)]) {
    const harbor = found.filter(({ cluster }) => cluster === 'demo/harbor');
    assert.deepEqual([code, harbor[0]?.from, harbor[0]?.ready], [1, 'node', false]);
    assert.deepEqual(
      ['instance', 'worker', 'primary', 'singleton'].map((row) => verdictOf(harbor, row)),
      ['Outage!', 'Degraded', 'Outage!', 'Degraded'],
    );
    assert.match(harbor[0]?.forecasts.find(({ row }) => row === 'director')?.because ?? '', /None/);
  }
  const doctor = findings();
  assert.equal(doctor.code, 1);
  expectLine(doctor.lines, /^Wrong Director: No answer from/);
  expectLine(doctor.lines, /^Wrong This machine: Nobody looks after/);
  expectLine(doctor.lines, new RegExp(`^Wrong Nodes: The agent of ${WORKER} does not run`));
  assert.equal(rig.run(['doctor', '--data', join(rig.data, 'nowhere')], { KUBECONFIG: '' }).code, 2);
});
