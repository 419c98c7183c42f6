/**
 * Which Sites a primary unplugs its cluster from, in virtual time.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Memory } from '../../../src/agent/memory.ts';
import { keepSite } from '../../../src/agent/site-keeper.ts';
import type { SiteKeeperParts } from '../../../src/agent/site-keeper.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Site } from '../../../src/model/site.ts';
import type { EntityApi } from '../../../src/ports/api.ts';
import type { Log } from '../../../src/ports/log.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { cluster, UID } from '../decide/fixtures.ts';

const LOG: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, with: () => LOG };

function pluggedSite(name: string): Site {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Site',
    metadata: { name, namespace: 'demo', uid: name, resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
    spec: { environment: 'OnPremises', connectionServers: [] },
    status: { cluster: { name: 'c', uid: UID } },
  };
}

/** A node on a new machine, which remembers nothing of any site; `plugged`: Sites that say that the cluster is plugged in. */
function rig(t: TestContext, named: string | undefined, plugged: readonly string[], term: number | undefined) {
  const clock = virtualClock();
  const stop = new AbortController();
  t.after(() => stop.abort());
  const unplugged: string[] = [];
  let lists = 0;
  const api = {
    mergePatch: (_: unknown, __: string, name: string, body: JsonObject) => {
      assert.deepEqual(body['status'], { cluster: null });
      unplugged.push(name);
      return Promise.resolve({ ok: true, value: { ...pluggedSite(name), status: {} } });
    },
    create: () => Promise.resolve({ ok: true, value: {} }),
  } as unknown as EntityApi;
  const base = cluster();
  const seen = { ...base, spec: { ...base.spec, ...(named === undefined ? {} : { site: named }) } };
  const parts = {
    deps: {
      clock,
      random: { float: () => 0, uuid: () => '', bytes: () => new Uint8Array() },
      log: LOG,
      node: { namespace: 'demo', node: 'c-n0' },
    },
    api,
    following: { cluster: () => seen },
    memory: { get: () => undefined, keep: () => Promise.resolve() } as unknown as Memory,
    trustedNow: () => 0,
    term: () => term,
    onChange: () => undefined,
    followSite: () => ({
      follow: () => undefined,
      site: () => undefined,
      learn: () => undefined,
      plugged: () => {
        lists += 1;
        return Promise.resolve(plugged.filter((name) => !unplugged.includes(name)).map(pluggedSite));
      },
    }),
  } as unknown as SiteKeeperParts;
  keepSite(parts, stop.signal);
  return { clock, unplugged, lists: () => lists };
}

test('a new machine unplugs from where its spec does not point, whether or not it names another site; and asks once', async (t) => {
  for (const named of ['pier', undefined]) {
    const { clock, unplugged, lists } = rig(t, named, named === undefined ? ['quay'] : ['quay', named], 1);
    for (let second = 0; second < 30; second++) await clock.advance(1_000);
    assert.deepEqual(unplugged, ['quay'], `spec.site ${named}`);
    assert.equal(lists(), 1);
  }
});

test('I2: a node without authority unplugs nothing', async (t) => {
  const { clock, unplugged } = rig(t, 'pier', ['quay', 'pier'], undefined);
  for (let second = 0; second < 30; second++) await clock.advance(1_000);
  assert.deepEqual(unplugged, []);
});
