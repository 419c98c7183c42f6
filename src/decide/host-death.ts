/**
 * A host that a person confirms dead: what that proves, and for whom.
 *
 * A person writes the annotation `outrigger.dev/confirm-dead` on a Host; its value is the boot that is meant (`status.bootId`). Whatever a host said in
 * that boot is over then: an extension server (or the command itself) says so of each node, by the annotation that a person would give it, and from there
 * on all goes as if a person had confirmed each node's death.
 *
 * I1: only nodes that the host holds, and of which it spoke in that very boot, are proven dead; another boot of the same host is another life.
 * I2: a node that the host holds and never began is over too, while no other boot of the host is known: it tells the director before it starts
 *     anything, by a write that loses against ours, or ours against it.
 * I3: a host in a boot that was confirmed dead claims and begins nothing.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import type { Host } from '../model/host.ts';
import { ANNOTATION_HOST_DEAD } from '../model/labels.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { deathOf, machineOf } from './node-facts.ts';

/** The boot that a person confirmed dead; undefined: none. */
export function confirmedBoot(host: Host): string | undefined {
  const boot = host.metadata.annotations?.[ANNOTATION_HOST_DEAD];
  return boot === undefined || boot === '' ? undefined : boot;
}

/** True when the host was confirmed dead in the boot that it is in now (I3). */
export function isHostConfirmedDead(host: Host, bootId: string): boolean {
  return confirmedBoot(host) === bootId;
}

/** Of `nodes`, those whose death is proven by a host's, and is not said of them yet. */
export function diedWithHosts(hosts: readonly Host[], nodes: readonly ClusterNode[]): readonly ClusterNode[] {
  return nodes.filter((node) => {
    const host = hosts.find((one) => one.metadata.name === node.spec.host);
    return host !== undefined && deathOf(node) === undefined && ranInConfirmedBoot(host, node);
  });
}

/** Says of each of them what a person would say. */
export function hostDeathEffects(hosts: readonly Host[], nodes: readonly ClusterNode[]): readonly Effect[] {
  return diedWithHosts(hosts, nodes).flatMap((node): Effect[] => {
    const { namespace, name, uid } = node.metadata;
    const message = `${name} ran on host ${node.spec.host}, which a person confirmed dead (outrigger host confirm-dead): its incarnation ${node.spec.incarnation} is over.`;
    return [
      { kind: 'ConfirmNodeDead', on: guardOf(node), incarnation: node.spec.incarnation },
      {
        kind: 'RecordEvent',
        about: { kind: 'ClusterNode', namespace: namespace ?? '', name, uid },
        type: 'Warning',
        reason: 'HostConfirmedDead',
        message,
      },
    ];
  });
}

function ranInConfirmedBoot(host: Host, node: ClusterNode): boolean {
  const boot = confirmedBoot(host);
  if (boot === undefined) return false;
  const machine = machineOf(node);
  return machine === undefined ? host.status?.bootId === boot : machine.bootId === boot;
}
