/** What `outrigger drill` prints of a drill that has ended, and of many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDrill, renderDrills } from '../../../src/cli/drill.ts';
import type { Drill, DrillStatus } from '../../../src/model/drill.ts';
import { SCREEN_COLUMNS } from '../../../src/cli/status/lines.ts';

function drill(status: DrillStatus): Drill {
  const metadata = { name: 'd', namespace: 'demo', creationTimestamp: '2030-01-01T00:00:00Z' };
  return { metadata, spec: { target: 'Node', cluster: 'harbor' }, status } as unknown as Drill;
}

test('what was not promised is not called kept, and is broken all the same when it did not come back', () => {
  const text = renderDrill(
    drill({
      phase: 'Broken',
      verdict: [
        { what: 'Detected after', promised: 'at most 1.5 s', measured: '0.18 s', kept: true },
        { what: 'Recovered after', measured: '4.00 s', kept: true },
        { what: 'Failed requests', promised: '0', measured: '3 of 900', kept: false },
      ],
    }),
  );
  const lines = text.split('\n').map((line) => line.trim());
  assert.ok(lines.some((line) => /^Detected after .* kept$/.test(line)));
  assert.ok(lines.some((line) => /^Recovered after +4\.00 s +not promised$/.test(line)));
  assert.ok(lines.some((line) => /^Failed requests .* BROKEN$/.test(line)));
  assert.match(
    renderDrill(drill({ verdict: [{ what: 'Recovered after', measured: 'not within 120 s', kept: false }] })),
    /not promised +BROKEN/,
  );
});

test('the list says why, within the width of a screen', () => {
  const message = `It would be an outage: ${'singletons stop. '.repeat(20)}`;
  const text = renderDrills([drill({ phase: 'Refused', message })], Date.parse('2030-01-01T00:01:00Z'));
  assert.match(text, /MESSAGE\n.*Refused .*It would be an outage: singletons/);
  assert.ok(text.split('\n').every((line) => line.length <= SCREEN_COLUMNS));
});
