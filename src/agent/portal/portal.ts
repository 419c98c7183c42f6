/**
 * The portal: what a site admin sees of the cluster in a browser, served by the primary on the node's own address, over TLS with its certificate.
 *
 * It needs no director: everything comes from what this node knows. A node without authority answers every path but
 * the stylesheet's with 503 and names the primary.
 *
 * I1: nothing but the log-in page, the stylesheet and the answer 503 is shown to somebody without a session.
 * I2: nothing is changed, tested or packed but by POST, with the session's CSRF token, and not when a browser says that another site asks.
 * I3: a port that cannot be had is a sentence among the node's problems, and is tried again.
 */

import type { LicenseSection } from '../../decide/license-report.ts';
import { isFault } from '../../model/fault.ts';
import { LIMITS } from '../../model/limits.ts';
import { PORTS } from '../../model/ports.ts';
import type { HttpRequest, HttpResponse, HttpServer } from '../../ports/http.ts';
import { portalAccess } from './access.ts';
import type { Access, Session } from './access.ts';
import { bundleEntries, bundleName } from './bundle.ts';
import { noCookie, readAsked, readForm, sendFile, sendJson, sendOn, sendPage, sendStyle, sessionCookie } from './exchange.ts';
import type { Asked } from './exchange.ts';
import { asJson, isPrimary, pairingFacts, primaryOf, stateFacts } from './facts.ts';
import type { PortalSources } from './facts.ts';
import type { Html } from './html.ts';
import { linesOf, listLogs, readLog, serveLogs } from './logs.ts';
import type { LogsView } from './pages.ts';
import {
  bundlePage,
  elsewherePage,
  licensePage,
  logInPage,
  logsPage,
  networkPage,
  notice,
  page,
  pairingPage,
  passwordPage,
  statePage,
} from './pages.ts';
import { testNetwork } from './network-test.ts';
import { STYLE } from './style.ts';
import { PORT_TAKEN } from '../port-taken.ts';

export interface Portal {
  /** Why it cannot be reached; undefined: nothing is known to stand in the way. */
  problem(): string | undefined;
  /** Resolves when it has ended; call it after the signal aborted. */
  settled(): Promise<void>;
}

interface Door {
  readonly sources: PortalSources;
  readonly access: Access;
  readonly signal: AbortSignal;
  readonly broken: PromiseWithResolvers<never>;
  certificate: string | undefined;
  server: HttpServer | undefined;
  problem: string | undefined;
  testing: Promise<unknown> | undefined;
}

/** One request of somebody who is logged in. */
interface Call {
  readonly door: Door;
  readonly asked: Asked;
  readonly session: Session;
  readonly form: ReadonlyMap<string, string>;
  readonly response: HttpResponse;
}

const CLOSE_MS = 500;

/** Serves until the signal aborts. */
export function openPortal(sources: PortalSources, signal: AbortSignal): Portal {
  const { store, passwords, clock, random } = sources.deps;
  const access = portalAccess({ store, passwords, clock, random });
  const broken = Promise.withResolvers<never>();
  const door: Door = { sources, access, signal, broken, certificate: undefined, server: undefined, problem: undefined, testing: undefined };
  sources.peers.route('GET', '/peer/v1/logs', serveLogs(sources.deps));
  const serving = keepServing(door);
  return { problem: () => door.problem, settled: () => Promise.race([serving, broken.promise]) };
}

/** Listens as soon as this node has a certificate; takes a renewed one. */
async function keepServing(door: Door): Promise<void> {
  const { deps } = door.sources;
  while (!door.signal.aborted) {
    try {
      await serve(door);
      say(door, undefined);
    } catch (cause) {
      if (!isFault(cause)) throw cause;
      say(door, `The portal cannot be reached: ${cause.message}`);
    }
    await deps.clock.sleep(LIMITS.peerListenRetryMs, door.signal).catch(() => undefined);
  }
  await door.server?.close(CLOSE_MS);
}

function say(door: Door, problem: string | undefined): void {
  if (problem === door.problem) return;
  door.problem = problem;
  if (problem !== undefined) door.sources.deps.log.warn(problem);
  door.sources.onProblem();
}

async function serve(door: Door): Promise<void> {
  const { deps } = door.sources;
  const identity = await deps.identity.load();
  if (identity === undefined || identity.certificate === door.certificate) return;
  // Of cloud-proxy, which says whom it asks for; browsers have none of this authority and are not asked.
  const tls = { certificate: identity.certificate, key: identity.privateKey, clientCa: identity.authority };
  if (door.server !== undefined) door.server.replaceTls(tls);
  else {
    door.server = await deps.listenHttp({
      host: deps.node.address,
      port: PORTS.portal,
      remedy: PORT_TAKEN,
      tls,
      handler: (request, response) => void handle(door, request, response).catch(door.broken.reject),
      onError: (error) => deps.log.warn('The portal met an error.', { error }),
    });
  }
  door.certificate = identity.certificate;
}

