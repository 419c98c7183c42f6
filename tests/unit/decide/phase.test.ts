/**
 * Phase, summary, conditions, node facts and the smaller rules around them.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { canonicalJson } from '../../../src/base/canonical.ts';
import { attemptsAfter, statusPatch, timestamp } from '../../../src/decide/attempt.ts';
import { stepDone } from '../../../src/decide/attempt-story.ts';
import { bornMembership, followHigher, mayRunSingletons, memberId } from '../../../src/decide/authority.ts';
import { mergeDiff } from '../../../src/decide/merge-diff.ts';
import { deathOf, hasJoined, isReady, standing } from '../../../src/decide/node-facts.ts';
import { conditionsAfterAvailable, phaseInput, phaseOf, summaryOf } from '../../../src/decide/phase.ts';
import { droppableKeys, reserve, sumsOf, unreserve, wantedEntries } from '../../../src/decide/reservation.ts';
import { activeConfig } from '../../../src/decide/server-config.ts';
import type { Attempt } from '../../../src/model/attempt.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../src/model/server-config.ts';
import type { ServerConfig } from '../../../src/model/server-config.ts';
import { atStep, cluster, dataCenter, node, readyNode, release, reservations, T0, view, wasAvailable } from './fixtures.ts';

function afterAvailable(
  nodes: Parameters<typeof summaryOf>[0],
  unheard: string[] = [],
  workers = 1,
): { phase: string; conditions: Record<string, string> } {
  const at = cluster({ spec: { workers }, status: wasAvailable(summaryOf(nodes, release().spec.services, workers, new Set(unheard))) });
  const conditions = conditionsAfterAvailable(phaseInput(at), release().spec.services).map(([type, status, reason]) => [
    type,
    `${status} ${reason}`,
  ]);
  return { phase: phaseOf(phaseInput(at)), conditions: Object.fromEntries(conditions) };
}

describe('phase', () => {
  it('I1: what is being deleted is Deleting', () => {
    for (const status of [undefined, atStep('Validate'), wasAvailable()])
      assert.equal(phaseOf(phaseInput(cluster({ deleted: true, ...(status === undefined ? {} : { status }) }))), 'Deleting');
  });

  it('I2: what was available is never Pending or Provisioning again', () => {
    fc.assert(
      fc.property(fc.nat(5), fc.boolean(), fc.boolean(), (attempt, ready, empty) => {
        const status = wasAvailable({ attempt, ...(empty ? {} : { nodes: { 'harbor-a1-n0': { ready } } }) });
        assert.ok(['Available', 'Degraded', 'Error'].includes(phaseOf(phaseInput(cluster({ status })))));
      }),
    );
    assert.equal(phaseOf(phaseInput(cluster())), 'Pending');
    assert.equal(phaseOf(phaseInput(cluster({ status: atStep('Validate') }))), 'Pending');
    assert.equal(phaseOf(phaseInput(cluster({ status: atStep('Validate', 2, { abandonedAttempt: 1 }) }))), 'Provisioning');
    assert.equal(phaseOf(phaseInput(cluster({ status: atStep('CreatePrimary') }))), 'Provisioning');
  });

  it('I3: the rows of the truth table', () => {
    assert.equal(afterAvailable([readyNode(0), readyNode(1)]).phase, 'Available');
    assert.deepEqual(afterAvailable([readyNode(0), readyNode(1)]).conditions, {
      Ready: 'True Available',
      Redundant: 'True AllRedundant',
      Progressing: 'False Available',
      BrokerAvailable: 'False NotInstalled',
      MonitoringAvailable: 'False NotInstalled',
      ImagesAvailable: 'False NotInstalled',
    });
    const oneInstanceLess = afterAvailable([readyNode(0), readyNode(1, [])]);
    assert.deepEqual([oneInstanceLess.phase, oneInstanceLess.conditions['Redundant']], ['Available', 'False NotRedundant']);
    const singletonRestarts = afterAvailable([readyNode(0, ['hello']), readyNode(1)]);
    assert.equal(singletonRestarts.phase, 'Available');
    const workerDown = node(1, { host: 'h1', status: { agent: { incarnation: 1, phase: 'NotReady' } } });
    assert.deepEqual(
      [afterAvailable([readyNode(0), workerDown]).phase, afterAvailable([readyNode(0), workerDown]).conditions['Ready']],
      ['Degraded', 'True NotRedundant'],
    );
    assert.equal(afterAvailable([readyNode(0), readyNode(1)], ['harbor-a1-n1']).phase, 'Degraded');
    const primaryDown = afterAvailable([readyNode(0), readyNode(1)], ['harbor-a1-n0']);
    assert.deepEqual([primaryDown.phase, primaryDown.conditions['Ready']], ['Error', 'False NodeNotReady']);
    const crashing = readyNode(0, ['hello']);
    const services = crashing.status?.agent?.services;
    if (services !== undefined) services['ticker'] = { phase: 'BackOff', ready: false };
    assert.deepEqual(
      [afterAvailable([crashing, readyNode(1)]).phase, afterAvailable([crashing, readyNode(1)]).conditions['Ready']],
      ['Degraded', 'False ServiceNotReady'],
    );
  });

  it('I5: a lost record is no Error while the node serves, and an agent that was given up takes no singleton down', () => {
    const unattended = (reason: 'RecordLost' | 'GivenUp' | 'Off') => {
      const ready = readyNode(0);
      return {
        ...ready,
        status: { ...ready.status, infrastructure: { incarnation: 1, phase: 'Failed' as const, reason, message: 'the host says so' } },
      };
    };
    const sentence = (nodes: Parameters<typeof summaryOf>[0], unheard: string[] = []): string => {
      const status = wasAvailable(summaryOf(nodes, release().spec.services, 1, new Set(unheard)));
      return conditionsAfterAvailable(phaseInput(cluster({ status })), release().spec.services)[0]?.[3] ?? '';
    };
    const lost = [unattended('RecordLost'), readyNode(1)];
    assert.deepEqual([afterAvailable(lost).phase, afterAvailable(lost).conditions['Ready']], ['Degraded', 'True NotRedundant']);
    assert.match(sentence(lost), /All nodes are ready.*the host says so/);
    assert.equal(afterAvailable(lost, ['harbor-a1-n0']).phase, 'Error');
    for (const reason of ['GivenUp', 'Off'] as const) {
      const nodes = [unattended(reason), readyNode(1)];
      assert.deepEqual([afterAvailable(nodes).phase, afterAvailable(nodes).conditions['Ready']], ['Error', 'False NodeNotReady']);
      assert.match(sentence(nodes), /By its last word there ran: ticker; nobody manages that now\. Repl/);
      assert.doesNotMatch(sentence(nodes), /down|No instance/);
    }
    assert.match(sentence([readyNode(0), readyNode(1)], ['harbor-a1-n0']), /No instance is ready of its singletons: ticker\./);
  });

  it('I6: of a primary that is not heard it is said what a person can do; of a worker that is replaced by itself it is not', () => {
    const ready = (unheard: string): string => {
      const status = wasAvailable(summaryOf([readyNode(0), readyNode(1)], release().spec.services, 1, new Set([unheard])));
      return conditionsAfterAvailable(phaseInput(cluster({ status })), release().spec.services)[0]?.[3] ?? '';
    };
    assert.match(ready('harbor-a1-n0'), /never replaced for silence.* outrigger node confirm-dead harbor-a1-n0 -n demo\. /);
    assert.doesNotMatch(ready('harbor-a1-n1'), /confirm-dead/);
    const long = readyNode(0);
    const status = { ...long.status, agent: { incarnation: 1, phase: 'Ready' as const, message: 'x'.repeat(1024) } };
    const { message = '' } = summaryOf([{ ...long, status }], [], 0, new Set(['harbor-a1-n0'])).nodes['harbor-a1-n0'] ?? {};
    assert.ok(message.length <= 1024, 'as long as the schema allows');
    assert.match(message, /-n demo$/, 'what to do is not cut off');
  });

  it('I4: a node that comes up for the first time degrades nothing; a replacement does until it is ready', () => {
    const grown = afterAvailable([readyNode(0), readyNode(1), node(2)], [], 2);
    assert.deepEqual([grown.phase, grown.conditions['Progressing']], ['Available', 'True NodeNotReady']);
    assert.equal(afterAvailable([readyNode(0), node(1, { incarnation: 2 })]).phase, 'Degraded');
  });
});

describe('node facts', () => {
  it('I1: what speaks of another incarnation is not read', () => {
    const stale = { ...readyNode(0), spec: { ...readyNode(0).spec, incarnation: 2 } };
    assert.deepEqual([isReady(readyNode(0)), hasJoined(readyNode(0)), isReady(stale), hasJoined(stale)], [true, true, false, false]);
    assert.match(standing(stale), /machine not reported, agent not joined/);
  });

  it('I2: only the host, or a person who names the incarnation, proves a death', () => {
    assert.equal(deathOf(readyNode(0)), undefined);
    assert.equal(deathOf(node(0, { annotations: { 'outrigger.dev/confirm-dead': '2' } })), undefined);
    assert.match(deathOf(node(0, { annotations: { 'outrigger.dev/confirm-dead': '1' } })) ?? '', /person/);
    assert.match(deathOf(node(0, { status: { infrastructure: { incarnation: 1, phase: 'Gone' } } })) ?? '', /host/);
  });
});

describe('reservations', () => {
  it('I1 I2: are added only within the quota, with the sums computed anew', () => {
    fc.assert(
      fc.property(
        fc.nat(6),
        fc.uniqueArray(fc.nat(5), { maxLength: 6 }),
        fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 6 }),
        (quotaNodes, old, indexes) => {
          const vdc = dataCenter({ quotaNodes, reservations: reservations(old) });
          const result = reserve(vdc, wantedEntries(cluster(), 1, indexes));
          const after = new Set([...old, ...indexes]).size;
          if (result.state === 'Reserved') assert.equal(after, old.length);
          if (result.state === 'Exceeded') assert.ok(after > quotaNodes);
          if (result.state === 'Needed') {
            assert.ok(after <= quotaNodes && result.effect.kind === 'Reserve');
            assert.deepEqual(result.effect.reserved, { nodes: after, cpuMillis: after * 500, memoryMiB: after * 256 });
          }
        },
      ),
    );
    assert.deepEqual(sumsOf({}), { nodes: 0, cpuMillis: 0, memoryMiB: 0 });
  });

  it('I3: are dropped only when their node is gone', () => {
    const vdc = dataCenter({ reservations: reservations([0, 1]) });
    assert.deepEqual(droppableKeys(vdc, cluster(), [node(0, { deleted: true })], new Set()), ['c1-uid.1']);
    assert.deepEqual(droppableKeys(vdc, cluster(), [], new Set(['c1-uid.0'])), ['c1-uid.1']);
    const drop = unreserve(vdc, ['c1-uid.1', 'other.0']);
    assert.deepEqual(drop?.kind === 'Unreserve' && [drop.keys, drop.reserved.nodes], [['c1-uid.1'], 1]);
    assert.equal(unreserve(vdc, ['other.0']), undefined);
  });

  it('I4: an entry made under a younger generation is not dropped', () => {
    assert.deepEqual(droppableKeys(dataCenter({ reservations: reservations([1], 1, 2) }), cluster({ generation: 1 }), [], new Set()), []);
  });
});

describe('status', () => {
  const record = (number: number): Attempt => ({ number, startedAt: timestamp(T0), steps: [] });

  it('I1: lists stay within their bounds', () => {
    let status: ClusterStatus = {};
    for (let number = 1; number <= 30; number++) status = { ...status, attempts: attemptsAfter(status, record(number)) };
    assert.deepEqual([status.attempts?.length, status.attempts?.[0]?.number], [20, 11]);
    let step: Attempt = { ...record(1), step: 'Validate' };
    for (let round = 0; round < 30; round++) step = stepDone(step, 'CreatePrimary', timestamp(T0));
    assert.equal(step.steps.length, 16);
    const eventSet = Array.from({ length: 20 }, (_, index) => ({ time: timestamp(T0), reason: 'x', message: String(index) }));
    const [patch] = statusPatch(view({ cluster: cluster({ status: { eventSet } }) }), { eventSet }, [], undefined);
    assert.equal(patch?.kind === 'PatchClusterStatus' && (patch.status['eventSet'] as unknown[]).length, 20);
  });

  it('I2 I3: is not written when it says it all; an error leaves with its cause', () => {
    const said = statusPatch(view(), {}, [['Ready', 'False', 'NoHost', 'why']], ['NoHost', 'why']);
    const status = said[0]?.kind === 'PatchClusterStatus' ? (said[0].status as ClusterStatus) : {};
    assert.equal(status.errorSet?.length, 1);
    const again = view({ afterMs: 5000, cluster: cluster({ status }) });
    assert.deepEqual(statusPatch(again, status, [['Ready', 'False', 'NoHost', 'why']], ['NoHost', 'why']), []);
    const mended = statusPatch(again, status, [['Ready', 'True', 'Available', 'now']], undefined);
    assert.deepEqual(mended[0]?.kind === 'PatchClusterStatus' && mended[0].status['errorSet'], []);
  });
});

describe('merge diff', () => {
  const json: fc.Arbitrary<JsonObject> = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(
      fc.integer(),
      fc.array(fc.integer(), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.boolean(), fc.dictionary(fc.constantFrom('p', 'q'), fc.integer()))),
    ),
  ) as fc.Arbitrary<JsonObject>;
  const apply = (target: unknown, patch: unknown): unknown => {
    if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
    const result: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) delete result[key];
      else result[key] = apply(result[key], value);
    }
    return result;
  };

  it('I1 I2: applied, it gives the other; of equals it is none', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const patch = mergeDiff(before, after);
        assert.equal(canonicalJson(patch === undefined ? before : apply(before, patch)), canonicalJson(after));
        assert.equal(mergeDiff(after, structuredClone(after)), undefined);
      }),
    );
  });
});

describe('authority in sole mode', () => {
  const self = memberId('u', 1);

  it('I1: only the one voter that is also primary, in this very incarnation', () => {
    const primary = bornMembership({ uid: 'u', incarnation: 1, role: 'Primary' }, 0, '');
    const worker = bornMembership({ uid: 'w', incarnation: 1, role: 'Worker' }, 1, self);
    assert.deepEqual(
      [
        mayRunSingletons(primary, self),
        mayRunSingletons(primary, memberId('u', 2)),
        mayRunSingletons(worker, memberId('w', 1)),
        mayRunSingletons(undefined, self),
      ],
      [true, false, false, false],
    );
    assert.equal(mayRunSingletons({ ...primary, voters: [self, 'other'] }, self), false);
  });

  it('I2 I3: terms never fall; who meets a higher one follows', () => {
    const primary = bornMembership({ uid: 'u', incarnation: 1, role: 'Primary' }, 0, '');
    const replacement = bornMembership({ uid: 'u', incarnation: 2, role: 'Primary' }, primary.term, '');
    assert.ok(replacement.term > primary.term);
    assert.equal(followHigher(replacement, primary.term, self), replacement);
    const followed = followHigher(primary, replacement.term, replacement.primary);
    assert.deepEqual([followed.term, mayRunSingletons(followed, self)], [2, false]);
  });
});

describe('the active configuration', () => {
  it('I1: is the first active one by name, else the defaults', () => {
    const config = (name: string, active: boolean, maxAttempts: number): ServerConfig => ({
      apiVersion: 'outrigger.dev/v1',
      kind: 'ServerConfig',
      metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '' },
      spec: { ...DEFAULT_SERVER_CONFIG, active, maxAttempts },
    });
    assert.equal(activeConfig([]).maxAttempts, 5);
    assert.equal(activeConfig([config('c', true, 3), config('a', false, 1), config('b', true, 2)]).maxAttempts, 2);
  });
});
