/**
 * The real kubectl, oldest and newest that we support, against a real director over PostgreSQL: looking at objects and changing them.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { KUBECTL_MINORS } from '../support/kubectl.ts';
import { cluster, editorThat, rows, shellOf } from '../support/kubectl-shell.ts';
import type { Shell } from '../support/kubectl-shell.ts';

let director: TestDirector;
before(async () => {
  director = await startDirector();
});

for (const minor of KUBECTL_MINORS) {
  describe(`kubectl 1.${minor}`, () => {
    let shell: Shell;
    before(async () => {
      shell = shellOf(director, minor, `k${minor}`);
      await shell.ok('create', 'namespace', shell.namespace);
    });

    test('get: table, wide, yaml, json, name, jsonpath, selectors, all namespaces, sorted', async () => {
      await shell.fed(cluster('alpha', {}, { tier: 'gold' }), 'apply', '-f', '-');
      await shell.fed(cluster('beta', { workers: 2 }, { tier: 'tin' }), 'apply', '-f', '-');
      const table = await shell.ok('get', 'clusters');
      assert.match(table, /^NAME +PHASE +RELEASE +PRIMARY +WORKERS +LICENSE +AGE\n/);
      assert.deepEqual(
        rows(table).map(([name]) => name),
        ['alpha', 'beta'],
      );
      assert.match(await shell.ok('get', 'ocl', '-o', 'wide'), /REASON +MESSAGE/);
      assert.match(await shell.ok('get', 'cluster', 'alpha', '-o', 'yaml'), /release: 1\.0\.0/);
      assert.equal(await shell.ok('get', 'cluster', 'beta', '-o', 'jsonpath={.spec.workers}'), '2');
      assert.equal(await shell.ok('get', 'outrigger', '-l', 'tier=gold', '-o', 'name'), 'cluster.outrigger.dev/alpha\n');
      assert.equal(await shell.ok('get', 'clusters', '-l', 'tier in (gold,tin),tier!=gold', '-o', 'name'), 'cluster.outrigger.dev/beta\n');
      assert.equal(
        await shell.ok('get', 'clusters', '--field-selector', 'metadata.name=beta', '-o', 'name'),
        'cluster.outrigger.dev/beta\n',
      );
      assert.match(await shell.ok('get', 'clusters', '-A'), new RegExp(`NAMESPACE +NAME[^]*${shell.namespace} +alpha`));
      const sorted = await shell.ok('get', 'clusters', '--sort-by=.spec.workers');
      assert.deepEqual(
        rows(sorted).map(([name]) => name),
        ['alpha', 'beta'],
      );
      assert.equal(JSON.parse(await shell.ok('get', 'clusters', '-o', 'json')).items.length, 2);
      assert.match(await shell.refused('get', 'cluster', 'nosuch'), /clusters\.outrigger\.dev "nosuch" not found/);
      assert.match(await shell.ok('get', 'cluster', 'alpha', '--subresource=status'), /alpha/);
    });

    test('pages: a list in chunks is whole', async () => {
      for (let i = 0; i < 7; i++)
        await shell.fed(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `page-${i}` } }), 'create', '-f', '-');
      assert.equal(rows(await shell.ok('get', 'configmaps', '--chunk-size=3')).length, 7);
    });

    test('get -w shows what is there, then what happens', async () => {
      const watching = director.kubectl(minor, ['-n', shell.namespace, 'get', 'clusters', '-w', '--request-timeout=4s', '-o', 'name']);
      await eventually('kubectl watches', async () => (await director.watches()) === 1);
      await shell.fed(cluster('seen'), 'create', '-f', '-');
      await shell.ok('delete', 'cluster', 'seen', '--wait=false');
      const { stdout } = await watching;
      assert.equal(stdout.split('\n').filter((line) => line === 'cluster.outrigger.dev/seen').length, 2, stdout);
      await eventually('it has gone', async () => (await director.watches()) === 0);
      await shell.fed(cluster('watched'), 'create', '-f', '-');
      const one = director.kubectl(minor, ['-n', shell.namespace, 'get', 'cluster', 'watched', '-w', '--request-timeout=4s']);
      await eventually('kubectl watches', async () => (await director.watches()) === 1);
      await shell.ok('label', 'cluster', 'watched', 'seen=yes');
      assert.equal(rows((await one).stdout).length, 2);
    });

    test('create, apply new, apply changed, apply unchanged twice, diff, dry run', async () => {
      assert.match(await shell.fed(cluster('made'), 'create', '-f', '-'), /made created/);
      assert.match(
        await shell.refusedFed(cluster('made'), 'create', '-f', '-'),
        /AlreadyExists.*clusters\.outrigger\.dev "made" already exists/,
      );
      const service = {
        name: 'web',
        mode: 'Replicated',
        port: 80,
        pod: { containers: [{ name: 'web', command: ['web'], readinessProbe: { tcpSocket: { port: 80 } } }] },
      };
      assert.match(await shell.fed(cluster('applied', { services: [service] }), 'apply', '-f', '-'), /created/);
      assert.match(await shell.fed(cluster('applied', { services: [service], workers: 3 }), 'apply', '-f', '-'), /configured/);
      const revision = await shell.ok('get', 'cluster', 'applied', '-o', 'jsonpath={.metadata.resourceVersion}');
      await shell.fed(cluster('applied', { services: [service], workers: 3 }), 'apply', '-f', '-');
      assert.equal(
        await shell.ok('get', 'cluster', 'applied', '-o', 'jsonpath={.metadata.resourceVersion}'),
        revision,
        'nothing changed, so the revision stays',
      );
      assert.match(await shell.fed(cluster('plain'), 'apply', '-f', '-'), /created/);
      assert.match(await shell.fed(cluster('plain'), 'apply', '-f', '-'), /unchanged/);
      assert.match(await shell.fed(cluster('plain'), 'apply', '-f', '-'), /unchanged/);
      assert.match(await shell.fed(cluster('dry'), 'apply', '--dry-run=server', '-f', '-'), /created \(server dry run\)/);
      assert.match(await shell.refused('get', 'cluster', 'dry'), /not found/);
      assert.equal(await shell.fed(cluster('plain'), 'diff', '-f', '-'), '');
      const difference = await shell.refusedFed(cluster('plain', { workers: 4 }), 'diff', '-f', '-');
      assert.equal(difference, '', 'a difference is told on standard output, with exit code 1');
    });

    test('replace, edit, patch, label, annotate, scale', async () => {
      await shell.fed(cluster('change'), 'create', '-f', '-');
      const get = (path: string): Promise<string> => shell.ok('get', 'cluster', 'change', '-o', `jsonpath=${path}`);
      assert.match(await shell.fed(cluster('change', { workers: 2 }), 'replace', '-f', '-'), /replaced/);
      assert.equal(await get('{.spec.workers},{.metadata.generation}'), '2,2');
      process.env['KUBE_EDITOR'] = editorThat('s/workers: 2/workers: 3/');
      assert.match(await shell.ok('edit', 'cluster', 'change'), /edited/);
      assert.equal(await get('{.spec.workers}'), '3');
      assert.match(await shell.ok('patch', 'cluster', 'change', '--type=merge', '-p', '{"spec":{"workers":4}}'), /patched/);
      assert.match(
        await shell.ok('patch', 'cluster', 'change', '--type=json', '-p', '[{"op":"replace","path":"/spec/workers","value":5}]'),
        /patched/,
      );
      assert.equal(await get('{.spec.workers},{.metadata.generation}'), '5,5');
      await shell.ok('label', 'cluster', 'change', 'a=b');
      await shell.ok('annotate', 'cluster', 'change', 'c=d');
      assert.equal(await get('{.metadata.labels.a},{.metadata.annotations.c},{.metadata.generation}'), 'b,d,5');
      await shell.ok('label', 'cluster', 'change', 'a-');
      assert.equal(await get('{.metadata.labels.a}'), '');
      assert.match(await shell.ok('scale', 'cluster', 'change', '--replicas=6'), /scaled/);
      assert.match(await shell.ok('scale', 'cluster', 'change', '--current-replicas=6', '--replicas=1'), /scaled/);
      assert.match(
        await shell.refused('scale', 'cluster', 'change', '--current-replicas=6', '--replicas=2'),
        /Expected replicas to be 6, was 1/,
      );
      assert.equal(await get('{.spec.workers}'), '1');
      await shell.ok(
        'patch',
        'cluster',
        'change',
        '--subresource=status',
        '--type=merge',
        '-p',
        '{"status":{"phase":"Pending"},"spec":{"workers":7}}',
      );
      assert.equal(await get('{.status.phase},{.spec.workers}'), 'Pending,1');
      await shell.ok('patch', 'cluster', 'change', '--type=merge', '-p', '{"status":{"phase":"Error"}}');
      assert.equal(await get('{.status.phase}'), 'Pending', 'the main resource leaves the status alone');
    });

    test('describe shows events; events --for finds them', async () => {
      await shell.fed(cluster('told'), 'create', '-f', '-');
      const uid = await shell.ok('get', 'cluster', 'told', '-o', 'jsonpath={.metadata.uid}');
      const now = new Date().toISOString().replace(/\.\d+/, '');
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: 'told.' },
        involvedObject: { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', name: 'told', namespace: shell.namespace, uid },
        type: 'Warning',
        reason: 'NoCapacity',
        message: 'no host has room',
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        source: { component: 'test' },
      };
      await shell.fed(JSON.stringify(event), 'create', '-f', '-');
      assert.match(await shell.ok('describe', 'cluster', 'told'), /Warning +NoCapacity.*no host has room/);
      assert.match(await shell.ok('events', '--for', 'cluster/told'), /NoCapacity/);
      assert.match(await shell.ok('get', 'events'), /NoCapacity/);
      assert.match(await shell.ok('describe', 'clusters'), /Name: +told/);
      assert.match(await shell.ok('describe', 'namespace', shell.namespace), /Status: +Active/);
    });

    test('wait: condition, jsonpath, delete', async () => {
      await shell.fed(cluster('waited'), 'create', '-f', '-');
      const waiting = shell.ok('wait', '--for=condition=Ready', 'cluster/waited', '--timeout=20s');
      const path = shell.ok('wait', '--for=jsonpath={.status.phase}=Available', 'cluster/waited', '--timeout=20s');
      const gone = shell.ok('wait', '--for=delete', 'cluster/waited', '--timeout=20s');
      await eventually('all three wait', async () => (await director.watches()) === 3);
      const condition = { type: 'Ready', status: 'True', reason: 'Available', message: 'up', lastTransitionTime: '2026-01-01T00:00:00Z' };
      await shell.ok(
        'patch',
        'cluster',
        'waited',
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status: { phase: 'Available', conditions: [condition] } }),
      );
      assert.match(await waiting, /condition met/);
      assert.match(await path, /condition met/);
      await shell.ok('delete', 'cluster', 'waited', '--wait=false');
      await gone;
    });

    test('delete: waits for finalizers, foreground, by label, all', async () => {
      const held = JSON.parse(cluster('held')) as { metadata: Record<string, unknown> };
      held.metadata['finalizers'] = ['example.com/hold'];
      await shell.fed(JSON.stringify(held), 'create', '-f', '-');
      const deleting = shell.ok('delete', 'cluster', 'held', '--timeout=20s');
      await eventually(
        'it is marked',
        async () => (await shell.ok('get', 'cluster', 'held', '-o', 'jsonpath={.metadata.deletionTimestamp}')) !== '',
      );
      await shell.ok('patch', 'cluster', 'held', '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]');
      assert.match(await deleting, /deleted/);
      await shell.fed(cluster('front'), 'create', '-f', '-');
      assert.match(await shell.ok('delete', 'cluster', 'front', '--cascade=foreground', '--timeout=20s'), /deleted/);
      await shell.fed(cluster('gold', {}, { kind: 'gone' }), 'create', '-f', '-');
      await shell.ok('delete', 'clusters', '-l', 'kind=gone', '--timeout=20s');
      await shell.ok('delete', 'clusters', '--all', '--timeout=20s');
      assert.equal(await shell.ok('get', 'clusters', '-o', 'name'), '');
    });
  });
}
