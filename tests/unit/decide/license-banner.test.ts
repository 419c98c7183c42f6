/** What an operator is told to do about a license. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bannerOf } from '../../../src/decide/license-banner.ts';
import { viewKeeper } from '../../../src/decide/license-keeper.ts';
import { DAY_MS, KeeperBench, T0, recordOf, statementOf } from './license-fixtures.ts';

describe('I1 of license-banner: what to do follows the newest cause that is known', () => {
  const said = (bench: KeeperBench): string => viewKeeper(bench.keeper, bench.reading()).message;
  const overdue = (): KeeperBench => new KeeperBench(recordOf(statementOf(5), 2 * DAY_MS)).ready();

  it('unplugged, unpaired, without a framework service, refused, unanswered: each has its own advice', () => {
    const bench = overdue();
    assert.match(
      said(bench),
      /let the primary reach a director; what is missing is said by the portal of the primary and, once a director/,
    );
    bench.send({ kind: 'PrerequisitesChanged', siteUid: undefined, isPlugged: false, missing: [] });
    assert.match(
      said(bench),
      /because this cluster is unplugged from its site; .* into a site again \(spec.site of the Cluster\) and pair/,
    );
    assert.doesNotMatch(said(bench), /director/);
    assert.match(viewKeeper(bench.keeper, bench.reading()).waitsFor ?? '', /not plugged into a site/);
    bench.send({ kind: 'PrerequisitesChanged', siteUid: undefined, isPlugged: true, missing: [] });
    assert.match(said(bench), /because this cluster is not paired with its site; .*let the pairing with the site succeed/);
    assert.match(viewKeeper(bench.keeper, bench.reading()).waitsFor ?? '', /not paired with its site/);
    bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: ['cloud-proxy'] });
    assert.match(said(bench), /because cloud-proxy runs on no node; .*let cloud-proxy run on a node/);
    bench.send({ kind: 'PrerequisitesChanged', siteUid: 'site-1', missing: [] }).pass(1_000);
    bench.send({ kind: 'SyncFailed', request: bench.asked() ?? -1, message: 'No license is assigned to the site.', isRefused: true });
    assert.match(
      said(bench),
      /do what the director says, which refused the last sync: "No license is assigned to the site"; one successful/,
    );
    bench.send({ kind: 'SyncRequested' }).pass(1_000).fail('Nobody answers.');
    assert.match(said(bench), /let the primary reach a director; its last sync ended with: "Nobody answers"; one successful sync/);
    bench.send({ kind: 'AuthorityLost' });
    assert.match(said(bench), /portal of the primary/, 'what this node heard last is not what the primary hears now');
  });

  it('also once the license has expired, before the first one came, and for a contract that was renewed and cannot arrive', () => {
    const bench = new KeeperBench(recordOf(statementOf(5), 30 * DAY_MS)).ready();
    bench.send({ kind: 'PrerequisitesChanged', siteUid: undefined, isPlugged: false, missing: [] });
    assert.match(
      said(bench),
      /has expired: no sync succeeded since .*, because this cluster is unplugged.*pair it .*lets sessions in again\.$/,
    );
    const ended = new KeeperBench(recordOf(statementOf(5, { endMs: T0 - 31 * DAY_MS }))).ready();
    ended.send({ kind: 'PrerequisitesChanged', siteUid: undefined, isPlugged: false, missing: [] });
    assert.match(said(ended), /renew the contract .* For a sync: plug this cluster into a site/);
    const fresh = new KeeperBench().ready().fail('Nobody answers.');
    assert.match(said(fresh), /^No license has reached this site yet.* What to do: .*"Nobody answers"\.$/);
  });

  it('a sentence of a director ends ours once, and is cut where it is long', () => {
    const said = bannerOf({ state: 'Inactive', trouble: { kind: 'Refused', said: `${'x'.repeat(400)}.` } }).message;
    assert.match(said, /refused the last sync: "x{300}"\.$/);
  });
});
