/**
 * A machine that a person lets in: no host daemon. Its agent takes the node, says how the machine is, and lets the node go (src/decide/own-machine.ts).
 */

import { lastDuty, machineDuty } from '../../src/decide/own-machine.ts';
import type { OwnMachine } from '../../src/decide/own-machine.ts';
import { CLUSTER_NODES } from '../../src/model/addresses.ts';
import type { ClusterNode } from '../../src/model/cluster-node.ts';
import { isFault } from '../../src/model/fault.ts';
import { MACHINE_PREFIX } from '../../src/model/joined-machine.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { EntityApi } from '../../src/ports/api.ts';
import { startAgent } from '../agent.ts';
import { simulatedApi } from '../api.ts';
import { checkFirstLife, checkReserved, checkStart, killPods } from '../machine.ts';
import type { Machine } from '../machine-state.ts';
import { crash, createProcess, later } from '../process.ts';
import type { Life } from '../process.ts';
import { violate } from '../world.ts';
import type { World } from '../world.ts';

const LOOK_MS = 2_000;

export interface JoinedMachine {
  readonly machine: Machine;
  /** It owes nothing any more. */
  isOver: boolean;
}

interface Keeper {
  readonly world: World;
  readonly joined: JoinedMachine;
  readonly machine: Machine;
  readonly life: Life;
  readonly api: EntityApi;
  readonly self: OwnMachine;
}

/** A person joins a machine as `node`. Its process bears the name by which it holds the node, so that the store knows who writes. */
export function joinMachine(world: World, name: string, { metadata, spec }: ClusterNode): JoinedMachine {
  const host = MACHINE_PREFIX + name;
  const machine: Machine = {
    host,
    namespace: metadata.namespace ?? '',
    node: metadata.name,
    nodeUid: metadata.uid,
    incarnation: spec.incarnation,
    cluster: spec.cluster,
    clusterUid: spec.clusterUid,
    index: spec.index,
    role: spec.role,
    agent: createProcess(host, world.dice.fork(`joined ${name}`)),
    isAlive: true,
    exited: () => undefined,
    serving: new Map(),
    pods: new Map(),
    disk: { isMember: false, membership: undefined, slots: {}, ready: {}, site: undefined, kept: {} },
  };
  checkFirstLife(world, machine);
  checkReserved(world, machine);
  checkStart(world, machine);
  world.machines.push(machine);
  const joined = { machine, isOver: false };
  startJoined(world, joined);
  return joined;
}

/** A life of its agent: systemd starts it again whenever it ended. */
export function startJoined(world: World, joined: JoinedMachine): void {
  const { machine } = joined;
  if (joined.isOver || machine.agent.life !== undefined) return;
  startAgent(world, machine);
  const { life } = machine.agent;
  if (life === undefined) return;
  const name = machine.host.slice(MACHINE_PREFIX.length);
  const self = { name, incarnation: machine.incarnation, address: machine.node, podAddresses: ['a'], bootId: 'boot-1', pid: 1 };
  keep({ world, joined, machine, life, api: simulatedApi(world, life), self });
}

function keep(keeper: Keeper): void {
  const { world, life, machine } = keeper;
  world.scheduler.touch();
  const again = (): void => {
    if (keeper.joined.isOver) crash(keeper.machine.agent);
    else later(life, LOOK_MS, () => keep(keeper));
  };
  look(keeper).then(again, (cause: unknown) => {
    if (!isFault(cause)) violate(world, `${machine.host}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    again();
  });
}

async function look({ world, joined, machine, life, api, self }: Keeper): Promise<void> {
  if (!machine.disk.isMember) return;
  const { signal } = life.controller;
  const found = await api.get<ClusterNode>(CLUSTER_NODES, machine.namespace, machine.node, signal);
  if (!found.ok && found.reason !== 'NotFound') return;
  const node = found.ok && found.value.metadata.uid === machine.nodeUid ? found.value : undefined;
  const write = async (patch: JsonObject, subresource?: 'status'): Promise<void> =>
    void (await api.mergePatch(CLUSTER_NODES, machine.namespace, machine.node, patch, signal, subresource));
  if (node === undefined || node.metadata.deletionTimestamp !== undefined || node.spec.retired === true) {
    // Its pods are reset; what its disk holds stays.
    killPods(machine, world.scheduler.nowMs());
    machine.isAlive = false;
    const last = lastDuty(self, { state: node?.spec.retired === true ? 'Retired' : 'Deleted', why: 'It is to go.' }, node);
    if (last.do === 'sayGone') await write({ metadata: { uid: machine.nodeUid }, status: { infrastructure: last.section } }, 'status');
    if (last.do === 'release' && node !== undefined)
      await write({ metadata: { uid: machine.nodeUid, resourceVersion: node.metadata.resourceVersion, finalizers: [...last.finalizers] } });
    joined.isOver = last.do === 'over';
    return;
  }
  const duty = machineDuty(self, node);
  if (duty.do === 'say') violate(world, `J2: ${duty.problem}`);
  if (duty.do === 'take')
    await write({ metadata: { uid: machine.nodeUid, resourceVersion: node.metadata.resourceVersion }, spec: { host: duty.host } });
  if (duty.do === 'report') await write({ metadata: { uid: machine.nodeUid }, status: { infrastructure: duty.section } }, 'status');
}
