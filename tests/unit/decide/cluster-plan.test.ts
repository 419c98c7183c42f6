/**
 * Cluster plans: which is higher, who takes which from whom, and what a node runs by one; the clock of a turn, and ways between releases.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { counted, NO_CHANGE_CLOCK, storedClock } from '../../../src/decide/change-clock.ts';
import { isLast, lastOf, membersOf, whatIsMissing } from '../../../src/decide/change-nodes.ts';
import {
  comparePlans,
  contentFor,
  contentUnknown,
  judgePlan,
  keyOf,
  keyText,
  planIn,
  primaryId,
  replacedServices,
} from '../../../src/decide/cluster-plan.ts';
import type { ClusterPlan, OfferedPlan } from '../../../src/decide/cluster-plan.ts';
import { hasWay, reachableFrom, upgradeRefusal } from '../../../src/decide/upgrade-path.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Json } from '../../../src/model/json.ts';
import { contentOfVersion, servicesOfVersion } from './change-site.ts';
import { node, UID } from './fixtures.ts';

const ONE = contentOfVersion('1.0.0');
const TWO = contentOfVersion('1.0.1', ['1.0.0']);

function plan(more: Partial<ClusterPlan> = {}): ClusterPlan {
  const upgrade = { readySeconds: 60, whenNodeDown: 'Wait' } as const;
  return { term: 2, number: 7, clusterUid: UID, generation: 3, upgrade, state: 'Steady', target: TWO, moved: [], turn: 5, ...more };
}

const advancing = plan({ state: 'Advancing', previous: ONE, moved: ['harbor-a1-n1-uid'] });

describe('a cluster plan', () => {
  it('I1: the term decides, then the number; no plan is below every plan', () => {
    assert.ok(comparePlans({ term: 2, number: 1 }, { term: 1, number: 9 }) > 0);
    assert.ok(comparePlans({ term: 1, number: 10 }, { term: 1, number: 9 }) > 0);
    assert.ok(comparePlans(undefined, { term: 0, number: 1 }) < 0);
    assert.deepEqual(keyOf(keyText({ term: 2, number: 14 })), { term: 2, number: 14 });
    for (const text of [undefined, '', '1', '1.2.3', '-1.2', '01.2', '1.x']) assert.equal(keyOf(text), undefined, text);
  });

  const membership = { term: 2, primary: 'p.1', k: 0, voters: ['p.1'], incarnation: 1 };
  const judge = (more: Partial<OfferedPlan> = {}) =>
    judgePlan({
      mine: undefined,
      clusterUid: UID,
      self: 'w.1',
      from: 'p.1',
      membership,
      primary: 'p.1',
      offered: plan() as unknown as Json,
      ...more,
    });
  const refusal = (more: Partial<OfferedPlan>): string => {
    const judged = judge(more);
    return 'refused' in judged ? judged.refused : 'taken';
  };

  it('I1: I2: it is taken from the primary of this cluster, when it is higher and not of a lower term', () => {
    assert.equal(refusal({}), 'taken');
    assert.match(refusal({ from: 'x.1' }), /not sent by the primary/);
    assert.match(refusal({ mine: plan() }), /not above the one that is known here/);
    assert.match(refusal({ clusterUid: 'other' }), /another cluster/);
    assert.match(refusal({ offered: plan({ term: 1 }) as unknown as Json }), /of a term below 2/);
    assert.match(refusal({ membership: undefined }), /does not know yet who is primary/);
  });

  it('I2: a primary takes one only while it has none, and of no term above its own', () => {
    const primary = { self: 'p.1', from: 'w.1' };
    assert.equal(refusal(primary), 'taken');
    assert.match(refusal({ ...primary, mine: plan({ number: 1 }) }), /makes the plan itself/);
    assert.match(refusal({ ...primary, offered: plan({ term: 3 }) as unknown as Json }), /of a term above 2/);
  });

  it('I2: what is no plan, or says of its content what is not so, is not taken', () => {
    for (const offered of [
      undefined,
      null,
      7,
      {},
      { ...plan(), state: 'Odd' },
      { ...plan(), target: { ...TWO, hash: 'x' } },
      { ...advancing, previous: undefined },
    ])
      assert.match(refusal({ offered }), /no cluster plan that this program can read/);
    assert.deepEqual(planIn(JSON.parse(JSON.stringify(advancing)) as Json), advancing, 'as it comes over the wire');
  });

  it('I2: until a membership names one, the primary is the node that was born as one', () => {
    assert.equal(primaryId(membership, [node(0)]), 'p.1');
    assert.equal(primaryId({ ...membership, primary: '' }, [node(1), node(0)]), 'harbor-a1-n0-uid.1');
    assert.equal(primaryId(undefined, [node(0)]), '');
  });

  it('I3: a node runs the target after its turn, and stays with what it runs before it', () => {
    const of = (uid: string, current: string | undefined, by = advancing) => contentFor(by, uid, current)?.release;
    assert.equal(of('harbor-a1-n1-uid', ONE.hash), '1.0.1');
    assert.equal(of('harbor-a1-n0-uid', ONE.hash), '1.0.0');
    assert.equal(of('harbor-a1-n0-uid', 'something else'), undefined, 'it keeps its pods as they are');
    assert.equal(of('new', undefined), '1.0.0', 'what runs elsewhere');
    assert.equal(of('new', undefined, { ...advancing, state: 'Steady' }), '1.0.1');
    assert.equal(of('any', ONE.hash, plan()), '1.0.1', 'nothing is left of what was before');
    const unknown = plan({ previous: contentUnknown() });
    assert.deepEqual(planIn(unknown as unknown as Json), unknown, 'also a program that does not know of it reads it');
    assert.deepEqual([of('any', ONE.hash, unknown), of('new', undefined, unknown)], [undefined, '1.0.1']);
  });

  it('I4: the hash is of release and services; services are replaced when their pods differ', () => {
    assert.notEqual(ONE.hash, contentOfVersion('1.0.0', [], servicesOfVersion('1.0.1')).hash);
    assert.equal(ONE.hash, contentOfVersion('1.0.0', ['0.9.0']).hash);
    assert.deepEqual(
      replacedServices(ONE, TWO).map(({ name }) => name),
      ['hello', 'ticker'],
    );
    assert.deepEqual(replacedServices(ONE, contentOfVersion('1.0.9', [], servicesOfVersion('1.0.0'))), []);
  });
});

/** A node that says so. */
function says(index: number, more: { content?: string; plan?: string; ready?: boolean; leaving?: boolean } = {}): ClusterNode {
  const services = { hello: { phase: 'Running' as const, ready: more.ready ?? true } };
  const agent = { incarnation: 1, phase: 'Ready' as const, plan: more.plan ?? '2.7', content: more.content ?? ONE.hash, services };
  return node(index, { ...(more.leaving === true ? { retired: true } : {}), status: { role: index === 0 ? 'Primary' : 'Worker', agent } });
}

