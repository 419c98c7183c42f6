/**
 * A site for tests of outages: demo/harbor of a control plane, its two nodes, a load on a living node's balancer, everything that a watch of the
 * Cluster shows with the moment it was seen, and ways to strike.
 *
 * Times are ms of `performance.now()` of the test.
 */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { createInformer } from '../../src/client/informer.ts';
import { loadSentence } from '../../src/decide/load-tally.ts';
import type { LoadReport } from '../../src/decide/load-tally.ts';
import { CLUSTERS, CLUSTER_NODES } from '../../src/model/addresses.ts';
import type { Cluster, ClusterStatus } from '../../src/model/cluster.ts';
import type { Condition, ConditionType } from '../../src/model/condition.ts';
import { conditionOf } from '../../src/model/condition.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { loadGenerator } from '../../src/platform/load-generator.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Log } from '../../src/ports/log.ts';
import { NAMESPACE, openApi, PATIENCE_MS, say, seconds } from './control-plane.ts';
import type { ControlPlane, Living } from './control-plane.ts';
import { eventually } from './eventually.ts';

export const HELLO_PORT = 8080;
const clock = systemClock();
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => silent };

export interface Member {
  readonly uid: string;
  readonly name: string;
  readonly address: string;
  /** Of hello through the node's balancer. */
  readonly url: string;
  /** Of the node's own instance of hello. */
  readonly hello: string;
  readonly dir: string;
}

export async function memberOf(plane: ControlPlane, index: number): Promise<Member> {
  const node = (await plane.list(CLUSTER_NODES)).find((one) => one.spec.cluster === 'harbor' && one.spec.index === index);
  const [address, hello] = [node?.status?.infrastructure?.address, node?.status?.agent?.services?.['hello']?.address];
  assert.ok(node !== undefined && address !== undefined && hello !== undefined, `node ${index} of harbor is there`);
  const { uid, name } = node.metadata;
  const dir = `${plane.data}/host/nodes/${uid}`;
  return { uid, name, address, url: `http://${address}:${HELLO_PORT}/`, hello: `http://${hello}/`, dir };
}

// ---- what a watch shows -----------------------------------------------------------------------------------------------------------------

export interface Sighting {
  readonly atMs: number;
  readonly status: ClusterStatus;
}

export interface ClusterWatch {
  /** Everything shown since `sinceMs`, in order. */
  since(sinceMs: number): readonly Sighting[];
  now(): ClusterStatus;
  /** The first sighting after `sinceMs` for which it holds. */
  shows(what: string, sinceMs: number, holds: (status: ClusterStatus) => boolean, withinMs?: number): Promise<Sighting>;
  close(): void;
}

export function watchCluster(plane: ControlPlane, name = 'harbor'): ClusterWatch {
  const api = openApi(plane.kubeconfig);
  const end = new AbortController();
  const all: Sighting[] = [];
  const informer = createInformer<Cluster>({ api, clock, random: systemRandom(), log: silent }, CLUSTERS, { namespace: NAMESPACE });
  informer.onChange((cluster, gone) => {
    if (cluster.metadata.name === name && !gone) all.push({ atMs: performance.now(), status: cluster.status ?? {} });
  });
  void informer.run(end.signal);
  const now = (): ClusterStatus => all.at(-1)?.status ?? {};
  return {
    since: (sinceMs) => all.filter((one) => one.atMs >= sinceMs),
    now,
    shows: async (what, sinceMs, holds, withinMs = PATIENCE_MS) => {
      try {
        return await eventually(what, () => all.find((one) => one.atMs >= sinceMs && holds(one.status)), withinMs, 20);
      } catch (cause) {
        throw new Error(`${(cause as Error).message}; the Cluster says ${told(now())}`, { cause });
      }
    },
    close: () => {
      end.abort();
      api.close();
    },
  };
}

export function told(status: ClusterStatus): string {
  const conditions = (status.conditions ?? []).map((one) => `${one.type}=${one.status} (${one.reason}: ${one.message})`);
  return [status.phase, `workers ${status.workers}`, JSON.stringify(status.nodes), JSON.stringify(status.services), ...conditions].join(
    '\n  ',
  );
}

