/**
 * When a node may replace its pods.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planCluster, planOf } from '../../../src/decide/plan.ts';
import type { NodePlan } from '../../../src/decide/plan.ts';
import { rolloutWait, upgradeRefusal } from '../../../src/decide/rollout.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Service } from '../../../src/model/pod.ts';
import { cluster, node, release, service } from './fixtures.ts';

const OLD = service('hello', { port: 8080 });
const NEW: Service = { ...OLD, pod: { ...OLD.pod, terminationGracePeriodSeconds: 11 } };

function plan(generation: number, services: Service[], name = `r${generation}`): NodePlan {
  const made = release(services);
  return planOf({
    cluster: planCluster(cluster({ generation })),
    spec: cluster().spec,
    release: { ...made, metadata: { ...made.metadata, name } },
    node: {
      name: 'n',
      uid: 'u',
      incarnation: 1,
      role: 'Worker',
      address: '10.0.0.1',
      podAddresses: ['10.0.0.2', '10.0.0.3'],
      retired: false,
    },
    term: 1,
    maySingletons: false,
    slots: {},
  });
}

/** A node that says it runs `release` at `generation`. */
function says(
  index: number,
  of: { release?: string; generation?: number; ready?: boolean; phase?: 'Ready' | 'NotReady' } = {},
): ClusterNode {
  const agent = {
    incarnation: 1,
    phase: of.phase ?? ('Ready' as const),
    release: of.release ?? 'r1',
    observedGeneration: of.generation ?? 1,
    services: { hello: { phase: 'Running' as const, ready: of.ready ?? true } },
  };
  return node(index, { status: { role: index === 0 ? 'Primary' : 'Worker', agent } });
}

const name = (index: number) => `harbor-a1-n${index}`;
const wait = (self: number, nodes: ClusterNode[], current: NodePlan | undefined, next: NodePlan, ready = ['hello']) =>
  rolloutWait({ self: name(self), ready: new Set(ready), nodes, current, next });

const current = plan(1, [OLD]);
const next = plan(2, [NEW]);

test('I1: the first plan, and one that replaces no pod, is taken at once', () => {
  assert.equal(wait(0, [], undefined, next), undefined);
  assert.equal(wait(0, [says(0), says(1)], current, plan(2, [OLD, service('more')])), undefined);
  assert.equal(wait(0, [says(0), says(1)], current, plan(2, [])), undefined);
});

test('I2: workers by index, then the primary, each once those before it run the release and are ready', () => {
  const all = (first: ClusterNode, second: ClusterNode) => [says(0), first, second];
  const took = { release: 'r2', generation: 2 };
  assert.equal(wait(1, all(says(1), says(2)), current, next), undefined, 'the first worker goes first');
  assert.match(wait(2, all(says(1), says(2)), current, next) ?? '', /waits here until harbor-a1-n1 runs it/);
  assert.match(wait(0, all(says(1), says(2)), current, next) ?? '', /harbor-a1-n1/);
  assert.equal(wait(2, all(says(1, took), says(2)), current, next), undefined);
  assert.match(wait(0, all(says(1, took), says(2)), current, next) ?? '', /harbor-a1-n2/);
  assert.equal(wait(0, all(says(1, took), says(2, took)), current, next), undefined);
});

test('I2: an older generation of the release, a node that is not ready and an instance that does not serve are waited for', () => {
  const behind = (of: Parameters<typeof says>[1]) => wait(0, [says(0), says(1, { release: 'r2', generation: 2, ...of })], current, next);
  assert.equal(behind({}), undefined);
  assert.match(behind({ generation: 1 }) ?? '', /waits/);
  assert.match(behind({ phase: 'NotReady' }) ?? '', /waits/);
  assert.match(behind({ ready: false }) ?? '', /waits/);
});

test('I2: a node that is leaving or whose machine is lost is not waited for', () => {
  const lost = node(1, { status: { infrastructure: { incarnation: 1, phase: 'Gone' } } });
  assert.equal(wait(0, [says(0), lost], current, next), undefined);
  assert.equal(wait(0, [says(0), node(1, { retired: true })], current, next), undefined);
});

test('I2: a node that does not see itself among the nodes waits: it cannot know its turn', () => {
  assert.match(wait(1, [says(0)], current, next) ?? '', /sees itself/);
});

test('I3: the only ready instance is not replaced while another node could have one', () => {
  assert.match(wait(1, [says(0, { ready: false }), says(1)], current, next) ?? '', /no other node has a ready instance of hello/);
  assert.equal(wait(1, [says(0, { ready: false }), says(1)], current, next, []), undefined, 'there is nothing to lose');
  assert.equal(wait(0, [says(0)], current, next), undefined, 'a node alone has no choice');
});

test('I4: there must be a way between two releases, in one direction or the other', () => {
  const of = (version: string, upgradesFrom: string[]) => ({ ...release(), spec: { ...release().spec, version, upgradesFrom } });
  const [one, two, three] = [of('1.0.0', []), of('1.0.1', ['1.0.0']), of('2.0.0', ['1.0.1'])];
  assert.equal(upgradeRefusal(one, two), undefined);
  assert.equal(upgradeRefusal(two, one), undefined, 'back the way it came');
  assert.equal(upgradeRefusal(one, one), undefined);
  assert.match(upgradeRefusal(one, three) ?? '', /no way from release 1\.0\.0 to 2\.0\.0/);
});
