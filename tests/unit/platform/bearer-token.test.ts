/**
 * Where a kubeconfig says that the bearer token lies.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bearerToken } from '../../../src/platform/kubeconfig.ts';

function tokenFor(user: string, files: Readonly<Record<string, string>> = {}): string | undefined {
  const config = `current-context: one
contexts: [{ name: other, context: { user: nobody } }, { name: one, context: { user: me } }]
users: [{ name: nobody, user: { token: wrong } }, { name: me, user: ${user} }]`;
  const all: Readonly<Record<string, string>> = { '/etc/kube/config': config, ...files };
  return bearerToken('/etc/kube/config', (path) => all[path]);
}

test('the token of the current context: in the kubeconfig, or in the file that it names', () => {
  assert.equal(tokenFor('{ token: abc }'), 'abc');
  assert.equal(tokenFor('{ tokenFile: /run/token }', { '/run/token': 'def\n' }), 'def');
  assert.equal(tokenFor('{ tokenFile: token, token: old }', { '/etc/kube/token': 'def' }), 'def', 'relative to the kubeconfig, and first');
  assert.equal(tokenFor('{ auth-provider: { name: tokenFile, config: { tokenFile: /run/token } } }', { '/run/token': 'ghi' }), 'ghi');
});

test('another way to log in, or none, has no token', () => {
  assert.equal(tokenFor('{ client-certificate-data: x, client-key-data: y }'), undefined);
  assert.equal(tokenFor('{ tokenFile: /run/gone }'), undefined);
  assert.equal(
    bearerToken('/none', () => undefined),
    undefined,
  );
  assert.throws(() => bearerToken('/bad', () => '{'), /The kubeconfig \/bad is not YAML/);
});
