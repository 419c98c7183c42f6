/**
 * What the agent does about its Site, what is written of it, and how the cluster stands with it.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eligibilityProblem, ineligibleFields } from '../../../src/decide/eligibility.ts';
import { decideManager } from '../../../src/decide/manager.ts';
import { checkedStatus, claimedStatus, leftBehindBy, NO_CHECKS, siteDuty, unpluggedStatus } from '../../../src/decide/site-duty.ts';
import type { CheckResult, SiteCluster } from '../../../src/decide/site-duty.ts';
import { siteStanding } from '../../../src/decide/site-standing.ts';
import { evaluateStep } from '../../../src/decide/steps.ts';
import { ANNOTATION_PAIR } from '../../../src/model/labels.ts';
import { LIMITS } from '../../../src/model/limits.ts';
import type { PairingCheck, Site, SiteStatus } from '../../../src/model/site.ts';
import { cluster, readyNode, UID, view, wasAvailable } from './fixtures.ts';

const NOW = '2030-01-01T00:00:00.000Z';
const US: SiteCluster = { name: 'harbor', uid: UID, deleting: false, site: 'pier' };
const PLUG = { name: 'harbor', uid: UID };
const PIN = `sha256:${'a'.repeat(64)}`;

function site(
  status?: SiteStatus,
  more: { generation?: number; annotations?: Record<string, string>; deleted?: boolean; name?: string } = {},
): Site {
  return {
    apiVersion: 'outrigger.dev/v1',
    kind: 'Site',
    metadata: {
      name: more.name ?? 'pier',
      namespace: 'demo',
      uid: 's1',
      resourceVersion: '30',
      generation: more.generation ?? 1,
      creationTimestamp: NOW,
      ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
      ...(more.deleted === true ? { deletionTimestamp: NOW } : {}),
    },
    spec: {
      environment: 'OnPremises',
      connectionServers: [
        { name: 'cs-1', url: 'https://cs-1:9443', pin: PIN },
        { name: 'new', url: 'https://new:9443' },
      ],
    },
    ...(status === undefined ? {} : { status }),
  };
}

const line = (result: PairingCheck['result'], message = 'It is so.'): PairingCheck => ({ server: 'cs-1', check: 'Port', result, message });
const result = (lines: readonly PairingCheck[], more: Partial<CheckResult> = {}): CheckResult => ({
  lines,
  thumbprints: {},
  complete: true,
  now: NOW,
  ...more,
});
const paired = (more: Partial<NonNullable<SiteStatus['pairing']>> = {}): SiteStatus => ({
  cluster: PLUG,
  pairing: { state: 'Paired', clusterUid: UID, generation: 1, pairedAt: NOW, checkedAt: NOW, checks: [line('Passed')], ...more },
});

describe('the duty', () => {
  const duty = (of: Site, cluster = US, memory = NO_CHECKS, nowMs = 0): string => siteDuty(cluster, of, memory, nowMs, 0).do;

  it('I1: claims a free Site, only for a cluster that lives and names it', () => {
    assert.equal(duty(site()), 'Claim');
    assert.equal(duty(site(), { ...US, deleting: true }), 'Nothing');
    assert.equal(duty(site(), { ...US, site: undefined }), 'Nothing');
    assert.equal(duty(site(), { ...US, site: 'quay' }), 'Nothing');
    assert.equal(duty(site(undefined, { deleted: true })), 'Nothing');
    assert.deepEqual(claimedStatus(US, site({ leftBehind: ['x'] })).leftBehind, ['x']);
  });

  it('I2: leaves a Site of another cluster alone', () => {
    const taken = site({ cluster: { name: 'other', uid: 'u2' }, pairing: { state: 'Checking', clusterUid: 'u2', generation: 0 } });
    assert.equal(duty(taken), 'Nothing');
    assert.equal(duty({ ...taken, metadata: { ...taken.metadata, annotations: { [ANNOTATION_PAIR]: 'r' } } }), 'Nothing');
  });

  it('I4: checks what changed, what was asked for, what was left in the middle', () => {
    assert.equal(duty(site(paired())), 'Nothing');
    for (const of of [
      site({ cluster: PLUG }),
      site(paired({ generation: 0 })),
      site(paired({ clusterUid: 'older' })),
      site({ cluster: PLUG, pairing: { state: 'Checking', clusterUid: UID, generation: 1 } }),
      site(paired(), { annotations: { [ANNOTATION_PAIR]: 'r1' } }),
      site(paired({ answeredRequest: 'r1' }), { annotations: { [ANNOTATION_PAIR]: 'r2' } }),
    ])
      assert.deepEqual(siteDuty(US, of, { checkedMs: 0, failures: 0 }, 1, 0), { do: 'Check', shown: true });
    assert.equal(duty(site(paired({ answeredRequest: 'r1' }), { annotations: { [ANNOTATION_PAIR]: 'r1' } })), 'Nothing');
  });

  it('I4: again with back-off while it fails, and slowly when it is paired', () => {
    const failed = site(paired({ state: 'Failed', checks: [line('Failed')] }));
    assert.equal(duty(failed), 'Check', 'a new life looks at once');
    const at = (failures: number, ms: number): string => duty(failed, US, { checkedMs: 0, failures }, ms);
    assert.deepEqual([at(1, 9_999), at(1, 10_000)], ['Nothing', 'Check']);
    assert.deepEqual([at(3, 39_999), at(3, 40_000)], ['Nothing', 'Check']);
    assert.deepEqual([at(99, LIMITS.pairingRecheckMs - 1), at(99, LIMITS.pairingRecheckMs)], ['Nothing', 'Check']);
    const fine = (ms: number): string => duty(site(paired()), US, { checkedMs: 0, failures: 0 }, ms);
    assert.deepEqual([fine(LIMITS.pairingRecheckMs - 1), fine(LIMITS.pairingRecheckMs)], ['Nothing', 'Check']);
    assert.equal(
      duty(site(paired({ checks: [line('Failed')] })), US, { checkedMs: 0, failures: 1 }, 10_000),
      'Check',
      'trouble of a paired site too',
    );
  });
});

describe('the status', () => {
  it('I5: states follow from the lines: a failure outranks a wait', () => {
    const state = (lines: PairingCheck[], complete = true): string | undefined =>
      checkedStatus(US, site(claimedStatus(US, site())), result(lines, { complete })).pairing?.state;
    assert.equal(state([line('Passed')]), 'Paired');
    assert.equal(state([line('Passed'), line('Waiting'), line('Skipped')]), 'Waiting');
    assert.equal(state([line('Waiting'), line('Failed')]), 'Failed');
    assert.equal(state([]), 'Waiting', 'nothing proves nothing');
    assert.equal(state([line('Passed')], false), 'Checking');
  });

  it('I3: once paired it stays so at its generation; a changed Site must pass again, and stays remembered as paired before', () => {
    const after = checkedStatus(US, site(paired()), result([line('Failed', 'It is silent.')], { now: '2030-01-02T00:00:00.000Z' }));
    assert.deepEqual([after.pairing?.state, after.pairing?.message], ['Paired', 'Paired; since then Port of cs-1: It is silent.']);
    const changed = checkedStatus(US, site(paired(), { generation: 2 }), result([line('Failed')]));
    assert.deepEqual([changed.pairing?.state, changed.pairing?.generation, changed.pairing?.pairedAt], ['Failed', 2, NOW]);
    const half = checkedStatus(US, site(paired(), { generation: 2 }), result([line('Passed')], { complete: false }));
    assert.deepEqual([half.pairing?.state, half.pairing?.generation], ['Checking', 1]);
    const stranger = checkedStatus(US, site(paired({ clusterUid: 'older' })), result([line('Failed')]));
    assert.deepEqual(
      [stranger.pairing?.state, stranger.pairing?.pairedAt],
      ['Failed', undefined],
      "another cluster's pairing counts for nothing",
    );
  });

  it('the same result again changes nothing, and a request is answered only when all is done', () => {
    const before = checkedStatus(US, site(paired()), result([line('Passed')]));
    assert.deepEqual(checkedStatus(US, site(before), result([line('Passed')], { now: '2031-01-01T00:00:00.000Z' })), before);
    const asked = site(paired(), { annotations: { [ANNOTATION_PAIR]: 'r1' } });
    assert.equal(checkedStatus(US, asked, result([], { complete: false })).pairing?.answeredRequest, undefined);
    assert.equal(checkedStatus(US, asked, result([line('Passed')])).pairing?.answeredRequest, 'r1');
  });

  it('I6: unplugging clears plug and pairing and keeps what stays behind, until a cluster is paired there', () => {
    const left = leftBehindBy(site(paired()), 'cluster harbor was deleted');
    assert.equal(left.length, 1, 'a server that was never pinned holds nothing');
    const free = unpluggedStatus(site({ ...paired(), leftBehind: ['older'] }), left);
    assert.deepEqual([free.cluster, free.pairing, free.leftBehind], [undefined, undefined, ['older', ...left]]);
    assert.deepEqual(leftBehindBy(site(paired({ pairedAt: undefined as never })), 'x'), [], 'nothing was ever delivered');
    const again = site({ ...claimedStatus(US, site(free)) });
    assert.equal(checkedStatus(US, again, result([line('Failed')])).leftBehind?.length, 2);
    assert.equal(checkedStatus(US, again, result([line('Passed')])).leftBehind, undefined);
  });
});

describe('how a cluster stands', () => {
  const named = cluster({ spec: { site: 'pier' } });
  const standing = (of: Site | undefined, what = named): unknown[] => {
    const { done, input, status, reason } = siteStanding(what, of);
    return [done, input, status, reason];
  };

  it('I1 I2: done when paired for this uid at this generation; what a person must do is Input', () => {
    assert.deepEqual(standing(undefined, cluster()), [true, false, 'False', 'NoSite']);
    assert.deepEqual(standing(undefined), [false, true, 'False', 'SiteNotFound']);
    assert.deepEqual(standing(site({ cluster: { name: 'other', uid: 'u2' } })), [false, true, 'False', 'SiteTaken']);
    assert.deepEqual(standing(site()), [false, false, 'False', 'Pairing']);
    assert.deepEqual(standing(site(paired({ clusterUid: 'older' }))), [false, false, 'False', 'Pairing']);
    assert.deepEqual(standing(site({ ...paired(), cluster: undefined as never })), [false, false, 'False', 'Pairing'], 'not plugged in');
    assert.deepEqual(standing(site(paired({ state: 'Waiting', checks: [line('Waiting')] }))), [
      false,
      true,
      'False',
      'ThumbprintNotAccepted',
    ]);
    assert.deepEqual(standing(site(paired({ state: 'Failed', checks: [line('Failed')] }))), [false, true, 'False', 'PairingFailed']);
    assert.deepEqual(standing(site(paired())), [true, false, 'True', 'Paired']);
  });

  it('I3: a paired site stays so while it is checked anew, and when a later check fails', () => {
    assert.deepEqual(standing(site(paired(), { generation: 2 })), [false, false, 'True', 'Paired']);
    assert.match(
      siteStanding(named, site(paired({ checks: [line('Failed', 'It is silent.')] }))).message,
      /is paired; since then Port of cs-1: It is silent$/,
    );
  });

  it('the step waits as it says, and names the first failed line', () => {
    const nodes = [readyNode(0), readyNode(1)];
    const step = (of?: Site): ReturnType<typeof evaluateStep> => evaluateStep(view({ cluster: named, nodes, site: of }), 1, 'PairSite');
    assert.equal(step(site(paired())).state, 'Done');
    const failed = step(site(paired({ state: 'Failed', checks: [line('Passed'), line('Failed', 'Nothing listens.')] })));
    assert.deepEqual([failed.state, failed.state === 'Wait' && failed.waitingFor], ['Wait', 'Input']);
    assert.match(failed.state === 'Wait' ? failed.message : '', /site pier is not paired: Port of cs-1: Nothing listens$/);
    const working = step(site());
    assert.deepEqual([working.state, working.state === 'Wait' && working.waitingFor], ['Wait', undefined]);
    assert.equal(evaluateStep(view({ cluster: cluster(), nodes }), 1, 'PairSite').state, 'Done');
  });

  it('the manager says it from then on; a copy that lacks the Site says nothing and asks', () => {
    const at = (of: Site | undefined, live: boolean) => {
      const cached = view({
        live,
        cluster: cluster({ spec: { site: 'pier' }, status: wasAvailable() }),
        nodes: [readyNode(0), readyNode(1)],
        site: of,
      });
      const decision = decideManager(cached, { node: 'harbor-a1-n0', term: 1 });
      const patch = decision.effects.find((effect) => effect.kind === 'PatchClusterStatus');
      const conditions = (patch?.kind === 'PatchClusterStatus' ? patch.status['conditions'] : []) as { type: string; reason: string }[];
      return [decision.needsLive, conditions.find((one) => one.type === 'Paired')?.reason];
    };
    assert.deepEqual(at(site(paired()), false), [false, 'Paired']);
    assert.deepEqual(at(undefined, false), [true, undefined]);
    assert.deepEqual(at(undefined, true), [false, 'SiteNotFound']);
  });
});

describe('eligibility', () => {
  const spec = (workers: number, nodeRestart: 'Off' | 'Medium', failover: 'None' | 'Witness') => ({
    workers,
    availability: { nodeRestart, failover },
  });
  const place = { name: 'pier', environment: 'Cloud' };

  it('I1 I2: the sentence names exactly the fields that stand in the way', () => {
    assert.equal(eligibilityProblem(spec(2, 'Medium', 'Witness'), place, ['Cloud']), undefined);
    assert.equal(eligibilityProblem(spec(0, 'Off', 'None'), place, []), undefined);
    for (const workers of [0, 1])
      for (const nodeRestart of ['Off', 'Medium'] as const)
        for (const failover of ['None', 'Witness'] as const) {
          const fields = ineligibleFields(spec(workers, nodeRestart, failover));
          assert.equal(fields.length, Number(workers > 0) + Number(nodeRestart !== 'Off') + Number(failover !== 'None'));
          const problem = eligibilityProblem(spec(workers, nodeRestart, failover), place, ['OnPremises']);
          assert.equal(problem === undefined, fields.length === 0);
          for (const field of fields) assert.ok(problem?.includes(field), problem);
        }
  });
});
