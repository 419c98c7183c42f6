/**
 * A site as it is shown: how pairing stands, and what of it a person has to see to. Pure.
 *
 * I1: a thumbprint is to be accepted exactly where a server showed one that is not its pin, and the check of it did not pass.
 */

import type { ConnectionServer, PairingCheck, Site } from '../../../src/model/site.ts';
import { keyOf } from '../watch/live-set.ts';
import type { ListRow } from '../table/list-view.ts';

export const PAIRINGS = ['Waiting', 'Failed', 'Checking', 'Free', 'Paired'] as const;
export type Pairing = (typeof PAIRINGS)[number];

export interface SiteRow extends ListRow {
  readonly namespace: string;
  readonly name: string;
  readonly environment: string;
  readonly cluster: string;
  readonly pairing: Pairing;
  readonly passed: number;
  readonly checks: number;
  readonly message: string;
  readonly license: string;
}

export function siteRow(site: Site): SiteRow {
  const { metadata, spec, status = {} } = site;
  const { name, namespace = '' } = metadata;
  const checks = status.pairing?.checks ?? [];
  const cluster = status.cluster?.name ?? '';
  const pairing = pairingOf(site);
  return {
    key: keyOf(site),
    namespace,
    name,
    environment: spec.environment,
    cluster,
    pairing,
    passed: checks.filter(({ result }) => result === 'Passed').length,
    checks: checks.length,
    message: status.pairing?.message ?? (cluster === '' ? 'No cluster is plugged in.' : 'It was not checked yet.'),
    license: spec.license ?? '',
    searched: `${namespace}/${name} ${spec.environment} ${cluster} ${spec.license ?? ''} ${pairing}`.toLowerCase(),
  };
}

export function pairingOf({ status }: Site): Pairing {
  const state = status?.pairing?.state;
  if (status?.cluster === undefined && state !== 'Waiting' && state !== 'Failed') return 'Free';
  return state ?? 'Checking';
}

export interface ServerSight {
  readonly server: ConnectionServer;
  readonly checks: readonly PairingCheck[];
  /** What it showed, for a person to compare; undefined: nothing is to be accepted. */
  readonly shown: string | undefined;
}

export function serverSights({ spec, status }: Site): readonly ServerSight[] {
  const { checks = [], thumbprints = {} } = status?.pairing ?? {};
  return spec.connectionServers.map((server) => {
    const lines = checks.filter((line) => line.server === server.name);
    const isOpen = lines.some((line) => line.check === 'Thumbprint' && line.result !== 'Passed');
    const seen = thumbprints[server.name];
    return { server, checks: lines, shown: isOpen && seen !== server.pin ? seen : undefined };
  });
}
