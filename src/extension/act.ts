/**
 * Carries effects out: one call each, in their order, until one is not answered `ok`.
 *
 * I1: an effect that destroys is carried out only when it was decided on a live view.
 * I2: whatever is lost (a compare-and-swap, an answer, the director), nothing else is tried on the same decision: all is decided anew.
 * I3: an Event never blocks or fails anything.
 */

import { assert } from '../base/assert.ts';
import { hash32 } from '../base/ring.ts';
import { isDestructive } from '../decide/effect.ts';
import type { Effect, EventEffect, WriteEffect } from '../decide/effect.ts';
import { eventOf, requestOf } from '../decide/request.ts';
import { EVENTS } from '../model/core-kinds.ts';
import type { AnyEntity } from '../model/core-kinds.ts';
import { isFault } from '../model/fault.ts';
import type { Answer, EntityApi } from '../ports/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { count } from './telemetry.ts';
import type { Telemetry } from './telemetry.ts';
import type { WriteSpans } from './write-spans.ts';

export interface ActDeps {
  readonly api: EntityApi;
  readonly clock: Clock;
  readonly log: Log;
  /** Names this server in Events. */
  readonly component: string;
  /** Told of each object as the director answered it, so that the copies know what we wrote before the watch says it. */
  readonly wrote: (object: AnyEntity) => void;
  /** Counted here what came of each effect. */
  readonly telemetry?: Telemetry;
  /** Told of each write. Absent: they are not traced. */
  readonly spans?: WriteSpans | undefined;
}

/** What came of a list of effects. */
export type Outcome =
  | { readonly result: 'done' }
  /** Somebody else was first with what this effect would have written. */
  | { readonly result: 'conflict'; readonly lost: WriteEffect['kind'] }
  /** The director refused for good, and says why. */
  | { readonly result: 'refused'; readonly message: string }
  /** No answer; it may or may not have happened. */
  | { readonly result: 'unreachable'; readonly message: string };

/** Carries `effects` out. `live`: they were decided on a live view. */
export async function carryOut(deps: ActDeps, effects: readonly Effect[], live: boolean, signal: AbortSignal): Promise<Outcome> {
  for (const effect of effects) {
    if (effect.kind === 'RecordEvent') {
      void recordEvent(deps, effect, signal);
      continue;
    }
    assert(live || !isDestructive(effect), `${effect.kind} was decided on a cached view`);
    const outcome = await carryOutOne(deps, effect, signal);
    if (outcome.result !== 'done') return outcome;
  }
  return { result: 'done' };
}

async function carryOutOne(deps: ActDeps, effect: WriteEffect, signal: AbortSignal): Promise<Outcome> {
  const span = deps.spans?.(effect);
  try {
    const answer = await call(span?.api ?? deps.api, effect, signal);
    span?.ended(answer.ok ? undefined : answer.reason);
    if (deps.telemetry !== undefined) count(deps.telemetry.effects, `${effect.kind}/${answer.ok ? 'ok' : answer.reason}`);
    deps.log.info(`${effect.kind} ${answer.ok ? 'done' : answer.reason}`, subjectOf(effect));
    if (answer.ok) {
      if (answer.value !== undefined) deps.wrote(answer.value);
      return { result: 'done' };
    }
    if (answer.reason === 'AlreadyExists' && effect.kind === 'CreateNode') return { result: 'done' };
    if (answer.reason === 'NotFound' && effect.kind === 'DeleteNode') return { result: 'done' };
    if (answer.reason === 'Conflict' || answer.reason === 'NotFound') return { result: 'conflict', lost: effect.kind };
    if (answer.reason === 'TooManyRequests') return { result: 'unreachable', message: answer.message };
    return { result: 'refused', message: answer.message };
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    span?.ended(cause.message);
    if (deps.telemetry !== undefined && !signal.aborted) count(deps.telemetry.effects, `${effect.kind}/unreachable`);
    return { result: 'unreachable', message: cause.message };
  }
}

async function call(api: EntityApi, effect: WriteEffect, signal: AbortSignal): Promise<Answer<AnyEntity | undefined>> {
  const request = requestOf(effect);
  switch (request.verb) {
    case 'create':
      return (await api.create(request.address, request.namespace, request.object, signal)) as Answer<AnyEntity>;
    case 'mergePatch': {
      const { address, namespace, name, patch, subresource } = request;
      return (await api.mergePatch(address, namespace, name, patch, signal, subresource)) as Answer<AnyEntity>;
    }
    default: {
      const answer = await api.delete(request.address, request.namespace, request.name, request.preconditions, signal);
      return answer.ok ? { ok: true, value: undefined } : answer;
    }
  }
}

function subjectOf(effect: WriteEffect): Record<string, unknown> {
  if (effect.kind === 'CreateNode') return { namespace: effect.namespace, name: effect.node.metadata.name };
  const { namespace, name, uid } = effect.on;
  return { namespace, name, uid, ...(effect.kind === 'DeleteNode' ? { license: effect.license } : {}) };
}

/** The same thing said again about the same object raises the count of the Event that says it. */
async function recordEvent(deps: ActDeps, effect: EventEffect, signal: AbortSignal): Promise<void> {
  const { about } = effect;
  const digest = hash32(`${about.uid} ${effect.reason} ${effect.message}`).toString(16).padStart(8, '0');
  const name = `${about.name}.${digest}`;
  const now = new Date(deps.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  try {
    const created = await deps.api.create(EVENTS, about.namespace, eventOf(effect, deps.component, name, now), signal);
    if (created.ok || created.reason !== 'AlreadyExists') return;
    const known = await deps.api.get(EVENTS, about.namespace, name, signal);
    if (!known.ok) return;
    const patch = { count: (known.value.count ?? 1) + 1, lastTimestamp: now };
    await deps.api.mergePatch(EVENTS, about.namespace, name, patch, signal);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    deps.log.debug(`An event about ${about.namespace}/${about.name} was lost: ${cause.message}`);
  }
}
