/**
 * The license to destroy, and the gate before it.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EFFECT_KINDS, guardOf, isDestructive } from '../../../src/decide/effect.ts';
import type { Effect } from '../../../src/decide/effect.ts';
import { letGoLicensed, letNodeGo, licenseFor, together } from '../../../src/decide/let-go.ts';
import { licensed } from '../../../src/decide/license.ts';
import { NO_OBSERVATIONS } from '../../../src/decide/observation.ts';
import { eventOf, requestOf } from '../../../src/decide/request.ts';
import { atStep, cluster, node, view, wasAvailable } from './fixtures.ts';

const on = { namespace: 'demo', name: 'x', uid: 'u', resourceVersion: '7' };
const reserved = { nodes: 1, cpuMillis: 500, memoryMiB: 256 };
const ALL: Effect[] = [
  { kind: 'SetClusterFinalizer', on, finalizers: ['a'] },
  { kind: 'DropClusterFinalizer', on, finalizers: [] },
  { kind: 'PatchClusterStatus', on, status: { phase: 'Pending' } },
  {
    kind: 'CreateNode',
    namespace: 'demo',
    node: { apiVersion: 'outrigger.dev/v1', kind: 'ClusterNode', metadata: { name: 'n' }, spec: node(0).spec },
  },
  { kind: 'RetireNode', on },
  { kind: 'RaiseIncarnation', on, incarnation: 2 },
  { kind: 'ConfirmNodeDead', on, incarnation: 2 },
  { kind: 'VouchNodeDead', on, incarnation: 2, term: 1 },
  { kind: 'DeleteNode', on, license: 'Retired' },
  { kind: 'DropNodeFinalizer', on, finalizers: [], forced: false },
  { kind: 'Reserve', on, reservations: { 'c.0': { cluster: 'c', node: 'n', generation: 1, cpuMillis: 500, memoryMiB: 256 } }, reserved },
  { kind: 'Unreserve', on, keys: ['c.0'], reserved },
  { kind: 'ReleaseSite', on, status: { cluster: null } },
  {
    kind: 'RecordEvent',
    about: { kind: 'Cluster', namespace: 'demo', name: 'x', uid: 'u' },
    type: 'Normal',
    reason: 'Available',
    message: 'm',
  },
];

describe('letting go', () => {
  it('I1: the license is in the state that was read', () => {
    assert.equal(licenseFor(cluster({ status: wasAvailable() }), node(0)), undefined);
    assert.equal(licenseFor(cluster({ status: atStep('Validate') }), node(0)), undefined);
    assert.equal(licenseFor(cluster({ deleted: true }), node(0)), 'OwnerDeleted');
    assert.equal(licenseFor(cluster({ status: { attempt: 2, abandonedAttempt: 1 } }), node(0)), 'AttemptAbandoned');
    assert.equal(licenseFor(cluster({ status: { attempt: 2, abandonedAttempt: 1 } }), node(0, { attempt: 2 })), undefined);
    assert.equal(licenseFor(cluster({ status: wasAvailable() }), node(1, { retired: true })), 'Retired');
    assert.equal(licenseFor(cluster({ deleted: true }), node(0, { clusterUid: 'other' })), undefined, 'it is not even its owner');
  });

  it('I2: takes the finalizer for a host only when none holds the node', () => {
    const timed = { monotonicMs: 0, seen: NO_OBSERVATIONS };
    assert.equal(letNodeGo(timed, node(0), 'Retired').effects[0]?.kind, 'DeleteNode');
    assert.equal(letNodeGo(timed, node(0, { deleted: true }), 'Retired').effects[0]?.kind, 'DropNodeFinalizer');
    assert.deepEqual(letNodeGo(timed, node(0, { deleted: true, host: 'h1' }), 'Retired').effects, []);
    assert.deepEqual(letNodeGo(timed, node(0, { deleted: true, finalizers: ['theirs'] }), 'Retired').effects, []);
  });

  it('I3: waits for a machine that may run, for ever if need be', () => {
    const at = letGoLicensed(
      view({ cluster: cluster({ deleted: true }), nodes: [node(0, { deleted: true, host: 'h1' })], afterMs: 10 ** 10 }),
      [node(0, { deleted: true, host: 'h1' })],
    );
    assert.deepEqual([at.effects, at.waits.length], [[], 1]);
    assert.equal(together([at, { ...at, requeueAfterMs: 5 }]).requeueAfterMs, 5);
  });
});

describe('the gate', () => {
  it('I1: a decision on a cached view keeps no destructive effect, and nothing beside it', () => {
    for (const effect of ALL) {
      const decision = licensed({ live: false }, { effects: [ALL[2] as Effect, effect], needsLive: false, watching: ['w'] });
      assert.equal(decision.effects.length, isDestructive(effect) ? 0 : 2, effect.kind);
      assert.equal(decision.needsLive, isDestructive(effect), effect.kind);
      assert.equal(licensed({ live: true }, { effects: [effect], needsLive: true, watching: [] }).effects.length, 1);
    }
  });
});

describe('letting go by force', () => {
  const theirs = node(0, { deleted: true, finalizers: ['team.example/keep'] });
  const forcedNode = node(0, { deleted: true, finalizers: ['team.example/keep'], annotations: { 'outrigger.dev/force-delete': 'true' } });

  it('I4: waits for the finalizers of others by their names, and takes them too when forced and their time is over', () => {
    const waiting = letNodeGo(view({}), theirs, 'Retired');
    assert.deepEqual(
      [waiting.effects, waiting.waits],
      [[], ['harbor-a1-n0 is held by the finalizer team.example/keep, which is not of Outrigger']],
    );
    const first = letNodeGo(view({}), forcedNode, 'Retired');
    assert.deepEqual([first.effects, first.requeueAfterMs], [[], 30_000]);
    const then = letNodeGo(view({ seen: new Map([['held/harbor-a1-n0-uid', 970_000]]) }), forcedNode, 'Retired');
    const dropped = then.effects.flatMap((effect) => (effect.kind === 'DropNodeFinalizer' ? [effect.finalizers, effect.forced] : []));
    assert.deepEqual(dropped, [[], true]);
  });
});

describe('effects', () => {
  it('I2: what destroys, or gives up what guards against it, is marked', () => {
    assert.deepEqual(
      ALL.filter(isDestructive).map((effect) => effect.kind),
      [
        'DropClusterFinalizer',
        'RetireNode',
        'RaiseIncarnation',
        'ConfirmNodeDead',
        'VouchNodeDead',
        'DeleteNode',
        'DropNodeFinalizer',
        'Unreserve',
        'ReleaseSite',
      ],
    );
    assert.ok(isDestructive({ kind: 'PatchClusterStatus', on, status: { abandonedAttempt: 1 } }));
    assert.deepEqual(
      ALL.map((effect) => effect.kind),
      [...EFFECT_KINDS],
    );
  });

  it('I1 I3: each change names uid and revision, each deletion its license', () => {
    for (const effect of ALL) {
      if (effect.kind === 'CreateNode' || effect.kind === 'RecordEvent') continue;
      assert.deepEqual(effect.on, on);
    }
    assert.deepEqual(guardOf(node(0)), { namespace: 'demo', name: 'harbor-a1-n0', uid: 'harbor-a1-n0-uid', resourceVersion: '20' });
    const deletion = ALL.find((effect) => effect.kind === 'DeleteNode');
    assert.equal(deletion?.kind === 'DeleteNode' && deletion.license, 'Retired');
  });
});

describe('requests', () => {
  it('I1: bear uid and resourceVersion as preconditions', () => {
    for (const effect of ALL) {
      if (effect.kind === 'RecordEvent') continue;
      const request = requestOf(effect);
      if (request.verb === 'create') continue;
      if (request.verb === 'delete') assert.deepEqual(request.preconditions, { uid: 'u', resourceVersion: '7' });
      else
        assert.deepEqual(
          [
            (request.patch['metadata'] as Record<string, unknown>)['uid'],
            (request.patch['metadata'] as Record<string, unknown>)['resourceVersion'],
          ],
          ['u', '7'],
        );
    }
  });

  it('I2: an effect is one call, and says all of it', () => {
    const body = (kind: Effect['kind']): unknown => {
      const effect = ALL.find((one) => one.kind === kind);
      assert.ok(effect !== undefined && effect.kind !== 'RecordEvent');
      const request = requestOf(effect);
      return request.verb === 'mergePatch' ? [request.subresource, request.patch['spec'] ?? request.patch['status']] : request.verb;
    };
    assert.deepEqual(body('RaiseIncarnation'), [undefined, { incarnation: 2, host: null }]);
    assert.deepEqual(body('RetireNode'), [undefined, { retired: true }]);
    assert.deepEqual(body('Unreserve'), ['status', { reservations: { 'c.0': null }, reserved }]);
    assert.deepEqual(body('CreateNode'), 'create');
    const event = ALL.at(-1);
    assert.ok(event?.kind === 'RecordEvent');
    assert.equal(eventOf(event, 'extension', 'x.1', '2030-01-01T00:00:00Z').involvedObject.uid, 'u');
  });
});
