/**
 * A crash at every single write: a story of one cluster is told once to count the writes of its extension server; then it is told again for each of
 * them, twice, and the server dies there: once before the write is sent, once when it has landed and nobody learned of it. Another server finishes.
 *
 * Nothing else goes wrong in these worlds, so whatever is found follows from that one death.
 */

import { ANNOTATION_FORCE_DELETE } from '../../src/model/labels.ts';
import type { Cluster } from '../../src/model/cluster.ts';
import { watchSafety } from '../checks.ts';
import { loseMachine, powerOff, startDaemon } from '../host.ts';
import type { SimHost } from '../host-state.ts';
import { openDataCenter, orderCluster } from '../orders.ts';
import { createProcess } from '../process.ts';
import type { Process } from '../process.ts';
import { NAMESPACE } from '../script.ts';
import { startServer } from '../server.ts';
import { unsettled } from '../settled.ts';
import { emptyStage, furnish } from '../simulate.ts';
import type { World } from '../world.ts';
import { violate } from '../world.ts';

export const STORIES = ['create 0', 'create 1', 'create 2', 'replace', 'fail', 'repair', 'delete', 'delete early', 'force'] as const;
export type Story = (typeof STORIES)[number];
export type When = 'before' | 'after';

export interface CrashRun {
  readonly story: Story;
  /** 0: nobody dies. */
  readonly write: number;
  readonly when: When;
  /** Names of the first server's writes, as far as it came. */
  readonly writes: readonly string[];
  readonly violations: readonly string[];
}

const END_MS = 400_000;
const DELETE_MS = 60_000;

/** Tells `story`; the first server dies at its `write`-th write. */
export async function simulateCrash(story: Story, write: number, when: When, onLine?: (line: string) => void): Promise<CrashRun> {
  const { world, hosts } = emptyStage(1, onLine);
  watchSafety(world);
  furnish({ world, hosts });
  world.store.mergePatch('person', 'serverconfigs', '', 'default', {
    spec: { stepDeadlineSeconds: 60, maxAttempts: 5, retryBaseSeconds: 2 },
  });
  for (const host of hosts) startDaemon(host);
  for (const host of hosts)
    world.store.mergePatch('person', 'hosts', '', host.name, { spec: { capacity: { nodes: 6, cpuMillis: 64_000, memoryMiB: 65_536 } } });
  const first = createProcess('server-0', world.dice);
  const second = createProcess('server-1', world.dice);
  const writes: string[] = [];
  world.deaths = { process: first, write, when, writes };
  world.crashed = () => world.scheduler.after(5_000, () => startServer(world, second));
  startServer(world, first);
  tell(world, hosts, story);
  await world.scheduler.run(END_MS);
  judge(world, story, first, writes, write);
  return { story, write, when, writes, violations: world.violations };
}

function judge(world: World, story: Story, first: Process, writes: readonly string[], write: number): void {
  for (const what of unsettled(world)) violate(world, `left alone: ${what}`);
  const cluster = world.store.get('clusters', NAMESPACE, 'c1') as Cluster | undefined;
  const goes = story.startsWith('delete') || story === 'force';
  if (goes && cluster !== undefined) violate(world, 'c1 is still there');
  if (!goes && cluster?.status?.availableAt === undefined) violate(world, `c1 is not available: ${cluster?.status?.phase}`);
  if (story === 'fail' && (cluster?.status?.attempt ?? 0) < 2)
    violate(world, 'c1 was not begun anew though its machines died again and again');
  if (write > 0 && first.life !== undefined) violate(world, `write ${write} never came: only ${writes.length}`);
}

function tell(world: World, hosts: readonly SimHost[], story: Story): void {
  const at = (ms: number, work: () => void): void => void world.scheduler.after(ms, work);
  openDataCenter(world, hosts);
  at(1_000, () => orderCluster(world, 'c1', Number(/^create (\d)$/.exec(story)?.[1] ?? 1)));
  const lose = (): void => {
    for (const host of hosts) for (const machine of host.machines.values()) loseMachine(host, machine);
  };
  const remove = (): void => void world.store.remove('person', 'clusters', NAMESPACE, 'c1', {});
  // One machine dies while it comes up: its node alone is replaced.
  if (story === 'replace') whenMachines(world, hosts, 1, lose);
  // It dies again and again: the attempt is given up, removed, and another one begins.
  if (story === 'fail') whenMachines(world, hosts, 3, lose);
  // The host says that the primary of an available cluster is gone.
  if (story === 'repair') at(DELETE_MS, lose);
  if (story === 'delete') at(DELETE_MS, remove);
  if (story === 'delete early') whenMachines(world, hosts, 1, remove);
  if (story === 'force') at(DELETE_MS, () => forceDelete(world, hosts, remove));
}

/** Does `work` the first `times` times that a machine runs, before its agent can be ready. */
function whenMachines(world: World, hosts: readonly SimHost[], times: number, work: () => void): void {
  let left = times;
  const look = (): void => {
    if (left === 0) return;
    if (hosts.some((host) => [...host.machines.values()].some((machine) => machine.isAlive))) {
      left -= 1;
      work();
    }
    world.scheduler.after(100, look);
  };
  look();
}

/** The hosts are dark when the cluster is deleted; a person gives their machines up. */
function forceDelete(world: World, hosts: readonly SimHost[], remove: () => void): void {
  for (const host of hosts) {
    for (const machine of host.machines.values()) world.givenUp.add(machine.nodeUid);
    powerOff(host);
  }
  remove();
  world.store.mergePatch('person', 'clusters', NAMESPACE, 'c1', { metadata: { annotations: { [ANNOTATION_FORCE_DELETE]: 'true' } } });
  world.scheduler.after(150_000, () => {
    for (const host of hosts) startDaemon(host);
  });
}
