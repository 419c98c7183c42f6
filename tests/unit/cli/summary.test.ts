/**
 * The summary's commands are what a person copies.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataPaths } from '../../../src/cli/data-folder.ts';
import { renderSummary, shellWord } from '../../../src/cli/up/summary.ts';
import type { SummaryView } from '../../../src/cli/up/summary.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import type { Site } from '../../../src/model/site.ts';

const CLUSTER = {
  metadata: { name: 'harbor', namespace: 'demo' },
  spec: { workers: 1 },
  status: {
    phase: 'Available',
    primary: 'harbor-a1-n0',
    workers: 1,
    nodes: { 'harbor-a1-n1': { role: 'Worker', address: '127.77.1.20' }, 'harbor-a1-n0': { role: 'Primary', address: '127.77.1.10' } },
  },
} as unknown as Cluster;

function view(over: Partial<SummaryView> = {}): SummaryView {
  return {
    paths: dataPaths('/d'),
    director: 'https://127.0.0.1:7443',
    consoleLink: 'https://127.0.0.1:7443/console/#code=a.b',
    cluster: CLUSTER,
    site: undefined,
    health: new Map(),
    hasKubectl: true,
    hasCurl: true,
    ownCommand: '/p/bin/outrigger.mjs',
    took: '4.2 s',
    shortDay: undefined,
    ...over,
  };
}

test('it says where everything is, and three scenes to try', () => {
  const lines = renderSummary(view({ health: new Map([['extension-1', 1]]) })).filter((line) => !line.startsWith('  Health'));
  assert.deepEqual(lines, [
    '',
    'Outrigger is up after 4.2 s.',
    '',
    '  API      https://127.0.0.1:7443',
    '  Console  https://127.0.0.1:7443/console/#code=a.b',
    '           lets you in once, within ten minutes; its certificate is signed by an authority that your browser does not know, so it asks first',
    '           another one: /p/bin/outrigger.mjs console link --data /d',
    '  Cluster  demo/harbor: Available, primary harbor-a1-n0, workers 1/1',
    '  Nodes    harbor-a1-n0 (primary) http://127.77.1.10:8080',
    '           harbor-a1-n1 (worker) http://127.77.1.20:8080',
    '  Portal   https://127.77.1.10:7445',
    '           its password: /p/bin/outrigger.mjs portal password harbor -n demo --data /d',
    '           through the director: kubectl --kubeconfig /d/kubeconfig proxy --port 8001, and then',
    '           http://127.0.0.1:8001/apis/outrigger.dev/v1/namespaces/demo/clusters/harbor/proxy/portal/',
    '  Logs     /d/logs',
    '',
    '  export KUBECONFIG=/d/kubeconfig',
    '',
    'Three things to try, in another terminal:',
    '',
    '  1. Nobody is left who manages: stop the extension servers; the cluster takes another worker all the same:',
    '     kill -STOP $(cat /d/run/extension-*.pid); /p/bin/outrigger.mjs cluster scale harbor -n demo --data /d --workers 2; kill -CONT $(cat /d/run/extension-*.pid)',
    "  2. The center is gone, and the primary's agent is killed; what runs there does not notice:",
    '     kill -STOP $(cat /d/run/director.pid); kill -9 $(cat /d/run/demo.harbor-a1-n0.pid); curl -s http://127.77.1.10:8080/; kill -CONT $(cat /d/run/director.pid)',
    '  3. Ask what would happen, then rehearse it:',
    '     /p/bin/outrigger.mjs status --readiness harbor -n demo --data /d; /p/bin/outrigger.mjs drill instance harbor -n demo --data /d',
    '',
    'Ctrl-C stops all of it; started again, it goes on where it was.',
    '',
  ]);
});

test('I1: without kubectl and curl, with a blank in the path, and without the cluster there are still three commands', () => {
  const lines = renderSummary(view({ hasKubectl: false, hasCurl: false, paths: dataPaths("/my data/it's") }));
  const commands = lines.filter((line) => /^ {5}\S/.test(line)).join('\n');
  assert.ok(commands.includes("kill -9 $(cat '/my data/it'\\''s/run'/demo.harbor-a1-n0.pid)"), commands);
  assert.ok(lines.every((line) => !/kubectl --|curl /.test(line)));
  assert.ok(
    commands.startsWith('     /p/bin/outrigger.mjs cluster scale harbor -n demo --data '),
    'without extension servers of its own none is stopped',
  );
  const bare = renderSummary(view({ cluster: undefined }));
  assert.equal(bare.filter((line) => /^ {5}\S/.test(line)).length, 3);
  assert.ok(bare.some((line) => line.startsWith('     kill -9 $(cat /d/run/')));
});

const SITE = {
  metadata: { name: 'harbor', namespace: 'demo' },
  spec: {
    environment: 'OnPremises',
    connectionServers: [
      { name: 'connection-server-1', url: 'https://127.0.0.1:1001' },
      { name: 'connection-server-2', url: 'https://127.0.0.1:1002' },
    ],
  },
  status: { pairing: { state: 'Paired', clusterUid: 'u', generation: 1, message: '2 connection servers paired.' } },
} as unknown as Site;

test('with a site it says how that stands, the license, and where the portal is', () => {
  const status = {
    ...CLUSTER.status,
    services: { 'connection-server-proxy': { desired: 2, ready: 2 } },
    license: { state: 'Active', severity: 'Success', message: 'The license harbor is active.' },
  };
  const cluster = { ...CLUSTER, status } as unknown as Cluster;
  const lines = renderSummary(view({ cluster, site: SITE, paths: dataPaths('/my data') }));
  const at = lines.findIndex((line) => line.startsWith('  Site'));
  assert.deepEqual(lines.slice(at, at + 9), [
    '  Site     demo/harbor: Paired. 2 connection servers paired.',
    '           connection-server-1 https://127.0.0.1:1001',
    '           connection-server-2 https://127.0.0.1:1002',
    '           front door https://127.77.1.10:8443 https://127.77.1.20:8443',
    '  License  Active: The license harbor is active.',
    '  Portal   https://127.77.1.10:7445',
    "           its password: /p/bin/outrigger.mjs portal password harbor -n demo --data '/my data'",
    "           through the director: kubectl --kubeconfig '/my data/kubeconfig' proxy --port 8001, and then",
    '           http://127.0.0.1:8001/apis/outrigger.dev/v1/namespaces/demo/clusters/harbor/proxy/portal/',
  ]);
  assert.ok(renderSummary(view({ site: { ...SITE, status: {} } as unknown as Site })).includes('  Site     demo/harbor: not paired'));
});

test('words for the shell', () => {
  assert.equal(shellWord('/plain/path-1.x'), '/plain/path-1.x');
  assert.equal(shellWord('a b'), "'a b'");
});

test('with days of seconds it says when the contract ends, and the line that renews it', () => {
  const license = {
    state: 'Active',
    message: 'It is active.',
    contractEnd: '2027-11-22T00:00:00Z',
    lastSync: '2026-11-22T12:00:00Z',
  };
  const cluster = { ...CLUSTER, status: { ...CLUSTER.status, license } } as unknown as Cluster;
  const shortDay = { dayMs: 2_000, nowMs: Date.parse('2026-11-22T12:00:05Z') };
  const lines = renderSummary(view({ cluster, shortDay }));
  const at = lines.findIndex((line) => line.includes('contract ends'));
  assert.deepEqual(lines.slice(at - 1, at + 3), [
    '  License  Active: It is active.',
    '           its contract ends on 2027-11-22 of license time: in about 12 min, at 2026-11-22 12:12 UTC',
    '           to renew it:',
    `           kubectl --kubeconfig /d/kubeconfig -n demo patch universallicense harbor --type merge -p '{"spec":{"end":"2037-11-22T00:00:00Z"}}'`,
  ]);
  assert.ok(!renderSummary(view({ cluster })).some((line) => line.includes('contract')), 'not where a day is a day');
});

test('the extension servers show where they tell how they are, in order', () => {
  const health = new Map([
    ['extension-2', 9465],
    ['extension-1', 9464],
  ]);
  const lines = renderSummary(view({ health }));
  const first = lines.indexOf('  Health   extension-1 http://127.0.0.1:9464/readyz, /livez, /metrics');
  assert.notEqual(first, -1, lines.join('\n'));
  assert.equal(lines[first + 1], '           extension-2 http://127.0.0.1:9465/readyz, /livez, /metrics');
});
