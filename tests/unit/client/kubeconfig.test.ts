/**
 * A kubeconfig that cannot be used is a sentence for whoever wrote it, never a broken promise of our own code.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubernetesApi } from '../../../src/client/kubernetes.ts';
import { NAMESPACES } from '../../../src/model/core-kinds.ts';
import { isFault } from '../../../src/model/fault.ts';

const text = (cluster: string, user = 'token: t'): string => `apiVersion: v1
kind: Config
current-context: here
clusters: [{name: c, cluster: {${cluster}}}]
users: [{name: u, user: {${user}}}]
contexts: [{name: here, context: {cluster: c, user: u}}]
`;

for (const [what, server] of [
  ['without TLS', 'http://10.0.0.1:8080'],
  ['that is no address', 'somewhere'],
] as const) {
  test(`a server ${what} is refused with its name`, () => {
    assert.throws(
      () => kubernetesApi({ text: text(`server: '${server}'`) }),
      (error) => isFault(error) && error.code === 'SettingInvalid' && error.message.includes(server) && error.message.includes('https://'),
    );
  });
}

test('without TLS where the kubeconfig says that nothing is verified, as of kubectl proxy', () => {
  kubernetesApi({ text: text("server: 'http://127.0.0.1:8001', insecure-skip-tls-verify: true") });
});

test('a token file that is not there is said, and tried again', async () => {
  const api = kubernetesApi({
    text: text("server: 'https://127.0.0.1:1'", 'auth-provider: {name: tokenFile, config: {tokenFile: /nowhere/token}}'),
  });
  await assert.rejects(
    api.get(NAMESPACES, '', 'x', AbortSignal.timeout(5_000)),
    (error) => isFault(error) && error.code === 'DirectorUnreachable' && /credentials.*\/nowhere\/token.*Renew them/.test(error.message),
  );
});
