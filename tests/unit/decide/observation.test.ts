/**
 * Own observation, leases and sharing.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { NO_OBSERVATIONS, observe, seenMs } from '../../../src/decide/observation.ts';
import { extensionLeaseName, isMine, isSettled, liveServers, NO_LEASES, observeLeases } from '../../../src/decide/sharding.ts';
import { silenceOf } from '../../../src/decide/silence.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';
import { node, view } from './fixtures.ts';

describe('observation', () => {
  it('I1 I3: times what is named, forgets what is not', () => {
    const first = observe(NO_OBSERVATIONS, ['a', 'b'], 100);
    const second = observe(first, ['b'], 200);
    assert.deepEqual([seenMs(second, 'b', 250), seenMs(second, 'a', 250), second.size], [150, 0, 1]);
    assert.equal(seenMs(observe(second, ['a', 'b'], 300), 'a', 300), 0);
  });

  it('I2: a duration never falls while the fact is named', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1 }), (steps) => {
        let memory = NO_OBSERVATIONS;
        let now = 0;
        let before = 0;
        for (const step of steps) {
          now += step;
          memory = observe(memory, ['k'], now);
          assert.ok(seenMs(memory, 'k', now) >= before);
          before = seenMs(memory, 'k', now);
        }
      }),
    );
  });
});

describe('silence', () => {
  const nodes = [node(0), node(1), node(2)];
  const uid = nodes[0]?.metadata.uid ?? '';
  const at = (revision: string, seen: Map<string, number>): ReturnType<typeof silenceOf> =>
    silenceOf(view({ nodes, leases: new Map([[uid, revision]]), seen }), nodes);

  it('I1: is a Lease seen unchanged for its whole time by the observer itself', () => {
    const early = at(
      '5',
      new Map([
        [`lease/${uid}/5`, 820_001],
        [`lease/${uid}`, 820_001],
      ]),
    );
    assert.deepEqual([early.silent.size, early.requeueAfterMs], [0, 1]);
    const late = at(
      '5',
      new Map([
        [`lease/${uid}/5`, 820_000],
        [`lease/${uid}`, 820_000],
      ]),
    );
    assert.deepEqual([...late.silent], ['harbor-a1-n0']);
  });

  it('I2: heard is only whose change was seen; a fresh observer knows neither', () => {
    assert.deepEqual([...at('6', new Map([[`lease/${uid}`, 900_000]])).heard], ['harbor-a1-n0']);
    const fresh = at('6', new Map());
    assert.deepEqual([fresh.heard.size, fresh.silent.size], [0, 0]);
  });

  it('I3: without a Lease a node is neither', () => {
    assert.deepEqual(at('6', new Map()).watching, [`lease/${uid}`, `lease/${uid}/6`]);
  });
});

function lease(server: string, revision: number, holder = server, renewTime = '1970-01-01T00:00:00Z'): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: extensionLeaseName(server), uid: server, resourceVersion: String(revision), creationTimestamp: '' },
    spec: { holderIdentity: holder, renewTime },
  };
}

describe('sharing', () => {
  it('I1: a server lives while its lease is seen to change, whatever its time stamps say', () => {
    let memory = observeLeases(NO_LEASES, [lease('a', 1), lease('b', 1)], 0);
    memory = observeLeases(memory, [lease('a', 2), lease('b', 1)], 2999);
    assert.deepEqual(liveServers(memory, 2999), ['a', 'b']);
    assert.deepEqual(liveServers(memory, 3000), ['a']);
    assert.deepEqual(liveServers(observeLeases(memory, [lease('a', 2), lease('b', 2)], 9000), 9000), ['b']);
  });

  it('I2: a lease that is gone, or names no holder, is a server that stopped', () => {
    const memory = observeLeases(
      NO_LEASES,
      [lease('a', 1), lease('b', 1), { ...lease('c', 1), metadata: { ...lease('c', 1).metadata, name: 'node-x' } }],
      0,
    );
    assert.deepEqual(liveServers(memory, 0), ['a', 'b']);
    assert.deepEqual(liveServers(observeLeases(memory, [lease('a', 1), lease('b', 2, '')], 1), 1), ['a']);
    assert.deepEqual(liveServers(observeLeases(memory, [lease('a', 1)], 1), 1), ['a']);
  });

  it('I3: all who see the same servers name the same one owner', () => {
    const memory = observeLeases(
      NO_LEASES,
      ['a', 'b', 'c'].map((server) => lease(server, 1)),
      0,
    );
    fc.assert(
      fc.property(fc.string(), (key) => assert.equal(['a', 'b', 'c'].filter((server) => isMine(memory, server, key, 0, 0)).length, 1)),
    );
  });

  it("I4: overdue work is anybody's", () => {
    const memory = observeLeases(NO_LEASES, [lease('a', 1), lease('b', 1)], 0);
    assert.ok(['a', 'b'].every((server) => isMine(memory, server, 'key', 15_000, 0)));
  });

  it('I5: a server that does not see its own lease change does not count itself', () => {
    const memory = observeLeases(NO_LEASES, [lease('a', 1)], 0);
    assert.ok(isMine(memory, 'a', 'key', 0, 2999));
    assert.ok(!isMine(memory, 'a', 'key', 99_000, 3000));
  });

  it('I6: a beginner knows enough when each lease was seen to change, or not to for the ttl', () => {
    assert.ok(isSettled(NO_LEASES, 0));
    let memory = observeLeases(NO_LEASES, [lease('alive', 1), lease('dead', 1)], 0);
    assert.ok(!isSettled(memory, 2_999));
    memory = observeLeases(memory, [lease('alive', 2), lease('dead', 1)], 1_000);
    assert.ok(!isSettled(memory, 2_999), 'the dead one may still live');
    assert.ok(isSettled(memory, 3_000));
    memory = observeLeases(memory, [lease('alive', 3)], 1_500);
    assert.ok(isSettled(memory, 1_500), 'a lease that is gone is no question');
    memory = observeLeases(memory, [lease('alive', 3), lease('another', 1)], 1_600);
    assert.ok(!isSettled(memory, 1_600));
  });
});
