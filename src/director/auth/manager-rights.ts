/**
 * What the agent of the primary may do besides (the manager): rows N8 to N13 and N23. It says what runs, and brings workers up and down.
 *
 * "Primary" is what the Cluster's status records: a node that says so of itself, or another one that was once, is refused.
 *
 * I1: Cluster status is written by the node that holds primary, under a term that is not below the recorded one, once the cluster was available.
 * I2: what guards against destruction (availableAt, autoRepair, abandonedAttempt, the attempts) is never a node's to write.
 * I3: a manager makes, replaces and lets go workers of its own cluster only, and deletes none that is not retired already.
 * I4: of a VirtualDataCenter it changes only its own cluster's reservations, and the sums stay what they add up to.
 */

import { LEASES } from '../../model/core-kinds.ts';
import {
  ANNOTATION_FORCE_DELETE,
  ANNOTATION_VOUCHED_DEAD,
  FINALIZER_NODE,
  LABEL_CLUSTER_UID,
  NODE_LEASE_PREFIX,
} from '../../model/labels.ts';
import { isJsonObject } from '../../model/json.ts';
import type { JsonObject } from '../../model/json.ts';
import { API_GROUP } from '../../model/resource.ts';
import { changedOutside, sameJson } from './changes.ts';
import { named, olderOrElsewhere } from './node-rights.ts';
import type { NodeCaller } from './node-rights.ts';
import { isDeleting, numberOf } from './relations.ts';
import type { Right, States, Verdict } from './right.ts';
import { notYours, ownedSections } from './status-section.ts';
import { part, text } from './stored-object.ts';

const GROUP = API_GROUP;
const CHANGE = ['patch', 'update'];

export const MANAGER_RIGHTS: readonly Right<NodeCaller>[] = [
  {
    id: 'N8',
    verbs: CHANGE,
    group: GROUP,
    resource: 'clusters',
    subresource: 'status',
    says: "its own Cluster, when it holds primary (or was born so and brings a higher term) and the cluster was available: the manager's sections, with a term not below the recorded one; never availableAt, autoRepair, abandonedAttempt or the attempts",
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? named(asked, caller.node.cluster, 'its own Cluster'),
    refusesContent: managerSections,
  },
  {
    id: 'N9',
    verbs: ['get'],
    group: GROUP,
    resource: 'virtualdatacenters',
    says: 'the one that its cluster is in',
    refuses: (caller, asked) => olderOrElsewhere(caller, asked) ?? named(asked, caller.node.virtualDataCenter, 'its own VirtualDataCenter'),
  },
  {
    id: 'N10',
    verbs: CHANGE,
    group: GROUP,
    resource: 'virtualdatacenters',
    subresource: 'status',
    says: 'as manager: the reservations of its own cluster, with the sums that follow from them',
    refuses: (caller, asked) => manages(caller, asked) ?? named(asked, caller.node.virtualDataCenter, 'its own VirtualDataCenter'),
    refusesContent: ownReservations,
  },
  {
    id: 'N11',
    verbs: ['create'],
    group: GROUP,
    resource: 'clusternodes',
    says: 'as manager: workers of its own cluster and attempt, unclaimed, at incarnation 1',
    refuses: manages,
    refusesContent: newWorker,
  },
  {
    id: 'N12',
    verbs: CHANGE,
    group: GROUP,
    resource: 'clusternodes',
    says: 'as manager, of a worker of its own cluster: spec.retired to true; or a higher incarnation together with no host; or the finalizer `outrigger.dev/node` away when it is being deleted and no host holds it (or a person forces it); or the annotation `outrigger.dev/vouched-dead`, which names its incarnation and the recorded term',
    refuses: manages,
    refusesContent: changedWorker,
  },
  {
    id: 'N13',
    verbs: ['delete'],
    group: GROUP,
    resource: 'clusternodes',
    says: 'as manager: workers of its own cluster that are retired already',
    refuses: manages,
    refusesContent: deletedWorker,
  },
  {
    id: 'N23',
    verbs: ['get'],
    group: LEASES.group,
    resource: LEASES.plural,
    says: 'as manager: the Leases `node-<uid>` of the nodes of its own cluster',
    refuses: (caller, asked) => manages(caller, asked) ?? memberLease(caller, asked.name ?? ''),
  },
];

