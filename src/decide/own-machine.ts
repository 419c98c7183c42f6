/**
 * What the agent of a joined machine does that a host daemon does elsewhere: takes its node, says how its machine is, and lets the node go.
 *
 * I1: a node is taken only while nobody holds it, in the very incarnation that this machine joined as; one that another machine holds is left alone.
 * I2: the finalizer goes only when the node is being deleted and nothing of it lives here any more.
 * I3: the machine is Gone only by the word of its own agent, when its node is to go and nothing of it lives; silence says nothing of it.
 * I4: a node that is not there ends nothing; its tombstone does.
 */

import type { ClusterNode } from '../model/cluster-node.ts';
import { holderText, MACHINE_PREFIX } from '../model/joined-machine.ts';
import { FINALIZER_NODE } from '../model/labels.ts';
import type { JsonObject } from '../model/json.ts';
import type { Fate } from './agent-duty.ts';
import { isLeaving } from './node-facts.ts';
import { mergeDiff } from './merge-diff.ts';

/** This machine, and the life of the node that it runs. */
export interface OwnMachine {
  /** src/model/joined-machine.ts. */
  readonly name: string;
  readonly incarnation: number;
  readonly address: string;
  readonly podAddresses: readonly string[];
  readonly bootId: string;
  readonly pid: number;
}

export type MachineDuty =
  | { readonly do: 'nothing' }
  /** Set `spec.host`, guarded by what was seen. */
  | { readonly do: 'take'; readonly host: string }
  /** A merge patch of `status.infrastructure`. */
  | { readonly do: 'report'; readonly section: JsonObject }
  /** Another machine holds this very life of the node: a person decides. */
  | { readonly do: 'say'; readonly problem: string };

/** What is owed while the node lives. `node`: as seen, of the right uid; undefined: not seen. */
export function machineDuty(self: OwnMachine, node: ClusterNode | undefined): MachineDuty {
  if (node === undefined || node.spec.incarnation !== self.incarnation) return { do: 'nothing' };
  const host = MACHINE_PREFIX + self.name;
  if (node.spec.host === undefined) return isLeaving(node) ? { do: 'nothing' } : { do: 'take', host };
  if (node.spec.host !== host) return { do: 'say', problem: heldElsewhere(self, node) };
  const section = sectionOf(self, 'Running');
  const diff = mergeDiff({ ...node.status?.infrastructure }, section);
  return diff === undefined ? { do: 'nothing' } : { do: 'report', section: { ...diff, incarnation: self.incarnation } };
}

function heldElsewhere(self: OwnMachine, { metadata, spec }: ClusterNode): string {
  return `${metadata.name} is held by ${holderText(spec.host)}, and runs on this machine, ${self.name}, too; it goes on here until a person ends one of the two: outrigger agent --dir DIR --stop`;
}

function sectionOf(self: OwnMachine, phase: 'Running' | 'Gone'): JsonObject {
  const where = phase === 'Gone' ? {} : { address: self.address, podAddresses: [...self.podAddresses], pid: self.pid };
  return { incarnation: self.incarnation, phase, ...where, bootId: self.bootId };
}

export type LastDuty =
  /** Nothing is owed any more: the folder may go. */
  | { readonly do: 'over' }
  /** It is retired, and its owner has not deleted it yet. */
  | { readonly do: 'wait' }
  /** A merge patch of `status.infrastructure` that says Gone. */
  | { readonly do: 'sayGone'; readonly section: JsonObject }
  /** Drop the finalizer; these are left. */
  | { readonly do: 'release'; readonly finalizers: readonly string[] };

/** What is owed when a life is over and nothing of it lives here. `node`: read live; undefined: the director has none of this uid. */
export function lastDuty(self: OwnMachine, fate: Fate, node: ClusterNode | undefined): LastDuty {
  if (fate.state === 'Superseded' || node === undefined || node.spec.incarnation !== self.incarnation) return { do: 'over' };
  if (node.spec.host !== MACHINE_PREFIX + self.name) return { do: 'over' };
  const { metadata, status } = node;
  if (status?.infrastructure?.phase !== 'Gone' || status.infrastructure.incarnation !== self.incarnation) {
    const section = sectionOf(self, 'Gone');
    return { do: 'sayGone', section: mergeDiff({ ...status?.infrastructure }, section) ?? section };
  }
  if (metadata.deletionTimestamp === undefined) return { do: 'wait' };
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER_NODE)) return { do: 'over' };
  return { do: 'release', finalizers: finalizers.filter((one) => one !== FINALIZER_NODE) };
}
