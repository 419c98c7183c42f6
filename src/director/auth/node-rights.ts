/**
 * What the agent of a node may do: rows N1 to N7 and N24. By relation: its own node, its own cluster, its own namespace. What the primary's agent may do
 * besides stands in manager-rights.ts.
 *
 * I1: a node reads and writes nothing of another cluster.
 * I2: an older incarnation may only read its own node, so that it learns what has replaced it.
 */

import { EVENTS, LEASES } from '../../model/core-kinds.ts';
import { LABEL_CLUSTER_UID, nodeLeaseName } from '../../model/labels.ts';
import { API_GROUP } from '../../model/resource.ts';
import { changedOutside } from './changes.ts';
import type { Attributes } from './identity.ts';
import { numberOf } from './relations.ts';
import type { NodeFacts, Relations } from './relations.ts';
import type { Right, States, Verdict } from './right.ts';
import { requires } from './selector.ts';
import { notYours, ownedSections } from './status-section.ts';
import { part, text } from './stored-object.ts';

/** A node that the director knows, and the incarnation that its certificate names. */
export interface NodeCaller {
  readonly node: NodeFacts;
  readonly incarnation: number;
  readonly relations: Relations;
}

const GROUP = API_GROUP;
const CHANGE = ['patch', 'update'];
const FOLLOW = ['list', 'watch'];

export const AGENT_RIGHTS: readonly Right<NodeCaller>[] = [
  {
    id: 'N1',
    verbs: ['get'],
    group: GROUP,
    resource: 'clusternodes',
    says: 'its own ClusterNode; the only right of an older incarnation',
    refuses: ({ node }, asked) => within(node, asked) ?? named(asked, node.name, 'its own ClusterNode'),
  },
  {
    id: 'N2',
    verbs: FOLLOW,
    group: GROUP,
    resource: 'clusternodes',
    says: `those of its cluster, with the label selector \`${LABEL_CLUSTER_UID}=<uid of its cluster>\``,
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? clusterSelected(caller.node, asked),
  },
  {
    id: 'N3',
    verbs: ['get', ...FOLLOW],
    group: GROUP,
    resource: 'clusters',
    says: 'its own Cluster; lists and watches with the field selector `metadata.name=<its name>`',
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? ownCluster(caller.node, asked),
  },
  {
    id: 'N4',
    verbs: ['get', ...FOLLOW],
    group: GROUP,
    resource: 'clusterreleases',
    says: 'all ClusterReleases',
    refuses: older,
  },
  {
    id: 'N24',
    verbs: ['get', 'list'],
    group: GROUP,
    resource: 'serverconfigs',
    says: 'all ServerConfigs: what is to be obeyed about nodes that are not well',
    refuses: older,
  },
  {
    id: 'N5',
    verbs: CHANGE,
    group: GROUP,
    resource: 'clusternodes',
    subresource: 'status',
    says: 'its own ClusterNode: the sections agent (with its own incarnation) and role',
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? named(asked, caller.node.name, 'its own ClusterNode'),
    refusesContent: agentSections,
  },
  {
    id: 'N6',
    verbs: ['create'],
    group: EVENTS.group,
    resource: EVENTS.plural,
    says: 'in its namespace, about its Cluster and the ClusterNodes of that',
    refuses: olderOrElsewhere,
    refusesContent: eventAboutOwn,
  },
  {
    id: 'N7',
    verbs: ['get', 'create', ...CHANGE],
    group: LEASES.group,
    resource: LEASES.plural,
    says: 'the Lease `node-<its uid>` in its namespace',
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? leaseNamed(caller.node, asked),
    refusesContent: ({ node }, { next }) => leaseName(node, text(part(next, 'metadata')['name'])),
  },
];

function older({ node, incarnation }: NodeCaller): Verdict {
  if (incarnation >= node.incarnation) return undefined;
  return `this certificate is of incarnation ${incarnation}, and incarnation ${node.incarnation} of ${node.name} has replaced it: stop its pods`;
}

function within(node: NodeFacts, asked: Attributes): Verdict {
  return asked.namespace === node.namespace ? undefined : `a node may ask for this only in its own namespace, ${node.namespace}`;
}

export function olderOrElsewhere(caller: NodeCaller, asked: Attributes): Verdict {
  return older(caller) ?? within(caller.node, asked);
}

export function named(asked: Attributes, name: string, what: string): Verdict {
  return asked.name === name ? undefined : `a node may do this only with ${what}, ${name}`;
}

function clusterSelected(node: NodeFacts, asked: Attributes): Verdict {
  if (requires(asked.labelSelector, LABEL_CLUSTER_UID, node.clusterUid)) return undefined;
  return `a node may ask only for the nodes of its own cluster: add the label selector ${LABEL_CLUSTER_UID}=${node.clusterUid}`;
}

function ownCluster(node: NodeFacts, asked: Attributes): Verdict {
  if (asked.verb === 'get') return named(asked, node.cluster, 'its own Cluster');
  if (requires(asked.fieldSelector, 'metadata.name', node.cluster)) return undefined;
  return `a node may ask only for its own cluster: add the field selector metadata.name=${node.cluster}`;
}

function leaseNamed(node: NodeFacts, asked: Attributes): Verdict {
  // The name of a creation is in its body.
  return asked.verb === 'create' && asked.name === '' ? undefined : leaseName(node, asked.name);
}

function leaseName(node: NodeFacts, name: string | undefined): Verdict {
  const own = nodeLeaseName(node.uid);
  return name === own ? undefined : `a node may keep only its own Lease, ${own}`;
}

function agentSections({ node, incarnation }: NodeCaller, { old, next }: States): Verdict {
  const field = changedOutside(old, next, ownedSections('clusternodes', 'agent', 'Always'));
  if (field !== undefined) return notYours('an agent', 'clusternodes', field);
  if (incarnation !== node.incarnation)
    return `${node.name} is known here at incarnation ${node.incarnation}, this agent is of ${incarnation}`;
  const agent = part(part(next, 'status'), 'agent');
  const changed = changedOutside(old, next, new Set(['status.role'])) !== undefined;
  if (!changed || numberOf(agent['incarnation']) === incarnation) return undefined;
  return `status.agent.incarnation must be ${incarnation}, the incarnation of the agent that writes it`;
}

function eventAboutOwn({ node, relations }: NodeCaller, { next }: States): Verdict {
  const about = part(next, 'involvedObject');
  const uid = text(about['uid']) ?? '';
  const isCluster = about['kind'] === 'Cluster' && uid === node.clusterUid;
  const isMember = about['kind'] === 'ClusterNode' && relations.node(uid)?.clusterUid === node.clusterUid;
  if ((isCluster || isMember) && about['namespace'] === node.namespace) return undefined;
  return 'a node may speak only of its own Cluster and the ClusterNodes of that, named by kind, namespace and uid';
}
