/** What of a cluster is reached through its tunnel: src/decide/published.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOf } from '../../../src/decide/published.ts';
import type { Reached } from '../../../src/decide/gateway-path.ts';
import type { FrameworkMember, PublishedService } from '../../../src/model/framework.ts';

const member = (name: string, address: string, role: FrameworkMember['role']): FrameworkMember => ({
  name,
  uid: `uid-${name}`,
  incarnation: 1,
  address,
  role,
});
const services: PublishedService[] = [
  { name: 'web', port: 8080, protocol: 'HTTP' },
  { name: 'front', port: 8443, protocol: 'TCP', framework: 'connection-server-proxy' },
  { name: 'connector-client', port: 7451, protocol: 'HTTP', framework: 'connector-client' },
  { name: 'cloud-proxy', port: 7452, protocol: 'HTTP', framework: 'cloud-proxy' },
];
const CONFIG = {
  cluster: { namespace: 'demo', name: 'harbor', uid: 'u' },
  node: { name: 'n1', uid: 'uid-n1', incarnation: 1, address: '10.0.0.2' },
  primary: 'n0',
  members: [member('n0', '10.0.0.1', 'Primary'), member('n1', '10.0.0.2', 'Worker')],
  services,
  portalPort: 7445,
};
const service = (name: string, secure = false): Reached => ({ kind: 'service', service: name, secure, rest: '/' });

test('I1: a published service is reached by its own node’s balancer, the portal on the primary', () => {
  assert.deepEqual(placeOf(service('web'), CONFIG), { kind: 'service', host: '10.0.0.2', port: 8080, secure: false });
  assert.deepEqual(placeOf(service('web', true), CONFIG), { kind: 'service', host: '10.0.0.2', port: 8080, secure: true });
  assert.deepEqual(placeOf({ kind: 'portal', rest: '/' }, CONFIG), { kind: 'portal', member: CONFIG.members[0], port: 7445 });
});

test('I2: of our own services only the front door, by TLS; what is not published is named as such', () => {
  assert.deepEqual(placeOf(service('front'), CONFIG), { kind: 'service', host: '10.0.0.2', port: 8443, secure: true });
  for (const name of ['connector-client', 'cloud-proxy']) {
    const place = placeOf(service(name), CONFIG);
    assert.ok(place.kind === 'refused' && place.status === 403, name);
  }
  const unknown = placeOf(service('postgres'), CONFIG);
  assert.ok(unknown.kind === 'refused' && unknown.status === 404);
  assert.match(unknown.message, /publishes no service postgres.*it publishes: web, front/);
});

test('no primary is known: 503', () => {
  for (const primary of [undefined, 'gone']) {
    const place = placeOf({ kind: 'portal', rest: '/' }, { ...CONFIG, primary });
    assert.ok(place.kind === 'refused' && place.status === 503);
  }
});
