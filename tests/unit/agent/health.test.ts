/**
 * What a manager asks a director about its ill workers, and how long the answers count, in virtual time.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keepHealth } from '../../../src/agent/health.ts';
import type { HealthKeeper } from '../../../src/agent/health.ts';
import type { Standing } from '../../../src/decide/presence.ts';
import type { ResourceAddress } from '../../../src/model/core-kinds.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Answer, EntityApi } from '../../../src/ports/api.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { cluster, readyNode } from '../decide/fixtures.ts';

const WORKER = readyNode(1);
const VIEW = { cluster: cluster({ status: { attempt: 1 } }), nodes: [readyNode(0), WORKER, readyNode(2)] };

interface Rig {
  readonly keeper: HealthKeeper;
  /** What was asked, in order. */
  readonly asked: string[];
  /** The revision of the worker's Lease that a director shows; undefined: there is none. */
  lease: string | undefined;
  isDirectorAway: boolean;
  standings: Map<string, Standing>;
  run(seconds: number): Promise<void>;
  overdue(): readonly string[];
}

function rig(): Rig {
  const clock = virtualClock();
  const stop = new AbortController();
  const answer = <T>(what: string, value: () => Answer<T>): Promise<Answer<T>> => {
    made.asked.push(what);
    return made.isDirectorAway ? Promise.reject(new Fault('DirectorUnreachable', 'away')) : Promise.resolve(value());
  };
  const api = {
    list: ({ plural }: ResourceAddress) => answer(plural, () => ({ ok: true, value: { items: [], resourceVersion: '1' } })),
    get: ({ plural }: ResourceAddress, _: string, name: string) =>
      answer(`${plural}/${name}`, () =>
        made.lease === undefined
          ? { ok: false, reason: 'NotFound', message: '' }
          : { ok: true, value: { metadata: { resourceVersion: made.lease }, spec: {} } },
      ),
  } as unknown as EntityApi;
  const keeper = keepHealth({
    deps: { clock, node: { node: 'harbor-a1-n0', namespace: 'demo' } },
    api,
    standings: () => made.standings,
    changing: () => false,
  });
  const made: Rig = {
    keeper,
    asked: [],
    lease: '1',
    isDirectorAway: false,
    standings: new Map([
      ['harbor-a1-n1', 'Down'],
      ['harbor-a1-n2', 'Heard'],
    ]),
    run: async (seconds) => {
      for (let second = 0; second < seconds; second++) {
        await clock.advance(1_000);
        keeper.look(VIEW, stop.signal);
      }
    },
    overdue: () => [...keeper.overdue(VIEW).keys()],
  };
  return made;
}

describe('how ill workers are watched', () => {
  it('I1: a director is asked only while a node is ill', async () => {
    const made = rig();
    made.standings.set('harbor-a1-n1', 'Heard');
    await made.run(60);
    assert.deepEqual([made.asked, made.keeper.againMs()], [[], undefined]);
    made.standings.set('harbor-a1-n1', 'Down');
    await made.run(2);
    assert.ok(made.asked.includes(`leases/node-${WORKER.metadata.uid}`));
    assert.notEqual(made.keeper.againMs(), undefined);
  });

  it('I2: after an outage of the directors no worker is overdue before one has said what it sees of it', async () => {
    const made = rig();
    await made.run(30);
    made.isDirectorAway = true;
    await made.run(600);
    assert.deepEqual(made.overdue(), [], 'nobody can say it, and nobody knows');
    // The worker was heard by a director all the while, or is heard there first.
    made.isDirectorAway = false;
    made.lease = '2';
    for (let second = 0; second < 290; second++) {
      await made.run(1);
      assert.deepEqual(made.overdue(), [], `${second} s after the outage`);
    }
    await made.run(20);
    assert.deepEqual(made.overdue(), ['harbor-a1-n1'], 'it showed no other sign of life');
  });

  it('I2: what was overdue all the while is so by the first answer; that there is no Lease is one', async () => {
    for (const lease of ['1', undefined]) {
      const made = rig();
      made.lease = lease;
      await made.run(30);
      made.isDirectorAway = true;
      await made.run(600);
      made.isDirectorAway = false;
      await made.run(7);
      assert.deepEqual(made.overdue(), ['harbor-a1-n1'], `Lease ${lease}`);
    }
  });

  it('I3: without a ServerConfig the defaults hold', async () => {
    const made = rig();
    await made.run(299);
    assert.deepEqual(made.overdue(), []);
    await made.run(3);
    assert.deepEqual(made.overdue(), ['harbor-a1-n1']);
    assert.equal(made.keeper.config().nodeHealthCheck.unknownSeconds, 300);
  });
});
