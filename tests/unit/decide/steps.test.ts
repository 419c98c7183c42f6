/**
 * The steps of creation, and the manager.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideManager } from '../../../src/decide/manager.ts';
import { evaluateStep } from '../../../src/decide/steps.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { STEPS } from '../../../src/model/attempt.ts';
import { cluster, dataCenter, node, readyNode, release, reservations, service, view, wasAvailable } from './fixtures.ts';

const reserved = dataCenter({ reservations: reservations([0, 1]) });

describe('steps', () => {
  it('I1: act only by effects that are safe to repeat', () => {
    for (const step of STEPS) {
      for (const nodes of [[], [node(0)], [readyNode(0)], [readyNode(0), node(1)]]) {
        const result = evaluateStep(view({ nodes, virtualDataCenter: reserved }), 1, step);
        if (result.state === 'Act') assert.ok(result.effects.every((effect) => effect.kind === 'CreateNode' || effect.kind === 'Reserve'));
      }
    }
  });

  it("I2: a person's mistake is waited for, and named", () => {
    const clash = evaluateStep(view({ cluster: cluster({ spec: { services: [service('other', { port: 8080 })] } }) }), 1, 'Validate');
    assert.deepEqual([clash.state, clash.state === 'Wait' && clash.waitingFor], ['Wait', 'Input']);
    assert.match(clash.state === 'Wait' ? clash.message : '', /services hello and other both want port 8080/);
    const joined = { ...dataCenter(), spec: { ...dataCenter().spec, nodeDriver: 'joined' as const } };
    assert.equal(evaluateStep(view({ virtualDataCenter: joined }), 1, 'Validate').state, 'Wait');
    const gone = evaluateStep(view({ virtualDataCenter: undefined, nodes: [readyNode(0)] }), 1, 'CreateWorkers');
    assert.equal(gone.state === 'Wait' && gone.reason, 'VirtualDataCenterNotFound');
  });

  it('I2: who waits for a host is named, and nobody who has one', () => {
    const waits = evaluateStep(view({ nodes: [node(0, { host: 'h1' }), node(1)] }), 1, 'ServicesReady');
    assert.match(waits.state === 'Wait' ? waits.message : '', /^waits for a host with room to take harbor-a1-n1: none of /);
  });

  it('I3: a lost machine fails every step that needs it', () => {
    const lost = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Gone' } } });
    for (const step of ['PrimaryReady', 'WorkersJoined', 'ServicesReady', 'PairSite'] as const)
      assert.equal(evaluateStep(view({ nodes: [lost, readyNode(1)] }), 1, step).state, 'Failed');
  });

  it('I3: a machine that is lost while a person is waited for fails the step, and nothing becomes available that does not run', () => {
    const named = cluster({ spec: { site: 'pier' } });
    const gone = { incarnation: 1, phase: 'Gone' as const };
    const lost = evaluateStep(
      view({ cluster: named, nodes: [readyNode(0), node(1, { host: 'h1', status: { infrastructure: gone } })] }),
      1,
      'PairSite',
    );
    assert.deepEqual([lost.state, lost.state === 'Failed' && lost.reason], ['Failed', 'NodeLost']);
    const waits = evaluateStep(view({ cluster: named, nodes: [readyNode(0), node(1)] }), 1, 'PairSite');
    assert.deepEqual([waits.state, waits.state === 'Wait' && waits.reason], ['Wait', 'SiteNotFound']);
    const stopped = evaluateStep(view({ nodes: [readyNode(0), node(1, { host: 'h1' })] }), 1, 'PairSite');
    assert.deepEqual([stopped.state, stopped.state === 'Wait' && stopped.reason], ['Wait', 'NodeNotReady']);
  });

  it('I4: nodes are created only under reservations made for them', () => {
    const first = evaluateStep(view({ virtualDataCenter: dataCenter() }), 1, 'CreatePrimary');
    assert.deepEqual(first.state === 'Act' && first.effects.map((effect) => effect.kind), ['Reserve']);
    const second = evaluateStep(view({ virtualDataCenter: dataCenter({ reservations: reservations([0, 1], 1) }) }), 2, 'CreatePrimary');
    assert.deepEqual(
      second.state === 'Act' && second.effects.map((effect) => effect.kind),
      ['Reserve'],
      'the entry was made for attempt 1',
    );
  });

  it('services must run as this generation of the spec asks for', () => {
    const nodes = [readyNode(0), readyNode(1)];
    assert.equal(evaluateStep(view({ nodes }), 1, 'ServicesReady').state, 'Done');
    assert.equal(evaluateStep(view({ nodes, cluster: cluster({ generation: 2 }) }), 1, 'ServicesReady').state, 'Wait');
    assert.equal(evaluateStep(view({ nodes, cluster: cluster({ spec: { release: '1.0.1' } }) }), 1, 'ServicesReady').state, 'Wait');
  });
});

describe('manager', () => {
  const manager = { node: 'harbor-a1-n0', term: 1 };
  const nodes = [readyNode(0), readyNode(1)];
  const decide = (status: ClusterStatus, more: Parameters<typeof view>[0] = {}, deleted = false): ReturnType<typeof decideManager> =>
    decideManager(view({ cluster: cluster({ status, deleted }), nodes, virtualDataCenter: reserved, ...more }), manager);

  it('I1: acts only on its own available cluster, in a term that is not above its own', () => {
    assert.deepEqual(decide({ attempt: 1 }).effects, []);
    assert.deepEqual(decide(wasAvailable(), {}, true).effects, []);
    assert.deepEqual(decide(wasAvailable({ term: 2 })).effects, []);
    assert.notDeepEqual(decide(wasAvailable()).effects, []);
  });

  it('I2: never touches the primary or what the extension servers own', () => {
    const lost = (index: number): ClusterNode => node(index, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Gone' } } });
    const raised = ({ effects }: ReturnType<typeof decideManager>): string[] =>
      effects.flatMap((effect) => (effect.kind === 'RaiseIncarnation' ? [effect.on.name] : []));
    // Whose own machine is said to be gone manages nothing: then an extension server does all of it.
    assert.deepEqual(raised(decide(wasAvailable(), { nodes: [lost(0), lost(1)] })), []);
    const decision = decide(wasAvailable(), { nodes: [readyNode(0), lost(1)] });
    assert.deepEqual(raised(decision), ['harbor-a1-n1']);
    const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
    assert.ok(patch?.kind === 'PatchClusterStatus');
    for (const key of ['attempts', 'attempt', 'availableAt', 'abandonedAttempt', 'autoRepair', 'retryAt'])
      assert.ok(!(key in patch.status), key);
  });

  it('I3: the recorded term never falls', () => {
    const patch = decideManager(view({ cluster: cluster({ status: wasAvailable() }), nodes, virtualDataCenter: reserved }), {
      ...manager,
      term: 3,
    }).effects[0];
    assert.equal(patch?.kind === 'PatchClusterStatus' && patch.status['term'], 3);
  });

  it('says nothing about services while the release is not known', () => {
    const [patch] = decide(wasAvailable(), { release: undefined }).effects;
    assert.ok(patch?.kind === 'PatchClusterStatus' && !('services' in patch.status));
    const [known] = decide(wasAvailable(), { release: release() }).effects;
    assert.ok(known?.kind === 'PatchClusterStatus' && 'services' in known.status);
  });
});
