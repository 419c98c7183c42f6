/**
 * Membership of the extension servers: shows by a Lease that this one lives, and watches the Leases of the others.
 *
 * I1: the Lease is renewed only while the loop makes progress, so that a server that hangs loses its work like one that died.
 * I2: a server that stops takes its Lease away after its last write has ended, so that the others take over at once.
 * I3: who lives is judged by own observation (src/decide/sharding.ts), never by time stamps.
 * I4: it shows itself when it knows who else lives (src/decide/sharding.ts, I6).
 * I5: Leases of servers that are long dead are swept, guarded by the revision that was seen unchanged.
 * I6: a server that was paused takes nothing up before it has joined anew (src/decide/sharding.ts, I7).
 * I7: the rules are read anew each time: a change of the ServerConfig applies with the next renewal, which also says by an annotation what is obeyed.
 */

import { backoffMs } from '../base/backoff.ts';
import { confirmed, extensionLeaseName, liveServers, lookAround, mayWork, newStanding } from '../decide/sharding.ts';
import type { SharingRules, Standing } from '../decide/sharding.ts';
import { LEASES } from '../model/core-kinds.ts';
import { ANNOTATION_OBEYS } from '../model/labels.ts';
import type { Lease } from '../model/core-kinds.ts';
import { isFault } from '../model/fault.ts';
import type { Answer } from '../ports/api.ts';
import { createInformer } from '../client/informer.ts';
import type { InformerDeps } from '../client/informer.ts';

export const EXTENSION_NAMESPACE = 'outrigger-system';
const LOOK_MS = 250;
/** How often a server that waits for its next renewal looks whether the rules ask for it sooner. */
const RULES_LOOK_MS = 1_000;
const SETTLE_LOOK_MS = 50;
const RETRY_BASE_MS = 200;

export interface Membership {
  /** Whether this server works on `key`; `dueMs`: for how long work on it has been due and not done (0: none is). `nowMs`: the clock, when it was just read. */
  mine(key: string, dueMs: number, nowMs?: number): boolean;
  /** Those that are seen to live, sorted. `nowMs`: the clock, when it was just read. */
  live(nowMs?: number): readonly string[];
  /** How long ago (ms) the newest renewal that was confirmed was sent; undefined: this server is not among those that show themselves. */
  leaseAgeMs(): number | undefined;
  /** Called whenever the set of living servers changed. */
  onChange(listener: (live: readonly string[]) => void): void;
  /** `workEnded`: resolves once no write of this server is under way any more; then the Lease goes (I2). */
  run(signal: AbortSignal, workEnded: Promise<void>): Promise<void>;
}

interface MembershipState {
  readonly deps: InformerDeps;
  readonly server: string;
  readonly rules: () => SharingRules;
  readonly obeys: () => string;
  readonly progressing: () => boolean;
  standing: Standing;
}

/** What the loop tells of itself. */
export interface MemberFacts {
  readonly rules: () => SharingRules;
  /** Which ServerConfig those are from (src/decide/server-config.ts). */
  readonly obeys: () => string;
  /** False while the loop hangs. */
  readonly progressing: () => boolean;
}

export function createMembership(deps: InformerDeps, server: string, { rules, obeys, progressing }: MemberFacts): Membership {
  const leases = createInformer<Lease>(deps, LEASES, { namespace: EXTENSION_NAMESPACE });
  const listeners: ((live: readonly string[]) => void)[] = [];
  const { clock } = deps;
  const state: MembershipState = { deps, server, rules, obeys, progressing, standing: newStanding(clock.monotonicMs()) };
  const live = (nowMs = clock.monotonicMs()): readonly string[] => liveServers(state.standing.leases, nowMs);
  let shown = '';

  const look = (): void => {
    const nowMs = clock.monotonicMs();
    if (!leases.synced()) state.standing = newStanding(nowMs);
    else {
      const wasIn = !state.standing.joining;
      state.standing = lookAround(state.standing, [...leases.list()], nowMs, rules());
      if (wasIn && state.standing.joining) deps.log.warn('This server was paused for longer than its lease lasts; it joins anew.');
    }
    const now = live();
    const text = `${now.join()} ${state.standing.shownMs === undefined ? 'out' : 'in'}`;
    if (text === shown) return;
    shown = text;
    deps.log.info(`Extension servers alive: ${now.length === 0 ? 'none' : now.join()}`);
    for (const listener of listeners) listener(now);
  };
  leases.onChange(look);

  return {
    mine: (key, dueMs, nowMs = clock.monotonicMs()) => mayWork(state.standing, server, key, dueMs, nowMs, rules()),
    live,
    leaseAgeMs: () => (state.standing.shownMs === undefined ? undefined : clock.monotonicMs() - state.standing.shownMs),
    onChange: (listener) => void listeners.push(listener),
    run: async (signal, workEnded) => {
      await Promise.all([
        leases.run(signal),
        lookForever(deps, look, signal),
        renewForever(state, workEnded, signal),
        sweepForever(state, () => [...leases.list()], signal),
      ]);
    },
  };
}

