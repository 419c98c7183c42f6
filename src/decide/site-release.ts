/**
 * Letting go of a Site for a cluster whose agents cannot: the cluster goes, or a person forces it.
 *
 * In the ordinary course the primary's agent unplugs (spec.site taken out), because only it can take the license away from the connection servers.
 *
 * I1: a Site is released only by the uid of the cluster that it says is plugged in: when that cluster's nodes are gone, or it is, or when its spec names the
 *     Site no longer and a person put the annotation force-unplug with that very uid on the Site.
 * I2: what stays at the connection servers is written in the same write that takes the plug away.
 */

import type { Site } from '../model/site.ts';
import { ANNOTATION_FORCE_DELETE, ANNOTATION_FORCE_UNPLUG } from '../model/labels.ts';
import type { ClusterView } from './cluster-view.ts';
import { guardOf } from './effect.ts';
import type { Effect } from './effect.ts';
import { mergeDiff } from './merge-diff.ts';
import { clusterEvent } from './outcome.ts';
import { leftBehindBy, unpluggedStatus } from './site-duty.ts';

/** Releases of everything that is plugged to a cluster whose nodes are gone. */
export function releasedByDeletion(view: ClusterView): readonly Effect[] {
  const { name } = view.cluster.metadata;
  return (view.plugged ?? []).flatMap((site) => release(view, site, `cluster ${name} was deleted while it was plugged in`));
}

/** The release of a Site whose cluster is gone without having let go of it: its finalizer was taken off by hand. */
export function releasedByAbsence(site: Site): readonly Effect[] {
  const name = site.status?.cluster?.name ?? '';
  const status = mergeDiff(site.status, unpluggedStatus(site, leftBehindBy(site, `cluster ${name} is gone and never unplugged`)));
  return status === undefined ? [] : [{ kind: 'ReleaseSite', on: guardOf(site), status }];
}

/** Releases that a person forces of a cluster that lives on. */
export function releasedByForce(view: ClusterView): readonly Effect[] {
  const { metadata, spec } = view.cluster;
  const forced = (view.plugged ?? []).filter(
    (site) => site.metadata.name !== spec.site && site.metadata.annotations?.[ANNOTATION_FORCE_UNPLUG] === metadata.uid,
  );
  return forced.flatMap((site) =>
    release(
      view,
      site,
      `cluster ${metadata.name} was unplugged by force, and its agents go on by what they remember until they hear of it`,
    ),
  );
}

export function isForced(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations?.[ANNOTATION_FORCE_DELETE] === 'true';
}

function release(view: ClusterView, site: Site, why: string): readonly Effect[] {
  if (site.status?.cluster?.uid !== view.cluster.metadata.uid) return [];
  const left = leftBehindBy(site, why);
  const status = mergeDiff(site.status, unpluggedStatus(site, left));
  if (status === undefined) return [];
  const said = `Site ${site.metadata.name} is free again${left.length === 0 ? '' : `; what stays there is in its status.leftBehind: ${left.join(' ')}`}`;
  return [
    { kind: 'ReleaseSite', on: guardOf(site), status },
    clusterEvent(view.cluster, left.length === 0 ? 'Normal' : 'Warning', left.length === 0 ? 'SiteUnplugged' : 'SiteLeftBehind', said),
  ];
}
