/**
 * Events for people about nodes that this host holds. Losing one matters to nobody; the same one said again is the same name, and is refused as known.
 */

import { hash32 } from '../base/ring.ts';
import { eventOf } from '../decide/request.ts';
import { EVENTS } from '../model/core-kinds.ts';
import type { EventReason } from '../model/event-reason.ts';
import { isFault } from '../model/fault.ts';
import type { HostDeps } from './deps.ts';
import type { NodeRecord } from './records.ts';

const MESSAGE_MAX = 1024;

export interface Said {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
}

/** Two occasions that are told in the same words are told apart by how often the node was restarted. */
export async function sayOfNode(deps: HostDeps, node: NodeRecord, said: Said, signal: AbortSignal): Promise<void> {
  const { namespace, node: name, nodeUid: uid, restarts } = node;
  const digest = hash32(`${uid} ${said.reason} ${restarts} ${said.message}`).toString(16).padStart(8, '0');
  const now = new Date(deps.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  const about = { kind: 'ClusterNode', namespace, name, uid } as const;
  const effect = { kind: 'RecordEvent', about, ...said, message: said.message.slice(0, MESSAGE_MAX) } as const;
  try {
    await deps.api.create(EVENTS, namespace, eventOf(effect, `host-${deps.name}`, `${name}.${digest}`, now), signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.debug('An event was lost', { error: cause });
  }
}
