/**
 * Who may have more than one node: workers, node-level HA and failover only at a site whose environment is eligible, or without a site.
 *
 * One sentence, used by every rule that refuses: it names the fields and what each must be, so that nobody has to guess.
 *
 * I1: a cluster with a primary alone is eligible everywhere; so is any cluster in an environment of the list.
 * I2: the sentence names every field that stands in the way, and no other; with them set as it says, the cluster is eligible.
 */

import type { ClusterSpec } from '../model/cluster.ts';

export type EligibleSpec = Pick<ClusterSpec, 'workers' | 'availability'>;

/** What a cluster must have where only a primary is allowed. */
const WANTED = [
  { field: 'spec.workers', value: '0', holds: (spec: EligibleSpec) => spec.workers === 0 },
  { field: 'spec.availability.nodeRestart', value: 'Off', holds: (spec: EligibleSpec) => spec.availability.nodeRestart === 'Off' },
  { field: 'spec.availability.failover', value: 'None', holds: (spec: EligibleSpec) => spec.availability.failover === 'None' },
] as const;

/** Fields of a cluster that keep it from an environment that is not eligible: `spec.workers to 0`. */
export function ineligibleFields(spec: EligibleSpec): readonly string[] {
  return WANTED.filter((one) => !one.holds(spec)).map(({ field, value }) => `${field} to ${value}`);
}

/** Why a cluster with `spec` may not be at `site`; undefined: it may. */
export function eligibilityProblem(
  spec: EligibleSpec,
  site: { readonly name: string; readonly environment: string },
  eligible: readonly string[],
): string | undefined {
  if (eligible.includes(site.environment)) return undefined;
  const fields = ineligibleFields(spec);
  if (fields.length === 0) return undefined;
  const list = eligible.length === 0 ? 'none is' : `${eligible.join(', ')} ${eligible.length === 1 ? 'is' : 'are'}`;
  return `the environment ${site.environment} of site ${site.name} (its spec.environment) is not eligible for workers, node-level HA and failover (in ServerConfig.spec.eligibleEnvironments ${list}): set ${together(fields)}, or take spec.site out`;
}

/** `a`, `a and b`, `a, b and c`. */
export function together(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