// ---- one request ------------------------------------------------------------------------------------------------------------------------

async function handle(door: Door, request: HttpRequest, response: HttpResponse): Promise<void> {
  const asked = readAsked(request, () => typeof door.sources.peers.callerOf(request) !== 'string');
  try {
    await route(door, asked, request, response);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    refuse(door, asked, response, cause.row.http, cause.message);
  }
}

async function route(door: Door, asked: Asked, request: HttpRequest, response: HttpResponse): Promise<void> {
  const { sources } = door;
  // First: the page that names the primary needs it as well.
  if (asked.path === 'style.css' && asked.method === 'GET') return sendStyle(response, STYLE);
  if (!isPrimary(sources)) return elsewhere(door, asked, response);
  const isPost = asked.method === 'POST';
  if (!isPost && asked.method !== 'GET')
    return refuse(door, asked, response, 405, `${asked.method} is not understood here; use GET or POST.`);
  const form = isPost ? await readForm(request) : new Map<string, string>();
  if (form === undefined) return refuse(door, asked, response, 400, 'The form could not be read; it was too large, or it is none.');
  if (isPost && !asked.sameSite)
    return refuse(door, asked, response, 403, 'This was sent by another site; log in here and do it by yourself.');
  const name = asked.path.replace(/^api\/v1\//, '');
  if (name === 'login' && isPost) return await logIn(door, asked, form, response);
  const session = await door.access.find(asked.sessionId);
  if (session === undefined) return unknown(door, asked, response);
  if (isPost && (asked.csrf ?? form.get('csrf')) !== session.csrf)
    return refuse(door, asked, response, 403, 'The form is of another session; go back, load the page again and repeat.');
  const found = (isPost ? POSTS : GETS).get(name);
  if (found === undefined) return refuse(door, asked, response, 404, `There is no ${asked.method} ${asked.path} in the portal.`);
  await found({ door, asked, session, form, response });
}

type Handler = (call: Call) => Promise<void> | void;

const GETS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['', (call) => show(call, 'State', stateFacts(call.door.sources), statePage)],
  ['state', (call) => show(call, 'State', stateFacts(call.door.sources), statePage)],
  ['pairing', (call) => show(call, 'Pairing', pairingFacts(call.door.sources), pairingPage)],
  [
    'license',
    (call) => show(call, 'License', call.door.sources.license(), (license) => licensePage(license, call.session.csrf, undefined)),
  ],
  ['logs', showLogs],
  ['network', (call) => show(call, 'Network test', null, () => networkPage(call.session.csrf, undefined))],
  ['bundle', (call) => show(call, 'Support bundle', null, () => bundlePage(call.session.csrf))],
  ['password', (call) => show(call, 'Password', null, () => passwordPage(call.session.csrf, undefined))],
  ['login', ({ response }) => sendOn(response, './')],
]);

const POSTS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['logout', logOut],
  ['sync', syncNow],
  ['network', testNow],
  ['support-bundle', sendBundle],
  ['password', changePassword],
]);

/** The same facts as JSON or as a page. */
function show<T>({ door, asked, session, response }: Call, title: string, value: T, render: (value: T) => Html, status = 200): void {
  if (asked.isApi) sendJson(response, status, asJson(value));
  else sendPage(response, status, framed(door, title, session.csrf, render(value)));
}

function framed({ sources }: Door, title: string, csrf: string | undefined, content: Html): Html {
  const { namespace, cluster, node } = sources.deps.node;
  const license: LicenseSection | undefined = csrf === undefined ? undefined : sources.license();
  return page({ title, cluster: `${namespace}/${cluster}`, node, csrf, license }, content);
}

function refuse(door: Door, asked: Asked, response: HttpResponse, status: number, message: string, more: readonly string[] = []): void {
  if (asked.isApi) sendJson(response, status, { message }, more);
  else sendPage(response, status, framed(door, 'Not possible', undefined, notice('bad', message)), more);
}

function elsewhere(door: Door, asked: Asked, response: HttpResponse): void {
  const primary = primaryOf(door.sources);
  if (!asked.isApi) return sendPage(response, 503, framed(door, 'The portal is on the primary', undefined, elsewherePage(primary)));
  const where =
    primary === undefined ? 'and this node does not know yet which one that is' : `${primary.name}, at ${primary.address}:${primary.port}`;
  sendJson(response, 503, {
    message: `The portal is served by the primary of this cluster, ${where}.`,
    ...(primary === undefined ? {} : { primary }),
  });
}

