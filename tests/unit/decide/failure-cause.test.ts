/**
 * What a failure calls for, by its cause.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { causeOf, replacementsOf } from '../../../src/decide/failure-cause.ts';
import type { RepairBudget, StepTrouble } from '../../../src/decide/failure-cause.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import { node } from './fixtures.ts';

type Machine = NonNullable<NonNullable<ClusterNode['status']>['infrastructure']>;
const machine = (more: Partial<Machine>): ClusterNode =>
  node(1, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Failed', ...more } } });
const FRESH: RepairBudget = { wasAvailable: false, autoRepair: true, replacements: 0, maxReplacements: 2, failures: 0, maxAttempts: 5 };
const faults = [machine({ phase: 'Gone' }), machine({}), machine({ reason: 'GivenUp' }), machine({ reason: 'RecordLost' })];

const trouble: fc.Arbitrary<StepTrouble> = fc.record(
  {
    isLate: fc.boolean(),
    waitingFor: fc.constantFrom('Input' as const, 'Host' as const, 'Join' as const),
    node: fc.constantFrom(...faults),
    refusal: fc.constant('no'),
    massSilence: fc.boolean(),
  },
  { requiredKeys: ['isLate'] },
);
const budget: fc.Arbitrary<RepairBudget> = fc.record({
  wasAvailable: fc.boolean(),
  autoRepair: fc.boolean(),
  replacements: fc.nat(4),
  maxReplacements: fc.nat(3),
  failures: fc.integer({ min: -1, max: 6 }),
  maxAttempts: fc.integer({ min: 1, max: 5 }),
});

describe('the cause of a failure', () => {
  it('names what helps', () => {
    const cases: readonly (readonly [StepTrouble, Partial<RepairBudget>, object])[] = [
      [{ isLate: false }, {}, { cause: 'Retry' }],
      [{ isLate: false, refusal: 'no' }, {}, { cause: 'Retry' }],
      [{ isLate: true, refusal: 'no' }, {}, { cause: 'Stop', waitingFor: 'Director' }],
      [{ isLate: false, waitingFor: 'Input' }, {}, { cause: 'Stop', waitingFor: 'Input' }],
      [{ isLate: true }, {}, { cause: 'NewAttempt' }],
      [{ isLate: true }, { failures: 4 }, { cause: 'Stop', why: 'AttemptsExhausted' }],
      [{ isLate: true }, { autoRepair: false }, { cause: 'Stop', why: 'RepairDisabled' }],
    ];
    for (const [what, left, expected] of cases) assert.deepEqual(causeOf(what, { ...FRESH, ...left }), expected);
  });

  it('I1: never replaces or begins anew once the cluster was available, or with repair off', () => {
    fc.assert(
      fc.property(trouble, budget, (what, left) => {
        const { cause } = causeOf(what, left);
        if (left.wasAvailable || !left.autoRepair) assert.ok(cause === 'Retry' || cause === 'Stop');
      }),
    );
  });

  it('I2: replaces one node at most twice an attempt, and none that its host lost track of', () => {
    for (const fault of faults) {
      const { cause } = causeOf({ isLate: false, node: fault }, FRESH);
      assert.equal(cause, fault === faults[3] ? 'NewAttempt' : 'ReplaceNode');
      assert.equal(causeOf({ isLate: false, node: fault }, { ...FRESH, replacements: FRESH.maxReplacements }).cause, 'NewAttempt');
    }
    const confirmed = node(1, { host: 'h1', annotations: { 'outrigger.dev/confirm-dead': '1' } });
    assert.equal(causeOf({ isLate: false, node: confirmed }, FRESH).cause, 'ReplaceNode');
    assert.equal(replacementsOf([node(0), node(1, { incarnation: 3 })]), 2);
  });

  it('I5: ends nothing and replaces nothing in a mass silence, but for what a person confirmed dead', () => {
    fc.assert(
      fc.property(trouble, budget, (what, left) => {
        const { cause } = causeOf({ ...what, massSilence: true }, left);
        assert.ok(cause === 'Retry' || cause === 'Stop');
      }),
    );
    assert.deepEqual(causeOf({ isLate: true, massSilence: true }, FRESH), { cause: 'Stop', waitingFor: 'MassSilence' });
    const confirmed = node(1, { host: 'h1', annotations: { 'outrigger.dev/confirm-dead': '1' } });
    assert.equal(causeOf({ isLate: true, node: confirmed, massSilence: true }, FRESH).cause, 'ReplaceNode');
  });

  it('I3 I4: tears nothing down for what trying again cannot bring, and ends', () => {
    fc.assert(
      fc.property(trouble, budget, (what, left) => {
        const verdict = causeOf(what, left);
        if (what.node === undefined && what.waitingFor !== undefined)
          assert.deepEqual(verdict, { cause: 'Stop', waitingFor: what.waitingFor });
        if (verdict.cause === 'NewAttempt') assert.ok(left.failures + 1 < left.maxAttempts);
        if (verdict.cause === 'Retry') assert.ok(!what.isLate && what.node === undefined);
      }),
    );
  });
});
