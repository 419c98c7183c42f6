/**
 * Changes of what runs: the machine, step by step, and interrupted everywhere.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ChangeStanding } from '../../../src/decide/change.ts';
import { comparePlans } from '../../../src/decide/cluster-plan.ts';
import type { ClusterPlan } from '../../../src/decide/cluster-plan.ts';
import { service } from './fixtures.ts';
import { contentOfVersion, servicesOfVersion, Site } from './change-site.ts';
import type { SiteNode } from './change-site.ts';

const ONE = contentOfVersion('1.0.0');
const TWO = contentOfVersion('1.0.1', ['1.0.0']);
const THREE = contentOfVersion('1.0.2', ['1.0.1', '1.0.0']);
const FAR = contentOfVersion('3.0.0', ['2.0.0']);

/** A site that runs 1.0.0 since its creation, and is told to run `asked`. */
function site(workers: number, asked = TWO, options: Partial<Pick<Site, 'whenNodeDown' | 'wasAvailable'>> = {}): Site {
  const made = Object.assign(new Site(workers, ONE), { wasAvailable: false });
  made.run(3);
  Object.assign(made, { wasAvailable: true }, options);
  made.ask(asked);
  return made;
}

const standingOf = (made: Site): ChangeStanding | undefined => made.last?.standing;

/** In which order nodes took what is new, while it runs on. */
function orderOf(made: Site, seconds: number): number[] {
  const order: number[] = [];
  for (let i = 0; i < seconds; i++) {
    const before = made.running();
    made.run(1);
    for (const [index, release] of made.running().entries()) if (release !== before[index]) order.push(index);
  }
  return order;
}

