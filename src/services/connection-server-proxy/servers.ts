/**
 * The connection servers of the site as this front door sees them: each is looked at in a loop of its own, given the license, and asked for its seats.
 *
 * I1: a server that hangs or floods holds up neither the others nor the door.
 * I2: a server whose address, pin or account changed is another one: nothing that was learned of it stays.
 * I3: the license goes to the servers of a site that is paired, once for each life of a server and each statement.
 */

import { newServer, stepServer } from '../../decide/server-choice.ts';
import type { ServerEvent, ServerState } from '../../decide/server-choice.ts';
import { canonicalJson } from '../../base/canonical.ts';
import { isFault } from '../../model/fault.ts';
import type { FrameworkSite } from '../../model/framework.ts';
import { LIMITS } from '../../model/limits.ts';
import type { ProxyDeps } from './deps.ts';
import { countSeatsAt, deliverLicense, lookAt } from './look.ts';
import type { Asked, SeatsOf } from './look.ts';

export interface Servers {
  states(): readonly ServerState[];
  asked(name: string): Asked | undefined;
  tell(name: string, event: ServerEvent): void;
  /** Looks at all of them now, unless that was just done; shared by all who ask at the same time. Never rejects. */
  refresh(): Promise<void>;
  /** The same, but waits (at most `serverRefreshMs`) until they may be looked at anew. */
  lookAgain(): Promise<void>;
  /** Of those that answered; undefined: none did. */
  seats(): SeatsOf | undefined;
}

interface Kept {
  /** What it was made from. */
  readonly made: string;
  readonly asked: Asked;
  readonly end: AbortController;
  state: ServerState;
  seats: SeatsOf | undefined;
  seatsAtMs: number;
  /** The statement that was last tried, for which life of the server, and when. */
  tried: { readonly what: string; readonly atMs: number };
  said: string | undefined;
}

interface World {
  readonly deps: ProxyDeps;
  readonly kept: Map<string, Kept>;
}

export function watchServers(deps: ProxyDeps, signal: AbortSignal): Servers {
  const world: World = { deps, kept: new Map() };
  const follow = (): void => followSite(world, deps.framework.config().site, signal);
  deps.framework.onChange(follow);
  signal.addEventListener('abort', () => [...world.kept.values()].forEach(letGo), { once: true });
  follow();
  let refreshing: Promise<void> | undefined;
  let refreshedAtMs = -Infinity;
  // Clients ask for what is not there as often as they like.
  const refreshInMs = (): number => refreshedAtMs + LIMITS.serverRefreshMs - deps.clock.monotonicMs();
  const refresh = (): Promise<void> => {
    if (refreshInMs() > 0) return Promise.resolve();
    refreshing ??= Promise.all([...world.kept.values()].map((one) => lookOnce(world, one, signal))).then(() => {
      refreshing = undefined;
      refreshedAtMs = deps.clock.monotonicMs();
    });
    return refreshing;
  };
  return {
    states: () => [...world.kept.values()].map((one) => one.state),
    asked: (name) => world.kept.get(name)?.asked,
    tell: (name, event) => {
      const one = world.kept.get(name);
      if (one !== undefined) one.state = stepServer(one.state, event);
    },
    refresh,
    lookAgain: async () => {
      if (refreshInMs() > 0) await deps.clock.sleep(refreshInMs(), signal).catch(() => undefined);
      await refresh();
    },
    seats: () => sumOf([...world.kept.values()].flatMap((one) => (one.seats === undefined ? [] : [one.seats]))),
  };
}

