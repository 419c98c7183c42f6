/**
 * The spans of a creation: derived ids, and what one write completes.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { creationSpans, parentOf, spanIdOf, spanOf, traceIdOf, traceparentOf, writeParentOf } from '../../../src/decide/trace.ts';
import type { Cluster } from '../../../src/model/cluster.ts';

const TRACED = { clusterUid: 'u1', cluster: 'demo/harbor', attempt: 2 };

test('I1: ids have the shape that OpenTelemetry asks for, and tell attempts and spans apart', () => {
  const traces = new Map<string, string>();
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 1, max: 20 }), fc.string(), (clusterUid, attempt, of) => {
      const traced = { clusterUid, cluster: 'a/b', attempt };
      assert.match(traceIdOf(traced), /^[0-9a-f]{32}$/);
      assert.match(spanIdOf(traced, of), /^[0-9a-f]{16}$/);
      assert.notEqual(traceIdOf(traced).slice(0, 16), traceIdOf(traced).slice(16));
      const key = `${clusterUid} ${attempt}`;
      assert.equal(traces.get(traceIdOf(traced)) ?? key, key);
      traces.set(traceIdOf(traced), key);
    }),
  );
  assert.notEqual(traceIdOf(TRACED), traceIdOf({ ...TRACED, attempt: 3 }));
  assert.notEqual(spanIdOf(TRACED, ''), spanIdOf(TRACED, 'step Validate'));
});

test('I2: one write completes its steps and its attempt, all below the same root', () => {
  const metadata = { name: 'harbor', namespace: 'demo', uid: 'u1', resourceVersion: '1', creationTimestamp: '' };
  const at = (second: number): string => `2026-01-01T00:00:0${second}Z`;
  const cluster = (attempt: object): Cluster => ({ metadata, spec: {}, status: { attempts: [attempt] } }) as unknown as Cluster;
  const before = cluster({ number: 2, startedAt: at(0), steps: [] });
  const steps = [{ name: 'Validate', startedAt: at(0), endedAt: at(1), waitedFor: 'a host' }];
  const after = cluster({ number: 2, startedAt: at(0), steps, endedAt: at(5), outcome: 'Failed', message: 'It was late.' });
  const [step, root] = creationSpans(before, after);
  assert.equal(root?.spanId, spanIdOf(TRACED, ''));
  assert.equal(root?.parentSpanId, undefined);
  assert.equal(root?.failure, 'It was late.');
  assert.equal((root?.endMs ?? 0) - (root?.startMs ?? 0), 5_000);
  assert.deepEqual(
    step,
    spanOf(TRACED, 'step Validate', {
      name: 'step Validate',
      startMs: Date.parse(at(0)),
      endMs: Date.parse(at(1)),
      attributes: { 'outrigger.waited_for': 'a host' },
    }),
  );
  assert.equal(step?.parentSpanId, root?.spanId);
  assert.equal(step?.traceId, root?.traceId);
  assert.deepEqual(creationSpans(after, after), []);
});

test('I2: an attempt that failed says in which step, below the same root', () => {
  const metadata = { name: 'harbor', namespace: 'demo', uid: 'u1', resourceVersion: '1', creationTimestamp: '' };
  const at = (second: number): string => `2026-01-01T00:00:0${second}Z`;
  const cluster = (attempt: object): Cluster => ({ metadata, spec: {}, status: { attempts: [attempt] } }) as unknown as Cluster;
  const begun = { number: 2, startedAt: at(0), steps: [], step: 'PrimaryReady', stepStartedAt: at(2) };
  const spans = creationSpans(cluster(begun), cluster({ ...begun, endedAt: at(5), outcome: 'Failed', message: 'No host.' }));
  assert.deepEqual(
    spans.map(({ name, parentSpanId, failure }) => ({ name, below: parentSpanId === spanIdOf(TRACED, ''), failure })),
    [
      { name: 'step PrimaryReady', below: true, failure: 'No host.' },
      { name: 'creation of a cluster', below: false, failure: 'No host.' },
    ],
  );
});

test('I2: a write belongs to the step at work, before it to the attempt, and after creation to nothing', () => {
  const metadata = { name: 'harbor', namespace: 'demo', uid: 'u1', resourceVersion: '1', creationTimestamp: '' };
  const cluster = (status: object): Cluster => ({ metadata, spec: {}, status }) as unknown as Cluster;
  const startedAt = '2026-01-01T00:00:00Z';
  const parent = (status: object): string | undefined => writeParentOf(cluster(status))?.of;
  assert.equal(parent({}), '');
  const attempts = [{ number: 2, startedAt, step: 'Validate', steps: [] }];
  assert.equal(parent({ attempt: 2, attempts }), 'step Validate');
  assert.equal(parent({ attempt: 2, attempts: [{ ...attempts[0], endedAt: startedAt, outcome: 'Failed' }] }), '');
  assert.equal(parent({ attempt: 2, attempts, availableAt: startedAt }), undefined);
  assert.equal(writeParentOf({ ...cluster({}), metadata: { ...metadata, deletionTimestamp: startedAt } }), undefined);
});

test('I4: what is sent as traceparent is read as the same span; anything else is as good as none', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 1, max: 20 }), fc.string(), (clusterUid, attempt, of) => {
      const traced = { clusterUid, cluster: 'a/b', attempt };
      assert.deepEqual(parentOf(traceparentOf(traced, of)), { traceId: traceIdOf(traced), spanId: spanIdOf(traced, of) });
    }),
  );
  const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  assert.deepEqual(parentOf(`01-${trace}-${span}-03-more`), { traceId: trace, spanId: span }, 'a version to come');
  const bad = [
    undefined,
    '',
    `00-${trace}-${span}-00`,
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}`,
    trace,
  ];
  for (const header of bad) assert.equal(parentOf(header), undefined, header);
});
