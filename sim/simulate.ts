/**
 * One run: a world made, broken, left alone and judged, all from one seed.
 */

import { hash32 } from '../src/base/ring.ts';
import type { ClusterNode } from '../src/model/cluster-node.ts';
import type { Cluster } from '../src/model/cluster.ts';
import type { ClusterRelease } from '../src/model/cluster-release.ts';
import { GROUP_VERSION } from '../src/model/resource.ts';
import { DEFAULT_SERVER_CONFIG } from '../src/model/server-config.ts';
import { BROKEN_RELEASE, SIM_RELEASES } from './change-releases.ts';
import { planChanges } from './change-script.ts';
import { watchSafety } from './checks.ts';
import { createCoverage } from './coverage.ts';
import type { CoverageTable } from './coverage.ts';
import { createDice } from './dice.ts';
import { createFaults } from './faults.ts';
import { createHost, startDaemon } from './host.ts';
import { createProcess, randomOf, WALL_START_MS } from './process.ts';
import { createScheduler } from './scheduler.ts';
import { NAMESPACE, planFaults, planPeople, planProvider, planTraps } from './script.ts';
import type { Stage } from './script.ts';
import { startServer } from './server.ts';
import { watchSites } from './site-checks.ts';
import { planSites } from './site-script.ts';
import { unsettled } from './settled.ts';
import { createStore } from './store.ts';
import type { Commit } from './store.ts';
import { violate } from './world.ts';
import type { World } from './world.ts';

const HOUR_MS = 3_600_000;
const SLICE_MS = 60_000;
/** Ten times what an hour of trouble takes: beyond it something spins. */
const MOST_EVENTS = 800_000;
const PATIENCE_MS = 2 * HOUR_MS;
/** Settled means that nobody writes any more. */
const QUIET_MS = 150_000;

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Tells runs apart: it follows from every commit, its writer and its time. */
  readonly digest: string;
  readonly virtualMs: number;
  readonly events: number;
  readonly commits: number;
  readonly coverage: CoverageTable;
}

/** Runs `seed`. `onLine` gets the trace. `isEager`: ends at the first broken promise. */
export async function simulate(seed: number, onLine?: (line: string) => void, isEager = false): Promise<RunResult> {
  const stage = createStage(seed, onLine);
  const { world } = stage;
  let digest = 0;
  let commits = 0;
  let lastMs = 0;
  world.store.onCommit((commit) => {
    const nowMs = world.scheduler.nowMs();
    if (commit.plural !== 'leases' && !isCrashLoop(world, commit)) lastMs = nowMs;
    commits++;
    digest = hash32(
      `${digest} ${nowMs} ${commit.writer} ${commit.type} ${commit.plural}/${commit.object.metadata.name} ${commit.object.metadata.uid}`,
    );
    world.trace(`${commit.writer} ${commit.type} ${commit.plural}/${commit.object.metadata.name} @${commit.revision}`);
  });
  const isOver = (): boolean => (isEager && world.violations.length > 0) || world.scheduler.events() > MOST_EVENTS;
  for (let atMs = SLICE_MS; atMs <= HOUR_MS && !isOver(); atMs += SLICE_MS) await world.scheduler.run(atMs);
  const isSettled = (): boolean => world.scheduler.nowMs() - lastMs >= QUIET_MS && unsettled(world).length === 0;
  if (world.scheduler.events() > MOST_EVENTS) violate(world, 'something spins');
  while (world.violations.length === 0 && !isSettled() && world.scheduler.nowMs() < PATIENCE_MS)
    await world.scheduler.run(world.scheduler.nowMs() + 300_000);
  for (const what of unsettled(world)) violate(world, `left alone since ${stage.calmMs / 1000} s: ${what}`);
  if (world.scheduler.nowMs() - lastMs < QUIET_MS) violate(world, 'left alone, somebody still writes');
  return {
    seed,
    violations: world.violations,
    digest: (digest >>> 0).toString(16).padStart(8, '0'),
    virtualMs: world.scheduler.nowMs(),
    events: world.scheduler.events(),
    commits,
    coverage: world.coverage.table(),
  };
}

/** `seed 17 ok 60m 412 commits 80123 events digest 0badcafe`, or what was broken first and how to repeat it. */
export function lineOf(result: RunResult): string {
  const what = `${Math.round(result.virtualMs / 60_000)}m ${result.commits} commits ${result.events} events digest ${result.digest}`;
  const [first] = result.violations;
  if (first === undefined) return `seed ${result.seed} ok ${what}`;
  return `seed ${result.seed} FAILED ${what}: ${first}\n  repeat: node sim/run.ts --seed ${result.seed} --verbose`;
}

/** What an agent says about a service that never gets well is said again and again. */
function isCrashLoop(world: World, commit: Commit): boolean {
  if (!commit.writer.startsWith('agent') || commit.plural !== 'clusternodes') return false;
  const { cluster } = (commit.object as ClusterNode).spec;
  const object = world.store.get('clusters', NAMESPACE, cluster) as Cluster | undefined;
  return object?.metadata.annotations?.['sim/broken'] !== undefined || object?.spec.release === BROKEN_RELEASE;
}

