/** `outrigger node revoke` leaves an Event, and does its work also where none may be written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revokeNode } from '../../../src/cli/node-revoke.ts';
import type { CoreEvent } from '../../../src/model/core-kinds.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import { Fault } from '../../../src/model/fault.ts';
import { node, T0 } from '../decide/fixtures.ts';

const never = new AbortController().signal;

test('I1: a revocation is an Event of the node, in whole sentences', async () => {
  const written: CoreEvent[] = [];
  const api = {
    mergePatch: () => Promise.resolve({ ok: true, value: node(1) }),
    create: (_address: unknown, _namespace: string, event: CoreEvent) => Promise.resolve(void written.push(event)),
  };
  const text = await revokeNode(api as unknown as EntityApi, { namespace: 'demo', name: 'harbor-a1-n1', nowMs: T0 }, never);
  assert.match(text, /are revoked/);
  const [event] = written;
  assert.deepEqual([event?.reason, event?.type, event?.involvedObject.uid], ['NodeRevoked', 'Warning', 'harbor-a1-n1-uid']);
  assert.match(event?.message ?? '', /before 2030-01-01T00:00:00Z/);
  const deaf = { ...api, create: () => Promise.reject(new Fault('DirectorUnreachable', 'Gone.')) };
  assert.match(await revokeNode(deaf as unknown as EntityApi, { namespace: 'demo', name: 'n', nowMs: T0 }, never), /are revoked/);
});