/** Does the caller hold primary of a cluster that lives and was available? */
function manages(caller: NodeCaller, asked: Parameters<typeof olderOrElsewhere>[1]): Verdict {
  const elsewhere = olderOrElsewhere(caller, asked);
  if (elsewhere !== undefined) return elsewhere;
  const { node, relations } = caller;
  const cluster = relations.cluster(node.namespace, node.cluster);
  if (cluster === undefined || cluster.uid !== node.clusterUid) return `the cluster ${node.cluster} of this node is gone`;
  if (!cluster.wasAvailable) return `${node.cluster} was not available yet: until then the extension servers make its nodes`;
  if (cluster.deleting) return `${node.cluster} is being deleted: the extension servers take down its nodes`;
  const isPrimary = cluster.primary === undefined ? node.role === 'Primary' : cluster.primary === node.name;
  return isPrimary ? undefined : `only the primary of ${node.cluster}, ${cluster.primary ?? 'which nobody is yet'}, manages its workers`;
}

function managerSections({ node, incarnation }: NodeCaller, { old, next }: States): Verdict {
  if (text(part(old, 'metadata')['uid']) !== node.clusterUid)
    return `this ${node.cluster} is another cluster than the one this node belongs to`;
  if (incarnation !== node.incarnation)
    return `${node.name} is known here at incarnation ${node.incarnation}, this agent is of ${incarnation}`;
  const was = part(old, 'status');
  const becomes = part(next, 'status');
  if (text(was['availableAt']) === undefined)
    return `${node.cluster} was not available yet: until then its status is written by the extension servers`;
  const field = changedOutside(old, next, ownedSections('clusters', 'manager', 'AfterAvailable'));
  if (field !== undefined) return notYours('a manager', 'clusters', field);
  return termVerdict(node, was, becomes);
}

function termVerdict(node: NodeCaller['node'], was: JsonObject, becomes: JsonObject): Verdict {
  const [recorded, term] = [numberOf(was['term']), numberOf(becomes['term'])];
  const [primary, names] = [text(was['primary']), text(becomes['primary'])];
  if (term < recorded) return `term ${term} is below the recorded term ${recorded}: another primary has taken over`;
  if (names !== primary && names !== node.name) return `status.primary may be set by a manager only to its own node, ${node.name}`;
  if (primary === node.name || (primary === undefined && node.role === 'Primary')) return undefined;
  if (node.role === 'Primary' && names === node.name && term > recorded) return undefined;
  return `${primary ?? 'no node'} is recorded as primary under term ${recorded}, so ${node.name} does not manage ${node.cluster}; a worker may only say that the primary is down (row N17 of docs/reference/rights.md)`;
}

const RESERVATION_SECTIONS = new Set(['status.reservations', 'status.reserved']);

function ownReservations({ node }: NodeCaller, { old, next }: States): Verdict {
  const field = changedOutside(old, next, RESERVATION_SECTIONS);
  if (field !== undefined) return notYours('a manager', 'virtualdatacenters', field);
  const [was, becomes] = [old, next].map((state) => part(part(state, 'status'), 'reservations')) as [JsonObject, JsonObject];
  const foreign = Object.keys({ ...was, ...becomes }).find(
    (key) => !key.startsWith(`${node.clusterUid}.`) && !sameJson(was[key], becomes[key]),
  );
  if (foreign !== undefined) return `the reservation ${foreign} belongs to another cluster`;
  const entries = Object.values(becomes).filter(isJsonObject);
  const sum = (name: string): number => entries.reduce((total, entry) => total + numberOf(entry[name]), 0);
  const sums = { nodes: entries.length, cpuMillis: sum('cpuMillis'), memoryMiB: sum('memoryMiB') };
  return sameJson(part(part(next, 'status'), 'reserved'), sums)
    ? undefined
    : `status.reserved must be ${JSON.stringify(sums)}, what the reservations add up to`;
}

function newWorker({ node }: NodeCaller, { next }: States): Verdict {
  const spec = part(next, 'spec');
  const { cluster, clusterUid, virtualDataCenter, attempt } = node;
  const same = { cluster, clusterUid, virtualDataCenter, attempt, role: 'Worker', incarnation: 1 };
  const wrong = Object.entries(same).find(([name, value]) => spec[name] !== value);
  if (wrong !== undefined) return `a manager may make only workers of its own cluster and attempt: spec.${wrong[0]} must be ${wrong[1]}`;
  if (numberOf(spec['index']) < 1) return 'index 0 is the primary, which the extension servers make';
  if (spec['host'] !== undefined || spec['retired'] === true) return 'a new node is claimed by nobody and not retired';
  if ((spec['machine'] ?? 'Provisioned') !== node.machine) return `spec.machine must be ${node.machine}, as of the manager's own node`;
  const metadata = part(next, 'metadata');
  if (part(metadata, 'labels')[LABEL_CLUSTER_UID] !== clusterUid) return `the label ${LABEL_CLUSTER_UID} must be ${clusterUid}`;
  const owners = metadata['ownerReferences'];
  const owned = Array.isArray(owners) && owners.length === 1 && part({ owner: owners[0] ?? null }, 'owner')['uid'] === clusterUid;
  return owned ? undefined : `its one owner must be the Cluster ${cluster}`;
}

