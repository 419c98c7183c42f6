/**
 * What the processes of a node are told on their command line.
 */

export interface NodeRoleOptions {
  /** The node's folder, absolute. */
  readonly dir: string;
  /** Agent only: stop everything of the node instead of running it. */
  readonly stop: boolean;
}
