/**
 * The Lease of a simulated agent.
 */

import { LEASES } from '../src/model/core-kinds.ts';
import { nodeLeaseName } from '../src/model/labels.ts';
import { LIMITS } from '../src/model/limits.ts';
import type { EntityApi } from '../src/ports/api.ts';
import type { Machine } from './machine-state.ts';
import { clockOf, later } from './process.ts';
import type { Life } from './process.ts';
import type { World } from './world.ts';

interface Renewing {
  readonly world: World;
  readonly machine: Machine;
  readonly life: Life;
  readonly api: EntityApi;
}

/** One that has not joined yet is nobody who could. */
const JOINED_LOOK_MS = 500;

/** Shows that it lives, once a minute; a renewal that is lost is made up for by the next. */
export function renewLease(agent: Renewing): void {
  const { machine, life, world } = agent;
  const { signal } = life.controller;
  const name = nodeLeaseName(machine.nodeUid);
  const everyMs = LIMITS.nodeLeaseRenewMs * (0.9 + 0.2 * life.process.dice.float());
  later(life, machine.disk.isMember ? everyMs : JOINED_LOOK_MS, () => renewLease(agent));
  if (!machine.disk.isMember) return;
  const spec = { holderIdentity: machine.node, renewTime: new Date(clockOf(life).nowMs()).toISOString() };
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
  world.scheduler.touch();
  agent.api.mergePatch(LEASES, machine.namespace, name, { spec }, signal).then(
    async (answer) => void (answer.ok || (await agent.api.create(LEASES, machine.namespace, lease, signal).catch(() => undefined))),
    () => undefined,
  );
}
