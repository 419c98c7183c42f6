/**
 * What a drill of the control plane takes away afterwards: what it made, and nothing of anybody else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tidyAct } from '../../../src/cli/up/drill-acts.ts';
import type { ActParts } from '../../../src/cli/up/drill-acts.ts';
import type { Drill } from '../../../src/model/drill.ts';

const UID = '6b0c6a3e-5f0e-4a0d-9a53-6d2f4f3b1c11';

function drill(target: Drill['spec']['target']): Drill {
  return { metadata: { name: 'mine', namespace: 'demo', uid: UID }, spec: { target } } as unknown as Drill;
}

/** An API with these objects, by name, and their labels; it notes what is deleted. */
function apiWith(objects: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const deleted: unknown[] = [];
  const api = {
    get: (_: unknown, __: string, name: string) =>
      Promise.resolve(
        objects[name] === undefined
          ? { ok: false, reason: 'NotFound', message: '' }
          : { ok: true, value: { metadata: { name, uid: `uid of ${name}`, labels: objects[name] } } },
      ),
    delete: (_: unknown, __: string, name: string, preconditions: object) => {
      deleted.push([name, preconditions]);
      return Promise.resolve({ ok: true });
    },
  };
  return { parts: { api } as unknown as ActParts, deleted };
}

test('I3: it deletes what bears its uid, by that object’s own uid', async () => {
  const { parts, deleted } = apiWith({ [`drill-${UID}`]: { 'outrigger.dev/drill': UID } });
  await tidyAct(parts, drill('Director'), AbortSignal.timeout(1_000));
  assert.deepEqual(deleted, [[`drill-${UID}`, { uid: `uid of drill-${UID}` }]]);
});

test('I3: it leaves what people made, whatever its name, and what another drill made', async () => {
  const { parts, deleted } = apiWith({
    'drill-mine': {},
    'drill-mine-1': {},
    [`drill-${UID}`]: {},
    [`drill-${UID}-1`]: { 'outrigger.dev/drill': 'another' },
  });
  for (const target of ['Director', 'Database', 'ExtensionServer'] as const)
    await tidyAct(parts, drill(target), AbortSignal.timeout(1_000));
  assert.deepEqual(deleted, []);
});
