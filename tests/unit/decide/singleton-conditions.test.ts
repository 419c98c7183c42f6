/**
 * BrokerAvailable, MonitoringAvailable, ImagesAvailable: by both of their writers, in every row of the truth table that names them.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decision } from '../../../src/decide/cluster-view.ts';
import { decideManager } from '../../../src/decide/manager.ts';
import { summaryOf } from '../../../src/decide/phase.ts';
import { decideAfterAvailable } from '../../../src/decide/repair.ts';
import { singletonConditions } from '../../../src/decide/singleton-conditions.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { ClusterRelease } from '../../../src/model/cluster-release.ts';
import { cluster, node, readyNode, release, service, view, wasAvailable } from './fixtures.ts';

const MONITORED = release([service('hello', { port: 8080 }), service('monitor', { mode: 'Singleton', framework: 'monitor' })]);
const PRIMARY = readyNode(0, ['hello', 'monitor']);
const WORKER = readyNode(1, ['hello']);

function said(nodes: readonly ClusterNode[], unheard: readonly string[] = [], of: ClusterRelease | undefined = MONITORED): string[] {
  const services = of?.spec.services;
  const status = wasAvailable(summaryOf(nodes, services ?? [], 1, new Set(unheard)));
  return singletonConditions(status, services).map(([type, is, reason]) => `${type} ${is} ${reason}`);
}

function monitoringOf(decision: Decision): { status: string; reason: string; message: string } | undefined {
  const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
  const { conditions } = (patch?.status ?? {}) as ClusterStatus;
  return conditions?.find((one) => one.type === 'MonitoringAvailable');
}

describe('conditions of the singletons', () => {
  it('I1: monitoring is available exactly when an instance on a ready primary is ready', () => {
    assert.deepEqual(said([PRIMARY, WORKER]), [
      'BrokerAvailable False NotInstalled',
      'MonitoringAvailable True ServiceRunning',
      'ImagesAvailable False NotInstalled',
    ]);
    assert.equal(said([readyNode(0, ['hello']), WORKER])[1], 'MonitoringAvailable False ServiceNotReady');
    const named = release([service('watcher', { mode: 'Singleton', framework: 'monitor' })]);
    assert.equal(
      said([readyNode(0, ['watcher'])], [], named)[1],
      'MonitoringAvailable True ServiceRunning',
      'the field counts, not the name',
    );
    assert.equal(
      said([PRIMARY], [], release([service('monitor', { mode: 'Singleton' })]))[1],
      'MonitoringAvailable False NotInstalled',
      "a customer's service of that name is none of ours",
    );
  });

  it('I2: a primary that is not ready or not heard is the reason', () => {
    assert.equal(said([PRIMARY, WORKER], ['harbor-a1-n0'])[1], 'MonitoringAvailable False PrimaryDown');
    const lost = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Gone' } } });
    assert.equal(said([lost, WORKER])[1], 'MonitoringAvailable False PrimaryDown');
    assert.equal(said([WORKER])[1], 'MonitoringAvailable False PrimaryDown');
    assert.equal(said([PRIMARY], ['harbor-a1-n1'])[1], 'MonitoringAvailable True ServiceRunning', 'a worker that is down changes nothing');
    const [, message] = singletonConditions(wasAvailable(summaryOf([lost, WORKER], MONITORED.spec.services, 1)), MONITORED.spec.services);
    assert.match(message?.[3] ?? '', /runs on the primary, and the primary harbor-a1-n0 is not ready: .*machine Gone/);
  });

  it('I2: pods outlive an agent that was given up: their last word holds', () => {
    const infrastructure = { incarnation: 1, phase: 'Failed' as const, reason: 'GivenUp' as const };
    const given = { ...PRIMARY, status: { ...PRIMARY.status, infrastructure } };
    assert.equal(said([given, WORKER])[1], 'MonitoringAvailable True ServiceRunning');
    assert.equal(
      said([{ ...given, status: { ...readyNode(0, ['hello']).status, infrastructure } }, WORKER])[1],
      'MonitoringAvailable False PrimaryDown',
    );
  });

  it('I3 I4: a release without one says NotInstalled, a primary that is down PrimaryDown for all three; without a release nothing is said', () => {
    assert.equal(said([PRIMARY], [], release())[1], 'MonitoringAvailable False NotInstalled');
    const all = ['BrokerAvailable False PrimaryDown', 'MonitoringAvailable False PrimaryDown', 'ImagesAvailable False PrimaryDown'];
    assert.deepEqual(said([PRIMARY, WORKER], ['harbor-a1-n0']), all);
    assert.deepEqual(said([WORKER], [], release()), all);
    const [broker] = singletonConditions(wasAvailable(summaryOf([WORKER], [], 1)), []);
    assert.match(broker?.[3] ?? '', /stands still: .*the primary harbor-a1-n0 is not ready.*Besides: .*has no broker-client/);
    assert.deepEqual(singletonConditions(wasAvailable(), undefined), []);
  });

  it('the manager says it, and an extension server for a primary that is silent while a worker is heard', () => {
    const at = cluster({ status: wasAvailable() });
    const byManager = decideManager(view({ cluster: at, nodes: [PRIMARY, WORKER], release: MONITORED }), { node: 'harbor-a1-n0', term: 1 });
    assert.equal(monitoringOf(byManager)?.reason, 'ServiceRunning');
    const leases = new Map([
      ['harbor-a1-n0-uid', '7'],
      ['harbor-a1-n1-uid', '9'],
    ]);
    const seen = new Map([
      ['lease/harbor-a1-n0-uid', 0],
      ['lease/harbor-a1-n0-uid/7', 0],
      ['lease/harbor-a1-n1-uid', 0],
      ['lease/harbor-a1-n1-uid/9', 990_000],
    ]);
    const change = { cluster: at, nodes: [PRIMARY, WORKER], release: MONITORED, leases, seen };
    const byServer = decideAfterAvailable(view(change));
    assert.deepEqual([monitoringOf(byServer)?.status, monitoringOf(byServer)?.reason], ['False', 'PrimaryDown']);
    const unknown = decideAfterAvailable(view({ ...change, release: undefined }));
    assert.equal(monitoringOf(unknown), undefined);
  });
});
