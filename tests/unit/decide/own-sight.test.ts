/** What the folders of nodes tell of their cluster while no director answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberId } from '../../../src/decide/authority.ts';
import type { ClusterPlan } from '../../../src/decide/cluster-plan.ts';
import { sightOf } from '../../../src/decide/own-sight.ts';
import type { NodeFolderFacts } from '../../../src/decide/own-sight.ts';
import type { NodePlan } from '../../../src/decide/plan.ts';
import { isUnready, readinessOf } from '../../../src/decide/readiness.ts';
import { cluster, node, readyNode, release, UID, wasAvailable } from './fixtures.ts';

const NOW = { bootId: 'b', bootMs: 1_000_000 };
const [PRIMARY, WORKER] = ['harbor-a1-n0', 'harbor-a1-n1'];

function planOfNode(index: number, address: string): NodePlan {
  const services = release().spec.services.filter(({ mode }) => mode === 'Replicated' || index === 0);
  return {
    generation: 1,
    release: '1.0.0',
    services: services.map(({ name, mode, protocol, pod }) => ({ name, mode, protocol, podAddress: address, pod, env: {} })),
    balanced: [{ name: 'hello', port: 8080, protocol: 'TCP' }],
    slots: {},
    refused: [],
  } as unknown as NodePlan;
}

const CLUSTER_PLAN = { state: 'Steady', target: { release: '1.0.0', services: release().spec.services } } as unknown as ClusterPlan;

function folder(index: number, change: Partial<NodeFolderFacts> = {}): NodeFolderFacts {
  const { metadata, spec } = node(index);
  const primary = memberId(`${PRIMARY}-uid`, 1);
  const address = `127.77.0.${10 * (index + 1)}`;
  const plan = planOfNode(index, address);
  const names = plan.services.map(({ name }) => name);
  return {
    folder: `/d/${index}`,
    node: {
      namespace: 'demo',
      name: metadata.name,
      uid: metadata.uid,
      incarnation: 1,
      cluster: 'harbor',
      clusterUid: UID,
      role: spec.role,
      address,
      directors: [],
    },
    membership: { term: 1, primary, k: 0, voters: [primary], incarnation: 1 },
    clusterPlan: undefined,
    plan,
    endpoints: {
      services: [
        {
          name: 'hello',
          port: 8080,
          protocol: 'TCP',
          endpoints: [PRIMARY, WORKER].map((one) => ({ node: one, address: `${one}:1`, draining: false })),
        },
      ],
    },
    services: Object.fromEntries(names.map((name) => [name, { ready: true }])),
    sight: undefined,
    framework: {
      site: undefined,
      members: [0, 1].map((at) => ({
        name: node(at).metadata.name,
        uid: node(at).metadata.uid,
        incarnation: 1,
        address: 'x',
        role: node(at).spec.role,
      })),
    },
    license: undefined,
    fate: undefined,
    agentAlive: true,
    balancerAlive: true,
    pods: names,
    listening: ['hello'],
    tunnel: undefined,
    answers: { [index === 0 ? WORKER : PRIMARY]: true },
    damaged: [],
    ...change,
  };
}

function verdicts(folders: readonly NodeFolderFacts[]): readonly string[] {
  return readinessOf(sightOf(folders, NOW)).map(({ row, subject, verdict }) => `${row} ${subject} ${verdict}`);
}

test('both folders on one machine tell the whole', () => {
  const facts = sightOf([folder(1), folder(0)], NOW);
  assert.equal(facts.cluster.status?.primary, PRIMARY);
  assert.equal(facts.cluster.spec.workers, 1);
  assert.equal(isUnready(readinessOf(facts)), false);
  assert.ok(verdicts([folder(0), folder(1)]).includes('singleton ticker Degraded'));
});

test('I3: of a member that was never seen only what is balanced is forecast', () => {
  const seen = verdicts([folder(1)]);
  assert.ok(seen.includes('instance hello NoEffect'), seen.join('\n'));
  assert.equal(
    seen.some((one) => one.includes('ticker')),
    false,
    'the worker knows nothing of what the primary runs alone',
  );
});

test('I2: a member that does not answer is unheard; what was seen of it is its object', () => {
  assert.ok(verdicts([folder(1, { answers: { [PRIMARY]: false } })]).includes('instance hello Outage'));
  const sight = { cluster: cluster({ status: wasAvailable() }), nodes: [readyNode(0), readyNode(1)] };
  const seen = sightOf([folder(1, { sight, clusterPlan: CLUSTER_PLAN })], NOW);
  assert.equal(seen.cluster.spec.availability?.nodeRestart, 'Medium');
  assert.ok(readinessOf(seen).some(({ row, subject, verdict }) => row === 'singleton' && subject === 'ticker' && verdict === 'Degraded'));
});

test('I1: what lives here goes before every record', () => {
  const sight = { cluster: cluster({ status: wasAvailable() }), nodes: [readyNode(0), readyNode(1)] };
  const dead = folder(1, { sight, agentAlive: false, balancerAlive: false, pods: [] });
  assert.deepEqual([...(sightOf([folder(0, { sight }), dead], NOW).unheard ?? [])], [WORKER]);
  const half = folder(1, { sight, pods: [] });
  assert.ok(verdicts([folder(0, { sight }), half]).includes('instance hello Outage'), 'its record says ready, and no process lives');
});

test('a folder whose life is over does not speak for its cluster', () => {
  const over = folder(1, { fate: { state: 'Superseded', why: 'It lives on elsewhere.' }, membership: undefined });
  assert.equal(sightOf([over, folder(0)], NOW).cluster.status?.primary, PRIMARY);
  assert.equal(sightOf([over], NOW).nodes.find(({ metadata }) => metadata.name === WORKER)?.status?.agent?.phase, 'Stopped');
});

test('whether a change is under way is told by the plan here, not by what a director was told once', () => {
  const stale = cluster({ status: wasAvailable({ release: { progress: '1 of 2 nodes run 1.1.0' } }) });
  const sight = { cluster: stale, nodes: [readyNode(0), readyNode(1)] };
  const progress = (plan: ClusterPlan): string | undefined =>
    sightOf([folder(0, { sight, clusterPlan: plan })], NOW).cluster.status?.release?.progress;
  assert.equal(progress(CLUSTER_PLAN), undefined);
  assert.equal(progress({ ...CLUSTER_PLAN, state: 'Advancing', moved: ['u'] }), '1 of 2 nodes were given their turn to 1.0.0');
});