/** Nobody is logged in: the page to do so, whatever was asked for. */
function unknown(door: Door, asked: Asked, response: HttpResponse): void {
  if (asked.isApi) return sendJson(response, 401, { message: 'Log in first: POST api/v1/login {"password": …}.' });
  sendPage(response, asked.path === '' || asked.path === 'login' ? 200 : 401, framed(door, 'Log in', undefined, logInPage(undefined)));
}

async function logIn(door: Door, asked: Asked, form: ReadonlyMap<string, string>, response: HttpResponse): Promise<void> {
  const answer = await door.access.logIn(asked.address, form.get('password') ?? '');
  const { log } = door.sources.deps;
  if (answer.ok) {
    log.info('Somebody logged in to the portal.', { address: asked.address });
    if (asked.isApi) return sendJson(response, 200, { csrf: answer.session.csrf }, sessionCookie(answer.session.id));
    return sendOn(response, './', sessionCookie(answer.session.id));
  }
  log.warn('A log-in to the portal was refused.', { address: asked.address, status: answer.status });
  const wait = answer.waitSeconds === undefined ? [] : ['retry-after', String(answer.waitSeconds)];
  if (asked.isApi) return sendJson(response, answer.status, { message: answer.message }, wait);
  sendPage(response, answer.status, framed(door, 'Log in', undefined, logInPage(answer.message)), wait);
}

// ---- what somebody may do who is logged in ----------------------------------------------------------------------------------------------

function logOut({ door, asked, session, response }: Call): void {
  door.access.logOut(session);
  if (asked.isApi) sendJson(response, 200, { message: 'You are logged out.' }, noCookie());
  else sendOn(response, './', noCookie());
}

function syncNow(call: Call): void {
  const { sources } = call.door;
  const refusal = sources.syncNow();
  const message = refusal ?? 'A sync was asked for; load this page again in some seconds to see what came of it.';
  const said = notice(refusal === undefined ? 'good' : 'warn', message);
  show(
    call,
    'License',
    { asked: refusal === undefined, message, license: sources.license() },
    ({ license }) => licensePage(license, call.session.csrf, said),
    refusal === undefined ? 202 : 409,
  );
}

/** One at a time: whoever asks meanwhile waits for his turn by asking again. */
async function testNow(call: Call): Promise<void> {
  const { door, asked, response, session } = call;
  const tested = await alone(door, () => testNetwork(door.sources, door.signal));
  if (tested === undefined)
    return refuse(door, asked, response, 429, 'A network test or a support bundle is under way; try again in a few seconds.');
  show(call, 'Network test', { lines: tested }, ({ lines }) => networkPage(session.csrf, lines));
}

async function sendBundle({ door, asked, response }: Call): Promise<void> {
  const { sources, signal } = door;
  const { packArchive, clock, log } = sources.deps;
  const done = await alone(door, async () => {
    log.info('A support bundle is made for somebody at the portal.', { address: asked.address });
    await sendFile(response, bundleName(sources), 'application/gzip', packArchive(bundleEntries(sources, signal), clock.nowMs()));
    return true;
  });
  if (done === undefined)
    refuse(door, asked, response, 429, 'A network test or a support bundle is under way; try again in a few seconds.');
}

async function alone<T>(door: Door, work: () => Promise<T>): Promise<T | undefined> {
  if (door.testing !== undefined) return undefined;
  const running = work();
  door.testing = running;
  try {
    return await running;
  } finally {
    door.testing = undefined;
  }
}

async function changePassword(call: Call): Promise<void> {
  const { door, asked, session, form } = call;
  const refusal = await door.access.changePassword(session, asked.address, form.get('current') ?? '', form.get('next') ?? '');
  const message = refusal ?? 'The password was changed; all other sessions have ended.';
  if (refusal === undefined) door.sources.deps.log.info('The password of the portal was changed.', { address: asked.address });
  const said = notice(refusal === undefined ? 'good' : 'bad', message);
  show(call, 'Password', { message }, () => passwordPage(session.csrf, said), refusal === undefined ? 200 : 400);
}

async function showLogs(call: Call): Promise<void> {
  const { door, asked } = call;
  const { sources, signal } = door;
  const node = asked.query.get('node') ?? sources.deps.node.node;
  const name = asked.query.get('name') ?? '';
  const lines = linesOf(asked.query.get('lines'));
  const list = await listLogs(sources, node, signal);
  const read = name === '' ? undefined : await readLog(sources, node, name, lines, signal);
  const nodes = sources.framework.told()?.members.map((member) => member.name) ?? [sources.deps.node.node];
  const view: LogsView = { nodes, node, name, lines, list, read };
  show(call, 'Logs', view, logsPage);
}