/** A world with servers and hosts that do not run yet, and nobody in it. */
export function emptyStage(seed: number, onLine: ((line: string) => void) | undefined): Omit<Stage, 'sites'> {
  const dice = createDice(`outrigger ${seed}`);
  const scheduler = createScheduler();
  const uuids = randomOf(dice.fork('uuid'));
  const admission = dice.chance(0.6);
  const siteAdmission = admission && dice.fork('site admission').chance(0.5);
  const store = createStore({ nowMs: () => WALL_START_MS + scheduler.nowMs(), uuid: () => uuids.uuid(), admission, siteAdmission });
  const trace =
    onLine === undefined
      ? (): void => undefined
      : (line: string): void => onLine(`${(scheduler.nowMs() / 1000).toFixed(3).padStart(10)} ${line}`);
  const world: World = {
    seed,
    dice,
    scheduler,
    store,
    faults: createFaults(),
    coverage: createCoverage(),
    machines: [],
    leases: new Map(),
    beats: new Map(),
    violations: [],
    givenUp: new Set(),
    renewals: new Map(),
    connectionServers: new Map(),
    traps: new Map(),
    changes: { tried: new Map(), asked: new Map(), takings: new Map() },
    crashed: () => undefined,
    trace,
  };
  const servers = Array.from({ length: dice.between(2, 3) }, (_, index) => createProcess(`server-${index}`, dice));
  const hosts = Array.from({ length: dice.between(2, 3) }, (_, index) => createHost(world, `h${index + 1}`));
  const calmMs = dice.between(900_000, 1_500_000);
  return { world, servers, hosts, calmMs };
}

function createStage(seed: number, onLine: ((line: string) => void) | undefined): Stage {
  const { world, servers, hosts, calmMs } = emptyStage(seed, onLine);
  const { dice } = world;
  const stage: Stage = { world, servers, hosts, calmMs, sites: planSites({ world, namespace: NAMESPACE, calmMs }) };
  watchSafety(world);
  watchSites(world);
  furnish(stage);
  for (const server of servers) startServer(world, server);
  for (const host of hosts) startDaemon(host);
  planFaults(stage);
  planTraps(stage);
  planProvider(stage);
  for (let count = dice.between(1, 3); count > 0; count--) {
    planPeople(stage, `c${count}`);
    planChanges(stage, NAMESPACE, `c${count}`);
  }
  return stage;
}

/** Releases, configuration, hosts. */
export function furnish({ world, hosts }: Pick<Stage, 'world' | 'hosts'>): void {
  const dice = world.dice.fork('furnish');
  for (const [version, upgradesFrom] of Object.entries(SIM_RELEASES))
    world.store.create('person', 'clusterreleases', '', releaseOf(version, upgradesFrom));
  const spec = {
    ...DEFAULT_SERVER_CONFIG,
    stepDeadlineSeconds: dice.pick([20, 45, 120]),
    retryBaseSeconds: 2,
    maxAttempts: dice.between(2, 5),
    retryCapSeconds: 60,
    nodeHealthCheck: { ...DEFAULT_SERVER_CONFIG.nodeHealthCheck, startupSeconds: 120, unknownSeconds: dice.pick([30, 200]) },
  };
  world.store.create('person', 'serverconfigs', '', {
    apiVersion: GROUP_VERSION,
    kind: 'ServerConfig',
    metadata: { name: 'default' },
    spec,
  });
  for (const host of hosts) {
    const capacity = { nodes: dice.pick([2, 6, 6]), cpuMillis: 64_000, memoryMiB: 65_536 };
    world.store.create('person', 'hosts', '', {
      apiVersion: GROUP_VERSION,
      kind: 'Host',
      metadata: { name: host.name },
      spec: { capacity, drivers: ['process'], cordoned: false },
    });
  }
}

function releaseOf(version: string, upgradesFrom: readonly string[]): Omit<ClusterRelease, 'metadata'> & { metadata: { name: string } } {
  const probe = {
    tcpSocket: { port: 8080 },
    initialDelaySeconds: 0,
    periodSeconds: 15,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  };
  const container = { name: 'main', command: ['run', version], args: [], env: [], ports: [] };
  const pod = { restartPolicy: 'Always' as const, terminationGracePeriodSeconds: 10 };
  return {
    apiVersion: GROUP_VERSION,
    kind: 'ClusterRelease',
    metadata: { name: version },
    spec: {
      version,
      services: [
        {
          name: 'hello',
          mode: 'Replicated',
          protocol: 'HTTP',
          port: 8080,
          pod: { ...pod, containers: [{ ...container, readinessProbe: probe, livenessProbe: probe }] },
        },
        { name: 'ticker', mode: 'Singleton', protocol: 'TCP', pod: { ...pod, containers: [{ ...container, readinessProbe: probe }] } },
      ],
      upgradesFrom: [...upgradesFrom],
    },
  };
}
