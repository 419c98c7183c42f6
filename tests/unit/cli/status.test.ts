/**
 * `outrigger status` for people: which part comes from where, what is left behind, what needs a person first, and all of it in 120 columns.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataPaths } from '../../../src/cli/data-folder.ts';
import type { ClusterShown, NodeShown, Status } from '../../../src/cli/status/answer.ts';
import { exitCodeOf, gatherStatus } from '../../../src/cli/status/gather.ts';
import type { StatusDeps } from '../../../src/cli/status/gather.ts';
import { renderStatus } from '../../../src/cli/status/render.ts';
import { clusterShown, hostShown, nodeShown } from '../../../src/cli/status/shown.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Host } from '../../../src/model/host.ts';
import { cluster, readyNode, T0, wasAvailable } from '../decide/fixtures.ts';

const STATUS: Status = {
  data: '/d',
  api: 'https://127.0.0.1:7443',
  parts: [],
  clusters: [],
  nodes: [],
  hosts: [],
  unreachable: undefined,
};

const SHOWN: ClusterShown = {
  cluster: 'demo/harbor',
  phase: 'Available',
  needsPerson: false,
  release: '1.0.0',
  primary: 'harbor-a1-n0',
  term: 1,
  workers: '1/1',
  age: '3h',
  message: '',
  services: [],
  frontDoor: [],
  drills: [],
};

const never = new AbortController().signal;

function isNarrow(text: string): void {
  for (const line of text.split('\n')) assert.ok(line.length <= 120, `${line.length}: ${line}`);
}

test('parts without their up: it says to run down', () => {
  const text = renderStatus({
    ...STATUS,
    parts: [
      { part: 'director', state: 'Running', pid: 2 },
      { part: 'up', state: 'Gone', pid: 1 },
    ],
  });
  assert.match(text, /Nobody looks after director: .*"outrigger down --data \/d"/);
  assert.doesNotMatch(renderStatus({ ...STATUS, parts: [{ part: 'up', state: 'Running', pid: 1 }] }), /outrigger down/);
});

test('I1: clusters of another kubeconfig: it is named, and that nothing was started here is left out', () => {
  const text = renderStatus({ ...STATUS, api: undefined, source: '/k/config', asked: 'https://there:7443' });
  assert.equal(text, 'Control plane  https://there:7443: answers, by /k/config\n\nNo clusters.\n');
  assert.match(renderStatus({ ...STATUS, api: undefined, clusters: undefined, unreachable: 'No.' }), /Nothing was ever started here/);
});

test('I1: a stopped folder and somebody else’s control plane are told apart', () => {
  const parts = [{ part: 'up', state: 'Gone', pid: 1 }] as const;
  const text = renderStatus({ ...STATUS, parts, source: '/k/config', asked: 'https://there:7443', clusters: [SHOWN] });
  assert.match(text, /^This machine {3}\/d: Nothing runs here; start it with "outrigger up --data \/d"\.$/m);
  assert.match(text, /^Control plane {2}https:\/\/there:7443: answers, by \/k\/config$/m);
  const deaf = renderStatus({
    ...STATUS,
    parts,
    source: '/k/config',
    asked: 'https://there:7443',
    clusters: undefined,
    unreachable: 'Nobody answers.',
  });
  assert.match(deaf, /^Control plane {2}https:\/\/there:7443, by \/k\/config: Nobody answers\.$/m);
});

test('a cluster at a site: nodes, services and where, site, front door, portal, license', () => {
  const status = wasAvailable({
    phase: 'Available',
    workers: 1,
    services: {
      hello: { mode: 'Replicated', desired: 2, ready: 1, where: ['harbor-a1-n0'] },
      ticker: { mode: 'Singleton', desired: 1, ready: 1, where: ['harbor-a1-n0'] },
      'connection-server-proxy': { mode: 'Replicated', desired: 2, ready: 2, where: ['harbor-a1-n0', 'harbor-a1-n1'] },
    },
    nodes: { 'harbor-a1-n0': { ready: true, address: 'a' }, 'harbor-a1-n1': { ready: true, address: 'b' } },
    license: { state: 'SyncGrace', severity: 'Warning', message: 'No sync since May.', daysLeft: 20 },
    release: { current: '1.0.0', target: '1.1.0', progress: '1 of 2 nodes run 1.1.0' },
  });
  const harbor = cluster({ spec: { site: 'quay' }, status });
  const one = clusterShown(harbor, { sites: [], drills: [], nowMs: T0 + 7_200_000 });
  const nodes = [readyNode(0), readyNode(1)].map((node) => nodeShown(node, harbor));
  const text = renderStatus({ ...STATUS, clusters: [one], nodes });
  for (const line of [
    '✔ demo/harbor  Available  release 1.0.0  primary harbor-a1-n0 (term 1)  workers 1/1  2h',
    '    harbor-a1-n0  primary  h1    Running  Ready  yes    1     127.77.0.10',
    '    Services    connection-server-proxy 2/2  ! hello 1/2 on n0  ticker 1/1 on n0',
    '    Change      to 1.1.0: 1 of 2 nodes run 1.1.0',
    '    Site        quay: not paired',
    '    Front door  https://a:8443 https://b:8443',
    '    Portal      https://a:7445',
    '    License     SyncGrace: No sync since May.',
  ])
    assert.ok(text.includes(`${line}\n`), `${line}\n---\n${text}`);
  isNarrow(text);
});

test('a node that calls itself ready and is not in the eyes of its site is not heard', () => {
  const harbor = cluster({ status: wasAvailable({ nodes: { 'harbor-a1-n1': { ready: false } } }) });
  assert.equal(nodeShown(readyNode(1), harbor).heard, 'no');
  assert.equal(nodeShown(readyNode(0), harbor).heard, 'yes');
  assert.match(nodeShown(readyNode(0), undefined).message, /belongs to no cluster/);
});

test('hosts: cordoned, and what they run that nobody knows', () => {
  const host = {
    metadata: { name: 'rack1' },
    spec: { capacity: { nodes: 4 }, cordoned: true },
    status: {
      nodes: 2,
      unclaimed: ['demo/old-a1-n0'],
      conditions: [{ type: 'Ready', status: 'True', message: 'One node is not known.' }],
    },
  };
  const text = renderStatus({ ...STATUS, hosts: [hostShown(host as unknown as Host)] });
  assert.match(text, /^rack1 +True +2\/4 +cordoned; 1 unclaimed: demo\/old-a1-n0; One node is not known\.$/m);
});

test('I2: of a fleet those that need a person come in full, the others a line each, and it stays one screen', () => {
  const many = Array.from({ length: 400 }, (_, at) => ({ ...SHOWN, cluster: `demo/c${at}` }));
  const broken = { ...SHOWN, cluster: 'demo/broken', phase: 'Error', needsPerson: true, message: 'The primary is not ready. '.repeat(40) };
  const node = { node: 'demo/broken-a1-n0', cluster: 'demo/broken', role: 'primary', heard: 'no', incarnation: 1 };
  const nodes = [{ ...node, host: 'h', machine: 'Exited', agent: 'Ready', address: '', message: 'x'.repeat(300) } as NodeShown];
  const text = renderStatus({ ...STATUS, clusters: [broken, ...many], nodes });
  assert.ok(text.split('\n').length < 50, text);
  assert.ok(text.indexOf('✖ demo/broken') < text.indexOf('demo/c0'));
  assert.match(text, /and 380 more, none of which needs a person/);
  isNarrow(text);
});

test('a director that lives and answers nobody is not just called running', async () => {
  const states = async (fault: Fault, source?: string): Promise<readonly string[]> => {
    const files = {
      exists: () => true,
      list: () => ['director.json', 'host.json'],
      readText: (path: string) => (path.endsWith('endpoints.json') ? undefined : '{"pid":7,"bootId":"b","startTicks":9}'),
    };
    const deps = {
      files,
      processes: { isAlive: () => true },
      paths: dataPaths('/d'),
      api: { list: () => Promise.reject(fault) },
      source,
      nowMs: 0,
    };
    const { parts } = await gatherStatus(deps as unknown as StatusDeps, {}, never);
    return parts.map(({ part, state }) => `${part} ${state}`).toSorted();
  };
  const silent = new Fault('DirectorUnreachable', 'No answer.');
  assert.deepEqual(await states(silent), ['director Running, does not answer', 'host Running']);
  assert.deepEqual(await states(silent, '/k/config'), ['director Running', 'host Running'], 'another control plane was asked');
  assert.deepEqual(await states(new Fault('DirectorRefused', 'No.')), ['director Running', 'host Running'], 'that is an answer');
});

test('I3: what a tenant may not see is named, and the rest is shown; a cluster that is not there is an answer', async () => {
  const list = ({ plural }: { readonly plural: string }): Promise<object> =>
    Promise.resolve(
      plural === 'hosts'
        ? { ok: false, reason: 'Forbidden', message: 'you may not list hosts' }
        : { ok: true, value: { items: plural === 'clusters' ? [cluster({ status: wasAvailable() })] : [] } },
    );
  const deps = {
    files: { exists: () => false, list: () => [], readText: () => undefined },
    processes: {},
    paths: dataPaths('/d'),
    api: { list },
    nowMs: T0,
  } as unknown as StatusDeps;
  const status = await gatherStatus(deps, { namespace: 'demo' }, never);
  assert.deepEqual([status.clusters?.length, status.hosts, status.hidden], [1, undefined, ['hosts: you may not list hosts']]);
  assert.match(renderStatus(status), /^Not shown {2}hosts: you may not list hosts$/m);
  assert.equal(exitCodeOf(status, false), 0);
  await assert.rejects(gatherStatus(deps, { cluster: 'quay' }, never), /There is no cluster quay\. There are demo\/harbor\./);
});
