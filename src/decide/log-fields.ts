/**
 * The fields by which a line of a log is found again, named alike by every part: `cluster`, `attempt`, `node`, `nodeUid`, `incarnation`.
 */

/** Of what is logged about a node. */
export interface LoggedNode {
  readonly namespace: string;
  /** Name of its Cluster. */
  readonly cluster: string;
  /** Absent: who wrote down what is known of it did not know it. */
  readonly attempt?: number | undefined;
  readonly node: string;
  readonly nodeUid: string;
  readonly incarnation: number;
}

/** `cluster` is `<namespace>/<name>`. */
export function clusterLogFields(namespace: string, name: string, attempt: number | undefined): { cluster: string; attempt?: number } {
  return { cluster: `${namespace}/${name}`, ...(attempt === undefined ? {} : { attempt }) };
}

export function nodeLogFields({ namespace, cluster, attempt, node, nodeUid, incarnation }: LoggedNode): Record<string, string | number> {
  return { ...clusterLogFields(namespace, cluster, attempt), node, nodeUid, incarnation };
}