async function lookForever(deps: InformerDeps, look: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    look();
    await deps.clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

async function renewForever(state: MembershipState, workEnded: Promise<void>, signal: AbortSignal): Promise<void> {
  const { deps, server } = state;
  let failures = 0;
  let everShown = false;
  while (!signal.aborted) {
    // Leases that others renew are seen to change within a second, dead ones are known after their time: then this one may show its own.
    if (state.standing.joining) {
      await deps.clock.sleep(SETTLE_LOOK_MS, signal).catch(() => undefined);
      continue;
    }
    everShown = true;
    if (state.progressing()) failures = (await quietly(deps, () => renew(state, signal), signal)) ? 0 : failures + 1;
    else deps.log.warn('The loop makes no progress; the lease is not renewed, so that other servers take over.');
    await untilRenewal(state, failures, signal);
  }
  if (!everShown) return;
  await workEnded;
  const farewell = AbortSignal.timeout(2_000);
  await quietly(deps, () => deps.api.delete(LEASES, EXTENSION_NAMESPACE, extensionLeaseName(server), {}, farewell), farewell);
}

/** In short steps: when the rules ask for shorter renewals, all servers would else be taken for dead until the old time is over. */
async function untilRenewal({ deps, rules }: MembershipState, failures: number, signal: AbortSignal): Promise<void> {
  const begunMs = deps.clock.monotonicMs();
  const dice = deps.random.float();
  const leftMs = (): number => {
    const { renewMs } = rules();
    const retry = { baseMs: Math.min(RETRY_BASE_MS, renewMs), capMs: renewMs, jitter: 0.5 };
    return (failures === 0 ? renewMs : backoffMs(retry, failures, dice)) - (deps.clock.monotonicMs() - begunMs);
  };
  for (let left = leftMs(); left > 0 && !signal.aborted; left = leftMs())
    await deps.clock.sleep(Math.min(left, RULES_LOOK_MS), signal).catch(() => undefined);
}

async function renew(state: MembershipState, signal: AbortSignal): Promise<Answer<Lease>> {
  const { deps, server } = state;
  const { clock } = deps;
  const rules = state.rules();
  const name = extensionLeaseName(server);
  const renewTime = new Date(clock.nowMs()).toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: server, leaseDurationSeconds: rules.leaseMs / 1000, renewTime };
  const sentMs = clock.monotonicMs();
  // An answer that comes later than the lease would expire is worth nothing.
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(rules.leaseMs)]);
  const annotations = { [ANNOTATION_OBEYS]: state.obeys() };
  const metadata = { name, namespace: EXTENSION_NAMESPACE, annotations };
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
  const patched = await deps.api.mergePatch<Lease>(LEASES, EXTENSION_NAMESPACE, name, { metadata: { annotations }, spec }, bounded);
  const isNew = !patched.ok && patched.reason === 'NotFound';
  const answer = isNew ? await deps.api.create<Lease>(LEASES, EXTENSION_NAMESPACE, lease, bounded) : patched;
  if (answer.ok) state.standing = confirmed(state.standing, sentMs, clock.monotonicMs(), rules);
  return answer;
}

/** Between two looks for Leases of the dead: a change of the rules applies with the next. */
const SWEEP_LOOK_MS = 5_000;

async function sweepForever({ deps, rules }: MembershipState, list: () => Lease[], signal: AbortSignal): Promise<void> {
  let seen = new Map<string, { readonly revision: string; readonly sinceMs: number }>();
  while (!signal.aborted) {
    const extensions = list().filter((lease) => lease.metadata.name.startsWith(extensionLeaseName('')));
    const nowMs = deps.clock.monotonicMs();
    seen = new Map(
      extensions.map(({ metadata }) => {
        const before = seen.get(metadata.name);
        const isSame = before?.revision === metadata.resourceVersion;
        return [metadata.name, isSame ? before : { revision: metadata.resourceVersion, sinceMs: nowMs }];
      }),
    );
    for (const { metadata } of extensions) {
      const { name, uid, resourceVersion } = metadata;
      if (nowMs - (seen.get(name)?.sinceMs ?? nowMs) < rules().leaseSweepMs) continue;
      await quietly(deps, () => deps.api.delete(LEASES, EXTENSION_NAMESPACE, name, { uid, resourceVersion }, signal), signal);
    }
    await deps.clock.sleep(SWEEP_LOOK_MS, signal).catch(() => undefined);
  }
}

/** True: the call was answered `ok`. Failures of the world are logged and borne; what a stop cut off is none. */
async function quietly(deps: InformerDeps, call: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = (await call()) as { readonly ok?: boolean; readonly message?: string };
    if (answer.ok !== true) deps.log.warn(`A lease could not be written: ${answer.message ?? 'refused'}`);
    return answer.ok === true;
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (!signal.aborted) deps.log.warn(`A lease could not be written: ${cause.message}`);
    return false;
  }
}
