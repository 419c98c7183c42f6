/**
 * `outrigger site pair` before a person: what is accepted, and what never is. The API is a Site in memory whose agent answers at once.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pairSite, unpairSite } from '../../../src/cli/site-pair.ts';
import type { PairOrder, SiteDeps } from '../../../src/cli/site-pair.ts';
import { renderSite } from '../../../src/cli/site.ts';
import { isFault } from '../../../src/model/fault.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ANNOTATION_PAIR } from '../../../src/model/labels.ts';
import type { Site } from '../../../src/model/site.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import type { Clock } from '../../../src/ports/clock.ts';

const SHOWN = `sha256:${'a'.repeat(64)}`;
const PINNED = `sha256:${'b'.repeat(64)}`;
const never = new AbortController().signal;

interface World {
  readonly deps: SiteDeps;
  readonly shown: string[];
  readonly asked: string[];
  pin(): string | undefined;
  site: Site;
}

/** Sleeping moves it on. */
function hurriedClock(): Clock {
  let nowMs = 0;
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: (ms) => Promise.resolve(void (nowMs += ms)) };
}

/** One connection server that shows SHOWN. `answers`: what the person types. */
function world(pin: string | undefined, answers: readonly string[] | undefined, onAsk: (world: World) => void = () => undefined): World {
  const [shown, asked] = [[] as string[], [] as string[]];
  let requests = 0;
  const made: World = {
    shown,
    asked,
    pin: () => made.site.spec.connectionServers[0]?.pin,
    site: {
      apiVersion: 'outrigger.dev/v1',
      kind: 'Site',
      metadata: {
        name: 'pier',
        namespace: 'demo',
        uid: 's',
        resourceVersion: '1',
        generation: 1,
        creationTimestamp: '2030-01-01T00:00:00Z',
      },
      spec: {
        environment: 'OnPremises',
        connectionServers: [{ name: 'cs-1', url: 'https://cs-1:1', ...(pin === undefined ? {} : { pin }) }],
      },
      status: { cluster: { name: 'harbor', uid: 'u' } },
    },
    deps: {
      api: apiOf(() => made),
      clock: hurriedClock(),
      unique: () => `request-${++requests}`,
      show: (text) => void shown.push(text),
      ask:
        answers === undefined
          ? undefined
          : async (question) => {
              asked.push(question);
              onAsk(made);
              return answers[asked.length - 1] ?? '';
            },
    },
  };
  return made;
}

/** The agent's answer to what the Site is now. */
function judged(site: Site): Site {
  const [server] = site.spec.connectionServers;
  const result = server?.pin === SHOWN ? 'Passed' : server?.pin === undefined ? 'Waiting' : 'Failed';
  const state = result === 'Passed' ? 'Paired' : result;
  return {
    ...site,
    status: {
      ...site.status,
      pairing: {
        state,
        clusterUid: 'u',
        generation: site.metadata.generation ?? 0,
        message: `It is ${state}.`,
        checks: [{ server: 'cs-1', check: 'Thumbprint', result, message: `It shows ${SHOWN}.` }],
        thumbprints: { 'cs-1': SHOWN },
        answeredRequest: site.metadata.annotations?.[ANNOTATION_PAIR] ?? '',
      },
    },
  };
}

function apiOf(of: () => World): EntityApi {
  const cluster = { metadata: { name: 'harbor', uid: 'u' }, spec: { site: 'pier' } };
  const patch = (name: string, body: JsonObject): unknown => {
    const world = of();
    if (name !== 'pier') return cluster;
    const { metadata, spec } = body as { metadata?: { annotations?: Record<string, string> }; spec?: Partial<Site['spec']> };
    world.site = judged({
      ...world.site,
      metadata: {
        ...world.site.metadata,
        resourceVersion: String(Number(world.site.metadata.resourceVersion) + 1),
        generation: (world.site.metadata.generation ?? 0) + (spec === undefined ? 0 : 1),
        annotations: { ...world.site.metadata.annotations, ...metadata?.annotations },
      },
      spec: { ...world.site.spec, ...spec },
    });
    return world.site;
  };
  return {
    get: () => Promise.resolve({ ok: true, value: of().site }),
    list: () => Promise.resolve({ ok: true, value: { items: [cluster], resourceVersion: '1' } }),
    mergePatch: (_address: unknown, _namespace: string, name: string, body: JsonObject) =>
      Promise.resolve({ ok: true, value: patch(name, body) }),
  } as unknown as EntityApi;
}

