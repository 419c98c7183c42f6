/**
 * The extension servers as their Leases tell of them.
 *
 * I1: `renewTime` is never compared with a clock: a server is silent when its Lease was seen unchanged here for longer than it holds.
 */

import { extensionLeaseName } from '../../../src/decide/sharding.ts';
import type { Lease } from '../../../src/model/core-kinds.ts';
import { ANNOTATION_OBEYS } from '../../../src/model/labels.ts';

const PREFIX = extensionLeaseName('');

export interface ShownServer {
  readonly name: string;
  readonly isLiving: boolean;
  /** `<name>@<generation>` or `defaults`; undefined: it does not say. */
  readonly obeys: string | undefined;
}

/** Uid of a Lease → the revision that was seen, and since when. */
const seen = new Map<string, { readonly revision: string; readonly sinceMs: number }>();

/** `nowMs`: any clock that goes on. */
export function serversOf(leases: Iterable<Lease>, nowMs: number): readonly ShownServer[] {
  return [...leases]
    .filter(({ metadata }) => metadata.name.startsWith(PREFIX))
    .map(({ metadata, spec }): ShownServer => {
      const before = seen.get(metadata.uid);
      const sight = before?.revision === metadata.resourceVersion ? before : { revision: metadata.resourceVersion, sinceMs: nowMs };
      seen.set(metadata.uid, sight);
      const holdsMs = (spec.leaseDurationSeconds ?? 0) * 1000;
      return {
        name: spec.holderIdentity ?? metadata.name.slice(PREFIX.length),
        isLiving: nowMs - sight.sinceMs <= holdsMs,
        obeys: metadata.annotations?.[ANNOTATION_OBEYS],
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
