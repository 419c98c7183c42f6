/**
 * Pairing of a cluster with the connection servers of its site: facts in, lines out.
 *
 * The agent that holds authority looks at each connection server and says what it found (`ServerFacts`); here is decided what it may look at next,
 * what each line says, and what all lines together mean. src/agent/site-*.ts carries it out.
 *
 * I1: a request is asked for only of a server whose certificate was seen to be the pinned one, not ended yet, and only with credentials that
 *     could be read: an unpinned or wrongly pinned server is sent nothing.
 * I2: after a line that is not Passed nothing further of that server is looked at, and what was not is Skipped with the reason.
 * I3: every line that is not Passed says what to do.
 */

import type { ConnectionServer, PairingCheck, PairingCheckName } from '../model/site.ts';
import { PAIRING_CHECKS } from '../model/site.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/json.ts';

/** What came of looking at something. */
export type Tried<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly untrusted?: boolean };

export interface ShownFacts {
  /** `sha256:<64 hex>`. */
  readonly thumbprint: string;
  readonly selfSigned: boolean;
  readonly notAfterMs: number;
}

export interface AnswerFacts {
  readonly status: number;
  /** Undefined: it is no JSON. */
  readonly body: Json | undefined;
}

/** Requests of pairing, in their order. */
export const PROBED = ['version', 'health', 'capacity', 'license'] as const;
export type Probed = (typeof PROBED)[number];

/** What is known of one connection server by now; absent: not looked at yet. */
export interface ServerFacts {
  readonly addresses?: Tried<readonly string[]>;
  readonly reached?: Tried<true>;
  readonly shown?: Tried<ShownFacts>;
  readonly answers?: Readonly<Partial<Record<Probed, Tried<AnswerFacts>>>>;
}

/** How all servers are looked at. */
export interface PairingContext {
  /** By which the ends of certificates are judged; it may lag, so their beginnings are not. */
  readonly trustedNowMs: number;
  /** Whether there are credentials; the sentence says why not. Servers that want none are served without. */
  readonly credentials: Tried<'Given' | 'NoneNamed'>;
  /** Name and namespace of the Site, for the sentences. */
  readonly site: string;
  readonly namespace: string;
}

export type Look = 'Name' | 'Port' | 'Certificate' | Probed;

type Line = Pick<PairingCheck, 'result' | 'message'>;

const SUPPORTED_API = 'v1';
const MESSAGE_CHARS = 1024;

/** Host and port of `https://host:port`; port 443 without one. */
export function placeOf(url: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^https:\/\/(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@[\]]+)(?::(\d{1,5}))?$/.exec(url) ?? [];
  const number = port === undefined ? 443 : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: number };
}

/** What of `server` to look at next; undefined: nothing more (I1, I2). */
export function nextLook(server: ConnectionServer, facts: ServerFacts, context: PairingContext): Look | undefined {
  const lines = linesOf(server, facts, context);
  if (lines.some((line) => line !== undefined && line.result !== 'Passed')) return undefined;
  if (facts.addresses === undefined) return 'Name';
  if (facts.reached === undefined) return 'Port';
  if (facts.shown === undefined) return 'Certificate';
  return PROBED.find((one) => facts.answers?.[one] === undefined);
}

/** Lines of one server, in the order of the checks; undefined: not looked at yet. */
function linesOf(server: ConnectionServer, facts: ServerFacts, context: PairingContext): readonly (Line | undefined)[] {
  const judges: Readonly<Record<PairingCheckName, () => Line | undefined>> = {
    Name: () => nameLine(server, facts),
    Port: () => portLine(server, facts),
    Thumbprint: () => thumbprintLine(server, facts, context),
    Credentials: () => credentialsLine(server, facts, context),
    Version: () => versionLine(server, facts),
    PreChecks: () => preChecksLine(server, facts),
  };
  const lines: (Line | undefined)[] = [];
  let stopped: PairingCheckName | undefined;
  for (const check of PAIRING_CHECKS) {
    const line = stopped === undefined ? judges[check]() : skipped(stopped);
    if (line !== undefined && line.result !== 'Passed') stopped ??= check;
    lines.push(line);
  }
  return lines;
}

