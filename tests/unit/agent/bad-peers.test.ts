/**
 * What other members send and what was remembered of them, bad: nothing of it ends an agent.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepPresence } from '../../../src/agent/presence-link.ts';
import type { PresenceParts } from '../../../src/agent/presence-link.ts';
import type { PeerRoute } from '../../../src/agent/peer-link.ts';
import { soundSight } from '../../../src/agent/sight-record.ts';
import type { SightRecord } from '../../../src/agent/sight-record.ts';
import { keepConnection } from '../../../src/platform/kept-connection.ts';
import { mutualHttp } from '../../../src/platform/mutual-http.ts';
import { readyNode } from '../decide/fixtures.ts';

const OTHER = { name: 'n1', uid: 'u1', incarnation: 1, address: '::::', role: 'Worker' as const };
const WORD = { life: 5, sequence: 1, role: 'Primary' as const, agent: { incarnation: 1, phase: 'Ready' as const, services: {} } };
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => log };

test('addresses that are none are neither called nor asked, and what is no heartbeat is refused', async () => {
  const ending = new AbortController();
  let nowMs = 0;
  let route: PeerRoute | undefined;
  let looks = 0;
  const clock = {
    monotonicMs: () => nowMs,
    // Lets what was begun come to its end.
    sleep: async (ms: number) => {
      nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      if ((looks += 1) > 60) ending.abort();
    },
  };
  const trust = { kind: 'pin', pin: 'sha256:00' } as const;
  const parts = {
    deps: { node: { nodeUid: 'u0' }, clock, log, http: mutualHttp(), keepConnection },
    peers: {
      route: (_method: string, _path: string, taken: PeerRoute) => void (route = taken),
      toward: () => ({ origin: 'https://[::::]:7300', trust, trustedNowMs: 0 }),
      hasJoined: () => true,
    },
    members: () => [OTHER],
    whomToAsk: () => ['nonsense', '127.0.0.1:99999', ':80'],
    word: () => WORD,
    onNews: nothing,
  } as unknown as PresenceParts;
  const kept = keepPresence(parts, ending.signal);
  const answer = async (body: unknown): Promise<number> => {
    const call = { from: OTHER, query: new URLSearchParams(), body: Buffer.from(JSON.stringify(body)) };
    return (await route!(call, ending.signal)).status;
  };
  const bad = [
    null,
    [],
    7,
    'x',
    {},
    { life: -1, sequence: 'x' },
    { life: 1 },
    { life: 1.5, sequence: 0 },
    { life: 2 ** 53 - 1, sequence: 0 },
  ];
  for (const body of bad) assert.equal(await answer(body), 400, JSON.stringify(body));
  assert.equal(await answer({ life: 1, sequence: 0 }), 200);
  await kept;
  assert.ok(looks > 60);
});

test('of a damaged sight only what is a node is read', () => {
  const node = readyNode(1);
  const { metadata, spec } = node;
  const bad = [
    null,
    3,
    'x',
    {},
    { metadata, spec: null },
    { metadata: {}, spec },
    { metadata, spec, status: 7 },
    { metadata, spec, status: { agent: 1 } },
  ];
  const broken = { ...node, status: { agent: { ...node.status?.agent, services: { hello: null } } } };
  const read = soundSight({ nodes: [...bad, broken, node], cluster: 5 } as unknown as SightRecord);
  assert.deepEqual(read, { record: { nodes: [node] }, skipped: bad.length + 1 });
  for (const none of [null, 3, [], 'x']) assert.equal(soundSight(none as unknown as SightRecord), undefined);
  assert.deepEqual(soundSight({} as SightRecord), { record: { nodes: [] }, skipped: 0 });
});
