/**
 * Labels, finalizers and names that are derived from an owner. Written down once, because hosts, agents and servers select by them.
 */

import { API_GROUP } from './resource.ts';

export const LABEL_CLUSTER = `${API_GROUP}/cluster`;
export const LABEL_CLUSTER_UID = `${API_GROUP}/cluster-uid`;
export const LABEL_ATTEMPT = `${API_GROUP}/attempt`;
export const LABEL_ROLE = `${API_GROUP}/role`;
/** Of what a drill makes for a moment, to measure by. */
export const LABEL_DRILL = `${API_GROUP}/drill`;
export const LABEL_VDC = `${API_GROUP}/virtual-data-center`;

/** Held by the extension servers on a Cluster until nothing of it is left. */
export const FINALIZER_CLUSTER = `${API_GROUP}/cluster`;
/** Held by the host daemon on a ClusterNode until its machine is gone. */
export const FINALIZER_NODE = `${API_GROUP}/node`;

/** Annotation by which a person asks to skip what cannot be reached when a cluster is deleted. */
export const ANNOTATION_FORCE_DELETE = `${API_GROUP}/force-delete`;

/** Annotation of a ClusterNode by which a person vouches that its machine is off for good; the value is the incarnation that is meant. */
export const ANNOTATION_CONFIRM_DEAD = `${API_GROUP}/confirm-dead`;

/**
 * Annotation of a worker by which the manager of its cluster vouches that this life of it is over; the value is `<incarnation>.<term>`, the latter the
 * one under which it manages.
 */
export const ANNOTATION_VOUCHED_DEAD = `${API_GROUP}/vouched-dead`;

/** Annotation of an extension server's Lease: which ServerConfig it obeys, `<name>@<generation>` or `defaults`. */
export const ANNOTATION_OBEYS = `${API_GROUP}/obeys`;

/** Annotation of a Cluster by which a person has its site obey a spec that is older than the one it carries out; the value is `metadata.generation`. */
export const ANNOTATION_ACCEPT_GENERATION = `${API_GROUP}/accept-generation`;

/** Annotation of a Host by which a person vouches that its machine is off for good; the value is the `status.bootId` that is meant. */
export const ANNOTATION_HOST_DEAD = `${API_GROUP}/confirm-dead`;
/** Annotation of a ClusterNode by which a person has a node that was given up started again; a new value is a new request. */
export const ANNOTATION_RESTART = `${API_GROUP}/restart`;

/** Annotation of a Host by which a person has unclaimed nodes stopped there; the value is their uids, separated by commas. */
export const ANNOTATION_DISCARD = `${API_GROUP}/discard`;

/** Annotation of a ClusterNode that was made anew under the uid that its machine runs with; the value is the host that it runs on. */
export const ANNOTATION_ADOPTED = `${API_GROUP}/adopted-from`;
/** Annotation of an adopted ClusterNode: `metadata.generation` of its Cluster then. Under that very spec it is not surplus, because whoever adopted it knew. */
export const ANNOTATION_ADOPTED_GENERATION = `${API_GROUP}/adopted-at-generation`;

/** Annotation of a Cluster by which a person asks for a license sync now; a new value is a new request, answered in status.license.answeredRequest. */
export const ANNOTATION_LICENSE_SYNC = `${API_GROUP}/license-sync`;
/** Annotation of a Site by which a person asks for its pairing to be checked anew; a new value is a new request. */
export const ANNOTATION_PAIR = `${API_GROUP}/pair`;

/** Annotation of a Site by which a person has it unplugged without its cluster's agents; the value is the uid of the cluster that is meant. */
export const ANNOTATION_FORCE_UNPLUG = `${API_GROUP}/force-unplug`;

/** What Leases are called by which directors tell each other who holds which tunnel, before the node's uid. */
export const TUNNEL_LEASE_PREFIX = 'tunnel-';

/** `<cluster>-a<attempt>-n<index>`; index 0 is born primary. */
export function nodeName(cluster: string, attempt: number, index: number): string {
  return `${cluster}-a${attempt}-n${index}`;
}

/** Key of a node's reservation in its VirtualDataCenter: `<clusterUid>.<index>`. */
export function reservationKey(clusterUid: string, index: number): string {
  return `${clusterUid}.${index}`;
}

/** What Leases of agents are called, before the node's uid. */
export const NODE_LEASE_PREFIX = 'node-';

/** Name of the Lease by which an agent shows that it lives. */
export function nodeLeaseName(nodeUid: string): string {
  return `${NODE_LEASE_PREFIX}${nodeUid}`;
}