/** All lines that can be said by now, by server and check. Two servers that are one instance fail here. */
export function pairingLines(
  servers: readonly ConnectionServer[],
  facts: ReadonlyMap<string, ServerFacts>,
  context: PairingContext,
): PairingCheck[] {
  const instances = new Map<string, string>();
  return servers.flatMap((server) => {
    const own = facts.get(server.name) ?? {};
    const lines = linesOf(server, own, context);
    const instance = instanceOf(own);
    const twin = instance === undefined ? undefined : instances.get(instance);
    if (instance !== undefined && twin === undefined) instances.set(instance, server.name);
    return PAIRING_CHECKS.flatMap((check, at) => {
      const line = lines[at];
      if (line === undefined) return [];
      const final = check === 'PreChecks' && twin !== undefined && line.result === 'Passed' ? sameInstance(server, twin) : line;
      return [{ server: server.name, check, result: final.result, message: final.message.slice(0, MESSAGE_CHARS) }];
    });
  });
}

/** Server name → what it showed, for a person to compare. */
export function shownThumbprints(facts: ReadonlyMap<string, ServerFacts>): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, { shown: one }] of facts) if (one?.ok === true) shown[name] = one.value.thumbprint;
  return shown;
}

// ---- one check each ---------------------------------------------------------------------------------------------------------------------

function nameLine({ name, url }: ConnectionServer, { addresses }: ServerFacts): Line | undefined {
  const place = placeOf(url);
  if (place === undefined)
    return failed(`${url} of connection server ${name} cannot be read; write spec.connectionServers[].url as https://name:port.`);
  if (addresses === undefined) return undefined;
  if (!addresses.ok) return failed(addresses.message);
  const list = addresses.value.slice(0, 4).join(', ');
  return passed(list === place.host ? `${place.host} is an address.` : `${place.host} is ${list}.`);
}

function portLine({ url }: ConnectionServer, { reached }: ServerFacts): Line | undefined {
  if (reached === undefined) return undefined;
  const { host = '', port = 0 } = placeOf(url) ?? {};
  return reached.ok ? passed(`Something listens on ${host} port ${port}.`) : failed(reached.message);
}

function thumbprintLine(
  { name, pin }: ConnectionServer,
  { shown, answers }: ServerFacts,
  { trustedNowMs, site, namespace }: PairingContext,
): Line | undefined {
  if (shown === undefined) return undefined;
  if (!shown.ok) return failed(shown.message);
  const { thumbprint, selfSigned, notAfterMs } = shown.value;
  const accept = `compare it at the server, then: outrigger site pair ${site} -n ${namespace} --accept ${thumbprint}`;
  if (trustedNowMs > notAfterMs)
    return failed(
      `The certificate ${thumbprint} that ${name} shows ended on ${dayOf(notAfterMs)}, and here it is ${dayOf(trustedNowMs)}: renew it there. Nothing was sent.`,
    );
  if (pin === undefined) {
    const nature = selfSigned ? 'which it signed itself, so that only its thumbprint vouches for it' : 'which nobody has accepted yet';
    return { result: 'Waiting', message: `${name} shows the certificate ${thumbprint}, ${nature}: ${accept}` };
  }
  if (pin !== thumbprint)
    return failed(
      `${name} shows the certificate ${thumbprint}, and ${pin} is pinned: either it was replaced there, or something else answers. Nothing was sent; if it was replaced, ${accept}`,
    );
  // Between the look and a request something else may have answered.
  const untrusted = Object.values(answers ?? {}).find((one) => !one.ok && one.untrusted === true);
  if (untrusted !== undefined && !untrusted.ok) return failed(untrusted.message);
  return passed(`It shows the accepted certificate, which ends on ${dayOf(notAfterMs)}.`);
}

function credentialsLine({ name }: ConnectionServer, { shown, answers }: ServerFacts, context: PairingContext): Line | undefined {
  const { credentials, site } = context;
  // Said only when it is their turn: before, the other lines are what matters.
  if (shown === undefined) return undefined;
  if (!credentials.ok) return failed(credentials.message);
  const version = answers?.version;
  if (version === undefined) return undefined;
  if (!version.ok) return failed(`The log-in could not be tried: ${version.message}`);
  const refused = [version, answers?.capacity, answers?.license].find((one) => one?.ok === true && isLogInRefused(one.value.status));
  if (refused === undefined) return passed(credentials.value === 'Given' ? 'The log-in was accepted.' : 'It asks for no log-in.');
  if (version.value.status === 429) return failed(`${name} refuses log-ins for a while because too many failed; it is tried again later.`);
  return failed(
    credentials.value === 'Given'
      ? `${name} does not accept the user name and password of the Secret that spec.credentials.secret of site ${site} names; correct the Secret's keys username and password, or the account at the server.`
      : `${name} asks for a log-in; put username and password into a Secret and name it in spec.credentials.secret of site ${site}.`,
  );
}

