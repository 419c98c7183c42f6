/**
 * What the agent of a joined machine owes to its node, and what creation, letting go and hosts make of such nodes.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeNodes } from '../../../src/decide/doctor-entities.ts';
import { claimsOf } from '../../../src/decide/host-claim.ts';
import { letNodeGo } from '../../../src/decide/let-go.ts';
import { standing } from '../../../src/decide/node-facts.ts';
import { lastDuty, machineDuty } from '../../../src/decide/own-machine.ts';
import type { OwnMachine } from '../../../src/decide/own-machine.ts';
import { newNode } from '../../../src/decide/scale.ts';
import { evaluateStep } from '../../../src/decide/steps.ts';
import type { Host } from '../../../src/model/host.ts';
import { isMachineName, machineHolding, machineName } from '../../../src/model/joined-machine.ts';
import { FINALIZER_NODE } from '../../../src/model/labels.ts';
import { cluster, dataCenter, node, readyNode, view } from './fixtures.ts';
import type { NodeChange } from './fixtures.ts';

const SELF: OwnMachine = {
  name: 'rack7.0a1b2c3d',
  incarnation: 2,
  address: '10.0.0.7',
  podAddresses: ['127.77.200.11'],
  bootId: 'boot-1',
  pid: 4711,
};
const HOST = `joined:${SELF.name}`;
const joined = (change: NodeChange = {}) => node(1, { machine: 'Joined', incarnation: 2, ...change });
const DELETED = { state: 'Deleted', why: 'it was deleted' } as const;

describe('while the node lives', () => {
  it('I1: takes it from nobody, in its own incarnation only, and not when it is to go', () => {
    assert.deepEqual(machineDuty(SELF, joined()), { do: 'take', host: HOST });
    assert.deepEqual(machineDuty(SELF, undefined), { do: 'nothing' });
    for (const change of [{ incarnation: 1 }, { incarnation: 3 }, { retired: true }, { deleted: true }])
      assert.deepEqual(machineDuty(SELF, joined(change)), { do: 'nothing' }, JSON.stringify(change));
  });

  it('I1: leaves one alone that another machine, or a host, holds, and says so', () => {
    for (const host of ['joined:rack8.0a1b2c3d', 'h1']) {
      const duty = machineDuty(SELF, joined({ host }));
      assert.equal(duty.do, 'say');
      assert.match(duty.do === 'say' ? duty.problem : '', /is held by .* and runs on this machine, rack7\.0a1b2c3d, too/);
    }
  });

  it('reports how its machine is, once, with the incarnation that it speaks of', () => {
    const duty = machineDuty(SELF, joined({ host: HOST }));
    const section = {
      incarnation: 2,
      phase: 'Running',
      address: '10.0.0.7',
      podAddresses: ['127.77.200.11'],
      pid: 4711,
      bootId: 'boot-1',
    } as const;
    assert.deepEqual(duty, { do: 'report', section });
    const said = joined({ host: HOST, status: { infrastructure: { ...section, podAddresses: [...section.podAddresses] } } });
    assert.deepEqual(machineDuty(SELF, said), { do: 'nothing' });
    assert.deepEqual(machineDuty({ ...SELF, pid: 4712 }, said), { do: 'report', section: { incarnation: 2, pid: 4712 } });
  });

  it('what an earlier life said is written over, messages too', () => {
    const status = { infrastructure: { incarnation: 1, phase: 'Gone', message: 'gone' } } as const;
    const duty = machineDuty(SELF, joined({ host: HOST, status }));
    assert.deepEqual(duty.do === 'report' && [duty.section['incarnation'], duty.section['phase'], duty.section['message']], [
      2,
      'Running',
      null,
    ]);
  });
});

describe('when its life is over', () => {
  it('I2, I3: first it says that it is gone, then the finalizer goes, and only when the node is being deleted', () => {
    const going = (change: NodeChange = {}) => joined({ host: HOST, ...change });
    const first = lastDuty(SELF, DELETED, going({ deleted: true }));
    assert.deepEqual(first, { do: 'sayGone', section: { incarnation: 2, phase: 'Gone', bootId: 'boot-1' } });
    const gone = { infrastructure: { incarnation: 2, phase: 'Gone', bootId: 'boot-1' } } as const;
    assert.deepEqual(lastDuty(SELF, DELETED, going({ deleted: true, status: gone })), { do: 'release', finalizers: [] });
    assert.deepEqual(lastDuty(SELF, { state: 'Retired', why: '' }, going({ retired: true, status: gone })), { do: 'wait' });
    const others = going({ deleted: true, status: gone, finalizers: ['x/y', FINALIZER_NODE] });
    assert.deepEqual(lastDuty(SELF, DELETED, others), { do: 'release', finalizers: ['x/y'] });
    assert.deepEqual(lastDuty(SELF, DELETED, going({ deleted: true, status: gone, finalizers: [] })), { do: 'over' });
  });

  it('I4: owes nothing to a node that is gone, lives on in another incarnation, or is held by another', () => {
    assert.deepEqual(lastDuty(SELF, DELETED, undefined), { do: 'over' });
    assert.deepEqual(lastDuty(SELF, DELETED, joined({ incarnation: 3, host: 'joined:other.0a1b2c3d' })), { do: 'over' });
    assert.deepEqual(lastDuty(SELF, DELETED, joined({ host: 'joined:other.0a1b2c3d', deleted: true })), { do: 'over' });
    assert.deepEqual(lastDuty(SELF, { state: 'Superseded', why: '' }, joined({ host: HOST })), { do: 'over' });
  });
});

describe('what others make of nodes that wait for machines', () => {
  const spec = { nodes: 'Joined' } as const;

  it('all of them are made at once, and waited for without a deadline, with the command for each', () => {
    const first = evaluateStep(view({ cluster: cluster({ spec }), nodes: [] }), 1, 'CreatePrimary');
    assert.equal(first.state, 'Act');
    assert.deepEqual(
      first.state === 'Act' && first.effects.map((effect) => (effect.kind === 'CreateNode' ? effect.node.spec.machine : effect.kind)),
      ['Reserve'],
    );
    const made = newNode(cluster({ spec }), 1, 1);
    assert.deepEqual([made.spec.machine, made.metadata.finalizers], ['Joined', [FINALIZER_NODE]]);
    assert.equal(newNode(cluster(), 1, 1).spec.machine, undefined);
    const nodes = [node(0, { machine: 'Joined' }), node(1, { machine: 'Joined' })];
    const waits = evaluateStep(view({ cluster: cluster({ spec }), nodes }), 1, 'PrimaryReady');
    assert.equal(waits.state === 'Wait' && waits.waitingFor, 'Join');
    for (const index of [0, 1])
      assert.match(waits.state === 'Wait' ? waits.message : '', new RegExp(`outrigger token create --node demo/harbor-a1-n${index}`));
    const taken = evaluateStep(
      view({ cluster: cluster({ spec }), nodes: [node(0, { machine: 'Joined', host: HOST }), nodes[1]!] }),
      1,
      'PrimaryReady',
    );
    assert.equal(taken.state === 'Wait' && taken.waitingFor, undefined, 'one that has joined has its deadline');
    const ready = evaluateStep(
      view({ cluster: cluster({ spec }), nodes: [readyNode(0, [], { machine: 'Joined', host: HOST }), nodes[1]!] }),
      1,
      'PrimaryReady',
    );
    assert.equal(ready.state, 'Done');
  });

  it('where nobody has joined yet it is let go at once; a machine is waited for', () => {
    const seen = { monotonicMs: 0, seen: new Map() };
    assert.equal(letNodeGo(seen, joined({ deleted: true }), 'OwnerDeleted').effects[0]?.kind, 'DropNodeFinalizer');
    const held = letNodeGo(seen, joined({ deleted: true, host: HOST }), 'OwnerDeleted');
    assert.deepEqual([held.effects, held.waits], [[], ['the joined machine rack7.0a1b2c3d has not yet let go of harbor-a1-n1']]);
  });

  it('no host claims one', () => {
    const host: Host = {
      apiVersion: 'outrigger.dev/v1',
      kind: 'Host',
      metadata: { name: 'h1', uid: 'uid-h1', resourceVersion: '1', creationTimestamp: '2030-01-01T00:00:00Z' },
      spec: { capacity: { nodes: 4, cpuMillis: 8000, memoryMiB: 8192 }, drivers: ['process'], cordoned: false },
    };
    const claims = (machine: 'Joined' | 'Provisioned') =>
      claimsOf({ host, bootId: 'b', virtualDataCenters: [dataCenter()], nodes: [node(1, { machine })], held: [], freeSlots: 4 }).length;
    assert.deepEqual([claims('Provisioned'), claims('Joined')], [1, 0]);
  });

  it('a doctor says what to type', () => {
    const [finding] = judgeNodes([joined()], [cluster({ spec, status: {} })], '1.0.0');
    assert.match(
      `${finding?.message} ${finding?.remedy}`,
      /No machine has joined as demo\/harbor-a1-n1.* outrigger token create --node demo\/harbor-a1-n1/,
    );
  });

  it('where it stands is told with the command', () => {
    assert.match(standing(joined()), /no machine has joined as it: outrigger token create --node demo\/harbor-a1-n1 prints the command/);
    assert.match(standing(joined({ host: HOST })), /on the joined machine rack7\.0a1b2c3d/);
  });
});

describe('names of machines', () => {
  it('I1: come from the host name, fit, and are none of a Host', () => {
    for (const hostName of ['rack7', 'Rack 7!', '', '-', 'x'.repeat(90), 'back-room.example.org'])
      assert.ok(isMachineName(machineName(hostName, '0a1b2c3d')), hostName);
    assert.equal(machineName('rack7', '0a1b2c3d'), SELF.name);
    assert.equal(machineHolding(HOST), SELF.name);
    assert.deepEqual([machineHolding('rack7'), machineHolding(undefined)], [undefined, undefined]);
    assert.ok(HOST.length <= 63 && `joined:${machineName('x'.repeat(90), '0a1b2c3d')}`.length <= 63);
  });
});