describe('the nodes of a change', () => {
  it('I1: a turn is over by a word of that turn, of the target, with everything that changed ready', () => {
    const missing = (more: Parameters<typeof says>[1]) => whatIsMissing(says(1, { content: TWO.hash, ...more }), advancing);
    assert.equal(missing({}), undefined);
    assert.match(missing({ plan: '2.4' }) ?? '', /has not taken 1\.0\.1/);
    assert.match(missing({ content: ONE.hash }) ?? '', /has not taken 1\.0\.1/);
    assert.match(missing({ ready: false }) ?? '', /hello is Running/);
  });

  it('I2: the last ready instance stays while another node could have one', () => {
    const last = (other: ClusterNode, unheard: string[] = [], by = advancing) =>
      isLast(says(0), by, { nodes: [says(0), other], unheard: new Set(unheard) });
    assert.equal(last(says(1)), undefined);
    assert.match(
      last(says(1, { ready: false })) ?? '',
      /1\.0\.1 waits on harbor-a1-n0 because no other node has a ready instance of hello/,
    );
    assert.match(last(says(1), ['harbor-a1-n1']) ?? '', /no other node/, 'its old word proves nothing');
    assert.equal(last(says(1, { leaving: true, ready: false })), undefined);
    const unknown = plan({ previous: contentUnknown() });
    const other = (ready: boolean) => isLast(says(0, { content: 'other' }), unknown, { nodes: [says(1, { ready })], unheard: new Set() });
    assert.match(other(false) ?? '', /no other node/, 'what nobody knows may differ in everything');
    assert.equal(other(true), undefined);
    const proceeding = { ...advancing, upgrade: { readySeconds: 60, whenNodeDown: 'Proceed' } } as const;
    assert.equal(last(says(1), ['harbor-a1-n1'], proceeding), undefined, 'it is passed over');
    assert.equal(
      lastOf({ self: 'a', plan: undefined, lost: ['hello'], others: [], unheard: new Set() }),
      undefined,
      'a node alone has no choice',
    );
  });

  it('who takes part, in which order', () => {
    const names = (order: string[] = []) => membersOf([says(0), says(2), says(1), node(3)], order).map(({ spec }) => spec.index);
    assert.deepEqual(names(), [1, 2, 0]);
    assert.deepEqual(names(['harbor-a1-n0-uid', 'harbor-a1-n2-uid']), [0, 2, 1]);
  });
});

describe('the clock of a change', () => {
  it('I1: counts what it ran itself, at most five seconds between two looks, and nothing over a restart', () => {
    let clock = counted(NO_CHANGE_CLOCK, ['turn'], [], 1_000);
    clock = counted(clock, ['turn'], [], 3_000);
    assert.equal(clock.ran['turn'], 2_000);
    clock = counted(clock, ['turn'], [], 90_000);
    assert.equal(clock.ran['turn'], 7_000);
    clock = counted(storedClock(clock), ['turn'], [], 5);
    assert.equal(clock.ran['turn'], 7_000);
  });

  it('I2: forgets what is not named, and holds what is to be held', () => {
    let clock = counted({ atMs: 0, ran: { turn: 4_000, other: 9_000 } }, [], ['turn'], 2_000);
    assert.deepEqual(clock.ran, { turn: 4_000 });
    clock = counted(clock, ['turn'], [], 3_000);
    assert.equal(clock.ran['turn'], 5_000);
  });
});

describe('ways between releases', () => {
  const of = (version: string, upgradesFrom: string[] = []) => ({ version, upgradesFrom });
  const all = [of('1.0.0'), of('1.0.1', ['1.0.0']), of('1.0.10', ['1.0.0']), of('1.0.2', ['1.0.1']), of('2.0.0')];

  it('I1: one names the other, in one direction or the other', () => {
    assert.equal(upgradeRefusal(of('1.0.0'), of('1.0.1', ['1.0.0'])), undefined);
    assert.equal(upgradeRefusal(of('1.0.1', ['1.0.0']), of('1.0.0')), undefined, 'back the way it came');
    assert.ok(hasWay(of('1.0.0'), of('1.0.0')));
    assert.match(upgradeRefusal(of('1.0.0'), of('2.0.0')) ?? '', /no way from release 1\.0\.0 to 2\.0\.0/);
    assert.deepEqual(reachableFrom(of('1.0.0'), all), ['1.0.1', '1.0.10']);
    assert.deepEqual(reachableFrom(of('1.0.1', ['1.0.0']), all), ['1.0.0', '1.0.2']);
  });
});
