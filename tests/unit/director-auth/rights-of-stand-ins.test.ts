/**
 * Row N17 of the rights: what a worker may say while the primary is down, and the nearest that it may not.
 */
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../../../src/model/json.ts';
import { no, openAsking, yes } from './asking.ts';
import type { Asking } from './asking.ts';
import { asks, AVAILABLE, clusterObject, nodeIdentity, put, withAt, WORKER_UID, workerObject } from './support.ts';

const STATUS = asks('patch outrigger.dev/clusters/status demo/harbor');
const primary = nodeIdentity();
const worker = nodeIdentity(WORKER_UID);

const condition = (type: string, status: string, reason = 'PrimaryDown'): JsonObject => ({ type, status, reason, message: '' });
const WELL = { ...AVAILABLE, conditions: [condition('Ready', 'True'), condition('Redundant', 'False'), condition('LicenseValid', 'True')] };
const well = clusterObject(WELL);
const lowering: JsonObject = {
  phase: 'Error',
  conditions: [
    condition('Ready', 'False'),
    condition('Redundant', 'False'),
    condition('LicenseValid', 'True'),
    condition('MonitoringAvailable', 'False'),
  ],
  nodes: { 'harbor-a1-n0': { ready: false } },
  services: { hello: { ready: 1 } },
  workers: 1,
  errorSet: [{ time: '2026-01-01T00:00:00Z', reason: 'NodeNotReady', message: 'down' }],
  eventSet: [],
};

function open(t: TestContext): Promise<Asking> {
  return openAsking(t, worker);
}

describe('N17: a worker says that the primary is down', () => {
  test('I1: it lowers the phase and its conditions, with what they are made from', async (t) => {
    const { mayWrite } = await open(t);
    yes(mayWrite(STATUS, well, clusterObject({ ...WELL, ...lowering }), worker));
    yes(mayWrite({ ...STATUS, verb: 'update' }, well, clusterObject({ ...WELL, ...lowering }), worker));
    yes(mayWrite(STATUS, well, withAt(well, 'status.phase', 'Degraded'), worker));
    const low = clusterObject({ ...WELL, ...lowering });
    yes(mayWrite(STATUS, low, withAt(low, 'status.workers', 0), worker));
  });

  test('I1: it raises nothing', async (t) => {
    const { mayWrite } = await open(t);
    const low = clusterObject({ ...WELL, ...lowering });
    for (const phase of ['Available', 'Degraded', 'Pending', undefined])
      no(mayWrite(STATUS, low, withAt(low, 'status.phase', phase), worker), /does not manage harbor/);
    no(mayWrite(STATUS, well, withAt(well, 'status.workers', 2), worker), /does not manage/);
    const raised = [condition('Ready', 'False'), condition('Redundant', 'True'), condition('LicenseValid', 'True')];
    no(mayWrite(STATUS, well, clusterObject({ ...WELL, phase: 'Error', conditions: raised }), worker), /does not manage/);
  });

  test("I2: nothing that is the primary's or an extension server's", async (t) => {
    const { mayWrite } = await open(t);
    const lowered = clusterObject({ ...WELL, ...lowering });
    const others: JsonObject = {
      primary: 'harbor-a1-n1',
      term: 4,
      release: { current: '2.0.0' },
      license: { state: 'Expired' },
      availableAt: '2027-01-01T00:00:00Z',
      autoRepair: 'Armed',
      attempt: 2,
      abandonedAttempt: 1,
      observedGeneration: 7,
    };
    for (const [section, value] of Object.entries(others))
      no(mayWrite(STATUS, well, withAt(lowered, `status.${section}`, value), worker), /./);
    const foreign = [condition('Ready', 'False'), condition('Redundant', 'False'), condition('LicenseValid', 'False')];
    no(mayWrite(STATUS, well, clusterObject({ ...WELL, phase: 'Error', conditions: foreign }), worker), /does not manage/);
    no(mayWrite(STATUS, well, clusterObject({ ...WELL, phase: 'Error', conditions: foreign.slice(0, 2) }), worker), /does not manage/);
    no(mayWrite(asks('patch outrigger.dev/clusters/status demo/other'), well, lowered, worker), /its own Cluster, harbor/);
  });

  test('I2: no primary by this row, no other life, no node that leaves, no other cluster, no cluster that is made or deleted', async (t) => {
    const { mayWrite, world } = await open(t);
    const lowered = clusterObject({ ...WELL, ...lowering });
    no(mayWrite(STATUS, well, lowered, nodeIdentity(WORKER_UID, 2)), /./);
    no(mayWrite(STATUS, well, lowered, nodeIdentity('foreign-uid')), /./);
    const fresh = withAt(well, 'status.availableAt', undefined);
    no(mayWrite(STATUS, fresh, withAt(lowered, 'status.availableAt', undefined), worker), /not available yet/);
    const deleting = withAt(well, 'metadata.deletionTimestamp', '2026-01-01T00:00:00Z');
    no(mayWrite(STATUS, deleting, withAt(lowered, 'metadata.deletionTimestamp', '2026-01-01T00:00:00Z'), worker), /./);
    // The primary itself writes by its own row.
    yes(mayWrite(STATUS, well, withAt(lowered, 'status.term', 4), primary));
    no(mayWrite(STATUS, withAt(well, 'metadata.uid', 'another'), withAt(lowered, 'metadata.uid', 'another'), worker), /another cluster/);
    await put(world.store, workerObject({ host: 'beta', retired: true }));
    no(mayWrite(STATUS, well, lowered, worker), /./);
  });
});
