/**
 * The rows of the failover bench: each kills one thing of a site that is whole, once, and measures until all is well again.
 *
 * What users see counts: detection is what a watch of the Cluster shows, recovery is an answer or a Cluster that is whole, errors are requests.
 */

import assert from 'node:assert/strict';
import { CLUSTERS } from '../../src/model/addresses.ts';
import type { ClusterStatus } from '../../src/model/cluster.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { ask, createCluster, deleteCluster, mainOf, NAMESPACE } from '../../tests/support/control-plane.ts';
import type { ControlPlane, Living } from '../../tests/support/control-plane.ts';
import { eventually } from '../../tests/support/eventually.ts';
import { isAnotherMain } from '../../tests/support/outage-looks.ts';
import { conditionIn, freeze, killNode, wholeAgain } from '../../tests/support/outage-rig.ts';
import type { ClusterWatch, Member } from '../../tests/support/outage-rig.ts';

export interface BenchSite {
  readonly plane: ControlPlane;
  readonly watch: ClusterWatch;
  readonly primary: Member;
  readonly worker: Member;
}

export interface Times {
  readonly detectedMs?: number;
  readonly recoveredMs: number;
}

export interface Row {
  readonly name: string;
  readonly what: string;
  readonly promise: { readonly detectedMs: number; readonly recoveredMs: number; readonly failed: number };
  /** Whose balancer is loaded. */
  readonly load: 'Primary' | 'Worker';
  /** Whose agent is restarted before each run, as a person has it restarted: what it or its host counts against the next start begins anew. */
  readonly wearsOut?: 'Primary' | 'Worker';
  once(site: BenchSite): Promise<Times>;
}

const WAIT_MS = 60_000;
const LOOK_MS = 2;
const NONE = Number.NaN;
let made = 0;
/** In-site detection on one machine (docs: promises in numbers). */
const DETECTION_MS = 1_500;
const RESTART_MS = 1_000;
const TAKE_OVER_MS = 5_000;

export const ROWS: readonly Row[] = [
  {
    name: 'instance',
    what: "hello on the primary is killed; clients of the primary's balancer. Detected: Redundant=False. Recovered: its own address answers.",
    promise: { detectedMs: DETECTION_MS, recoveredMs: RESTART_MS, failed: 0 },
    load: 'Primary',
    // An instance that dies again within a minute waits before its start; a restarted agent begins to count anew.
    wearsOut: 'Primary',
    once: async ({ plane, watch, primary }) => {
      const victim = mainOf(plane, primary.uid, 'hello');
      const struckMs = kill(victim);
      await until(
        'hello is back',
        async () => isAnotherMain(plane, primary, 'hello', victim) && (await ask(`${primary.hello}healthz`)).status === 200,
      );
      const recoveredMs = performance.now() - struckMs;
      const thin = await watch.shows('thin', struckMs, (status) => conditionIn(status, 'Redundant')?.status === 'False', WAIT_MS);
      await wholeAgain(watch, thin.atMs);
      return { detectedMs: thin.atMs - struckMs, recoveredMs };
    },
  },
  {
    name: 'agent',
    what: "the primary's agent is killed; clients of the primary's balancer. Recovered: another agent runs.",
    promise: { detectedMs: NONE, recoveredMs: RESTART_MS, failed: 0 },
    load: 'Primary',
    wearsOut: 'Primary',
    once: async ({ plane, primary }) => ({ recoveredMs: await restarted(plane, 'agent', primary) }),
  },
  {
    name: 'balancer',
    what: "the primary's balancer is killed; clients of the worker's. Recovered: it serves again.",
    promise: { detectedMs: NONE, recoveredMs: RESTART_MS, failed: 0 },
    load: 'Worker',
    // As an instance: one that dies again soon waits.
    wearsOut: 'Primary',
    once: async ({ plane, primary }) => {
      const struckMs = performance.now();
      await restarted(plane, 'balancer', primary);
      await until('it serves', async () => (await ask(primary.url)).status === 200);
      return { recoveredMs: performance.now() - struckMs };
    },
  },
  {
    name: 'worker',
    what: "every process of the worker is killed, its host frozen; clients of the primary's balancer. Detected: Degraded. Recovered: whole again after the host woke.",
    promise: { detectedMs: DETECTION_MS, recoveredMs: NONE, failed: 0 },
    load: 'Primary',
    wearsOut: 'Worker',
    once: (site) => lostNode(site, site.worker, 'Degraded'),
  },
  {
    name: 'primary',
    what: "every process of the primary is killed, its host frozen; clients of the worker's balancer. Detected: Error. Recovered: whole again after the host woke.",
    promise: { detectedMs: DETECTION_MS, recoveredMs: NONE, failed: 0 },
    load: 'Worker',
    wearsOut: 'Primary',
    once: (site) => lostNode(site, site.primary, 'Error'),
  },
  {
    name: 'extension-server',
    what: 'one of two extension servers is killed and a cluster made in the same moment. Recovered: its first step is taken, by whoever owns it then.',
    promise: { detectedMs: NONE, recoveredMs: TAKE_OVER_MS, failed: 0 },
    load: 'Primary',
    once: ({ plane }) => takenOver(plane),
  },
  {
    name: 'director',
    what: "the director is killed; clients of the primary's balancer. Recovered: the API answers a read.",
    promise: { detectedMs: NONE, recoveredMs: NONE, failed: 0 },
    load: 'Primary',
    once: async ({ plane, watch }) => {
      const struckMs = performance.now();
      sendSignal(plane.pidOf('director'), 'SIGKILL');
      await until('the API answers', async () => (await plane.get(CLUSTERS, NAMESPACE, 'harbor')) !== undefined);
      const recoveredMs = performance.now() - struckMs;
      await until('it is whole', () => watch.now().phase === 'Available');
      return { recoveredMs };
    },
  },
];

