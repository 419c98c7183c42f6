/**
 * What the agent of a joined machine may do besides: rows N25 to N27. There is no host daemon, so it does for its own node what a host does for its
 * nodes: takes it, says how its machine is, and lets it go.
 *
 * I1: only nodes that wait for a joined machine (`spec.machine` Joined) have these rights, each over itself alone.
 * I2: a node is taken once in an incarnation, by the machine that comes first; another one takes it only under a higher incarnation.
 * I3: what the machine is called says nothing about who may what: rights come from the certificate.
 */

import { isMachineName, machineHolding, MACHINE_PREFIX } from '../../model/joined-machine.ts';
import { FINALIZER_NODE } from '../../model/labels.ts';
import { API_GROUP } from '../../model/resource.ts';
import { changedOutside, sameJson } from './changes.ts';
import type { Attributes } from './identity.ts';
import { named, olderOrElsewhere } from './node-rights.ts';
import type { NodeCaller } from './node-rights.ts';
import { isDeleting, numberOf } from './relations.ts';
import type { Right, States, Verdict } from './right.ts';
import { notYours, ownedSections } from './status-section.ts';
import { part, text } from './stored-object.ts';

const CHANGE = ['patch', 'update'];

export const JOINED_RIGHTS: readonly Right<NodeCaller>[] = [
  {
    id: 'N25',
    verbs: CHANGE,
    group: API_GROUP,
    resource: 'clusternodes',
    says: 'its own ClusterNode: spec.host, from absent to `joined:<its machine>`, while it is to live; nothing else',
    refuses: ownJoined,
    refusesContent: taken,
  },
  {
    id: 'N26',
    verbs: CHANGE,
    group: API_GROUP,
    resource: 'clusternodes',
    subresource: 'status',
    says: 'its own ClusterNode: the section infrastructure, with its own incarnation, of a node that a joined machine holds',
    refuses: ownJoined,
    refusesContent: infrastructureSection,
  },
  {
    id: 'N27',
    verbs: CHANGE,
    group: API_GROUP,
    resource: 'clusternodes',
    says: 'its own ClusterNode: the finalizer `outrigger.dev/node` away, when it is being deleted; nothing else',
    refuses: ownJoined,
    refusesContent: released,
  },
];

function ownJoined(caller: NodeCaller, asked: Attributes): Verdict {
  const elsewhere = olderOrElsewhere(caller, asked) ?? named(asked, caller.node.name, 'its own ClusterNode');
  if (elsewhere !== undefined) return elsewhere;
  return caller.node.machine === 'Joined' ? undefined : `${caller.node.name} is run by a host: its host speaks of its machine`;
}

const HOST_ONLY: ReadonlySet<string> = new Set(['spec.host']);
const FINALIZERS_ONLY: ReadonlySet<string> = new Set(['metadata.finalizers']);

function taken(caller: NodeCaller, { old, next }: States): Verdict {
  const foreign = wrongLife(caller) ?? otherField(old, next, HOST_ONLY);
  if (foreign !== undefined) return foreign;
  const [was, becomes] = [text(part(old, 'spec')['host']), text(part(next, 'spec')['host'])];
  const machine = machineHolding(becomes);
  if (machine === undefined || !isMachineName(machine)) return `spec.host may be set here only to ${MACHINE_PREFIX}<name of the machine>`;
  // One that is repeated, because its answer was lost, changes nothing.
  if (was === becomes) return undefined;
  if (was !== undefined) return `it is held by ${was} already`;
  return part(old, 'spec')['retired'] === true || isDeleting(old) ? 'it is to go, so no machine may take it' : undefined;
}

function infrastructureSection(caller: NodeCaller, { old, next }: States): Verdict {
  const foreign = wrongLife(caller);
  if (foreign !== undefined) return foreign;
  if (machineHolding(text(part(old, 'spec')['host'])) === undefined) return 'no joined machine holds this node';
  const field = changedOutside(old, next, ownedSections('clusternodes', 'joined', 'Always'));
  if (field !== undefined) return notYours('the agent of a joined machine', 'clusternodes', field);
  if (numberOf(part(part(next, 'status'), 'infrastructure')['incarnation']) === caller.incarnation) return undefined;
  return `status.infrastructure.incarnation must be ${caller.incarnation}, the incarnation of the agent that writes it`;
}

function released(caller: NodeCaller, { old, next }: States): Verdict {
  const foreign = wrongLife(caller) ?? otherField(old, next, FINALIZERS_ONLY);
  if (foreign !== undefined) return foreign;
  if (!isDeleting(old)) return 'the node is not being deleted, so its finalizer stays';
  const left = finalizersOf(old).filter((finalizer) => finalizer !== FINALIZER_NODE);
  return sameJson(left, finalizersOf(next)) ? undefined : `of the finalizers only ${FINALIZER_NODE} may be dropped here`;
}

function wrongLife({ node, incarnation }: NodeCaller): Verdict {
  if (incarnation === node.incarnation) return undefined;
  return `${node.name} is known here at incarnation ${node.incarnation}, this agent is of ${incarnation}`;
}

function otherField(old: States['old'], next: States['next'], allowed: ReadonlySet<string>): Verdict {
  const field = changedOutside(old, next, allowed);
  return field === undefined ? undefined : `the agent of a joined machine may not change ${field} of its ClusterNode`;
}

function finalizersOf(object: States['old']): string[] {
  const finalizers = part(object, 'metadata')['finalizers'];
  return Array.isArray(finalizers) ? finalizers.filter((one): one is string => typeof one === 'string') : [];
}
