/**
 * What a node remembers of its cluster's site, so that framework services go on by it without a director: record `site` of the node store.
 *
 * I1: what is remembered goes only by a word of a director about this very cluster at a younger generation than the one it was remembered at (a
 *     restored director that never heard of the site takes nothing away), or when another cluster is plugged in.
 */

import type { Cluster } from '../model/cluster.ts';
import type { FrameworkSite } from '../model/framework.ts';
import type { Site } from '../model/site.ts';
import type { Memory } from './memory.ts';

export type SiteCredentials = NonNullable<FrameworkSite['credentials']>;

/** For `framework.json`: the site that this node's cluster is plugged into; undefined: none is known. */
export function rememberedSite(memory: Pick<Memory, 'get'>): FrameworkSite | undefined {
  return memory.get('site')?.current;
}

/** Takes in what a director shows. Credentials that could not be read stay as they were. */
export async function rememberSite(memory: Memory, cluster: Cluster, site: Site, credentials: SiteCredentials | undefined): Promise<void> {
  const before = memory.get('site');
  const generation = cluster.metadata.generation ?? 0;
  const plugged = site.status?.cluster?.uid;
  if (plugged === undefined) return;
  if (plugged !== cluster.metadata.uid) {
    if (before?.current?.uid === site.metadata.uid) await memory.keep('site', { generation });
    return;
  }
  const known = before?.current?.uid === site.metadata.uid ? before.current : undefined;
  const login = site.spec.credentials === undefined ? undefined : (credentials ?? known?.credentials);
  const pairing = site.status?.pairing;
  const current: FrameworkSite = {
    name: site.metadata.name,
    uid: site.metadata.uid,
    environment: site.spec.environment,
    paired: pairing?.clusterUid === cluster.metadata.uid && pairing.pairedAt !== undefined,
    servers: site.spec.connectionServers.flatMap(({ name, url, pin }) => (pin === undefined ? [] : [{ name, url, pin }])),
    ...(login === undefined ? {} : { credentials: login }),
  };
  await memory.keep('site', { generation, current, ...(before?.leaving === undefined ? {} : { leaving: before.leaving }) });
}

/** The spec names the site no more: framework services shall not know it from now on. False: this word is older than what is remembered. */
export async function leaveSite(memory: Memory, cluster: Cluster): Promise<boolean> {
  const record = memory.get('site');
  if (record === undefined) return true;
  const generation = cluster.metadata.generation ?? 0;
  if (generation <= record.generation && record.current !== undefined) return false;
  const leaving = record.current ?? record.leaving;
  if (record.current !== undefined) await memory.keep('site', { generation, ...(leaving === undefined ? {} : { leaving }) });
  return true;
}

/** What was left is unplugged. */
export async function forgetLeft(memory: Memory): Promise<void> {
  const record = memory.get('site');
  if (record?.leaving === undefined) return;
  const { leaving: _, ...rest } = record;
  await memory.keep('site', rest);
}