/** Until a process of that role and node is another one; ms since the kill. */
async function restarted(plane: ControlPlane, role: string, member: Member): Promise<number> {
  const victims = plane.of(role, member.uid);
  const pids = victims.map((one) => one.pid);
  const struckMs = performance.now();
  for (const pid of pids) sendSignal(pid, 'SIGKILL');
  await until(`another ${role} runs`, () => plane.of(role, member.uid).some((one) => !pids.includes(one.pid)));
  return performance.now() - struckMs;
}

/** The host of the node is frozen, so that nothing is started again before the outage was seen. */
async function lostNode({ plane, watch }: BenchSite, member: Member, phase: 'Degraded' | 'Error'): Promise<Times> {
  const host = freeze(plane.pidOf('host'));
  try {
    const struckMs = performance.now();
    killNode(plane, member);
    const seen = await watch.shows(phase, struckMs, (status) => status.phase === phase, WAIT_MS);
    const wokeMs = performance.now();
    host.thaw();
    return { detectedMs: seen.atMs - struckMs, recoveredMs: (await wholeAgain(watch, wokeMs)) - wokeMs };
  } finally {
    host.thaw();
  }
}

/** A server is killed and a cluster is made in the same moment: its first step waits until somebody living owns it. Then it goes again. */
async function takenOver(plane: ControlPlane): Promise<Times> {
  const name = `taken-${made++}`;
  const record = async (): Promise<ClusterStatus | undefined> => (await plane.get(CLUSTERS, NAMESPACE, name))?.status;
  const victims = plane.of('extension');
  // Which of them owns it is nobody's business: each in turn, so that over many runs the owner is hit as often as not.
  const victim = victims[made % victims.length];
  assert.ok(victim !== undefined, 'there is an extension server to kill');
  const struckMs = kill(victim);
  await createCluster(plane, name, 0);
  await until('its first step is taken', async () => ((await record())?.attempt ?? 0) > 0);
  const recoveredMs = performance.now() - struckMs;
  await deleteCluster(plane, name);
  await until('it is gone', async () => (await plane.get(CLUSTERS, NAMESPACE, name)) === undefined);
  await until('another server lives', () => plane.of('extension').filter((one) => one.pid !== victim.pid).length >= victims.length);
  return { recoveredMs };
}

function kill(victim: Living): number {
  const struckMs = performance.now();
  sendSignal(victim.pid, 'SIGKILL');
  return struckMs;
}

async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(what, look, WAIT_MS, LOOK_MS);
}
