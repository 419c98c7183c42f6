/**
 * One row of the failover bench, measured: a load that goes on all the time, and kills.
 */

import { randomUUID } from 'node:crypto';
import type { LoadReport } from '../../src/decide/load-tally.ts';
import { CLUSTER_NODES } from '../../src/model/addresses.ts';
import { ANNOTATION_RESTART } from '../../src/model/labels.ts';
import { settles } from '../../tests/support/census.ts';
import { NAMESPACE } from '../../tests/support/control-plane.ts';
import { eventually } from '../../tests/support/eventually.ts';
import { startLoad } from '../../tests/support/outage-rig.ts';
import type { Member } from '../../tests/support/outage-rig.ts';
import type { RowFigures, RunFigures } from './figures.ts';
import type { BenchSite, Row } from './rows.ts';

/** Kills `runs` times under one load, each time when all is well again. */
export async function measureRow(site: BenchSite, row: Row, runs: number): Promise<RowFigures> {
  const member = row.load === 'Primary' ? site.primary : site.worker;
  const load = await startLoad(member, row.name);
  const all: RunFigures[] = [];
  try {
    for (let at = 1; at <= runs; at++) {
      if (row.wearsOut !== undefined) await renewBudget(site, row.wearsOut === 'Primary' ? site.primary : site.worker);
      load.take();
      const times = await row.once(site);
      await settles(site.plane, `${row.name} ${at}/${runs}`, ['harbor']);
      all.push({ ...times, ...errorsOf(load.take()) });
    }
  } finally {
    await load.end();
  }
  return { name: row.name, what: row.what, promise: row.promise, runs: all };
}

/** As a person has a node started that its host gave up (`outrigger node restart`): its agent is restarted once, and may fail again. */
async function renewBudget({ plane }: BenchSite, member: Member): Promise<void> {
  const pids = plane.of('agent', member.uid).map((one) => one.pid);
  await plane.patch(CLUSTER_NODES, NAMESPACE, member.name, { metadata: { annotations: { [ANNOTATION_RESTART]: randomUUID() } } });
  await eventually('it was restarted', () => plane.of('agent', member.uid).some((one) => !pids.includes(one.pid)), 60_000);
  await settles(plane, 'with a fresh budget of restarts', ['harbor']);
}

function errorsOf({ attempts, failed, errors }: LoadReport): Pick<RunFigures, 'attempts' | 'failed' | 'errorWindowMs'> {
  return { attempts, failed, errorWindowMs: errors?.ms ?? 0 };
}
