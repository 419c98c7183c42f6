/**
 * Finds the node on this machine that carries a cluster's portal, so that nobody needs to know uids.
 *
 * The portal is where the primary is: a node whose own membership says so. Of several folders (a node that was replaced, and whose folder is
 * still there) the one with the highest term is the primary of now.
 *
 * I1: nothing is guessed between clusters: with several, the person says which.
 */

import { Fault } from '../model/fault.ts';
import type { Files } from '../ports/files.ts';
import { nodeFoldersOf } from './data-folder.ts';
import type { DataPaths } from './data-folder.ts';
import { shellWord } from './up/summary.ts';

/** What is known of one folder below host/nodes. */
export interface NodeFolder {
  readonly folder: string;
  readonly namespace: string;
  readonly cluster: string;
  readonly node: string;
  /** Its membership's term when it says of itself that it is the primary; undefined: it is not. */
  readonly primaryTerm: number | undefined;
}

/** `read` undefined: the folder holds no node that can be read. Throws `Fault` UsageWrong with what to say instead. */
export async function findPortalNode(
  files: Pick<Files, 'list' | 'exists'>,
  paths: DataPaths,
  wanted: { readonly namespace: string | undefined; readonly cluster: string | undefined },
  read: (folder: string) => Promise<NodeFolder | undefined>,
): Promise<NodeFolder> {
  const all = await Promise.all(nodeFoldersOf(files, paths).map((folder) => read(folder)));
  const found = all.filter((one) => one !== undefined);
  const { namespace, cluster } = wanted;
  const fitting = found.filter(
    (one) => (cluster === undefined || one.cluster === cluster) && (namespace === undefined || one.namespace === namespace),
  );
  const where = `on this machine below ${paths.root}`;
  const what = `${namespace === undefined ? '' : `${namespace}/`}${cluster ?? ''}`;
  if (fitting.length === 0) {
    const has = found.length === 0 ? 'There is no node at all' : `There are nodes of ${titles(found).join(', ')}`;
    throw new Fault('UsageWrong', `No node of the cluster ${what} is ${where}. ${has}; name another data folder with --data.`);
  }
  const primaries = fitting.filter((one) => one.primaryTerm !== undefined);
  if (primaries.length === 0) {
    const [first] = fitting;
    throw new Fault(
      'UsageWrong',
      `The primary of ${titles(fitting).join(', ')} is not ${where}, and the portal is on the primary. Run this on its machine; "kubectl -n ${first?.namespace ?? ''} get clusters -o wide" names it.`,
    );
  }
  const clusters = titles(primaries);
  if (clusters.length > 1) {
    const [example] = primaries;
    const say = `${example?.cluster ?? ''} -n ${example?.namespace ?? ''} --data ${shellWord(paths.root)}`;
    throw new Fault('UsageWrong', `Portals of ${clusters.join(', ')} are ${where}; say which: outrigger portal password ${say}.`);
  }
  const [newest] = primaries.toSorted((a, b) => (b.primaryTerm ?? 0) - (a.primaryTerm ?? 0));
  if (newest === undefined) throw new Fault('UsageWrong', `The primary of ${what} is not ${where}.`);
  return newest;
}

function titles(nodes: readonly NodeFolder[]): readonly string[] {
  return [...new Set(nodes.map(({ namespace, cluster }) => `${namespace}/${cluster}`))].toSorted();
}