describe('a change of what runs', () => {
  it('I2: workers by index, then the primary, one after the other', () => {
    const made = site(2);
    assert.deepEqual(orderOf(made, 30), [1, 2, 0]);
    assert.deepEqual([made.plan?.state, made.plan?.previous, standingOf(made)?.state], ['Steady', undefined, 'AsAsked']);
  });

  it('I2: the next turn waits for an acknowledgment that is of this turn, not for an older word', () => {
    const made = site(1);
    made.think();
    made.think();
    assert.deepEqual([made.plan?.state, made.plan?.moved], ['Advancing', ['harbor-a1-n1-uid']]);
    const { number } = made.plan!;
    // Its word says another content, then the right one under an older plan.
    made.think();
    assert.equal(made.plan?.number, number);
    const worker = made.nodes[1]!;
    worker.content = TWO;
    made.speak(worker);
    assert.match(made.think().standing.message, /harbor-a1-n1 has its turn: it has not taken 1\.0\.1/);
    made.fetch(worker);
    made.speak(worker);
    made.think();
    assert.deepEqual(made.plan?.moved, ['harbor-a1-n1-uid', 'harbor-a1-n0-uid']);
  });

  it('I3: the last ready instance is not taken away while another node could have one; then who has none goes first', () => {
    const made = site(1);
    made.primary.ready.delete('hello');
    made.broken.add(ONE.hash);
    made.run(5);
    assert.equal(standingOf(made)?.state, 'Waits');
    assert.match(standingOf(made)?.message ?? '', /1\.0\.1 waits on harbor-a1-n1 because no other node has a ready instance of hello/);
    assert.deepEqual(orderOf(made, 60), [0, 1]);
    assert.equal(made.plan?.state, 'Steady');
  });

  it('I4: what does not come up within its deadline goes back by itself, and says which node and service', () => {
    const made = site(1);
    made.broken.add(TWO.hash);
    assert.deepEqual(orderOf(made, 50), [1]);
    assert.equal(made.plan?.state, 'Advancing');
    made.run(30);
    assert.deepEqual(made.running(), ['1.0.0', '1.0.0']);
    const rolledBack = made.plan?.rolledBack;
    assert.deepEqual([rolledBack?.release, rolledBack?.generation], ['1.0.1', 2]);
    assert.match(
      rolledBack?.message ?? '',
      /1\.0\.1 did not come up: harbor-a1-n1 was not ready with it within 60 s \(hello is BackOff: exited with 1\)/,
    );
    assert.deepEqual([made.plan?.state, standingOf(made)?.state], ['Steady', 'RolledBack']);
  });

  it('I4: the deadline counts on through crashes of the agent, and stands still while the node is not heard', () => {
    const made = site(1);
    made.broken.add(TWO.hash);
    for (let i = 0; i < 30; i++) {
      made.run(2);
      made.crash();
    }
    assert.equal(made.plan?.state, 'Advancing', '30 looks of a second each were counted');
    made.nodes[1]!.isHeard = false;
    made.run(200);
    assert.equal(standingOf(made)?.state, 'Waits');
    made.nodes[1]!.isHeard = true;
    for (let i = 0; i < 40; i++) {
      made.run(2);
      made.crash();
    }
    assert.ok(made.plan?.rolledBack !== undefined);
  });

  it('I4: before the cluster was available nothing goes back by itself', () => {
    const made = site(1, TWO, { wasAvailable: false });
    made.broken.add(TWO.hash);
    made.run(200);
    assert.deepEqual([made.plan?.state, made.plan?.rolledBack], ['Advancing', undefined]);
    made.ask(THREE);
    made.run(30);
    assert.deepEqual(made.running(), ['1.0.2', '1.0.2']);
  });

  it('I5: what was rolled back is not tried again while the spec asks for the same content, whatever its generation', () => {
    const made = site(1);
    made.broken.add(TWO.hash);
    made.run(100);
    const { number } = made.plan!;
    made.run(300);
    assert.equal(made.plan?.number, number, 'nothing flaps');
    made.broken.clear();
    // A scale, say.
    made.generation++;
    made.run(300);
    assert.deepEqual([made.running(), standingOf(made)?.state, made.plan?.state], [['1.0.0', '1.0.0'], 'RolledBack', 'Steady']);
    assert.equal(made.plan?.generation, made.generation, 'the newest spec is the one that is carried out');
    assert.match(standingOf(made)?.message ?? '', /set spec\.release to 1\.0\.0, .* then to 1\.0\.1/);
    made.ask(ONE);
    made.run(2);
    assert.deepEqual([standingOf(made)?.state, made.plan?.rolledBack?.release], ['AsAsked', '1.0.1']);
    made.ask(TWO);
    made.run(30);
    assert.deepEqual([made.running(), made.plan?.rolledBack], [['1.0.1', '1.0.1'], undefined]);
  });

  it('I5: another content in between makes it new, also when that did not come up either', () => {
    const made = site(1);
    made.broken.add(TWO.hash).add(THREE.hash);
    made.run(200);
    made.ask(THREE);
    made.run(200);
    assert.equal(made.plan?.rolledBack?.release, '1.0.2');
    made.broken.clear();
    made.ask(TWO);
    made.run(30);
    assert.deepEqual(made.running(), ['1.0.1', '1.0.1']);
  });

  it('I5: a plan of an older program, which knows no content of what was rolled back, goes by the generation', () => {
    const made = site(1);
    made.broken.add(TWO.hash);
    made.run(200);
    const { barred: _, ...older } = made.plan!;
    made.primary.plan = older;
    made.run(100);
    assert.deepEqual([made.plan?.state, standingOf(made)?.state], ['Steady', 'RolledBack']);
  });

  it('I6: another spec waits until the change is over', () => {
    const made = site(2);
    made.run(4);
    assert.ok((made.plan?.moved.length ?? 0) > 0);
    made.ask(THREE);
    made.run(2);
    assert.equal(made.plan?.target.release, '1.0.1');
    made.run(60);
    assert.deepEqual(made.running(), ['1.0.2', '1.0.2', '1.0.2']);
  });

  it('I6: the content that it came from is a roll-back and begins at once; nobody calls that a failure', () => {
    const made = site(2);
    made.run(4);
    made.ask(ONE);
    made.think();
    made.think();
    assert.equal(made.plan?.state, 'RollingBack');
    made.run(30);
    assert.deepEqual([made.running(), made.plan?.rolledBack, made.plan?.state], [['1.0.0', '1.0.0', '1.0.0'], undefined, 'Steady']);
  });

  it('I6: while nobody has moved the new content takes the place of the target', () => {
    const made = site(1);
    made.nodes[1]!.isHeard = false;
    made.run(5);
    assert.deepEqual([made.plan?.state, made.plan?.moved, standingOf(made)?.state], ['Advancing', [], 'Waits']);
    made.ask(THREE);
    made.run(2);
    assert.equal(made.plan?.target.release, '1.0.2');
  });

  it('I7: with a node down a change waits and says so, or proceeds and the node follows', () => {
    const waits = site(1);
    waits.nodes[1]!.isHeard = false;
    waits.run(100);
    assert.deepEqual(waits.running(), ['1.0.0', '1.0.0']);
    assert.match(standingOf(waits)?.message ?? '', /harbor-a1-n1 is not heard, and spec\.upgrade\.whenNodeDown is Wait; bring it back/);
    waits.whenNodeDown = 'Proceed';
    waits.generation++;
    waits.run(30);
    assert.deepEqual(waits.running(), ['1.0.1', '1.0.0']);
    assert.equal(waits.plan?.state, 'Steady');
    waits.nodes[1]!.isHeard = true;
    waits.run(10);
    assert.deepEqual([waits.running(), waits.plan?.previous], [['1.0.1', '1.0.1'], undefined]);
  });

  it('I7: going back waits for nobody', () => {
    const made = site(2);
    made.broken.add(TWO.hash);
    made.run(10);
    made.ask(ONE);
    made.nodes[1]!.isHeard = false;
    made.run(30);
    assert.deepEqual([made.plan?.state, made.running()], ['Steady', ['1.0.0', '1.0.1', '1.0.0']]);
    made.nodes[1]!.isHeard = true;
    made.run(10);
    assert.deepEqual(made.running(), ['1.0.0', '1.0.0', '1.0.0']);
  });

  it('I8: a release that there is no way to is not begun, and is said', () => {
    const made = site(1, FAR);
    made.run(20);
    assert.deepEqual([made.plan?.state, made.running()], ['Steady', ['1.0.0', '1.0.0']]);
    assert.equal(standingOf(made)?.state, 'Refused');
    assert.match(standingOf(made)?.message ?? '', /spec\.release: there is no way from release 1\.0\.0 to 3\.0\.0/);
  });

  it('I9: what replaces no pod is taken without turns', () => {
    const more = contentOfVersion('1.0.0', [], [...servicesOfVersion('1.0.0'), service('more')]);
    const made = site(1, more);
    made.think();
    assert.deepEqual([made.plan?.state, made.plan?.target.hash, made.plan?.generation], ['Steady', more.hash, 2]);
  });

  it('a site without director finishes what it began', () => {
    const made = site(2);
    made.think();
    made.asked = undefined;
    assert.equal(made.plan?.state, 'Advancing');
    made.run(30);
    assert.deepEqual([made.running(), made.plan?.state], [['1.0.1', '1.0.1', '1.0.1'], 'Steady']);
  });

  it('I1: a higher number that a node holds, or a higher term, is topped before anything else', () => {
    const made = site(1);
    made.run(30);
    const worker = made.nodes[1]!;
    worker.plan = { ...made.plan!, number: 70 };
    made.speak(worker);
    made.think();
    assert.equal(made.plan?.number, 71);
  });
});

