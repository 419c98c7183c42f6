/**
 * The real kubectl, oldest and newest that we support, against a real director over PostgreSQL: discovery, the kinds of Kubernetes itself, definitions,
 * namespaces, and what it says when it is refused.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { KUBECTL_MINORS } from '../support/kubectl.ts';
import { cluster, editorThat, shellOf } from '../support/kubectl-shell.ts';
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

    test('explain, api-resources, api-versions, version, cluster-info, raw', async () => {
      assert.match(await shell.ok('explain', 'cluster.spec.workers'), /workers <integer>[^]*Number of workers/);
      assert.match(await shell.ok('explain', 'cluster', '--recursive'), /autoRepairOnErrors/);
      assert.match(await shell.ok('explain', 'namespace.metadata.labels'), /selected/);
      const resources = await shell.ok('api-resources');
      assert.match(resources, /clusters +ocl +outrigger\.dev\/v1 +true +Cluster/);
      assert.equal(await shell.ok('api-resources'), resources, 'revalidated');
      assert.match(
        await shell.ok('api-resources', '--api-group=outrigger.dev', '--verbs=patch', '-o', 'name'),
        /clusternodes\.outrigger\.dev/,
      );
      assert.match(await shell.ok('api-versions'), /outrigger\.dev\/v1/);
      assert.match(await shell.ok('version'), /Server Version: v1\.32/);
      assert.match(await shell.ok('cluster-info'), /control plane.* is running at/);
      assert.equal(await shell.ok('get', '--raw', '/readyz'), 'ok');
      assert.match(await shell.ok('get', '--raw', '/metrics'), /outrigger_requests_total/);
    });

    test('typed objects in protobuf: namespaces, config, secrets, accounts, roles, reviews, tokens', async () => {
      assert.equal(await shell.ok('auth', 'can-i', 'create', 'clusters.outrigger.dev'), 'yes\n');
      assert.match(await shell.ok('auth', 'whoami'), /Username +admin/);
      await shell.ok('create', 'configmap', 'config', '--from-literal=a=b');
      assert.equal(await shell.ok('get', 'configmap', 'config', '-o', 'jsonpath={.data.a}'), 'b');
      await shell.ok('create', 'secret', 'generic', 'secret', '--from-literal=a=b');
      assert.equal(await shell.ok('get', 'secret', 'secret', '-o', 'jsonpath={.data.a}'), 'Yg==');
      await shell.fed(
        JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain' }, stringData: { c: 'd' } }),
        'apply',
        '-f',
        '-',
      );
      assert.equal(await shell.ok('get', 'secret', 'plain', '-o', 'jsonpath={.data.c}{.stringData}'), 'ZA==');
      await shell.ok('create', 'serviceaccount', 'robot');
      await shell.ok('create', 'role', 'reader', '--verb=get,list', '--resource=clusters.outrigger.dev');
      await shell.ok('create', 'rolebinding', 'readers', '--role=reader', `--serviceaccount=${shell.namespace}:robot`);
      const token = await shell.ok('create', 'token', 'robot');
      assert.match(token, /^ey[\w-]+\.[\w-]+\.[\w-]+\n?$/);
      assert.match(await shell.ok('get', 'role', 'reader', '-o', 'jsonpath={.rules[0].verbs}'), /get/);
    });

    test('kinds of Kubernetes itself: apply again, edit, patch, label', async () => {
      const map = (data: Record<string, string>): string =>
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'again' }, data });
      await shell.fed(map({ a: '1', b: '2' }), 'apply', '-f', '-');
      assert.match(await shell.fed(map({ a: '3' }), 'apply', '-f', '-'), /configured/);
      assert.match(await shell.fed(map({ a: '3' }), 'apply', '-f', '-'), /unchanged/);
      assert.equal(await shell.ok('get', 'configmap', 'again', '-o', 'jsonpath={.data}'), '{"a":"3"}');
      await shell.ok('patch', 'configmap', 'again', '-p', '{"data":{"c":"4"}}');
      await shell.ok('label', 'configmap', 'again', 'x=y');
      process.env['KUBE_EDITOR'] = editorThat('s/c: "4"/c: "5"/');
      assert.match(await shell.ok('edit', 'configmap', 'again'), /edited/);
      assert.equal(await shell.ok('get', 'configmap', 'again', '-o', 'jsonpath={.data.c}{.metadata.labels.x}'), '5y');
      const role = (verbs: string[]): string =>
        JSON.stringify({
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'again' },
          rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }],
        });
      await shell.fed(role(['get']), 'apply', '-f', '-');
      assert.match(await shell.fed(role(['get', 'list']), 'apply', '-f', '-'), /configured/);
      assert.match(await shell.fed(role(['get', 'list']), 'apply', '-f', '-'), /unchanged/);
    });

    test('a List is taken apart: applied, applied again, read back and applied, checked strictly, deleted', async () => {
      const metadata = (name: string): object => ({ name, namespace: shell.namespace });
      const items = [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('listed'), data: { a: 'b' } },
        { apiVersion: 'v1', kind: 'Secret', metadata: metadata('listed'), data: { a: 'Yg==' } },
        JSON.parse(cluster('listed')) as object,
      ];
      const list = (all: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all });
      const made = await shell.fed(list(items), 'apply', '-f', '-');
      assert.deepEqual(made.trim().split('\n'), [
        'configmap/listed created',
        'secret/listed created',
        'cluster.outrigger.dev/listed created',
      ]);
      assert.equal((await shell.fed(list(items), 'apply', '-f', '-')).match(/ unchanged/g)?.length, 3);
      const read = await shell.ok('get', 'configmap/listed', 'cluster/listed', '-o', 'json');
      assert.match(read, /"kind": "List"/);
      assert.equal((await shell.fed(read, 'apply', '-f', '-')).match(/ (unchanged|configured)/g)?.length, 2);
      const odd = { ...(JSON.parse(cluster('odd')) as { spec: object }), spec: { virtualDataCenter: 'v', release: 'r', odd: 1 } };
      assert.match(await shell.refusedFed(list([odd]), 'apply', '-f', '-'), /unknown field "spec\.odd"/);
      assert.equal((await shell.fed(list(items), 'delete', '--wait=false', '-f', '-')).match(/ deleted/g)?.length, 3);
    });

    test('refusals name what is wrong and what would be right', async () => {
      await shell.fed(cluster('right'), 'create', '-f', '-');
      assert.match(
        await shell.refusedFed(cluster('wrong', { wokers: 1 }), 'apply', '-f', '-'),
        /strict decoding error: unknown field "spec\.wokers"/,
      );
      assert.match(
        await shell.refusedFed(cluster('wrong', { workers: 99 }), 'apply', '-f', '-'),
        /spec\.workers: Invalid value: 99: must be at most 8/,
      );
      assert.match(
        await shell.refusedFed(cluster('wrong', { nodes: 'Some' }), 'apply', '-f', '-'),
        /spec\.nodes: Unsupported value: "Some": supported values: "Provisioned", "Joined"/,
      );
      assert.match(
        await shell.refusedFed(cluster('Wrong_Name'), 'create', '-f', '-'),
        /metadata\.name: Invalid value: "Wrong_Name": a lowercase RFC 1123 subdomain/,
      );
      assert.match(await shell.refused('patch', 'cluster', 'right', '-p', '{"spec":{"workers":2}}'), /application\/merge-patch\+json/);
      assert.match(await shell.refusedFed(cluster('right'), 'apply', '--server-side', '-f', '-'), /server-side apply is not served/i);
      assert.match(await shell.refused('get', 'clusters', '-l', 'a in b'), /unable to parse requirement/);
      assert.match(await shell.refused('get', 'clusters', '--as=somebody'), /impersonation .* is not served/);
      assert.match(
        await shell.refused('patch', 'cluster', 'right', '--type=merge', '-p', '{"spec":{"virtualDataCenter":"large"}}'),
        /spec\.virtualDataCenter: .*cannot be changed/,
      );
      assert.match(await shell.refused('delete', 'namespace', 'default'), /may not be deleted/);
      assert.match(
        await shell.refusedFed(cluster('nowhere'), '-n', 'nosuchplace', 'create', '-f', '-'),
        /namespaces "nosuchplace" not found/,
      );
    });

    test('a namespace goes with everything in it', async () => {
      const name = `${shell.namespace}-gone`;
      await shell.ok('create', 'namespace', name);
      for (const one of ['a', 'b', 'c']) await shell.fed(cluster(one), '-n', name, 'create', '-f', '-');
      await shell.ok('-n', name, 'create', 'configmap', 'config', '--from-literal=a=b');
      assert.match(await shell.ok('delete', 'namespace', name, '--timeout=30s'), /deleted/);
      assert.match(await shell.refused('get', 'namespace', name), /not found/);
      assert.equal(await shell.ok('-n', name, 'get', 'clusters', '-o', 'name'), '');
    });

    test('a definition can be made, used, and deleted with its objects', async () => {
      const plural = `boats${minor}`;
      const crd = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.example.com` },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { kind: `Boat${minor}`, plural },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  properties: { spec: { type: 'object', properties: { length: { type: 'integer', minimum: 1 } } } },
                },
              },
            },
          ],
        },
      };
      await shell.fed(JSON.stringify(crd), 'apply', '-f', '-');
      await shell.ok('wait', '--for=condition=Established', `crd/${plural}.example.com`, '--timeout=10s');
      const boat = (length: number): string =>
        JSON.stringify({ apiVersion: 'example.com/v1', kind: `Boat${minor}`, metadata: { name: 'one' }, spec: { length } });
      await shell.fed(boat(7), 'apply', '-f', '-');
      assert.match(await shell.refusedFed(boat(0), 'apply', '-f', '-'), /spec\.length/);
      assert.match(await shell.ok('get', plural), /one/);
      const [version] = crd.spec.versions;
      version!.schema.openAPIV3Schema.properties.spec.properties = {} as never;
      assert.match(await shell.refusedFed(JSON.stringify(crd), 'apply', '-f', '-'), /would drop stored fields: spec\.length/);
      await shell.ok('delete', 'crd', `${plural}.example.com`, '--timeout=30s');
      assert.match(await shell.refused('get', plural), /doesn't have a resource type|could not find the requested resource/);
    });
  });
}
