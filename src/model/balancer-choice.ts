/**
 * Which program balances on a node: what the setting `balancer`, `node.json` and the balancer's command line have in common.
 */

/** auto: HAProxy where it is installed, else the relay. */
export const BALANCER_CHOICES = ['auto', 'haproxy', 'relay'] as const;
export type BalancerChoice = (typeof BALANCER_CHOICES)[number];

export function isBalancerChoice(value: unknown): value is BalancerChoice {
  return BALANCER_CHOICES.some((choice) => choice === value);
}
