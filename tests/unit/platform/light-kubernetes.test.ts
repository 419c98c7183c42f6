/**
 * The light client is the official one, without what nothing of ours calls.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Loads our client in a process of its own, and tells whether the generated models came along, and which context a kubeconfig was read to. */
function loaded(lightly: boolean): { readonly models: boolean; readonly server: string } {
  const program = `
    const { registerHooks } = await import('node:module');
    let models = false;
    registerHooks({ load: (url, context, next) => { models ||= url.includes('/dist/gen/models/'); return next(url, context); } });
    if (${lightly}) (await import('./src/platform/light-kubernetes.ts')).leaveOutKubernetesModels();
    const { kubernetesApi } = await import('./src/client/kubernetes.ts');
    const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
    const config = new KubeConfig();
    const cluster = { name: 'c', cluster: { server: 'https://there:1' } };
    const context = { name: 'x', context: { cluster: 'c', user: 'u' } };
    const text = JSON.stringify({ 'current-context': 'x', clusters: [cluster], contexts: [context], users: [{ name: 'u', user: { token: 't' } }] });
    config.loadFromString(text);
    kubernetesApi({ text });
    console.log(JSON.stringify({ models, server: config.getCurrentCluster().server }));
  `;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as { models: boolean; server: string };
}

test('I1: kubeconfigs are read as ever, and the models are not loaded', () => {
  assert.deepEqual(loaded(true), { models: false, server: 'https://there:1' });
  assert.equal(
    loaded(false).models,
    true,
    'this version of the client no longer loads its models: src/platform/light-kubernetes.ts can go',
  );
});
