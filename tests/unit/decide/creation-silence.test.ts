/**
 * Creation while many sites of the director are silent: nothing is given up for it.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterView } from '../../../src/decide/cluster-view.ts';
import { decideCluster } from '../../../src/decide/creation.ts';
import { isObeyed } from '../../../src/decide/mass-silence.ts';
import type { ClusterStatus } from '../../../src/model/cluster.ts';
import { atStep, cluster, dataCenter, kinds, node, reservations, seenFor, statusOf, T0, view } from './fixtures.ts';

const LATE_MS = 600_000;

function readyMessage({ conditions }: ClusterStatus): string {
  return conditions?.find((one) => one.type === 'Ready')?.message ?? '';
}

/** The view after its deadline has passed. */
function late(change: Parameters<typeof view>[0]): ClusterView {
  const first = decideCluster(view(change));
  return view({ ...change, afterMs: LATE_MS, seen: seenFor(first.watching, LATE_MS, LATE_MS) });
}

describe('creation in a mass silence', () => {
  it('I6: no attempt is given up in a mass silence; when it is over the step has its whole time anew', () => {
    const seen = { active: true, near: true, settled: true, silentSites: 3, sites: 4 };
    const change = {
      cluster: cluster({ status: atStep('PrimaryReady') }),
      virtualDataCenter: dataCenter({ reservations: reservations([0, 1]) }),
      nodes: [node(0, { host: 'h1' })],
    };
    assert.deepEqual(kinds(decideCluster(late(change))), ['PatchClusterStatus'], 'without one it is');
    assert.equal(statusOf(decideCluster(late(change))).abandonedAttempt, 1);
    const stands = decideCluster(late({ ...change, massSilence: seen }));
    assert.deepEqual(kinds(stands), ['PatchClusterStatus']);
    const status = statusOf(stands);
    assert.deepEqual([status.attempts?.[0]?.waitingFor, status.abandonedAttempt], ['MassSilence', undefined]);
    assert.match(readyMessage(status), /many sites of this director fell silent at once/);
    const later = { ...change, cluster: cluster({ status: { ...atStep('PrimaryReady'), ...status } }) };
    const fresh = { ...seen, active: false, near: false, settled: false };
    assert.deepEqual(kinds(decideCluster(late({ ...later, massSilence: fresh }))), [], 'a server that does not know yet leaves it');
    const over = statusOf(decideCluster(late({ ...later, massSilence: { ...fresh, settled: true } })));
    assert.deepEqual([over.attempts?.[0]?.waitingFor, over.attempts?.[0]?.outcome], [undefined, undefined]);
    assert.equal(over.attempts?.[0]?.stepStartedAt, new Date(T0 + LATE_MS).toISOString());
  });

  it('I5: who has just begun goes by what stands, and who knows better does not', () => {
    const seen = { active: false, near: false, settled: false, silentSites: 0, sites: 3 };
    assert.deepEqual(
      [isObeyed(seen, true), isObeyed(seen, false), isObeyed({ ...seen, settled: true }, true), isObeyed(undefined, true)],
      [true, false, false, false],
    );
    assert.equal(isObeyed({ ...seen, active: true }, false), true);
  });
});