function followSite(world: World, site: FrameworkSite | undefined, signal: AbortSignal): void {
  const { deps, kept } = world;
  if (signal.aborted) return;
  const wanted = new Map((site?.servers ?? []).map((server) => [server.name, server]));
  for (const [name, one] of kept) {
    const server = wanted.get(name);
    if (server !== undefined && one.made === canonicalJson([server, site?.credentials])) continue;
    letGo(one);
    kept.delete(name);
  }
  for (const [name, server] of wanted) {
    if (kept.has(name)) continue;
    const upstream = deps.openUpstream({ url: server.url, pin: server.pin, trustedNowMs: () => deps.framework.trustedNowMs() });
    const one: Kept = {
      made: canonicalJson([server, site?.credentials]),
      asked: { name, upstream, credentials: site?.credentials },
      end: new AbortController(),
      state: newServer(name),
      seats: undefined,
      seatsAtMs: -Infinity,
      tried: { what: '', atMs: 0 },
      said: undefined,
    };
    kept.set(name, one);
    void keepLooking(world, one);
  }
}

function letGo(one: Kept): void {
  one.end.abort();
  one.asked.upstream.close();
}

async function keepLooking(world: World, one: Kept): Promise<void> {
  const { clock } = world.deps;
  const { signal } = one.end;
  while (!signal.aborted) {
    await lookOnce(world, one, signal);
    await aside(world, one, signal);
    await clock.sleep(LIMITS.serverLookEveryMs, signal).catch(() => undefined);
  }
}

async function lookOnce({ deps }: World, one: Kept, signal: AbortSignal): Promise<void> {
  try {
    one.state = stepServer(one.state, { type: 'Looked', facts: await lookAt(one.asked, deps.clock, signal) });
    if (one.said !== undefined) deps.log.info(`The connection server ${one.asked.name} answers again.`);
    one.said = undefined;
  } catch (cause) {
    if (signal.aborted) return;
    if (!isFault(cause)) throw cause;
    one.state = stepServer(one.state, { type: 'Failed', message: cause.message });
    one.seats = undefined;
    if (one.said !== cause.message)
      deps.log.warn(`The connection server ${one.asked.name} gets no sessions while this lasts.`, { error: cause });
    one.said = cause.message;
  }
}

/** What can wait, and must not make a server look ill: seats and license. */
async function aside(world: World, one: Kept, signal: AbortSignal): Promise<void> {
  if (one.state.failures > 0) return;
  const nowMs = world.deps.clock.monotonicMs();
  try {
    await deliver(world, one, nowMs, signal);
    if (nowMs - one.seatsAtMs < LIMITS.seatCountEveryMs) return;
    one.seatsAtMs = nowMs;
    one.seats = await countSeatsAt(one.asked, signal);
  } catch (cause) {
    if (signal.aborted) return;
    if (!isFault(cause)) throw cause;
    world.deps.log.warn(`The connection server ${one.asked.name} did not take the license, or did not tell its sessions.`, {
      error: cause,
    });
  }
}

async function deliver({ deps }: World, one: Kept, nowMs: number, signal: AbortSignal): Promise<void> {
  const { license, site } = deps.framework.config();
  const { facts, license: held } = one.state;
  if (license === undefined || site?.paired !== true || facts === undefined) return;
  if (held?.instance === facts.instance && held.serial >= license.statement.serial) return;
  const what = `${facts.instance}/${license.statement.serial}`;
  // A server that refuses it is not asked with every look.
  if (one.tried.what === what && nowMs - one.tried.atMs < LIMITS.seatCountEveryMs) return;
  one.tried = { what, atMs: nowMs };
  const serial = await deliverLicense(one.asked, license.token, signal);
  one.state = stepServer(one.state, { type: 'LicenseHeld', instance: facts.instance, serial });
  deps.log.info(`The connection server ${one.asked.name} was given the license.`, { serial });
}

function sumOf(all: readonly SeatsOf[]): SeatsOf | undefined {
  if (all.length === 0) return undefined;
  const users = new Set(all.flatMap((one) => one.users));
  return { concurrent: all.reduce((sum, one) => sum + one.concurrent, 0), users: [...users].sort().slice(0, LIMITS.sessionUsersSeen) };
}
