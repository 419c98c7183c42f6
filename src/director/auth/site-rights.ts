/**
 * What the agents of a cluster may do with its Site: rows N14 to N16. "Its Site" is the one that spec.site of its Cluster names, or one that says
 * that this very cluster (by uid) is plugged in.
 *
 * I1: a node reads no Site but its cluster's, and no Secret but the one that this Site names for it.
 * I2: only the primary writes the Site's status (before the cluster was available: the node that was born primary in the attempt at work), and
 *     it plugs in and out its own cluster only.
 */

import { API_GROUP } from '../../model/resource.ts';
import { changedOutside } from './changes.ts';
import type { Attributes } from './identity.ts';
import { olderOrElsewhere } from './node-rights.ts';
import type { NodeCaller } from './node-rights.ts';
import type { Right, States, Verdict } from './right.ts';
import { requires, valueRequired } from './selector.ts';
import { notYours, ownedSections } from './status-section.ts';
import { part, text } from './stored-object.ts';

const GROUP = API_GROUP;
const PLUGGED_FIELD = 'status.cluster.uid';

export const SITE_RIGHTS: readonly Right<NodeCaller>[] = [
  {
    id: 'N14',
    verbs: ['get', 'list', 'watch'],
    group: GROUP,
    resource: 'sites',
    says: `its cluster's Site (the one that spec.site names, or that says that the cluster is plugged in); lists and watches with the field selector \`metadata.name=<its name>\` or \`${PLUGGED_FIELD}=<uid of its cluster>\``,
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? ownSite(caller, asked),
  },
  {
    id: 'N15',
    verbs: ['patch', 'update'],
    group: GROUP,
    resource: 'sites',
    subresource: 'status',
    says: "its cluster's Site, when it holds primary (before the cluster was available: when it was born so in the attempt at work): plugs in and out its own cluster, and says how pairing stands",
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? itsSite(caller, asked.name) ?? primary(caller),
    refusesContent: ownPlug,
  },
  {
    id: 'N16',
    verbs: ['get'],
    group: '',
    resource: 'secrets',
    says: "the one Secret that spec.credentials.secret of its cluster's Site names, while no other cluster is plugged into that Site",
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? siteSecret(caller, asked.name),
  },
];

function ownSite(caller: NodeCaller, asked: Attributes): Verdict {
  if (asked.verb === 'get') return itsSite(caller, asked.name);
  if (requires(asked.fieldSelector, PLUGGED_FIELD, caller.node.clusterUid)) return undefined;
  const name = valueRequired(asked.fieldSelector, 'metadata.name');
  if (name !== undefined) return itsSite(caller, name);
  return `a node may ask only for its own cluster's site: add the field selector metadata.name=<its name> or ${PLUGGED_FIELD}=${caller.node.clusterUid}`;
}

function itsSite({ node, relations }: NodeCaller, name: string): Verdict {
  const cluster = relations.cluster(node.namespace, node.cluster);
  if (cluster?.uid === node.clusterUid && cluster.site === name && name !== '') return undefined;
  if (relations.site(node.namespace, name)?.clusterUid === node.clusterUid) return undefined;
  return `a node may do this only with the Site of its own cluster, ${cluster?.site ?? 'which names none'}`;
}

function siteSecret(caller: NodeCaller, name: string): Verdict {
  const { node, relations } = caller;
  const named = relations.cluster(node.namespace, node.cluster);
  const site = named?.uid === node.clusterUid && named.site !== undefined ? relations.site(node.namespace, named.site) : undefined;
  const isFree = site?.clusterUid === undefined || site.clusterUid === node.clusterUid;
  if (site?.secret !== undefined && site.secret === name && isFree) return undefined;
  return 'nodes have no right to this (docs/reference/rights.md): of all Secrets a node reads only the one that the Site of its cluster names';
}

function primary({ node, relations }: NodeCaller): Verdict {
  const cluster = relations.cluster(node.namespace, node.cluster);
  if (cluster === undefined || cluster.uid !== node.clusterUid) return `the cluster ${node.cluster} of this node is gone`;
  if (cluster.deleting) return `${node.cluster} is being deleted: the extension servers let go of its site`;
  const isBorn = node.role === 'Primary' && node.attempt === cluster.attempt;
  const holds = cluster.primary === undefined ? isBorn : cluster.primary === node.name;
  return holds ? undefined : `only the primary of ${node.cluster}, ${cluster.primary ?? 'which nobody is yet'}, speaks for its site`;
}

function ownPlug({ node, incarnation }: NodeCaller, { old, next }: States): Verdict {
  if (incarnation !== node.incarnation)
    return `${node.name} is known here at incarnation ${node.incarnation}, this agent is of ${incarnation}`;
  const field = changedOutside(old, next, ownedSections('sites', 'manager', 'Always'));
  if (field !== undefined) return notYours('a manager', 'sites', field);
  const [was, becomes] = [old, next].map((state) => part(part(state, 'status'), 'cluster'));
  const [before, after] = [text(was?.['uid']), text(becomes?.['uid'])];
  if (before !== undefined && before !== node.clusterUid)
    return `cluster ${text(was?.['name'])} is plugged into this site: only that one may write its status`;
  if (after === undefined) return undefined;
  return after === node.clusterUid && text(becomes?.['name']) === node.cluster
    ? undefined
    : `status.cluster may name only the node's own cluster, ${node.cluster}`;
}
