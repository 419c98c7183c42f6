/**
 * What the processes of a node are told on their command line.
 */

import type { BalancerChoice } from '../model/balancer-choice.ts';

export interface NodeRoleOptions {
  /** The node's folder, absolute. */
  readonly dir: string;
  /** Agent only: stop everything of the node instead of running it. */
  readonly stop: boolean;
  /** Balancer only. */
  readonly balancer?: BalancerChoice;
}
