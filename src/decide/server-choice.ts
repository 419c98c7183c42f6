/**
 * Which connection server gets the next session, and how each one is: the thinking of a site's front door.
 *
 * Two front doors serve one site and share nothing. Each looks at the servers itself; what a client brings along (a cookie, the id of a session)
 * names the server's instance, which every door learns from the server.
 *
 * I1: a new session goes only to a server that has answered and is not ejected, does not drain and has room; among those to the one with the
 *     smallest share of its capacity taken, sessions that were placed since the last look counted in.
 * I2: EJECT_AFTER failures in a row, of looks or of sessions, eject a server; one good look readmits it.
 * I3: a session is led to its own server whatever is known of that one's health: nobody else has it.
 * I4: no server twice for one new session.
 */

import type { ConnectionServerProxyStatus } from '../model/framework.ts';

export const EJECT_AFTER = 2;

/** What a look at a server found. */
export interface ServerFacts {
  readonly instance: string;
  readonly version: string;
  readonly draining: boolean;
  readonly capacity: number;
  readonly used: number;
}

export interface ServerState {
  readonly name: string;
  /** Failures in a row. */
  readonly failures: number;
  /** Of the last good look; undefined: there was none yet. */
  readonly facts: ServerFacts | undefined;
  /** Sessions placed there since that look. */
  readonly placed: number;
  /** A sentence: what is wrong with it. */
  readonly message: string | undefined;
  /** Serial of the license statement that it said to hold, in that life of it. */
  readonly license: { readonly instance: string; readonly serial: number } | undefined;
}

export type ServerEvent =
  | { readonly type: 'Looked'; readonly facts: ServerFacts }
  /** A look, or an attempt to place a session there. */
  | { readonly type: 'Failed'; readonly message: string }
  /** `instance`: what the id of the session begins with; the server may have been started anew since the last look. */
  | { readonly type: 'Placed'; readonly instance: string }
  /** It said so itself when it was asked for a session. */
  | { readonly type: 'Full' }
  | { readonly type: 'Draining' }
  | { readonly type: 'LicenseHeld'; readonly instance: string; readonly serial: number };

export function newServer(name: string): ServerState {
  return { name, failures: 0, facts: undefined, placed: 0, message: undefined, license: undefined };
}

export function stepServer(state: ServerState, event: ServerEvent): ServerState {
  const { facts } = state;
  switch (event.type) {
    case 'Looked':
      return { ...state, failures: 0, facts: event.facts, placed: 0, message: undefined, license: licenseOf(state, event.facts.instance) };
    case 'Failed':
      return { ...state, failures: Math.min(state.failures + 1, EJECT_AFTER), message: event.message };
    case 'Placed':
      return placed(state, event.instance);
    case 'Full':
      return facts === undefined ? state : { ...state, facts: { ...facts, used: facts.capacity } };
    case 'Draining':
      return facts === undefined ? state : { ...state, facts: { ...facts, draining: true } };
    case 'LicenseHeld':
      return { ...state, license: { instance: event.instance, serial: event.serial } };
  }
}

function placed(state: ServerState, instance: string): ServerState {
  const { facts } = state;
  if (facts === undefined || facts.instance === instance) return { ...state, failures: 0, placed: state.placed + 1 };
  return { ...state, failures: 0, placed: 1, facts: { ...facts, instance, used: 0 }, license: licenseOf(state, instance) };
}

/** Another life of a server has forgotten its license. */
function licenseOf(state: ServerState, instance: string): ServerState['license'] {
  return state.license?.instance === instance ? state.license : undefined;
}

export type ServerStanding = 'Unknown' | 'Ejected' | 'Draining' | 'Full' | 'Ready';

export function standingOf({ failures, facts, placed }: ServerState): ServerStanding {
  if (failures >= EJECT_AFTER) return 'Ejected';
  if (facts === undefined) return 'Unknown';
  if (facts.draining) return 'Draining';
  return facts.used + placed >= facts.capacity ? 'Full' : 'Ready';
}

export type SessionChoice =
  /** Names, in the order in which to try them. */
  | { readonly ok: true; readonly order: readonly string[] }
  /** A sentence for the client. */
  | { readonly ok: false; readonly message: string };

/**
 * Where a new session may go. `sticky`: the instance that this client was at before, which is tried first when it may get sessions. `spread` (0 to 1)
 * decides between equals, so that two doors do not fill the same server.
 */
export function chooseServers(servers: readonly ServerState[], sticky: string | undefined, spread: number): SessionChoice {
  const ready = servers.filter((server) => standingOf(server) === 'Ready');
  if (ready.length === 0) return { ok: false, message: whyNone(servers) };
  const shift = Math.floor(spread * ready.length);
  const turned = [...ready.slice(shift), ...ready.slice(0, shift)];
  const order = turned.toSorted(
    (a, b) => Number(b.facts?.instance === sticky) - Number(a.facts?.instance === sticky) || loadOf(a) - loadOf(b),
  );
  return { ok: true, order: order.map((server) => server.name) };
}

function loadOf({ facts, placed }: ServerState): number {
  return facts === undefined ? 1 : (facts.used + placed) / Math.max(1, facts.capacity);
}

function whyNone(servers: readonly ServerState[]): string {
  if (servers.length === 0)
    return 'This cluster is not paired with a site that has connection servers, so there is nothing to connect to; pair it first (outrigger site pair).';
  const said = servers.map((server) => `${server.name} ${PHRASES[standingOf(server)]}`);
  return `No connection server can take a session now: ${said.join(', ')}. Try again soon.`;
}

const PHRASES: Readonly<Record<ServerStanding, string>> = {
  Unknown: 'has not answered yet',
  Ejected: 'does not answer as it should',
  Draining: 'is being drained',
  Full: 'is full',
  Ready: 'is ready',
};

export type SessionHome =
  | { readonly found: 'Server'; readonly name: string }
  /** Nobody can have it: its server has ended that life, or never was one of this site. */
  | { readonly found: 'Nowhere' }
  /** It may be on a server that was not heard of yet. */
  | { readonly found: 'Unknown' };

/** The server of a session, by the instance that its id begins with. */
export function homeOf(servers: readonly ServerState[], sessionId: string): SessionHome {
  const instance = sessionId.slice(0, Math.max(0, sessionId.indexOf('.')));
  const home = instance === '' ? undefined : servers.find((server) => server.facts?.instance === instance);
  if (home !== undefined) return { found: 'Server', name: home.name };
  // One that does not answer may have been started anew meanwhile: its instance is known only once it answers.
  const unheard = instance !== '' && servers.some((server) => server.facts === undefined || server.failures > 0);
  return { found: unheard ? 'Unknown' : 'Nowhere' };
}

type ServerReport = ConnectionServerProxyStatus['servers'][string];

/** What the agent is told of a server. */
export function reportOf(state: ServerState): ServerReport {
  const standing = standingOf(state);
  const isHealthy = standing === 'Ready' || standing === 'Full';
  const { facts } = state;
  return {
    state: isHealthy ? 'Healthy' : standing === 'Draining' ? 'Draining' : 'Unhealthy',
    message: state.message ?? (standing === 'Unknown' ? 'It has not answered yet.' : undefined),
    version: facts?.version,
    sessions: facts?.used,
    capacity: facts?.capacity,
    licenseSerial: state.license?.serial,
  };
}
