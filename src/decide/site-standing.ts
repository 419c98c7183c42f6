/**
 * How a cluster stands with the site that its spec names: one function, used by creation's last step, by the manager's condition and by commands.
 *
 * I1: done means that the Site is plugged to this very cluster (by uid) and says Paired for it at the Site's own generation, or that none is asked for.
 * I2: what only a person can put right is waited for as Input; the agent's own work is not.
 * I3: a site that was paired stays so while a changed Site is being checked, and when a later check fails; the sentence says what fails.
 */

import type { Cluster } from '../model/cluster.ts';
import type { ConditionReason } from '../model/condition.ts';
import type { PairingCheck, Site } from '../model/site.ts';
import type { ConditionChange } from './phase.ts';

export interface SiteStanding {
  readonly done: boolean;
  /** Whether it waits for a person. */
  readonly input: boolean;
  /** Of the condition Paired. */
  readonly status: 'True' | 'False';
  readonly reason: ConditionReason;
  /** Without a full stop, in lower case where it begins with a word. */
  readonly message: string;
}

/** `site`: the one that spec.site names; undefined: there is none of that name. */
export function siteStanding(cluster: Cluster, site: Site | undefined): SiteStanding {
  const name = cluster.spec.site;
  if (name === undefined) return { done: true, input: false, status: 'False', reason: 'NoSite', message: 'no site is asked for' };
  if (site === undefined || site.metadata.name !== name)
    return person('SiteNotFound', `site ${name} does not exist in this namespace; create it, or take spec.site out (kubectl get sites)`);
  const plugged = site.status?.cluster;
  if (plugged !== undefined && plugged.uid !== cluster.metadata.uid)
    return person(
      'SiteTaken',
      `cluster ${plugged.name} is plugged into site ${name}; unplug that one first (outrigger site unpair ${name} -n ${cluster.metadata.namespace ?? ''}), or choose another site`,
    );
  return standingIn(cluster, site);
}

function standingIn(cluster: Cluster, site: Site): SiteStanding {
  const { uid } = cluster.metadata;
  const { name } = site.metadata;
  const pairing = site.status?.pairing;
  const isOurs = pairing?.clusterUid === uid && site.status?.cluster?.uid === uid;
  const wasPaired = isOurs && pairing.pairedAt !== undefined;
  if (pairing === undefined || !isOurs || pairing.generation !== (site.metadata.generation ?? 0) || pairing.state === 'Checking') {
    const message = `the primary's agent checks the connection servers of site ${name}`;
    return wasPaired
      ? { ...paired(`site ${name} is paired; it was changed, and ${message}`), done: false }
      : { done: false, input: false, status: 'False', reason: 'Pairing', message };
  }
  const first = firstTrouble(pairing.checks ?? []);
  if (pairing.state === 'Paired')
    return paired(first === undefined ? `site ${name} is paired` : `site ${name} is paired; since then ${sayLine(first)}`);
  const why = first === undefined ? (pairing.message ?? 'no reason was given') : sayLine(first);
  return person(pairing.state === 'Waiting' ? 'ThumbprintNotAccepted' : 'PairingFailed', `site ${name} is not paired: ${why}`);
}

/** How that is said in the Cluster's conditions. */
export function pairedCondition(cluster: Cluster, site: Site | undefined): ConditionChange {
  const { status, reason, message } = siteStanding(cluster, site);
  return ['Paired', status, reason, `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`];
}

/** The line to read first: one that failed, else one that waits. */
export function firstTrouble(checks: readonly PairingCheck[]): PairingCheck | undefined {
  return checks.find((line) => line.result === 'Failed') ?? checks.find((line) => line.result === 'Waiting');
}

/** A line in a sentence, without its full stop. */
export function sayLine({ server, check, message }: PairingCheck): string {
  return `${check} of ${server}: ${message.replace(/\.$/, '')}`;
}

function paired(message: string): SiteStanding {
  return { done: true, input: false, status: 'True', reason: 'Paired', message };
}

function person(reason: ConditionReason, message: string): SiteStanding {
  return { done: false, input: true, status: 'False', reason, message };
}
