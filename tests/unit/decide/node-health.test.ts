/**
 * Node health: which illness counts, for how long, and when nothing may be replaced.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { healthCheckOf, NO_HEALTH, overdueNodes, tooManyUnhealthy, toAskAbout, watchHealth } from '../../../src/decide/node-health.ts';
import type { HealthMemory, HealthSight } from '../../../src/decide/node-health.ts';
import type { Standing } from '../../../src/decide/presence.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../src/model/server-config.ts';
import { cluster, node, readyNode } from './fixtures.ts';

const CHECK = DEFAULT_SERVER_CONFIG.nodeHealthCheck;
const PRIMARY = readyNode(0);
const WORKER = 'harbor-a1-n1';

interface Look {
  readonly worker: ClusterNode;
  readonly standing?: Standing | undefined;
  readonly more?: Partial<HealthSight>;
}

function sight(atMs: number, { worker, standing, more }: Look): HealthSight {
  return {
    self: 'harbor-a1-n0',
    monotonicMs: atMs,
    nodes: [PRIMARY, worker],
    standings: new Map(standing === undefined ? [] : [[WORKER, standing]]),
    directorHeard: true,
    changing: false,
    leases: new Map(),
    answered: new Set([worker.metadata.uid]),
    ...more,
  };
}

/** Looks each second for so many seconds. */
function watched(seconds: number, look: Look | ((second: number) => Look), from: HealthMemory = NO_HEALTH): HealthMemory {
  let memory = from;
  const startMs = (memory.atMs ?? -1_000) + 1_000;
  for (let second = 0; second <= seconds; second++)
    memory = watchHealth(memory, sight(startMs + second * 1_000, typeof look === 'function' ? look(second) : look));
  return memory;
}

const overdue = (memory: HealthMemory, worker: ClusterNode): string[] =>
  [...overdueNodes(memory, [PRIMARY, worker], CHECK)].map(([name, illness]) => `${name} ${illness}`);

const down: Look = { worker: readyNode(1), standing: 'Down' };
const starting: Look = { worker: node(1, { host: 'h2' }), standing: 'Coming' };
const balancerless = node(1, { host: 'h2', status: { agent: { incarnation: 1, phase: 'NotReady' } } });

const seen = (revision: string) => ({ revision, ttlMs: 180_000 });

