/**
 * Events for people about this node's cluster. Losing one matters to nobody.
 *
 * A node may create Events, not read or change them: the same one said again is the same name, and is refused as known.
 */

import { hash32 } from '../base/ring.ts';
import type { EventEffect } from '../decide/effect.ts';
import { eventOf } from '../decide/request.ts';
import { EVENTS } from '../model/core-kinds.ts';
import { isFault } from '../model/fault.ts';
import type { EntityApi } from '../ports/api.ts';
import type { AgentDeps } from './deps.ts';

export async function sayEvent(
  deps: Pick<AgentDeps, 'clock' | 'log' | 'node'>,
  api: EntityApi,
  effect: EventEffect,
  signal: AbortSignal,
): Promise<void> {
  const { about } = effect;
  const digest = hash32(`${about.uid} ${effect.reason} ${effect.message}`).toString(16).padStart(8, '0');
  const now = new Date(deps.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  try {
    await api.create(EVENTS, about.namespace, eventOf(effect, deps.node.node, `${about.name}.${digest}`, now), signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.debug('An event was lost.', { error: cause });
  }
}
