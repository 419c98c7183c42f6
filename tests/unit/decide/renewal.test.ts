/**
 * When a certificate is renewed, and when it counts as revoked.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRevoked, renewalDue } from '../../../src/decide/renewal.ts';

const DAY_MS = 24 * 3600 * 1000;
const life = { notBeforeMs: 0, notAfterMs: 300 * DAY_MS };
const calm = { life, trustedNowMs: 100 * DAY_MS, wallNowMs: undefined, heldMs: 0, refused: false };

test('I1: due at two thirds of life by trusted time, or when a director refuses the certificate', () => {
  assert.equal(renewalDue(calm), false);
  assert.equal(renewalDue({ ...calm, trustedNowMs: 200 * DAY_MS - 1 }), false);
  assert.equal(renewalDue({ ...calm, trustedNowMs: 200 * DAY_MS }), true);
  assert.equal(renewalDue({ ...calm, trustedNowMs: 900 * DAY_MS }), true, 'also long after its end');
  assert.equal(renewalDue({ ...calm, refused: true }), true);
});

test('I2: a wall clock that is years ahead renews once a day of running time, not at every look', () => {
  const ahead = { ...calm, wallNowMs: 9_000 * DAY_MS };
  assert.equal(renewalDue({ ...ahead, heldMs: DAY_MS - 1 }), false);
  assert.equal(renewalDue({ ...ahead, heldMs: DAY_MS }), true);
  assert.equal(renewalDue({ ...calm, wallNowMs: 0, heldMs: 9 * DAY_MS }), false);
});

test('I3: revoked is what begins before, and not what was issued in the same second or later', () => {
  const issued = (text: string) => ({ notBeforeMs: Date.parse(text) });
  assert.equal(isRevoked(issued('2030-01-01T00:00:00Z'), undefined), false);
  assert.equal(isRevoked(issued('2030-01-01T00:00:00Z'), '2030-01-01T00:00:01Z'), true);
  assert.equal(isRevoked(issued('2030-01-01T00:00:01Z'), '2030-01-01T00:00:01.900Z'), false);
  assert.equal(isRevoked(issued('2030-01-01T00:00:02Z'), '2030-01-01T00:00:01Z'), false);
});