function versionLine({ name }: ConnectionServer, { answers }: ServerFacts): Line | undefined {
  const version = answers?.version;
  if (version === undefined || !version.ok) return undefined;
  const { status, body } = version.value;
  if (status !== 200 || !isObject(body))
    return failed(`${name} answered ${status} to /v1/version and no description of itself: see that its url leads to a connection server.`);
  const release = textIn(body, 'version');
  const speaks = Array.isArray(body['api']) ? body['api'].filter((one) => typeof one === 'string') : undefined;
  const isSupported = speaks === undefined ? (release?.startsWith('1.') ?? false) : speaks.includes(SUPPORTED_API);
  const what = `${textIn(body, 'product') ?? 'It'} ${release ?? 'of an unknown version'}`;
  if (isSupported) return passed(`${what} is supported.`);
  const other = speaks === undefined ? '' : ` and speaks ${speaks.slice(0, 4).join(', ') || 'nothing'}`;
  return failed(
    `${name} is ${release ?? 'of an unknown version'}${other}; this cluster speaks ${SUPPORTED_API} (1.x): install a connection server that does, or upgrade the cluster.`,
  );
}

function preChecksLine({ name }: ConnectionServer, { answers }: ServerFacts): Line | undefined {
  const { health, capacity, license } = answers ?? {};
  const broken = [health, capacity, license].find((one) => one !== undefined && !one.ok);
  if (broken !== undefined && !broken.ok) return failed(`It passed the log-in and then failed: ${broken.message}`);
  const ill = health?.ok === true ? illness(name, health.value) : undefined;
  if (ill !== undefined) return failed(ill);
  const room = capacity?.ok === true ? roomOf(name, capacity.value) : undefined;
  if (room !== undefined && typeof room !== 'number') return failed(room.problem);
  if (license === undefined || !license.ok || room === undefined || health === undefined) return undefined;
  const { status } = license.value;
  if (status !== 200 && status !== 404)
    return failed(`${name} answered ${status} to /v1/license, so it could not be given a license: upgrade it, or see its log.`);
  return passed(`It is healthy, has room for ${room} sessions, and takes licenses.`);
}

function illness(name: string, { status, body }: AnswerFacts): string | undefined {
  const said = isObject(body) ? textIn(body, 'message') : undefined;
  const state = isObject(body) ? textIn(body, 'status') : undefined;
  if (status === 200 && (state === undefined || state === 'Ok' || state === 'Draining')) return undefined;
  return `${name} says that it is not healthy (${status}${said === undefined ? '' : `: ${clean(said)}`}); put that right there.`;
}

function roomOf(name: string, { status, body }: AnswerFacts): number | { readonly problem: string } {
  const capacity = isObject(body) ? body['capacity'] : undefined;
  if (status !== 200 || typeof capacity !== 'number' || !Number.isFinite(capacity))
    return {
      problem: `${name} answered ${status} to /v1/capacity and no number of sessions: see that it is a connection server that works.`,
    };
  return capacity > 0 ? capacity : { problem: `${name} has room for ${capacity} sessions; give it a capacity above 0.` };
}

function sameInstance({ name }: ConnectionServer, twin: string): Line {
  return failed(`${name} and ${twin} are one and the same server; take one of the two out of spec.connectionServers.`);
}

// ---- small pieces -----------------------------------------------------------------------------------------------------------------------

function instanceOf({ answers }: ServerFacts): string | undefined {
  const version = answers?.version;
  return version?.ok === true && isObject(version.value.body) ? textIn(version.value.body, 'instance') : undefined;
}

function isLogInRefused(status: number): boolean {
  return status === 401 || status === 403 || status === 429;
}

function passed(message: string): Line {
  return { result: 'Passed', message };
}

function failed(message: string): Line {
  return { result: 'Failed', message };
}

function skipped(after: PairingCheckName): Line {
  return { result: 'Skipped', message: `Not looked at, because of ${after}; put that right first.` };
}

function isObject(value: Json | undefined): value is JsonObject {
  return isJsonObject(value ?? null);
}

/** A short text of a peer; undefined: there is none. */
function textIn(body: JsonObject, field: string): string | undefined {
  const value = body[field];
  return typeof value === 'string' && value !== '' ? clean(value) : undefined;
}

/** What a stranger said, fit for a terminal and a status. */
function clean(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 160);
}

/** `2030-01-01 00:00`. */
function dayOf(ms: number): string {
  const date = new Date(Math.min(Math.max(ms, -8.64e15), 8.64e15));
  return date.toISOString().slice(0, 16).replace('T', ' ');
}