// ---- properties -------------------------------------------------------------------------------------------------------------------------

type Event =
  | { readonly do: 'think' | 'crash' | 'toggle' }
  | { readonly do: 'ask'; readonly what: number }
  | { readonly do: 'pass'; readonly seconds: number }
  | { readonly do: 'fetch' | 'take' | 'settle' | 'speak' | 'hearing'; readonly node: number };

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Event>({ do: 'think' }) },
    { weight: 1, arbitrary: fc.constantFrom<Event>({ do: 'crash' }, { do: 'toggle' }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('ask' as const), what: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 20 }) }) },
    {
      weight: 20,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'fetch' as const,
          'fetch' as const,
          'take' as const,
          'settle' as const,
          'settle' as const,
          'speak' as const,
          'speak' as const,
        ),
        node: fc.nat(2),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('hearing' as const), node: fc.nat(2) }) },
  ),
  { maxLength: 250, size: 'max' },
);

const CONTENTS = [ONE, TWO, THREE, contentOfVersion('1.0.3', ['1.0.0', '1.0.1', '1.0.2'])];

/** Nodes whose hello went away for a change and is not back, but for those that were passed over. */
function replacing(made: Site, began: ReadonlyMap<SiteNode, string>): SiteNode[] {
  return made.nodes.filter((one) => !made.away.has(one) && began.has(one) && !one.ready.has('hello'));
}

