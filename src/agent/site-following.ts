/**
 * The Site that the cluster's spec names, followed by name; and those that say that this cluster is plugged in, listed when asked.
 *
 * I1: `site` is what was seen last; a Site that vanished reads as undefined, which commands nothing.
 * I2: at most one Site is followed at a time.
 */

import { createInformer } from '../client/informer.ts';
import type { Informer, InformerDeps } from '../client/informer.ts';
import { SITES } from '../model/addresses.ts';
import { Fault } from '../model/fault.ts';
import type { Site } from '../model/site.ts';

export interface SiteFollowing {
  /** Follows the Site of this name from now on; undefined: none. */
  follow(name: string | undefined): void;
  site(): Site | undefined;
  /** Takes in what the director answered to a write. */
  learn(site: Site): void;
  /** Sites that say that the cluster with this uid is plugged in. Throws `Fault`. */
  plugged(clusterUid: string, signal: AbortSignal): Promise<readonly Site[]>;
}

/** Follows until the signal aborts. */
export function followSite(deps: InformerDeps, namespace: string, onChange: () => void, signal: AbortSignal): SiteFollowing {
  let followed: { readonly name: string; readonly informer: Informer<Site>; readonly end: AbortController } | undefined;
  return {
    follow: (name) => {
      if (followed?.name === name) return;
      followed?.end.abort();
      followed = undefined;
      if (name === undefined) return;
      const end = new AbortController();
      const informer = createInformer<Site>(deps, SITES, { namespace, fieldSelector: `metadata.name=${name}` });
      informer.onChange(onChange);
      followed = { name, informer, end };
      void informer.run(AbortSignal.any([signal, end.signal]));
    },
    site: () => (followed === undefined ? undefined : followed.informer.get(namespace, followed.name)),
    learn: (site) => followed?.informer.learn(site),
    plugged: async (clusterUid, work) => {
      const answer = await deps.api.list<Site>(SITES, { namespace, fieldSelector: `status.cluster.uid=${clusterUid}` }, work);
      if (!answer.ok) throw new Fault('DirectorRefused', `The sites that this cluster is plugged into are not shown: ${answer.message}`);
      return answer.value.items;
    },
  };
}
