/**
 * Events for people about this host. Losing one matters to nobody; the same one said again is the same name, and is refused as known.
 */

import { hash32 } from '../base/ring.ts';
import { HOSTS } from '../model/addresses.ts';
import { EVENTS } from '../model/core-kinds.ts';
import type { EventReason } from '../model/event-reason.ts';
import { isFault } from '../model/fault.ts';
import type { Host } from '../model/host.ts';
import type { HostDeps } from './deps.ts';

/** Namespace of what belongs to the control plane itself. */
const SYSTEM_NAMESPACE = 'outrigger-system';
const MESSAGE_MAX = 1024;

export async function sayEvent(
  deps: Pick<HostDeps, 'api' | 'clock' | 'log' | 'name'>,
  host: Host,
  said: { readonly type: 'Normal' | 'Warning'; readonly reason: EventReason; readonly message: string },
  signal: AbortSignal,
): Promise<void> {
  const { name, uid } = host.metadata;
  const digest = hash32(`${uid} ${said.reason} ${said.message}`).toString(16).padStart(8, '0');
  const now = new Date(deps.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${digest}`, namespace: SYSTEM_NAMESPACE },
    involvedObject: { apiVersion: `${HOSTS.group}/${HOSTS.version}`, kind: 'Host', name, uid },
    type: said.type,
    reason: said.reason,
    message: said.message.slice(0, MESSAGE_MAX),
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: `host-${deps.name}` },
  };
  try {
    await deps.api.create(EVENTS, SYSTEM_NAMESPACE, event, signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.debug('An event was lost', { error: cause });
  }
}
