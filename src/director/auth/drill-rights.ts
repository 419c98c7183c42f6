/**
 * What the agents of a cluster may do with its drills: rows N20 and N21.
 *
 * I1: a node reads the drills of its own cluster only, and makes, changes and deletes none: what is killed is a person's word.
 * I2: a drill is written by the node that carries it out; the primary may end one whose executor is silent.
 * I3: what all organizations share (extension servers, director, database) is killed only for who holds the verb `rehearse` on drills everywhere.
 */

import { CONTROL_TARGETS } from '../../model/drill.ts';
import { API_GROUP } from '../../model/resource.ts';
import { changedOutside } from './changes.ts';
import type { Attributes, Identity, WriteContent } from './identity.ts';
import { olderOrElsewhere } from './node-rights.ts';
import type { NodeCaller } from './node-rights.ts';
import type { Rbac } from './rbac.ts';
import type { Right, States, Verdict } from './right.ts';
import { requires } from './selector.ts';
import { notYours, ownedSections } from './status-section.ts';
import { part, text } from './stored-object.ts';

const CLUSTER_FIELD = 'spec.cluster';

export const DRILL_RIGHTS: readonly Right<NodeCaller>[] = [
  {
    id: 'N20',
    verbs: ['list', 'watch'],
    group: API_GROUP,
    resource: 'drills',
    says: `those of its cluster, with the field selector \`${CLUSTER_FIELD}=<name of its cluster>\``,
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? clusterSelected(caller, asked),
  },
  {
    id: 'N21',
    verbs: ['patch', 'update'],
    group: API_GROUP,
    resource: 'drills',
    subresource: 'status',
    says: 'those of its cluster that nobody carries out yet or that it carries out itself; as primary also those of another node, to end them as Failed',
    refuses: olderOrElsewhere,
    refusesContent: ownDrill,
  },
];

function clusterSelected({ node }: NodeCaller, asked: Attributes): Verdict {
  if (requires(asked.fieldSelector, CLUSTER_FIELD, node.cluster)) return undefined;
  return `a node may ask only for the drills of its own cluster: add the field selector ${CLUSTER_FIELD}=${node.cluster}`;
}

function ownDrill({ node, incarnation, relations }: NodeCaller, { old, next }: States): Verdict {
  if (incarnation !== node.incarnation)
    return `${node.name} is known here at incarnation ${node.incarnation}, this agent is of ${incarnation}`;
  const field = changedOutside(old, next, ownedSections('drills', 'agent', 'Always'));
  if (field !== undefined) return notYours('an agent', 'drills', field);
  const cluster = relations.cluster(node.namespace, node.cluster);
  if (text(part(old, 'spec')['cluster']) !== node.cluster || cluster?.uid !== node.clusterUid)
    return `a node may write only the drills of its own cluster, ${node.cluster}`;
  const [was, becomes] = [part(old, 'status'), part(next, 'status')];
  const [before, after] = [text(was['executor']), text(becomes['executor'])];
  if (after === node.name && (before === undefined || before === node.name)) return undefined;
  if (cluster.primary === node.name && after === before && text(becomes['phase']) === 'Failed') return undefined;
  return `${before ?? 'nobody yet'} carries out this drill; status.executor may be set only to the node's own name, ${node.name}`;
}

/** Why this drill is not the caller's to ask for; undefined: nothing speaks against it, or it is no drill of the control plane. */
export function sharedTarget(rbac: Rbac, identity: Identity, asked: Attributes, { old, next }: WriteContent): Verdict {
  if (asked.group !== API_GROUP || asked.resource !== 'drills' || old !== undefined || next === undefined) return undefined;
  const target = text(part(next, 'spec')['target']);
  if (!CONTROL_TARGETS.some((one) => one === target)) return undefined;
  if (rbac.allows(identity, { ...asked, verb: 'rehearse', namespace: '', name: '' })) return undefined;
  return `a drill of ${target} hits all organizations; it takes the verb rehearse on drills in all namespaces, which cluster-admin has`;
}
