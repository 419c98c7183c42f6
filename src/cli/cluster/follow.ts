/**
 * Follows one cluster until a judgement ends, and tells what is new on the way.
 *
 * I1: a director that does not answer is waited for: the cluster goes on without it, and so does the command.
 * I2: the cluster of one uid is followed; another one of its name is not taken for it.
 * I3: a command that gives up says that what was asked for stands.
 */

import { CLUSTER_NODES, CLUSTERS } from '../../model/addresses.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import { Fault, isFault } from '../../model/fault.ts';
import type { ExitCode } from '../../model/fault.ts';
import { LABEL_CLUSTER_UID } from '../../model/labels.ts';
import type { EntityApi } from '../../ports/api.ts';
import type { Clock } from '../../ports/clock.ts';
import { renderSeconds } from '../screen.ts';
import type { Screen } from '../screen.ts';
import { clipped } from '../status/lines.ts';
import type { Judge, Look } from './progress.ts';

export interface FollowDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  readonly screen: Screen;
}

export interface Followed {
  readonly exit: ExitCode;
  /** As it was seen last; undefined: it is gone. */
  readonly cluster: Cluster | undefined;
}

const LOOK_EVERY_MS = 250;
/** Of a long sentence the beginning: all of it was told above. */
const NOW_CHARS = 100;

export async function follow(deps: FollowDeps, first: Cluster, judge: Judge, deadlineMs: number, signal: AbortSignal): Promise<Followed> {
  const { clock, screen } = deps;
  const { name, namespace = '' } = first.metadata;
  const startedMs = clock.monotonicMs();
  const told = new Set<string>();
  let cluster: Cluster | undefined = first;
  let now = '';
  for (;;) {
    const waitedMs = clock.monotonicMs() - startedMs;
    const look = await lookAt(deps, first, waitedMs, signal);
    if (look === undefined) say(screen, told, 'silent', 'No director answers; what was asked for stands. Waiting for one.');
    else {
      told.delete('silent');
      ({ cluster } = look);
      const progress = judge(look);
      for (const { key, text } of progress.lines) say(screen, told, key, text);
      ({ now } = progress);
      if (progress.ending !== undefined) {
        screen.status('');
        screen.line(progress.ending.message);
        return { exit: progress.ending.exit, cluster };
      }
    }
    if (waitedMs > deadlineMs) {
      screen.status('');
      screen.line(
        `Not there yet after ${renderSeconds(waitedMs)} (${now === '' ? 'no director answered' : clipped(now, NOW_CHARS)}). It goes on by itself: outrigger status ${name} -n ${namespace}`,
      );
      return { exit: 5, cluster };
    }
    screen.status(`${renderSeconds(waitedMs)}  ${now}`);
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

function say(screen: Screen, told: Set<string>, key: string, text: string): void {
  if (told.has(key)) return;
  told.add(key);
  screen.line(text);
}

/** Undefined: no director answers. */
async function lookAt({ api }: FollowDeps, { metadata }: Cluster, waitedMs: number, signal: AbortSignal): Promise<Look | undefined> {
  const { name, namespace = '', uid } = metadata;
  try {
    const answer = await api.get<Cluster>(CLUSTERS, namespace, name, signal);
    if (!answer.ok && answer.reason !== 'NotFound')
      throw new Fault('DirectorRefused', `Cluster ${name} is not shown any more: ${answer.message}`);
    const isSame = answer.ok && answer.value.metadata.uid === uid;
    return { cluster: isSame ? answer.value : undefined, nodes: await nodesOf(api, namespace, uid, signal), waitedMs };
  } catch (cause) {
    if (signal.aborted || !isFault(cause) || cause.row.retry === 'never') throw cause;
    return undefined;
  }
}

/** Nodes of a cluster, by its uid. Throws `Fault` DirectorRefused. */
export async function nodesOf(api: EntityApi, namespace: string, uid: string, signal: AbortSignal): Promise<readonly ClusterNode[]> {
  const answer = await api.list<ClusterNode>(CLUSTER_NODES, { namespace, labelSelector: `${LABEL_CLUSTER_UID}=${uid}` }, signal);
  if (answer.ok) return answer.value.items;
  throw new Fault('DirectorRefused', `The nodes of the cluster are not shown: ${answer.message}`);
}