function carryOut(made: Site, event: Event, began: Map<SiteNode, string>): void {
  const one = 'node' in event ? made.nodes[event.node] : undefined;
  if (event.do === 'think') made.think();
  if (event.do === 'crash') made.crash();
  if (event.do === 'toggle') made.whenNodeDown = made.whenNodeDown === 'Wait' ? 'Proceed' : 'Wait';
  if (event.do === 'ask') made.ask(CONTENTS[event.what]);
  if (event.do === 'pass') made.nowMs += event.seconds * 1000;
  if (one === undefined) return;
  if (event.do === 'fetch') made.fetch(one);
  if (event.do === 'settle') made.settle(one);
  if (event.do === 'speak') made.speak(one);
  if (event.do === 'hearing' && one !== made.primary) made.toggleHearing(one);
  if (event.do === 'take') {
    const others = made.nodes.filter((other) => other !== one && other.isHeard);
    const before = replacing(made, began).filter((other) => other !== one);
    const had = one.ready.has('hello');
    if (!made.take(one)) return;
    if (had && !one.ready.has('hello')) {
      const isStuck = before.every((other) => made.broken.has(began.get(other) ?? ''));
      assert.ok(
        made.away.has(one) || before.length === 0 || isStuck,
        `I2: ${one.index} replaces beside ${before.map(({ index }) => index).join()}`,
      );
      assert.ok(
        !one.isHeard || others.length === 0 || others.some((other) => other.word.status?.agent?.services?.['hello']?.ready === true),
        'I3: the last ready instance that was heard of',
      );
      if (one.isHeard) began.set(one, one.content.hash);
      else began.delete(one);
    }
  }
}

describe('a change that is interrupted everywhere', () => {
  const check = (run: (made: Site, all: readonly Event[]) => void): void =>
    fc.assert(
      fc.property(
        events,
        fc.subarray(CONTENTS.slice(1)),
        fc.constantFrom('Wait' as const, 'Proceed' as const),
        (all, bad, whenNodeDown) => {
          const made = Object.assign(new Site(2, ONE), { whenNodeDown });
          made.run(2);
          for (const one of bad) made.broken.add(one.hash);
          run(made, all);
        },
      ),
      { numRuns: 400 },
    );

  it('I1: term and number only rise; I2, I3: one node at a time, never the last instance; I5: nothing is tried twice', () => {
    check((made, all) => {
      const began = new Map<SiteNode, string>();
      let before: ClusterPlan | undefined;
      const asked: { readonly generation: number; readonly hash: string | undefined }[] = [];
      let failedHash: string | undefined;
      for (const event of all) {
        carryOut(made, event, began);
        if (event.do === 'ask') asked.push({ generation: made.generation, hash: made.asked?.hash });
        const { plan } = made;
        if (plan === before) continue;
        assert.ok(comparePlans(plan, before) > 0, 'I1');
        const isBegun = plan?.state === 'Advancing' && before?.state !== 'Advancing';
        const failed = before?.rolledBack;
        if (isBegun && failed !== undefined && plan.target.hash === failedHash)
          assert.ok(
            asked.some((one) => one.generation > failed.generation && one.hash !== failedHash),
            'I5: nothing else was asked for since',
          );
        if (plan?.rolledBack !== before?.rolledBack && plan?.rolledBack !== undefined) failedHash = before?.target.hash;
        if (plan !== undefined && before !== undefined) assert.ok(plan.moved.length - before.moved.length <= 1, 'I2: one turn a step');
        before = plan;
      }
    });
  });

  it('left alone it runs what the spec asks for everywhere, or what ran before and says why', () => {
    check((made, all) => {
      for (const event of all) carryOut(made, event, new Map());
      for (const one of made.nodes) one.isHeard = true;
      made.run(500);
      const { plan, asked, last } = made;
      assert.equal(plan?.state, 'Steady');
      assert.deepEqual([...new Set(made.running())], [plan?.target.release]);
      if (plan?.target.hash !== asked?.hash) {
        assert.equal(last?.standing.state, 'RolledBack', last?.standing.message);
        assert.ok(made.broken.has(asked?.hash ?? ''));
      }
    });
  });
});
