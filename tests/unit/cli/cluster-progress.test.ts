/** What `outrigger cluster` makes of what a cluster says: when it is there, when it never will be, and what is told on the way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeCreation, judgeDeletion, judgeScale, judgeUpgrade } from '../../../src/cli/cluster/progress.ts';
import type { Look, Progress } from '../../../src/cli/cluster/progress.ts';
import { follow } from '../../../src/cli/cluster/follow.ts';
import type { Attempt } from '../../../src/model/attempt.ts';
import type { Cluster, ClusterStatus } from '../../../src/model/cluster.ts';
import type { ClusterNode } from '../../../src/model/cluster-node.ts';
import type { Condition, ConditionReason, ConditionType } from '../../../src/model/condition.ts';
import { Fault } from '../../../src/model/fault.ts';
import type { Answer, EntityApi } from '../../../src/ports/api.ts';
import { cluster, condition, hurriedClock, memoryScreen, node } from '../../support/cli-cluster.ts';

function look(status: ClusterStatus | undefined, more: Partial<Look> = {}): Look {
  return { cluster: cluster(status), nodes: [], waitedMs: 0, ...more };
}

function exitOf({ ending }: Progress): number | undefined {
  return ending?.exit;
}

function texts({ lines }: Progress): readonly string[] {
  return lines.map(({ text }) => text);
}

describe('creation', () => {
  const log = ['2030-01-01T00:00:01Z Attempt 1 begins.', '2030-01-01T00:00:02Z CreatePrimary is done after 0.5 s.'];
  const attempt: Attempt = {
    number: 1,
    startedAt: '2030-01-01T00:00:01Z',
    steps: [],
    step: 'PrimaryReady',
    waits: 'harbor-a1-n0 comes up',
    log,
  };

  test('its attempts are told as a story, and what it waits for now', () => {
    const progress = judgeCreation(look({ phase: 'Provisioning', attempt: 1, attempts: [attempt] }));
    assert.deepEqual(texts(progress), ['00:00:01  Attempt 1 begins.', '00:00:02  Attempt 1: CreatePrimary is done after 0.5 s.']);
    assert.equal(progress.now, 'attempt 1: PrimaryReady: harbor-a1-n0 comes up');
    assert.equal(progress.ending, undefined);
  });

  test('I2: the same line has the same key at every look, and another attempt another one', () => {
    const keys = (number: number) => judgeCreation(look({ attempts: [{ ...attempt, number }] })).lines.map(({ key }) => key);
    assert.deepEqual(keys(1), keys(1));
    assert.notDeepEqual(keys(1), keys(2));
  });

  test('available is the end, with where its nodes are', () => {
    const nodes = { 'pier-a1-n0': { role: 'Primary', address: '127.77.0.0' } } as const;
    const { ending } = judgeCreation(look({ availableAt: '2030-01-01T00:00:07Z', nodes }));
    assert.deepEqual(ending, { exit: 0, message: 'pier is Available after 7 s.\n  pier-a1-n0  Primary  127.77.0.0' });
  });

  test('a failed attempt is no end while another one follows; Error is, and says what is kept', () => {
    const failed: Attempt = { ...attempt, outcome: 'Failed', message: 'PrimaryReady: no host' };
    assert.equal(exitOf(judgeCreation(look({ phase: 'Provisioning', attempts: [failed] }))), undefined);
    const { ending } = judgeCreation(look({ phase: 'Error', attempts: [{ ...failed, left: ['pier-a1-n0 is failed'] }] }));
    assert.equal(ending?.exit, 1);
    assert.match(
      ending.message,
      /^pier is in Error: PrimaryReady: no host\.[^]*outrigger cluster delete pier -n demo[^]*Kept[^]*pier-a1-n0 is failed/,
    );
  });

  test('I3: what a person must bring is a line of its own; a director that refused is tried again', () => {
    const waiting = (waitingFor: 'Join' | 'Director') => texts(judgeCreation(look({ attempts: [{ ...attempt, waitingFor, log: [] }] })));
    assert.deepEqual(waiting('Join'), ['Attempt 1 waits: harbor-a1-n0 comes up']);
    assert.deepEqual(waiting('Director'), []);
    const told = [`2030-01-01T00:00:03Z PrimaryReady stands: ${attempt.waits ?? ''}.`];
    assert.equal(judgeCreation(look({ attempts: [{ ...attempt, waitingFor: 'Join', log: told }] })).lines.length, 1, 'not twice');
  });

  test('that nobody takes it up is said after a while, and deletion ends it', () => {
    assert.deepEqual(texts(judgeCreation(look(undefined, { waitedMs: 1_000 }))), []);
    assert.match(texts(judgeCreation(look(undefined, { waitedMs: 11_000 })))[0] ?? '', /No extension server/);
    assert.equal(exitOf(judgeCreation({ cluster: undefined, nodes: [], waitedMs: 0 })), 1);
  });
});

const asAsked = (generation: number): Condition => condition('Progressing', 'False', 'Available', generation);

describe('scale', () => {
  const judge = judgeScale(2, 5);

  test('I1: it is over when the cluster says so of this generation, and not before', () => {
    assert.equal(exitOf(judge(look({ workers: 2, conditions: [asAsked(5)] }))), 0);
    assert.equal(exitOf(judge(look({ workers: 2, conditions: [asAsked(4)] }))), undefined);
    assert.equal(exitOf(judge(look({ workers: 1, conditions: [asAsked(5)] }))), undefined);
  });

  test('a node that leaves is waited for', () => {
    const progress = judge(look({ workers: 2, conditions: [asAsked(5)] }, { nodes: [node('pier-a1-n3', 3)] }));
    assert.equal(exitOf(progress), undefined);
    assert.equal(progress.now, '2 of 2 workers ready; leaving: pier-a1-n3');
  });

  test('a quota that does not hold it ends it; one that was short for an earlier spec does not', () => {
    const short = (generation: number) =>
      look({ workers: 1, conditions: [condition('QuotaReserved', 'False', 'QuotaExceeded', generation)] });
    assert.equal(exitOf(judge(short(5))), 1);
    assert.equal(exitOf(judge(short(4))), undefined);
  });
});

describe('upgrade', () => {
  const judge = judgeUpgrade('1.0.1', 5);
  const says = (type: ConditionType, status: 'True' | 'False', reason: ConditionReason, release: NonNullable<ClusterStatus['release']>) =>
    judge(look({ release, conditions: [condition(type, status, reason, 5)] }));

  test('it is over when every node runs the release', () => {
    assert.equal(exitOf(says('Progressing', 'False', 'Available', { current: '1.0.1' })), 0);
    assert.equal(exitOf(says('Progressing', 'False', 'Available', { current: '1.0.0' })), undefined);
    assert.equal(exitOf(says('Progressing', 'True', 'Upgrading', { current: '1.0.1', progress: '1 of 2 nodes run 1.0.1' })), undefined);
  });

  test('one that went back is a failure once it is back, and not an earlier one that did', () => {
    const back = (generation: number) => ({ release: '1.0.1', generation, time: '2030-01-01T00:00:00Z', message: 'n1 was not ready' });
    assert.equal(exitOf(says('Progressing', 'True', 'RollingBack', { current: '1.0.0', rolledBack: back(5) })), undefined);
    const over = says('Progressing', 'False', 'RolledBack', { current: '1.0.0', rolledBack: back(5) });
    assert.deepEqual(over.ending, { exit: 1, message: 'pier went back to 1.0.0: n1 was not ready.' });
    assert.equal(exitOf(says('Progressing', 'True', 'Upgrading', { current: '1.0.0', rolledBack: back(4) })), undefined);
  });

  test('a refusal by the primary ends it; a node that is waited for is told', () => {
    assert.equal(exitOf(says('Progressing', 'False', 'UpgradeRefused', { current: '1.0.0' })), 3);
    assert.deepEqual(texts(says('Progressing', 'False', 'UpgradeWaits', { current: '1.0.0' })), ['Progressing says UpgradeWaits.']);
  });
});

test('deletion is over when it is gone', () => {
  const judge = judgeDeletion('pier');
  assert.equal(exitOf(judge(look({}, { nodes: [node('pier-a1-n0', 0)] }))), undefined);
  const errorSet = [{ time: '', reason: 'Deleting', message: 'host h1 has not let go of it' }];
  assert.deepEqual(
    [0, 5_000].map((waitedMs) => texts(judge(look({ errorSet }, { waitedMs }))).length),
    [0, 1],
  );
  assert.equal(exitOf(judge({ cluster: undefined, nodes: [], waitedMs: 0 })), 0);
});

describe('following', () => {
  const first = cluster({});

  function api(answers: (Answer<Cluster> | Fault)[]): EntityApi {
    const next = (): Promise<Answer<Cluster>> => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer instanceof Fault ? Promise.reject(answer) : Promise.resolve(answer as Answer<Cluster>);
    };
    const list = () => Promise.resolve({ ok: true, value: { items: [] as ClusterNode[], resourceVersion: '1' } });
    return { get: next, list } as unknown as EntityApi;
  }

  async function followed(answers: (Answer<Cluster> | Fault)[], deadlineMs = 60_000) {
    const { screen, lines } = memoryScreen();
    const deps = { api: api(answers), clock: hurriedClock(), screen };
    const { exit } = await follow(deps, first, judgeScale(1, 1), deadlineMs, new AbortController().signal);
    return { exit, lines };
  }
  const there = cluster({ workers: 1, conditions: [asAsked(1)] });

  test('I1: a director that does not answer is waited for, and that is said once', async () => {
    const gone = new Fault('DirectorUnreachable', 'gone');
    const { exit, lines } = await followed([gone, gone, { ok: true, value: there }]);
    assert.equal(exit, 0);
    assert.equal(lines.filter((line) => line.startsWith('No director answers')).length, 1);
  });

  test('I2: another cluster of its name is not taken for it', async () => {
    const other = { ...there, metadata: { ...there.metadata, uid: 'other' } };
    assert.equal((await followed([{ ok: true, value: other }])).exit, 1);
  });

  test('I3: who gives up says that it stands', async () => {
    const { exit, lines } = await followed([{ ok: true, value: first }], 1_000);
    assert.equal(exit, 5);
    assert.match(lines.at(-1) ?? '', /Not there yet[^]*It goes on by itself: outrigger status pier -n demo/);
  });
});
