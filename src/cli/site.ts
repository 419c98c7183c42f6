/**
 * `outrigger site list` and `site status`: which sites there are, what is plugged in, and how pairing stands, check by check.
 */

import { SITES } from '../model/addresses.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import type { PairingCheck, Site } from '../model/site.ts';
import type { EntityApi } from '../ports/api.ts';
import { firstTrouble } from '../decide/site-standing.ts';
import { renderAge, renderTable } from './table.ts';

export interface SiteLine {
  readonly site: string;
  readonly environment: string;
  readonly servers: number;
  readonly cluster: string;
  readonly pairing: string;
  readonly license: string;
  readonly age: string;
  readonly message: string;
}

export async function listSites(api: EntityApi, namespace: string | undefined, nowMs: number, signal: AbortSignal): Promise<SiteLine[]> {
  const answer = await api.list<Site>(SITES, namespace === undefined ? {} : { namespace }, signal);
  if (!answer.ok) throw new Fault('DirectorRefused', `The sites are not shown: ${answer.message}`);
  return answer.value.items.map((site) => ({
    site: `${site.metadata.namespace ?? ''}/${site.metadata.name}`,
    environment: site.spec.environment,
    servers: site.spec.connectionServers.length,
    cluster: site.status?.cluster?.name ?? '',
    pairing: site.status?.pairing?.state ?? '',
    license: site.spec.license ?? '',
    age: renderAge(nowMs - Date.parse(site.metadata.creationTimestamp)),
    message: site.status?.pairing?.message ?? '',
  }));
}

export function renderSites(lines: readonly SiteLine[]): string {
  if (lines.length === 0) return 'No sites.\n';
  const titles = ['SITE', 'ENVIRONMENT', 'SERVERS', 'CLUSTER', 'PAIRING', 'LICENSE', 'AGE', 'MESSAGE'];
  return renderTable(
    titles,
    lines.map((line) => Object.values(line).map(String)),
  );
}

/** Throws `Fault` DirectorRefused when there is none of that name. */
export async function readSite(api: EntityApi, namespace: string, name: string, signal: AbortSignal): Promise<Site> {
  const answer = await api.get<Site>(SITES, namespace, name, signal);
  if (answer.ok) return answer.value;
  if (answer.reason !== 'NotFound') throw new Fault('DirectorRefused', `Site ${name} is not shown: ${answer.message}`);
  throw new Fault(
    'DirectorRefused',
    `There is no site ${name} in namespace ${namespace} (outrigger site list -A shows all; -n chooses the namespace).`,
  );
}

/** One site for people. */
export function renderSite(site: Site): string {
  const { metadata, spec, status } = site;
  const { cluster, pairing, leftBehind = [] } = status ?? {};
  const facts = [
    ['Site', `${metadata.namespace ?? ''}/${metadata.name}`],
    ['Environment', spec.environment],
    ['License', spec.license ?? 'none assigned (spec.license)'],
    ['Cluster', cluster?.name ?? 'none is plugged in'],
    ['Pairing', pairing === undefined ? 'not begun' : `${pairing.state}: ${pairing.message ?? ''}`],
    ...(pairing?.checkedAt === undefined ? [] : [['Checked', pairing.checkedAt]]),
  ];
  const checks = (pairing?.checks ?? []).map(renderCheck).join('');
  const left = leftBehind.map((one) => `  ${one}\n`).join('');
  return [
    facts.map(([name = '', value = '']) => `${name.padEnd(12)} ${value}\n`).join(''),
    ...(checks === '' ? [] : [checks]),
    ...(left === '' ? [] : [`Left behind:\n${left}`]),
  ].join('\n');
}

/** `cs-1  Port         Passed  Something listens.` */
export function renderCheck({ server, check, result, message }: PairingCheck): string {
  return `${server}  ${check.padEnd(11)}  ${result.padEnd(7)}  ${message}\n`;
}

/** 0 paired and nothing fails; 3 a thumbprint waits for a person; 1 otherwise. */
export function siteExit({ status }: Site): ExitCode {
  const { pairing } = status ?? {};
  if (pairing?.state === 'Waiting') return 3;
  return pairing?.state === 'Paired' && firstTrouble(pairing.checks ?? []) === undefined ? 0 : 1;
}
