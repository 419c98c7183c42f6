/**
 * The client's connections: kept from request to request, and never shared between credentials.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import { keptDispatcher } from '../../../src/client/kept-dispatcher.ts';
import { kubernetesApi } from '../../../src/client/kubernetes.ts';
import { CLUSTERS } from '../../../src/model/addresses.ts';

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'secret', 'client-certificate-data': 'Zmlyc3Q=', 'client-key-data': 'a2V5' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

test('requests one after the other share a connection', async (t) => {
  let connections = 0;
  let requests = 0;
  const server = createServer((_, answer) => {
    requests += 1;
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify({ metadata: { name: 'c' }, authorized: true }));
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const api = kubernetesApi({ text: kubeconfig(`http://127.0.0.1:${port}`) });
  for (let i = 0; i < 20; i++) {
    const answer = await api.get(CLUSTERS, 'demo', 'c', AbortSignal.timeout(5_000));
    assert.ok(answer.ok);
  }
  assert.equal(requests, 20);
  // The next request may be sent in the moment before the connection is known to be free.
  assert.ok(connections <= 3, `${connections} connections for ${requests} requests`);
});

test('I1, I2: the same credentials give the same dispatcher, others another one', async () => {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig('https://127.0.0.1:1'));
  const kept = keptDispatcher(config);
  const dispatcherNow = async (): Promise<unknown> => {
    const context = new RequestContext('https://127.0.0.1:1/version', HttpMethod.GET);
    kept.attach(context);
    await config.applySecurityAuthentication(context);
    assert.equal(context.getHeaders()['Authorization'], 'Bearer secret');
    return context.getDispatcher();
  };
  const first = await dispatcherNow();
  assert.ok(first !== undefined);
  assert.equal(await dispatcherNow(), first);
  const user = config.getCurrentUser();
  assert.ok(user !== null);
  Object.assign(user, { certData: 'c2Vjb25k' });
  const second = await dispatcherNow();
  assert.notEqual(second, first);
  assert.equal(await dispatcherNow(), second);
});