describe('node health', () => {
  it('the four limits: of the cluster, else of the ServerConfig, else the defaults', () => {
    const config = { ...DEFAULT_SERVER_CONFIG, nodeHealthCheck: { maxUnhealthyPercent: 40, startupSeconds: 60 } };
    const check = healthCheckOf(cluster({ spec: { nodeHealthCheck: { unknownSeconds: 30 } } }), config as typeof DEFAULT_SERVER_CONFIG);
    assert.deepEqual(check, { maxUnhealthyPercent: 40, startupSeconds: 60, notReadySeconds: 300, unknownSeconds: 30 });
  });

  for (const [what, look, seconds, illness] of [
    ['a worker that is down', down, 300, 'Unknown'],
    ['a worker that never came up', starting, 900, 'Startup'],
    ['a worker that says that it is not ready', { worker: balancerless, standing: 'Heard' } satisfies Look, 300, 'NotReady'],
  ] as const) {
    it(`${what} is overdue after ${seconds} s, and not a second before`, () => {
      assert.deepEqual(overdue(watched(seconds - 1, look), look.worker), []);
      assert.deepEqual(overdue(watched(seconds, look), look.worker), [`${WORKER} ${illness}`]);
    });
  }

  it('I1: time in which the observer stood still does not count', () => {
    const before = watched(200, down);
    const woken = watchHealth(before, sight(3_600_000, down));
    assert.deepEqual(overdue(woken, down.worker), []);
    assert.deepEqual(overdue(watched(90, down, woken), down.worker), []);
    assert.equal(overdue(watched(100, down, woken), down.worker).length, 1);
  });

  it('I2: with nobody else heard nothing counts, and a gap begins it anew', () => {
    const alone: Look = { ...down, more: { directorHeard: false } };
    assert.deepEqual(overdue(watched(3_600, alone), down.worker), []);
    const gap = watched(400, (second) => (second === 250 ? alone : down));
    assert.deepEqual(overdue(gap, down.worker), []);
    const other: Look = {
      ...down,
      more: {
        directorHeard: false,
        standings: new Map([
          [WORKER, 'Down'],
          ['harbor-a1-n2', 'Heard'],
        ] as const),
      },
    };
    assert.equal(overdue(watched(300, other), down.worker).length, 1, 'another member is enough');
  });

  it('I2: after an outage of the directors it is overdue only once one has said what it sees of this node', () => {
    const member = new Map([
      [WORKER, 'Down'],
      ['harbor-a1-n2', 'Heard'],
    ] as const);
    const out: Look = { ...down, more: { directorHeard: false, standings: member, answered: new Set() } };
    const after = watched(3_600, out, watched(60, { ...down, more: { leases: new Map([[down.worker.metadata.uid, seen('7')]]) } }));
    assert.deepEqual(overdue(after, down.worker), []);
    const heard = (more: Partial<HealthSight>) =>
      overdue(watched(0, { ...down, more: { standings: member, ...more } }, after), down.worker);
    assert.deepEqual(heard({ answered: new Set(['another']) }), [], 'a director answers, and has said nothing of it yet');
    assert.deepEqual(heard({ leases: new Map([[down.worker.metadata.uid, seen('8')]]) }), [], 'it is alive');
    assert.deepEqual(heard({ leases: new Map([[down.worker.metadata.uid, seen('7')]]) }), [`${WORKER} Unknown`]);
    const joined = node(1, { host: 'h2', status: { agent: { incarnation: 1, phase: 'Joined' } } });
    const late: Look = { worker: joined, standing: 'Heard', more: { answered: new Set() } };
    assert.deepEqual(overdue(watched(900, late), joined), [`${WORKER} Startup`], 'of what it says itself nobody else is asked');
  });

  it('I2: a sign of life that only a director saw begins it anew', () => {
    const renewing = watched(1_000, (second) => ({
      ...down,
      more: { leases: new Map([[down.worker.metadata.uid, seen(String(Math.floor(second / 60)))]]) },
    }));
    assert.deepEqual(overdue(renewing, down.worker), []);
    const still = watched(300, { ...down, more: { leases: new Map([[down.worker.metadata.uid, seen('7')]]) } });
    assert.equal(overdue(still, down.worker).length, 1);
    assert.deepEqual(toAskAbout(still), [down.worker.metadata.uid]);
  });

  it('a worker that speaks and never gets ready is overdue, whatever its Lease shows', () => {
    const joined = node(1, { host: 'h2', status: { agent: { incarnation: 1, phase: 'Joined' } } });
    const renewing = (second: number): Look => ({
      worker: joined,
      standing: 'Heard',
      more: { directorHeard: false, leases: new Map([[joined.metadata.uid, seen(String(Math.floor(second / 60)))]]) },
    });
    assert.deepEqual(overdue(watched(900, renewing), joined), [`${WORKER} Startup`]);
  });

  it('I2: while its Lease holds by what it says of itself, it is not overdue', () => {
    const held = { ...down, more: { leases: new Map([[down.worker.metadata.uid, { revision: '7', ttlMs: 600_000 }]]) } };
    assert.deepEqual(overdue(watched(599, held), down.worker), []);
    assert.equal(overdue(watched(600, held), down.worker).length, 1);
  });

  it('I3: an agent that is silent while what it runs answers is never overdue', () => {
    assert.deepEqual(overdue(watched(10_000, { worker: readyNode(1), standing: 'Silent' }), down.worker), []);
  });

  it('I4: not ready counts neither during a change nor while the primary is not ready either', () => {
    const heard: Look = { worker: balancerless, standing: 'Heard' };
    assert.deepEqual(overdue(watched(1_000, { ...heard, more: { changing: true } }), balancerless), []);
    const ill = node(0, { host: 'h1', status: { agent: { incarnation: 1, phase: 'NotReady' } } });
    assert.deepEqual(overdue(watched(1_000, { ...heard, more: { nodes: [ill, balancerless] } }), balancerless), []);
  });

  it('I5: the primary, what leaves, what nobody claimed and what is proven dead are not judged', () => {
    const cases = [
      readyNode(1, [], { retired: true }),
      node(1, {}),
      readyNode(1, [], { annotations: { 'outrigger.dev/confirm-dead': '1' } }),
    ];
    for (const worker of cases) assert.deepEqual(overdue(watched(2_000, { worker, standing: 'Down' }), worker), []);
    const itself = watched(2_000, { worker: readyNode(1), more: { standings: new Map([['harbor-a1-n0', 'Down']] as const) } });
    assert.equal(itself.ill.size, 0);
  });

  it('I7: a new incarnation, and another illness, begin anew', () => {
    const second: Look = { worker: readyNode(1, [], { incarnation: 2 }), standing: 'Down' };
    assert.deepEqual(overdue(watched(299, second, watched(299, down)), second.worker), []);
    assert.deepEqual(overdue(watched(299, { worker: balancerless, standing: 'Heard' }, watched(299, down)), balancerless), []);
  });

  it('I6: above maxUnhealthyPercent nothing is replaced; exactly at it, it is', () => {
    const members = [0, 1, 2, 3, 4].map((index) => readyNode(index));
    const at = (percent: number, names: readonly string[]) =>
      tooManyUnhealthy(members, new Set(names), { ...CHECK, maxUnhealthyPercent: percent });
    const two = ['harbor-a1-n1', 'harbor-a1-n2'];
    assert.equal(at(40, two), undefined);
    assert.match(at(39, two) ?? '', /2 of 5 nodes are unhealthy \(harbor-a1-n1, harbor-a1-n2\).*39 %.*maxUnhealthyPercent/);
    assert.equal(
      at(
        100,
        members.map(({ metadata }) => metadata.name),
      ),
      undefined,
    );
    assert.ok(at(0, ['harbor-a1-n1']) !== undefined);
    assert.equal(at(0, []), undefined);
    const coming = [readyNode(0), readyNode(1, [], { incarnation: 2, status: {} }), readyNode(2)];
    assert.ok(
      tooManyUnhealthy(coming, new Set(['harbor-a1-n2']), { ...CHECK, maxUnhealthyPercent: 40 }) !== undefined,
      'one is being replaced already',
    );
  });
});
