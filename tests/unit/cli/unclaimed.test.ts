/**
 * What people are told when there is nothing, or nothing of that name, to take back or to discard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adoptNode, discardNode } from '../../../src/cli/unclaimed.ts';
import { isFault } from '../../../src/model/fault.ts';
import type { UnclaimedNode } from '../../../src/model/host.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ANNOTATION_DISCARD } from '../../../src/model/labels.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import { systemClock } from '../../../src/platform/clock.ts';

const never = new AbortController().signal;
const node = (name: string, uid: string, why: UnclaimedNode['why'] = 'Unknown'): UnclaimedNode => ({
  uid,
  namespace: 'demo',
  name,
  cluster: 'harbor',
  clusterUid: 'c',
  virtualDataCenter: 'main',
  role: 'Worker',
  attempt: 1,
  index: 1,
  incarnation: 1,
  resources: { cpuMillis: 500, memoryMiB: 256 },
  why,
  message: 'It runs twice',
});

/** A host that reports `nodes`, and stops at once what it is asked to. */
function world(nodes: UnclaimedNode[]) {
  const shown: string[] = [];
  const patches: JsonObject[] = [];
  const api = {
    get: (_address: unknown, _namespace: string, name: string) =>
      Promise.resolve(
        name === 'h1'
          ? { ok: true, value: { metadata: { name: 'h1', uid: 'h', resourceVersion: '1' }, spec: {}, status: { unclaimedNodes: nodes } } }
          : { ok: false, reason: 'NotFound', message: `${name} not found` },
      ),
    mergePatch: (_address: unknown, _namespace: string, _name: string, patch: JsonObject) => {
      patches.push(patch);
      const asked = ((patch['metadata'] as JsonObject)['annotations'] as JsonObject)[ANNOTATION_DISCARD];
      nodes = nodes.filter((one) => typeof asked !== 'string' || !asked.includes(one.uid));
      return Promise.resolve({ ok: true, value: {} });
    },
  } as unknown as EntityApi;
  return { deps: { api, clock: systemClock(), show: (text: string) => void shown.push(text) }, shown, patches };
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const cause = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(isFault(cause), 'it is refused');
  return cause.message;
}

describe('unclaimed nodes by command', () => {
  const adopt = { host: 'h1', namespace: 'demo', scale: false, deadlineMs: 1_000 };

  it('I1: names what the host reports when nothing of that name is among it', async () => {
    const { deps } = world([node('harbor-a1-n1', 'u1')]);
    assert.match(
      await refusal(adoptNode(deps, { ...adopt, name: 'x' }, never)),
      /no unclaimed node demo\/x; it reports demo\/harbor-a1-n1 \(uid u1\)/,
    );
    assert.match(await refusal(adoptNode(deps, { ...adopt, host: 'h9', name: 'x' }, never)), /There is no Host h9/);
    assert.match(
      await refusal(discardNode(world([]).deps, { host: 'h1', which: 'u1', deadlineMs: 1_000 }, never)),
      /reports no unclaimed node\./,
    );
  });

  it('I1: a node that another host holds, or whose Cluster is unknown, is not taken back', async () => {
    const twice = world([node('harbor-a1-n1', 'u1', 'HeldElsewhere')]);
    assert.match(await refusal(adoptNode(twice.deps, { ...adopt, name: 'harbor-a1-n1' }, never)), /It runs twice/);
    const orphan = world([node('harbor-a1-n1', 'u1')]);
    assert.match(
      await refusal(adoptNode(orphan.deps, { ...adopt, name: 'harbor-a1-n1' }, never)),
      /knows no Cluster demo\/harbor with uid c/,
    );
  });

  it('discards by uid; a name must be the name of one', async () => {
    const both = [node('harbor-a1-n1', 'u1'), node('harbor-a1-n1', 'u2')];
    const { deps, patches } = world(both);
    assert.match(await refusal(discardNode(deps, { host: 'h1', which: 'harbor-a1-n1', deadlineMs: 1_000 }, never)), /say the uid/);
    assert.equal(await discardNode(deps, { host: 'h1', which: 'u2', deadlineMs: 1_000 }, never), 0);
    assert.deepEqual(
      patches.map((patch) => ((patch['metadata'] as JsonObject)['annotations'] as JsonObject)[ANNOTATION_DISCARD]),
      ['u2', null],
      'asked for, and taken away when it is done',
    );
  });
});
