/** What the portal lists as problems of license and directors. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directorProblem, licenseProblem } from '../../../src/decide/portal-problems.ts';
import type { LicenseSection } from '../../../src/decide/license-report.ts';

test('I1: what the banner warns of is a problem; an active license is none', () => {
  const at = (severity: string): string | undefined => licenseProblem({ severity, message: 'It expired.' } as LicenseSection);
  assert.deepEqual(['Success', 'Info', 'Warning', 'Danger'].map(at), [undefined, undefined, 'It expired.', 'It expired.']);
  assert.equal(licenseProblem(undefined), undefined);
});

test('no director answers: since when, and why; not while tunnels change', () => {
  const now = Date.parse('2026-11-22T15:30:00Z');
  const away = (sinceBootMs: number, director?: string): string | undefined =>
    directorProblem({ director, sinceBootMs, message: 'It was cut.' }, 700_000, now);
  assert.equal(away(100_000), 'No director answers this node since 2026-11-22 15:20 UTC: It was cut. What runs here goes on.');
  assert.equal(away(697_000), undefined);
  assert.equal(away(900_000), undefined, 'of an earlier boot');
  assert.equal(away(100_000, 'https://a'), undefined);
  assert.equal(directorProblem(undefined, 0, 0), undefined);
});
