/**
 * The first plan of a primary that found nobody with one.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChangeStep } from '../../../src/decide/change.ts';
import { contentOfVersion, Site } from './change-site.ts';

const ONE = contentOfVersion('1.0.0');
const TWO = contentOfVersion('1.0.1', ['1.0.0']);

/** All machines of a cluster that runs 1.0.1 were replaced; its workers came before the spec asked for 1.0.0, the primary after. */
function replacedSite(): Site {
  const made = new Site(2, ONE);
  for (const worker of made.nodes.slice(1)) {
    worker.content = TWO;
    made.speak(worker);
  }
  return made;
}

describe('a first plan without a predecessor', () => {
  it('I10: where nobody has a plan any more, what the first one brings is taken one node after the other', () => {
    const made = replacedSite();
    for (let second = 0; second < 20; second++) {
      made.run(1);
      const gone = made.nodes.filter((one) => !one.ready.has('hello'));
      assert.ok(gone.length <= 1, `${gone.map(({ index }) => index).join(' and ')} replace it at once`);
    }
    assert.deepEqual([made.running(), made.plan?.state, made.plan?.previous], [['1.0.0', '1.0.0', '1.0.0'], 'Steady', undefined]);
    const { number } = made.plan!;
    made.run(100);
    assert.equal(made.plan?.number, number, 'nothing flaps');
  });

  it('I10: what the nodes run stays until the first of them is well with what is new', () => {
    const made = replacedSite();
    made.broken.add(ONE.hash);
    made.primary.ready.delete('hello');
    made.run(30);
    assert.deepEqual(made.running(), ['1.0.0', '1.0.0', '1.0.1'], 'the next one keeps the last ready instance');
    made.ask(TWO);
    made.run(200);
    assert.deepEqual([made.running(), made.plan?.state, made.plan?.previous], [['1.0.1', '1.0.1', '1.0.1'], 'Steady', undefined]);
  });

  it('I10: before it was available nobody waits', () => {
    const made = Object.assign(replacedSite(), { wasAvailable: false });
    const first: ChangeStep = made.think();
    assert.deepEqual([first.plan?.state, first.plan?.previous, first.plan?.number], ['Steady', undefined, 1]);
  });
});