const ORDER: PairOrder = { namespace: 'demo', name: 'pier', deadlineMs: 5_000, cluster: undefined, accept: [] };

describe('outrigger site pair', () => {
  test('I1: without a terminal nothing is accepted; the message says how', async () => {
    const made = world(undefined, undefined);
    const outcome = await pairSite(made.deps, ORDER, never);
    assert.deepEqual([outcome.exit, made.pin()], [3, undefined]);
    assert.match(outcome.message, new RegExp(`outrigger site pair pier -n demo --accept ${SHOWN}`));
  });

  test('I1: a person who says anything but yes accepts nothing', async () => {
    for (const answer of ['', 'n', 'no', 'yup', 'sure']) {
      const made = world(undefined, [answer]);
      assert.deepEqual([(await pairSite(made.deps, ORDER, never)).exit, made.pin(), made.asked.length], [3, undefined, 1], answer);
    }
  });

  test('a person sees the thumbprint, and what it is instead of, and accepts it', async () => {
    const made = world(PINNED, ['Y']);
    const outcome = await pairSite(made.deps, ORDER, never);
    assert.deepEqual([outcome.exit, made.pin()], [0, SHOWN]);
    assert.match(made.shown.join(''), new RegExp(`shows the certificate\\n  ${SHOWN}\\n  instead of the pinned\\n  ${PINNED}`));
  });

  test('I1: --accept takes exactly what it names, and says when nobody shows it', async () => {
    const right = world(undefined, undefined);
    assert.deepEqual([(await pairSite(right.deps, { ...ORDER, accept: [SHOWN] }, never)).exit, right.pin()], [0, SHOWN]);
    const wrong = world(undefined, undefined);
    const outcome = await pairSite(wrong.deps, { ...ORDER, accept: [PINNED] }, never);
    assert.deepEqual([outcome.exit, wrong.pin()], [3, undefined]);
    assert.match(outcome.message, new RegExp(`^No connection server shows ${PINNED}`));
  });

  test('I2: a Site that changed while the person compared is not written', async () => {
    const made = world(undefined, ['y'], (at) => {
      at.site = { ...at.site, metadata: { ...at.site.metadata, generation: 9 } };
    });
    await assert.rejects(
      pairSite(made.deps, ORDER, never),
      (cause) => isFault(cause, 'DirectorRefused') && /was changed meanwhile; nothing was accepted/.test(cause.message),
    );
    assert.equal(made.pin(), undefined);
  });

  test('I3: an older answer counts for nothing: an agent that is silent ends in a time-out', async () => {
    const made = world(SHOWN, undefined);
    made.site = judged(made.site);
    const silent = { ...made.deps.api, mergePatch: () => Promise.resolve({ ok: true, value: made.site }) } as unknown as EntityApi;
    const outcome = await pairSite({ ...made.deps, api: silent }, ORDER, never);
    assert.equal(outcome.exit, 5);
    assert.match(outcome.message, /did not check site pier within 5 s/);
    assert.deepEqual(made.shown, [], 'no line of the older answer was shown');
  });

  test('a site of another cluster, or of none, is refused with what to do', async () => {
    const made = world(SHOWN, undefined);
    made.site = { ...made.site, status: { cluster: { name: 'other', uid: 'u2' } } };
    const outcome = await pairSite(made.deps, ORDER, never);
    assert.deepEqual([outcome.exit, /Cluster other is plugged into site pier; unplug it first/.test(outcome.message)], [3, true]);
    await assert.rejects(pairSite(made.deps, { ...ORDER, cluster: 'quay' }, never), /Cluster harbor is at site pier; unplug it first/);
  });
});

test('outrigger site unpair ends, and says who did not answer', async () => {
  const made = world(SHOWN, undefined);
  const outcome = await unpairSite(made.deps, ORDER, false, never);
  assert.deepEqual([outcome.exit, /outrigger site unpair pier -n demo --force/.test(outcome.message)], [5, true]);
});

test('one site for people', () => {
  const made = world(SHOWN, undefined);
  const text = renderSite({ ...judged(made.site), status: { ...judged(made.site).status, leftBehind: ['cs-9: something'] } });
  assert.match(
    text,
    /^Site {9}demo\/pier\n[\s\S]*Pairing {6}Paired: It is Paired.\n[\s\S]*cs-1 {2}Thumbprint {3}Passed[\s\S]*Left behind:\n {2}cs-9: something\n$/,
  );
});
