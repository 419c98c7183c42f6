/** The doctor's judgements: what is well, what is not, and what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFindings } from '../../../src/cli/doctor/render.ts';
import {
  judgeClusters,
  judgeDrills,
  judgeHosts,
  judgeLicenses,
  judgeNodes,
  judgeRenewals,
  judgeReservations,
  judgeServers,
} from '../../../src/decide/doctor-entities.ts';
import { judgeFolders, judgeParts, judgeProcesses, nothingRuns } from '../../../src/decide/doctor-machine.ts';
import {
  doctorExit,
  judgeCertificate,
  judgeClock,
  judgeDirector,
  judgeDisk,
  judgeKubectl,
  sorted,
  unasked,
  well,
  wrong,
} from '../../../src/decide/doctor.ts';
import type { Finding } from '../../../src/decide/doctor.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';
import type { Drill } from '../../../src/model/drill.ts';
import type { Host } from '../../../src/model/host.ts';
import type { UniversalLicense } from '../../../src/model/universal-license.ts';
import { cluster, dataCenter, node, readyNode, reservations, T0, wasAvailable } from './fixtures.ts';

const DAY = 86_400_000;
const GIB = 1024 ** 3;

function said(findings: readonly Finding[]): readonly string[] {
  return findings.filter(({ health }) => health !== 'Well').map(({ health, message }) => `${health}: ${message}`);
}

function host(spec: object = {}, status: object = {}): Host {
  const ready = { type: 'Ready', status: 'True', reason: 'Heard', message: 'Fine.', lastTransitionTime: '2030-01-01T00:00:00Z' };
  return {
    metadata: { name: 'h1' },
    spec: { capacity: { nodes: 4, cpuMillis: 1, memoryMiB: 1 }, cordoned: false, ...spec },
    status: { nodes: 1, version: '1.0.0', conditions: [ready], ...status },
  } as unknown as Host;
}

test('I3: 4 when nothing could be asked, 1 when something is wrong, else 0', () => {
  const [fine, bad, mute] = [well('Hosts', 'a'), wrong('Hosts', 'b', 'c'), unasked('Director', 'd', 'e')];
  assert.deepEqual([doctorExit([mute]), doctorExit([]), doctorExit([mute, fine]), doctorExit([fine, bad])], [4, 4, 0, 1]);
});

test('nothing runs: the one cause, with what to type', () => {
  const text = renderFindings([nothingRuns('/d')]);
  assert.match(text, /^✖ This machine +Nothing runs here: .*\n +→ Start it: outrigger up --data \/d\n\n1 wrong\.\n$/);
});

test('I1 I2: a line each, the gravest first within its area, and what to do below', () => {
  const text = renderFindings([well('Hosts', 'One is fine.'), wrong('Hosts', 'One is not.', 'Start it.'), well('Director', 'It answers.')]);
  assert.equal(
    text,
    '✔ Director          It answers.\n✖ Hosts             One is not.\n                    → Start it.\n✔ Hosts             One is fine.\n\n1 wrong.\n',
  );
  assert.match(renderFindings([well('Hosts', 'Fine.')]), /All well\.\n$/);
  assert.deepEqual(
    sorted([well('Versions', 'v'), well('Director', 'd')]).map(({ area }) => area),
    ['Director', 'Versions'],
  );
});

test('a director: versions, kinds, clock', () => {
  const director = { url: 'https://d', version: '1.0.0', era: { number: 1, id: 'e' }, revision: 7, clockAheadMs: 100, bundle: 4 };
  const program = { version: '1.0.0', bundle: 4, kubectl: undefined };
  assert.deepEqual(said(judgeDirector(director, program)), []);
  assert.match(said(judgeDirector({ ...director, bundle: 3 }, program)).join(), /^Wrong: A kind is served as bundle 3/);
  assert.match(said(judgeDirector({ ...director, bundle: 5 }, program)).join(), /^Notice: The kinds are newer/);
  assert.match(said(judgeDirector({ ...director, version: '0.9.0' }, program)).join(), /^Notice: The director runs 0\.9\.0/);
  assert.match(
    said(judgeDirector({ ...director, clockAheadMs: -90_000 }, program)).join(),
    /^Wrong: The clock of the director is 90 s behind/,
  );
});

test('kubectl within one minor version of the API is fine; none is nothing to speak of', () => {
  assert.deepEqual(judgeKubectl(undefined), []);
  assert.deepEqual(
    ['v1.31.0', 'v1.33.9'].flatMap((one) => said(judgeKubectl(one))),
    [],
  );
  assert.match(said(judgeKubectl('v1.35.0')).join(), /^Notice: kubectl v1\.35\.0 is 3 minor versions/);
});

test('clocks, certificates and disks: well, to know of, wrong', () => {
  assert.deepEqual(
    [4_000, 30_000, 61_000].map((off) => judgeClock('x', off).health),
    ['Well', 'Notice', 'Wrong'],
  );
  const life = { who: 'n', notBeforeMs: T0, notAfterMs: T0 + 365 * DAY, remedy: 'r' };
  const at = (days: number): string => judgeCertificate(life, T0 + days * DAY).health;
  assert.deepEqual([-1, 100, 270, 300, 364, 366].map(at), ['Wrong', 'Well', 'Well', 'Notice', 'Notice', 'Wrong']);
  const disk = (freeBytes: number): string => judgeDisk({ folder: '/d', bytes: 100 * GIB, freeBytes, usedBytes: GIB }).health;
  assert.deepEqual([50 * GIB, 3 * GIB, GIB, GIB / 10].map(disk), ['Well', 'Well', 'Notice', 'Wrong']);
});

test('an extension server that lives here and does not renew hangs; a Lease that only lies there is a notice', () => {
  const live = ['extension-1-aa', 'other'];
  assert.deepEqual(said(judgeServers({ live, silent: [] }, ['extension-1'])), []);
  assert.match(
    said(judgeServers({ live, silent: ['extension-2-bb'] }, ['extension-1', 'extension-2'])).join('\n'),
    /^Wrong: extension-2 lives on this machine[^\n]*$/,
  );
  assert.match(
    said(judgeServers({ live, silent: ['extension-2-bb'] }, ['extension-1'])).join('\n'),
    /^Notice: The Lease of extension-2-bb[^\n]*$/,
  );
  assert.match(said(judgeServers({ live: [], silent: [] })).join(), /^Wrong: None is alive/);
  assert.match(said(judgeServers({ live: ['a'], silent: [] })).join(), /^Notice: Only one/);
});

test('hosts: silent, cordoned, full, with nodes that nobody knows, of another version', () => {
  assert.deepEqual(said(judgeHosts([host()], '1.0.0')), []);
  const down = [{ type: 'Ready', status: 'False', reason: 'Silent', message: 'Not heard.' }];
  assert.match(said(judgeHosts([host({}, { conditions: down })], '1.0.0')).join(), /^Wrong: h1 is not ready: Not heard\./);
  assert.match(said(judgeHosts([host({ cordoned: true })], '1.0.0')).join(), /^Notice: h1 is cordoned/);
  assert.match(said(judgeHosts([host({}, { nodes: 4 })], '1.0.0')).join(), /^Notice: h1 is full/);
  assert.match(
    said(judgeHosts([host({}, { unclaimed: ['demo/x'] })], '1.0.0')).join(),
    /^Wrong: h1 runs nodes that this director does not know: demo\/x/,
  );
  assert.match(said(judgeHosts([host()], '2.0.0')).join(), /^Notice: h1 runs 1\.0\.0/);
  assert.match(said(judgeHosts([], '1')).join(), /^Wrong: There is no host/);
});

test('I2: nodes: unclaimed, given up, unheard', () => {
  const owner = cluster({ status: wasAvailable({ nodes: { 'harbor-a1-n1': { ready: false } } }) });
  const judge = (...nodes: Parameters<typeof judgeNodes>[0]): string => said(judgeNodes(nodes, [owner], '')).join('\n');
  assert.equal(judge(readyNode(0)), '');
  assert.equal(judge(readyNode(0, undefined, { clusterUid: 'other' })), '', 'an orphan is told elsewhere');
  assert.match(judge(node(0)), /is claimed by no host/);
  const failed = node(0, { host: 'h1', status: { infrastructure: { incarnation: 1, phase: 'Failed', message: 'Three restarts.' } } });
  assert.match(judge(failed), /was given up: Three restarts\./);
  assert.match(judge(readyNode(1)), /is not heard by its cluster/);
  assert.equal(judge(readyNode(1, undefined, { retired: true })), '', 'it is on its way out');
});

test('reservations of nodes that are not there', () => {
  const held = dataCenter({ reservations: reservations([0, 1]) });
  assert.deepEqual(said(judgeReservations([held], [node(0), node(1)], [cluster()])), []);
  assert.match(said(judgeReservations([held], [node(0)], [cluster()])).join(), /^Notice: demo\/lab holds capacity for harbor-a1-n1/);
});

test('clusters and licenses that need somebody', () => {
  assert.deepEqual(said(judgeClusters([cluster({ status: wasAvailable({ phase: 'Available' }) })])), []);
  assert.match(said(judgeClusters([cluster({ status: wasAvailable({ phase: 'Error' }) })])).join(), /^Wrong: demo\/harbor: /);
  const license = (days: number): readonly string[] =>
    said(
      judgeLicenses(
        [{ metadata: { name: 'l' }, spec: { end: new Date(T0 + days * DAY).toISOString() } } as unknown as UniversalLicense],
        T0,
      ),
    );
  assert.deepEqual([license(31).length, license(29)[0]?.slice(0, 6), license(-1)[0]?.slice(0, 5)], [0, 'Notice', 'Wrong']);
});

test('a drill that nobody takes is named after two minutes, one that runs or has ended is not', () => {
  const drill = (ageMs: number, target = 'Node', phase?: string): Drill =>
    ({
      metadata: { name: 'd', namespace: 'demo', creationTimestamp: new Date(T0 - ageMs).toISOString() },
      spec: { target, cluster: 'harbor' },
      ...(phase === undefined ? {} : { status: { phase } }),
    }) as unknown as Drill;
  const judge = (one: Drill): string => said(judgeDrills([one], T0)).join();
  assert.equal(judge(drill(119_000)), '');
  assert.match(judge(drill(180_000)), /^Notice: Nobody takes the drill demo\/d for 3 min: no agent of cluster harbor/);
  assert.match(judge(drill(180_000, 'Director')), /no "outrigger up"/);
  assert.deepEqual(
    ['Running', 'Refused', 'Passed'].map((phase) => judge(drill(180_000, 'Node', phase))),
    ['', '', ''],
  );
});

test('Leases: silent for long, or from the future', () => {
  const lease = (ageMs: number): Lease =>
    ({ metadata: { name: 'node-u' }, spec: { renewTime: new Date(T0 - ageMs).toISOString() } }) as unknown as Lease;
  const judge = (ageMs: number): string => said(judgeRenewals([lease(ageMs)], new Map([['node-u', 'n1']]), T0)).join();
  assert.equal(judge(60_000), '');
  assert.match(judge(400_000), /^Notice: n1 renewed its Lease 6 min ago/);
  assert.match(judge(-120_000), /^Wrong: The clock of n1 is 2 min ahead/);
  assert.deepEqual(judgeRenewals([lease(400_000)], new Map(), T0), [], 'a Lease of somebody else');
});

test('I1: this machine: parts, orphans, folders left behind', () => {
  const parts = (up: boolean, host2: boolean): string =>
    said(
      judgeParts(
        '/d',
        [
          { part: 'up', alive: up },
          { part: 'host', alive: host2 },
        ],
        'up',
      ),
    ).join();
  assert.deepEqual(
    [parts(true, true), parts(false, false).slice(0, 6), parts(true, false), parts(false, true).slice(0, 30)],
    ['', 'Notice', 'Wrong: Gone: host.', 'Wrong: Nobody looks after host'],
  );
  const process = { pid: 7, role: 'pod', nodeUid: 'u' };
  assert.deepEqual(judgeProcesses([process], new Set(['u'])), []);
  assert.match(said(judgeProcesses([process], new Set())).join(), /^Wrong: Process 7 \(pod\) belongs to the node u/);
  const left = { folder: '/d/u', hasRecord: false, lives: false };
  assert.match(said(judgeFolders([left])).join(), /^Notice: \/d\/u was left behind/);
  assert.match(said(judgeFolders([{ ...left, lives: true }])).join(), /^Wrong: /);
  assert.deepEqual(judgeFolders([{ ...left, hasRecord: true }]), []);
});
