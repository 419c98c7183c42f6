/**
 * Plans of nodes, and the balancer's table.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { endpointsOf } from '../../../src/decide/endpoints.ts';
import type { EndpointsInput } from '../../../src/decide/endpoints.ts';
import { contentOf } from '../../../src/decide/cluster-plan.ts';
import { conflictOf, desiredInstances, planOf, servicesOf, trespassOf } from '../../../src/decide/plan.ts';
import type { NodePlan, PlanInput } from '../../../src/decide/plan.ts';
import type { Service } from '../../../src/model/pod.ts';
import { node, readyNode, release, service } from './fixtures.ts';

function plan(change: Partial<PlanInput> = {}, services: Service[] = []): NodePlan {
  return planOf({
    cluster: { name: 'harbor', namespace: 'demo' },
    generation: 1,
    content: contentOf({ services }, release()),
    node: {
      name: 'harbor-a1-n0',
      uid: 'u',
      incarnation: 1,
      role: 'Primary',
      address: '127.77.0.10',
      podAddresses: [1, 2, 3].map((i) => `127.77.0.1${i}`),
      retired: false,
    },
    term: 1,
    maySingletons: true,
    slots: {},
    ...change,
  });
}

const names = (made: NodePlan): string[] => made.services.map((one) => one.name);
const hashes = (made: NodePlan): Record<string, string> => Object.fromEntries(made.services.map((one) => [one.name, one.desired.hash]));

describe('plan', () => {
  it('I3: how a service is balanced stands in the table, and starts no pod again', () => {
    const plain = service('web', { port: 8080 });
    const tuned = { ...plain, proxyProtocol: true, maxConnections: 7 };
    assert.deepEqual(hashes(plan({}, [tuned])), hashes(plan({}, [plain])));
    const [before, after] = [plain, tuned].map((one) => plan({}, [one]).balanced.find(({ name }) => name === 'web'));
    assert.deepEqual(before, { name: 'web', port: 8080, protocol: 'TCP' });
    assert.deepEqual(after, { ...before, proxyProtocol: true, maxConnections: 7 });
  });

  it('I1: singletons only with the right, replicated services everywhere but on a retired node', () => {
    assert.deepEqual(names(plan()), ['hello', 'ticker']);
    assert.deepEqual(names(plan({ maySingletons: false })), ['hello']);
    assert.deepEqual(names(plan({ node: { ...nodeInput(), retired: true } })), []);
    assert.deepEqual(
      plan({ node: { ...nodeInput(), retired: true } }).balanced,
      [{ name: 'hello', port: 8080, protocol: 'TCP' }],
      'it still forwards',
    );
  });

  it("I2: the cluster's own service replaces the release's", () => {
    const own = service('hello', { port: 9090 });
    assert.deepEqual(
      servicesOf({ services: [own, service('extra')] }, release()).map((one) => [one.name, one.port]),
      [
        ['extra', undefined],
        ['hello', 9090],
        ['ticker', undefined],
      ],
    );
    assert.deepEqual([desiredInstances(own, 2), desiredInstances(service('x', { mode: 'Singleton' }), 2)], [3, 1]);
    assert.match(conflictOf([service('a', { port: 80 }), service('b', { port: 80 })]) ?? '', /services a and b both want port 80/);
  });

  it("I2: a service of Outrigger's own comes from the release alone", () => {
    const base = release();
    const own = service('monitor', { mode: 'Singleton', framework: 'monitor' });
    const made = { ...base, spec: { ...base.spec, services: [...base.spec.services, own] } };
    const imposter = service('monitor', { port: 9 });
    const claiming = service('mine', { framework: 'cloud-proxy' });
    assert.deepEqual(
      servicesOf({ services: [imposter, claiming, service('extra')] }, made).map((one) => [one.name, one.framework]),
      [
        ['extra', undefined],
        ['hello', undefined],
        ['monitor', 'monitor'],
        ['ticker', undefined],
      ],
    );
    assert.match(trespassOf(imposter, made) ?? '', /has the name of one of Outrigger's own services; give it another/);
    assert.match(trespassOf(claiming, made) ?? '', /framework: cloud-proxy, which only a service of a ClusterRelease may say/);
    assert.equal(trespassOf(service('hello'), made), undefined);
    const planned = plan({ content: contentOf({ services: [] }, made) }).services.map((one) => [one.name, one.framework]);
    assert.deepEqual(planned, [
      ['hello', undefined],
      ['monitor', 'monitor'],
      ['ticker', undefined],
    ]);
  });

  it('I3: the hash changes with template, address and port, and with nothing else', () => {
    const before = hashes(plan());
    assert.deepEqual(hashes(plan({ term: 9 })), before);
    assert.deepEqual({ ...hashes(plan({}, [service('zebra')])), zebra: undefined }, { ...before, zebra: undefined });
    const changed = plan({}, [service('hello', { port: 8080, pod: { ...service('hello').pod, terminationGracePeriodSeconds: 11 } })]);
    assert.notEqual(hashes(changed)['hello'], before['hello']);
    assert.equal(hashes(changed)['ticker'], before['ticker']);
    assert.notEqual(hashes(plan({}, [service('hello', { port: 8081 })]))['hello'], before['hello']);
    assert.notEqual(hashes(plan({ slots: { hello: 2 } }))['hello'], before['hello']);
  });

  it('I4: a service keeps its slot when others come and go', () => {
    const first = plan();
    const second = plan({ slots: first.slots }, [service('aaa')]);
    assert.deepEqual(
      [second.slots['hello'], second.slots['ticker'], second.slots['aaa']],
      [first.slots['hello'], first.slots['ticker'], 2],
    );
    assert.deepEqual(plan({ slots: second.slots, maySingletons: false }).slots, { hello: 0 });
  });

  it('I5: no two pods of a node share address and port; who finds no place is refused with a sentence', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[a-z]{1,5}$/), port: fc.constantFrom(80, 81, undefined) }), {
          selector: (one) => one.name,
          maxLength: 12,
        }),
        (list) => {
          const made = plan(
            {},
            list.map((one) => service(one.name, one.port === undefined ? {} : { port: one.port })),
          );
          const places = made.services.flatMap((one) => (one.address === undefined ? [] : [one.address]));
          assert.equal(new Set(places).size, places.length);
          assert.equal(made.services.length + made.refused.length, new Set([...list.map((one) => one.name), 'hello', 'ticker']).size);
        },
      ),
    );
    const full = plan(
      {},
      ['a', 'b', 'c', 'd'].map((name) => service(name, { port: 8080 })),
    );
    assert.match(full.refused[0]?.message ?? '', /has port 8080 free; use another targetPort/);
  });

  it('tells a pod where it listens and who it is; a singleton also the term', () => {
    const made = plan({}, [service('web', { port: 80, targetPort: 8000 })]);
    const env = made.services.find((one) => one.name === 'web')?.env;
    assert.equal(env?.['PORT'], '8000');
    assert.equal(env?.['NODE_NAME'], 'harbor-a1-n0');
    assert.equal(made.services.find((one) => one.name === 'ticker')?.env['OUTRIGGER_TERM'], '1');
    assert.equal(env?.['OUTRIGGER_TERM'], undefined);
  });
});

function nodeInput(): PlanInput['node'] {
  return {
    name: 'harbor-a1-n0',
    uid: 'u',
    incarnation: 1,
    role: 'Primary',
    address: '127.77.0.10',
    podAddresses: ['127.77.0.11', '127.77.0.12'],
    retired: false,
  };
}

describe('endpoints', () => {
  const own = { name: 'harbor-a1-n0', services: { hello: { address: '127.77.0.11:8080', ready: true, stopping: false } } };
  const input = (change: Partial<EndpointsInput> = {}): EndpointsInput => ({
    balanced: [{ name: 'hello', port: 8080, protocol: 'TCP' }],
    self: own,
    nodes: [readyNode(0), readyNode(1)],
    previous: undefined,
    ...change,
  });
  const addresses = (table: ReturnType<typeof endpointsOf>): string[] =>
    (table.services[0]?.endpoints ?? []).map((one) => `${one.address}${one.draining ? ' draining' : ''}`);

  it('knows its own instances itself, the others by their reports', () => {
    assert.deepEqual(addresses(endpointsOf(input())), ['127.77.0.11:8080', '127.77.0.21:8080']);
  });

  it('I1: uses no report of an older incarnation, nor of a machine that is gone', () => {
    const stale = node(1, { incarnation: 2, status: readyNode(1).status ?? {} });
    const { agent } = readyNode(1).status ?? {};
    const gone = node(1, { status: { infrastructure: { incarnation: 1, phase: 'Gone' }, ...(agent === undefined ? {} : { agent }) } });
    for (const other of [stale, gone]) assert.deepEqual(addresses(endpointsOf(input({ nodes: [other] }))), ['127.77.0.11:8080']);
  });

  it('I2: lists what is not ready only as draining', () => {
    const stopping = readyNode(1);
    const instance = stopping.status?.agent?.services?.['hello'];
    assert.ok(instance !== undefined);
    instance.ready = false;
    assert.deepEqual(addresses(endpointsOf(input({ nodes: [stopping] }))), ['127.77.0.11:8080']);
    instance.phase = 'Stopping';
    assert.deepEqual(addresses(endpointsOf(input({ nodes: [stopping] }))), ['127.77.0.11:8080', '127.77.0.21:8080 draining']);
  });

  it('I3: keeps the last known endpoints when nothing ready is known', () => {
    const previous = endpointsOf(input());
    const down = { ...own, services: {} };
    assert.deepEqual(addresses(endpointsOf(input({ self: down, nodes: undefined, previous }))), ['127.77.0.21:8080']);
    assert.deepEqual(addresses(endpointsOf(input({ self: down, nodes: [node(1)], previous }))), ['127.77.0.11:8080', '127.77.0.21:8080']);
    assert.deepEqual(addresses(endpointsOf(input({ self: down, nodes: [], previous }))), ['127.77.0.11:8080']);
  });

  it('I6: an instance on loopback is listed by others only where the nodes are on loopback too', () => {
    const at = (address: string): ClusterNode => {
      const other = readyNode(1);
      const { agent } = other.status ?? {};
      assert.ok(agent !== undefined);
      agent.address = address;
      return other;
    };
    assert.deepEqual(addresses(endpointsOf(input({ nodes: [at('10.0.0.2')] }))), ['127.77.0.11:8080']);
    assert.deepEqual(addresses(endpointsOf(input({ nodes: [at('127.77.0.20')] }))), ['127.77.0.11:8080', '127.77.0.21:8080']);
  });

  it('I4: the order of reports does not matter', () => {
    assert.deepEqual(
      endpointsOf(input({ nodes: [readyNode(1), readyNode(2)] })),
      endpointsOf(input({ nodes: [readyNode(2), readyNode(1)] })),
    );
  });
});