/** A worker of the caller's cluster? */
function ownWorker({ node }: NodeCaller, old: JsonObject): Verdict {
  const spec = part(old, 'spec');
  if (spec['clusterUid'] !== node.clusterUid) return 'a manager touches only nodes of its own cluster';
  return numberOf(spec['index']) >= 1 ? undefined : 'a manager touches only workers: the primary is replaced by the extension servers';
}

const RETIRED = new Set(['spec.retired']);
const REPLACED = new Set(['spec.incarnation', 'spec.host']);
const FINALIZERS = new Set(['metadata.finalizers']);
const ANNOTATIONS = new Set(['metadata.annotations']);

function changedWorker(caller: NodeCaller, { old, next }: States): Verdict {
  const foreign = ownWorker(caller, old);
  if (foreign !== undefined) return foreign;
  const [was, becomes] = [part(old, 'spec'), part(next, 'spec')];
  if (changedOutside(old, next, RETIRED) === undefined && becomes['retired'] === true) return undefined;
  const isReplaced = numberOf(becomes['incarnation']) > numberOf(was['incarnation']) && becomes['host'] === undefined;
  if (changedOutside(old, next, REPLACED) === undefined && isReplaced) return undefined;
  if (changedOutside(old, next, FINALIZERS) === undefined) return finalizerVerdict(old, next);
  if (changedOutside(old, next, ANNOTATIONS) === undefined) return vouchVerdict(caller, old, next);
  return 'of a worker a manager may only set spec.retired to true, or raise spec.incarnation and clear spec.host in one write, or drop the finalizer of a node that is going, or vouch that its incarnation is over';
}

function vouchVerdict({ node, relations }: NodeCaller, old: JsonObject, next: JsonObject): Verdict {
  const [was, becomes] = [old, next].map((state) => part(part(state, 'metadata'), 'annotations')) as [JsonObject, JsonObject];
  const vouch = `${numberOf(part(old, 'spec')['incarnation'])}.${relations.cluster(node.namespace, node.cluster)?.term ?? 0}`;
  return sameJson({ ...was, [ANNOTATION_VOUCHED_DEAD]: vouch }, becomes)
    ? undefined
    : `of the annotations a manager may only set ${ANNOTATION_VOUCHED_DEAD}, to ${vouch}: the incarnation and the recorded term`;
}

function memberLease({ node, relations }: NodeCaller, name: string): Verdict {
  const uid = name.startsWith(NODE_LEASE_PREFIX) ? name.slice(NODE_LEASE_PREFIX.length) : '';
  return relations.node(uid)?.clusterUid === node.clusterUid ? undefined : 'a manager sees only the Leases of the nodes of its own cluster';
}

function finalizerVerdict(old: JsonObject, next: JsonObject): Verdict {
  const [was, becomes] = [old, next].map((state) => part(state, 'metadata')['finalizers'] ?? []);
  const left = Array.isArray(was) ? was.filter((finalizer) => finalizer !== FINALIZER_NODE) : [];
  if (!sameJson(left, becomes)) return `of the finalizers a manager may only drop ${FINALIZER_NODE}`;
  if (!isDeleting(old)) return 'the node is not being deleted, so its finalizer stays';
  const forced = part(part(old, 'metadata'), 'annotations')[ANNOTATION_FORCE_DELETE];
  const isHeld = part(old, 'spec')['host'] !== undefined;
  return isHeld && (forced === undefined || forced === 'false')
    ? 'a host holds this node: it drops the finalizer once its machine is gone'
    : undefined;
}

function deletedWorker(caller: NodeCaller, { old }: States): Verdict {
  const foreign = ownWorker(caller, old);
  if (foreign !== undefined) return foreign;
  return part(old, 'spec')['retired'] === true ? undefined : 'a node is deleted only once spec.retired is true: retire it first';
}
