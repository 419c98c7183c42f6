/**
 * Keeps this node's tunnel: one at a time, to a director that is not the other nodes', and another one the moment it is lost.
 *
 * I1: a tunnel that is suspected, unwanted or not the preferred one is replaced only by one that is open: the other goes first.
 * I2: what is under way in a tunnel that was replaced goes on to its end, within a bound.
 * I3: every wait ends with the signal, and what was dialed by then is cut.
 * I4: that somebody else opens tunnels with this node's certificate is said, also while this node has one: it is the only sign of a stolen one.
 */

import {
  afterFailure,
  afterLoss,
  beginDialing,
  dialDeadlineMs,
  dialDelayMs,
  indexOfNode,
  judgeSilence,
  returnAfterMs,
} from '../../decide/tunnel-dial.ts';
import type { DialState } from '../../decide/tunnel-dial.ts';
import type { ConnectorClientStatus } from '../../model/framework.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HttpHandler, UpgradeHandler } from '../../ports/http.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { TUNNEL_REPLACED } from '../../ports/tunnel.ts';
import type { DialTunnel, SiteTunnel } from '../../ports/tunnel.ts';
import type { Framework } from '../framework.ts';

export interface KeeperDeps {
  readonly framework: Framework;
  readonly dialTunnel: DialTunnel;
  readonly handler: HttpHandler;
  readonly onUpgrade: UpgradeHandler;
  /** Called with the director whenever there is another tunnel, or none. */
  readonly onHeld: (director: string | undefined) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How often a tunnel that is open is looked at. */
const LOOK_MS = 100;

interface Keeper {
  readonly deps: KeeperDeps;
  state: DialState;
  /** Certificate that the tunnel was opened with; another one wants another tunnel. */
  certificate: string;
  /** Another tunnel is being opened beside the one that is there: then a director that retires that one does as it is meant to. */
  besides: boolean;
  /** When somebody else took this node's place last. */
  contestedMs: number;
  /** Said once, until it is something else. */
  trouble: string | undefined;
}

/** Until the signal aborts. */
export async function keepTunnel(deps: KeeperDeps, signal: AbortSignal): Promise<void> {
  const keeper: Keeper = { deps, state: freshState(deps), certificate: '', besides: false, contestedMs: -Infinity, trouble: undefined };
  await tell(keeper, undefined, 'There was no tunnel yet.');
  while (!signal.aborted) {
    try {
      await deps.clock.sleep(dialDelayMs(keeper.state, deps.random.float()), signal);
      refresh(keeper);
      const tunnel = await dialNext(keeper, signal);
      if (tunnel !== undefined) await hold(keeper, tunnel, signal);
    } catch (cause) {
      if (!signal.aborted) throw cause;
    }
  }
}

function freshState({ framework }: KeeperDeps): DialState {
  const { directors, cluster, node } = framework.config();
  return beginDialing(directors, cluster.uid, indexOfNode(node.name));
}

/** Other directors than before: begin anew with them. */
function refresh(keeper: Keeper): void {
  const { directors } = keeper.deps.framework.config();
  if (directors.join(' ') !== keeper.state.directors.join(' ')) keeper.state = freshState(keeper.deps);
}

/** `at`: another one, beside a tunnel that is there. */
async function dialNext(keeper: Keeper, signal: AbortSignal, at?: number): Promise<SiteTunnel | undefined> {
  const { deps, state } = keeper;
  const director = state.directors[at ?? state.next];
  if (director === undefined) {
    await tell(keeper, undefined, 'This node was told of no director.');
    keeper.state = afterFailure(state);
    return undefined;
  }
  const identity = deps.framework.identity();
  try {
    const tunnel = await deps.dialTunnel(
      {
        director,
        identity,
        trustedNowMs: deps.framework.trustedNowMs(),
        handler: deps.handler,
        onUpgrade: deps.onUpgrade,
        dialMs: dialDeadlineMs(state),
      },
      signal,
    );
    keeper.certificate = identity.certificate;
    return tunnel;
  } catch (cause) {
    signal.throwIfAborted();
    if (at !== undefined) return undefined;
    keeper.state = afterFailure(state);
    await tell(keeper, undefined, cause instanceof Error ? cause.message : String(cause));
    return undefined;
  }
}

/** Until there is none any more. */
async function hold(keeper: Keeper, first: SiteTunnel, signal: AbortSignal): Promise<void> {
  const { deps } = keeper;
  let held = begin(keeper, first);
  const stop = (): void => held.tunnel.cut('the service stops');
  signal.addEventListener('abort', stop, { once: true });
  try {
    await tell(keeper, held.tunnel.director, undefined);
    while (held.ended === undefined && !signal.aborted) {
      await Promise.race([deps.clock.sleep(LOOK_MS, signal), held.over]);
      if (held.ended !== undefined) break;
      const next = await better(keeper, held, signal);
      if (next === undefined) continue;
      held.replaced = true;
      held.tunnel.retire(LIMITS.tunnelRetiredMs);
      held = begin(keeper, next);
      await tell(keeper, held.tunnel.director, undefined);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    held.tunnel.cut('the service stops');
  }
  keeper.state = afterLoss(keeper.state, held.tunnel.director, deps.clock.monotonicMs() - held.sinceMs);
  await tell(keeper, undefined, `The tunnel to ${held.tunnel.director} was lost: ${held.ended ?? 'the service stops'}.`);
}

interface Held {
  readonly tunnel: SiteTunnel;
  readonly sinceMs: number;
  readonly over: Promise<void>;
  ended: string | undefined;
  /** By another one of this node's own. */
  replaced: boolean;
  /** When the preferred director is to be tried. */
  returnAtMs: number;
}

function begin(keeper: Keeper, tunnel: SiteTunnel): Held {
  const { deps, state } = keeper;
  const over = Promise.withResolvers<void>();
  const nowMs = deps.clock.monotonicMs();
  const backMs = returnAfterMs(state, tunnel.director, deps.random.float());
  const held: Held = {
    tunnel,
    sinceMs: nowMs,
    over: over.promise,
    ended: undefined,
    replaced: false,
    returnAtMs: backMs === undefined ? Infinity : nowMs + backMs,
  };
  tunnel.onEnd((why) => {
    held.ended = why;
    if (why === TUNNEL_REPLACED && !held.replaced && !keeper.besides) keeper.contestedMs = deps.clock.monotonicMs();
    over.resolve();
  });
  return held;
}

/** Another tunnel in the place of this one, when one is wanted and opens. */
async function better(keeper: Keeper, held: Held, signal: AbortSignal): Promise<SiteTunnel | undefined> {
  const { deps } = keeper;
  const { tunnel } = held;
  const judged = judgeSilence(tunnel.silentMs(), tunnel.roundTripMs(), tunnel.busy());
  if (judged === 'dead') {
    tunnel.cut(`it was silent for ${Math.round(tunnel.silentMs() / 100) / 10} s`);
    return undefined;
  }
  refresh(keeper);
  const { directors } = keeper.state;
  const isUnwanted = directors.length > 0 && !directors.includes(tunnel.director);
  if (judged === 'suspect' || tunnel.leaving()) return await beside(keeper, held, followingOf(keeper.state, tunnel.director), signal);
  if (isUnwanted || keeper.certificate !== deps.framework.identity().certificate)
    return await beside(keeper, held, keeper.state.preferred, signal);
  if (deps.clock.monotonicMs() < held.returnAtMs) return undefined;
  held.returnAtMs = deps.clock.monotonicMs() + (returnAfterMs(keeper.state, tunnel.director, deps.random.float()) ?? Infinity);
  return await beside(keeper, held, keeper.state.preferred, signal);
}

/** Dials while the tunnel is there; gives up when that shows that it lives, or has ended, so that the usual way goes on. */
async function beside(keeper: Keeper, held: Held, at: number, signal: AbortSignal): Promise<SiteTunnel | undefined> {
  const dropped = new AbortController();
  const either = AbortSignal.any([signal, dropped.signal]);
  void held.over.then(() => dropped.abort(new Error('the tunnel ended')));
  const wasSilent = judgeSilence(held.tunnel.silentMs(), held.tunnel.roundTripMs(), held.tunnel.busy()) !== 'alive';
  const watch = setInterval(() => {
    const judged = judgeSilence(held.tunnel.silentMs(), held.tunnel.roundTripMs(), held.tunnel.busy());
    if (judged === 'dead') held.tunnel.cut('it was silent for too long');
    else if (wasSilent && judged === 'alive') dropped.abort(new Error('the tunnel lives'));
  }, LOOK_MS);
  keeper.besides = true;
  try {
    return await dialNext(keeper, either, at);
  } catch (cause) {
    if (signal.aborted || !dropped.signal.aborted) throw cause;
    return undefined;
  } finally {
    clearInterval(watch);
    keeper.besides = false;
  }
}

/** The next one to try beside `director`; itself, when there is no other. */
function followingOf({ directors }: DialState, director: string): number {
  return (directors.indexOf(director) + 1) % Math.max(1, directors.length);
}

/** For the agent, and once for the log. */
async function tell(keeper: Keeper, director: string | undefined, trouble: string | undefined): Promise<void> {
  const { framework, clock, log } = keeper.deps;
  keeper.deps.onHeld(director);
  const message = [trouble, contested(keeper)].filter((one) => one !== undefined).join(' ') || undefined;
  const news = `${director ?? ''} ${message ?? ''}`;
  if (news === keeper.trouble) return;
  keeper.trouble = news;
  if (director === undefined) log.warn(`There is no tunnel: ${message ?? ''}`);
  else if (message !== undefined) log.warn(`The tunnel to ${director} is open. ${message}`);
  else log.info(`The tunnel to ${director} is open.`);
  const status: ConnectorClientStatus = { director, sinceBootMs: clock.monotonicMs(), message };
  await framework.tell(Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined)));
}

function contested({ deps, contestedMs }: Keeper): string | undefined {
  if (deps.clock.monotonicMs() - contestedMs > LIMITS.tunnelContestedMs) return undefined;
  const { name } = deps.framework.config().node;
  return `Somebody else opened a tunnel with the certificate of this node. Unless this node runs twice by mistake, its key was stolen: outrigger node revoke ${name}.`;
}