export function conditionIn(status: ClusterStatus, type: ConditionType): Condition | undefined {
  return conditionOf(status.conditions, type);
}

/** Phases that a watch showed, each once in a row. */
export function phasesOf(sightings: readonly Sighting[]): readonly string[] {
  const phases = sightings.map((one) => one.status.phase ?? 'none');
  return phases.filter((phase, at) => phase !== phases[at - 1]);
}

// ---- the load ---------------------------------------------------------------------------------------------------------------------------

export interface RowLoad {
  report(): LoadReport;
  /** The same, and counting begins anew. */
  take(): LoadReport;
  /** Ends it a moment later, prints what it saw and fails when one request failed. */
  mustBeClean(): Promise<LoadReport>;
  /** Ends it without a judgement. */
  end(): Promise<LoadReport>;
}

const WARM_MS = 500;
const AFTER_MS = 500;

/** As "0 failed requests" is defined: 8 clients that keep their connection, 200 new connections a second. Warm when it returns. */
export async function startLoad(member: Member, what: string): Promise<RowLoad> {
  const stop = new AbortController();
  const request = { kind: 'Http', path: '/' } as const;
  const load = loadGenerator(clock).start({ host: member.address, port: HELLO_PORT, request }, stop.signal);
  const end = (): Promise<LoadReport> => {
    stop.abort();
    return load.ended;
  };
  try {
    await eventually('the load is answered', () => load.report().attempts - load.report().failed > 100, 20_000);
    await wait(WARM_MS);
    const early = load.report();
    assert.equal(early.failed, 0, `before ${what}: ${loadSentence(early)}`);
  } catch (cause) {
    await end();
    throw cause;
  }
  return {
    report: load.report,
    take: load.take,
    end,
    mustBeClean: async () => {
      await wait(AFTER_MS);
      const report = await end();
      say(`${what}: at ${member.name}'s balancer ${loadSentence(report)}`);
      assert.equal(report.failed, 0, `${what}: ${loadSentence(report)}`);
      return report;
    },
  };
}

// ---- striking ---------------------------------------------------------------------------------------------------------------------------

/** kill -9 of everything that belongs to a node, until nothing of it lives. */
export function killNode(plane: ControlPlane, member: Member): void {
  const its = (): readonly Living[] => plane.living().filter((one) => one.node === member.uid);
  for (let left = its(); left.length > 0; left = its()) for (const { pid } of left) sendSignal(pid, 'SIGKILL');
}

/** Stopped by SIGSTOP until `thaw`. */
export interface Frozen {
  thaw(): void;
}

export function freeze(...pids: readonly number[]): Frozen {
  for (const pid of pids) {
    assert.ok(pid > 0, 'there is somebody to freeze');
    sendSignal(pid, 'SIGSTOP');
  }
  let isFrozen = true;
  return {
    thaw: () => {
      if (isFrozen) for (const pid of pids) sendSignal(pid, 'SIGCONT');
      isFrozen = false;
    },
  };
}

/** Prints one row of the table: detected and recovered since the strike. */
export function sayRow(what: string, struckMs: number, detectedMs: number | undefined, recoveredMs: number): void {
  const detected = detectedMs === undefined ? 'nothing to detect' : `detected after ${seconds(detectedMs - struckMs)}`;
  say(`${what}: ${detected}, recovered after ${seconds(recoveredMs - struckMs)}`);
}

/** Waits until demo/harbor is whole again: Available, redundant, everything ready. Returns when that was shown. */
export async function wholeAgain(watch: ClusterWatch, sinceMs: number): Promise<number> {
  const { atMs } = await watch.shows('harbor is whole again', sinceMs, isWhole);
  return atMs;
}

export function isWhole({ phase, workers, services, nodes, conditions }: ClusterStatus): boolean {
  const is = (type: ConditionType): boolean => conditionOf(conditions, type)?.status === 'True';
  const areReady = Object.values(services ?? {}).every((one) => (one.ready ?? 0) >= (one.desired ?? 0));
  const areThere = Object.values(nodes ?? {}).every((one) => one.ready === true);
  return phase === 'Available' && workers === 1 && is('Ready') && is('Redundant') && areReady && areThere;
}
