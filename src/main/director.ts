/**
 * `outrigger director`: one director, composed. Store over PostgreSQL, identity and rights, API, all on one TLS port.
 *
 * I1: the port is opened only when every request can be served; before that, whoever asks is refused by the machine, not by us.
 * I2: told to stop, it ends watches, lets requests under way finish, and lets the database go; nothing acknowledged is lost.
 */

import type { Command } from 'commander';
import { createApi } from '../director/api/api.ts';
import type { Api } from '../director/api/api.ts';
import { installKinds } from '../director/api/bundled-kinds.ts';
import { openAuth } from '../director/auth/open-auth.ts';
import type { Auth } from '../director/auth/open-auth.ts';
import { sealedBackend } from '../director/auth/sealed-backend.ts';
import { createGarbage } from '../director/garbage/garbage.ts';
import type { Garbage } from '../director/garbage/garbage.ts';
import { openLicenseDesk } from '../director/license/license-desk.ts';
import { createMetricDesk } from '../director/metrics/metric-desk.ts';
import type { MetricDesk } from '../director/metrics/metric-desk.ts';
import { createOrganizationPages } from '../director/metrics/organization-pages.ts';
import { postgresMetrics } from '../director/metrics/postgres-metrics.ts';
import { showDirectorProgress } from '../director/progress.ts';
import { openEntityStore } from '../director/store/entity-store.ts';
import { postgresBackend } from '../director/store/postgres-backend.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { KINDS } from '../model/kinds.ts';
import { LIMITS } from '../model/limits.ts';
import { PORTS } from '../model/ports.ts';
import type { SettingName, SettingValues } from '../model/settings.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { listenHttp } from '../platform/http-server.ts';
import { newJoinSecret } from '../platform/join-secret.ts';
import { jws, licenseSigner } from '../platform/jws.ts';
import { createLog } from '../platform/log.ts';
import { tracerOf } from '../platform/otlp.ts';
import { embeddedAddress } from '../platform/postgres/embedded.ts';
import { parsePostgresUrl, postgresServer } from '../platform/postgres/server.ts';
import type { PostgresAddress } from '../platform/postgres/server.ts';
import { packageFile, programVersion } from '../platform/program.ts';
import { systemRandom } from '../platform/random.ts';
import { openSealer } from '../platform/seal.ts';
import { serviceManager } from '../platform/service-manager.ts';
import { openStaticFiles } from '../platform/static-files.ts';
import { certificateIssuer } from '../platform/x509.ts';
import type { Clock } from '../ports/clock.ts';
import type { HttpServer } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { MetricStore } from '../ports/metric-store.ts';
import type { Random } from '../ports/random.ts';
import type { ServiceManager } from '../ports/service-manager.ts';
import type { EntityStore } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { openCenter } from './director-center.ts';
import type { Center } from './director-center.ts';
import { addCommand } from './command.ts';

const DIRECTOR_SETTINGS = [
  'data',
  'port',
  'listen',
  'server',
  'advertise',
  'kubeconfig',
  'databaseUrl',
  'databaseSocket',
  'storeKeyFile',
  'otlpEndpoint',
  'logLevel',
  'day',
] as const satisfies readonly SettingName[];
export type DirectorOptions = SettingValues<(typeof DIRECTOR_SETTINGS)[number]>;

const OWNER_ONLY = 0o600;
const OWNER_FOLDER = 0o700;

interface World {
  /** Undefined: nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly service: ServiceManager;
}

export function registerDirector(program: Command): void {
  addCommand(program, {
    name: 'director',
    summary: 'Run a director: the API over PostgreSQL',
    description:
      'Any number of directors may serve one database. The first one makes the certificate authority, the kinds and the roles.\n' +
      'It speaks the Kubernetes API: kubectl, client libraries and GitOps tools work as they are.\n' +
      'Name the URLs by which others reach it with --server, so that its certificate holds them.',
    examples: [
      ['outrigger director --database-url postgres://outrigger@db.example/outrigger --kubeconfig admin.kubeconfig', 'serve that database'],
      ['kubectl --kubeconfig admin.kubeconfig get clusters -A', 'look at it'],
    ],
    settings: DIRECTOR_SETTINGS,
    daemon: true,
    isService: true,
    run: async ({ settings, signal }) => await runDirector(settings, signal),
  });
}

/** Runs a director until the signal aborts. */
export async function runDirector(options: DirectorOptions, signal: AbortSignal): Promise<ExitCode> {
  const [clock, log] = [systemClock(), createLog({ role: 'director', level: options.logLevel })];
  const service = serviceManager({ clock, log, environment: process.env, until: signal });
  const random = systemRandom();
  const instance = `director-${random.uuid().slice(0, 8)}`;
  const tracer = tracerOf(options.otlpEndpoint, { service: 'outrigger-director', instance, log });
  const world: World = { clock, random, log, service, tracer };
  log.info('The director starts.', { version: programVersion() });
  const database = databaseOf(options);
  const sealer = openSealer(keyFileOf(options), { create: true });
  const server = postgresServer(database);
  log.info('The director loads the store.', { database: server.address });
  service.status(`Loads the store from ${server.address}; while that does not answer it waits.`);
  const backend = sealedBackend(postgresBackend({ ...world, server }), sealer);
  const store = await openEntityStore({ ...world, backend }, signal);
  // What goes on until the very end; `signal` only says that the end begins.
  const work = new AbortController();
  const metrics = postgresMetrics({ ...world, server });
  try {
    return await serve(options, world, { store, metrics }, work.signal, signal);
  } finally {
    work.abort();
    metrics.close();
    await store.close();
    await tracer?.flush();
    log.info('The director has stopped.');
  }
}

async function serve(
  options: DirectorOptions,
  world: World,
  { store, metrics }: { readonly store: EntityStore; readonly metrics: MetricStore },
  work: AbortSignal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { log } = world;
  const auth = await openIdentity(world, store, work);
  const desk = await openLicenseDesk({ ...world, ...auth, store, signer: licenseSigner(), dayMs: options.day }, work);
  auth.ownPaths.add('/outrigger/v1/license', desk.sync);
  auth.ownPaths.add('/outrigger/v1/license/rotate-key', desk.rotate);
  const metricDesk = openMetricDesk(world, auth, metrics);
  const broken = Promise.withResolvers<never>();
  // What comes into being after what refers to it.
  const later: { garbage?: Garbage; http?: HttpServer; url?: string } = {};
  const center = openCenter({ ...world, ...auth, store, url: () => later.url ?? '', onBroken: broken.reject, signal: work });
  const api = createApi({
    ...world,
    ...auth,
    gateway: center.gateway,
    store,
    pages: createOrganizationPages({ ...world, ...auth, store, metrics }),
    consoleFiles: openStaticFiles(packageFile('console/dist')),
    release: programVersion(),
    connections: () => later.http?.connections() ?? 0,
    onDeletion: () => later.garbage?.hint(),
    onBroken: broken.reject,
    signal: work,
  });
  await installBundled(api, log, work);
  // Whoever dials us checks that the certificate holds the name or address that was dialed.
  const names = namesOf(options);
  const certificate = await auth.servingCertificate(names);
  const http = (later.http = await listen(options, auth, api, center, certificate, broken.reject));
  const url = `https://${urlHost(options.listen)}:${http.port}`;
  later.url = advertisedUrl(options, url);
  await keepKubeconfig(options, auth, url);
  const garbage = (later.garbage = createGarbage(api.engine, work));
  const background = [
    auth.run(work),
    metricDesk.run(work),
    auth.keepServingCertificate(certificate, names, (next) => http.replaceTls(tlsOf(auth, next)), work),
    garbage.run(),
    center.leases.run(work),
    showDirectorProgress({ ...world, store, url: later.url }, work),
  ];
  log.info('The director is ready.', { url });
  world.service.ready();
  try {
    await Promise.race([aborted(signal), broken.promise, ...background.map(forever)]);
    return 0;
  } finally {
    log.info('The director stops: watches end, requests under way finish.');
    api.drain();
    center.tunnels.close(LIMITS.stopGraceMs);
    await http.close(LIMITS.stopGraceMs);
    auth.close();
  }
}

function openMetricDesk(world: World, auth: Auth, metrics: MetricStore): MetricDesk {
  const desk = createMetricDesk({ ...world, ...auth, metrics });
  auth.ownPaths.add('/outrigger/v1/metrics', desk.take);
  return desk;
}

function openIdentity(world: World, store: EntityStore, signal: AbortSignal): Promise<Auth> {
  const parts = { x509: certificateIssuer(), jws: jws(), newSecret: newJoinSecret, version: programVersion() };
  return openAuth({ ...world, ...parts, store }, signal);
}

async function installBundled(api: Api, log: Log, signal: AbortSignal): Promise<void> {
  const written = await installKinds(api.engine, KINDS, signal);
  if (written > 0) log.info('The director wrote bundled kinds.', { kinds: written });
}

/** What others dial, and where it listens. */
function namesOf({ listen: address, server = [], advertise }: DirectorOptions): string[] {
  return [address, ...[...server, ...(advertise === undefined ? [] : [advertise])].map((url) => new URL(url).hostname)];
}

function databaseOf({ databaseUrl, databaseSocket }: DirectorOptions): PostgresAddress {
  if (databaseUrl !== undefined) return parsePostgresUrl(databaseUrl);
  if (databaseSocket !== undefined) return embeddedAddress(databaseSocket);
  throw new Fault(
    'UsageWrong',
    'A director needs a database: --database-url postgres://… for a server, or "outrigger up", which brings its own PostgreSQL.',
  );
}

function keyFileOf({ data, storeKeyFile }: DirectorOptions): string {
  if (storeKeyFile !== undefined) return storeKeyFile;
  systemFiles().ensureFolder(`${data}/keys`, OWNER_FOLDER);
  return `${data}/keys/store.key`;
}

function listen(
  options: DirectorOptions,
  auth: Auth,
  api: Api,
  center: Center,
  certificate: Parameters<typeof tlsOf>[1],
  onError: (error: unknown) => void,
): Promise<HttpServer> {
  return listenHttp({
    host: options.listen,
    port: options.port ?? PORTS.director,
    remedy: 'stop that one, or choose another with --port',
    tls: tlsOf(auth, certificate),
    handler: api.handler,
    onUpgrade: center.gateway.upgrade,
    onTunnel: center.tunnels.accept,
    onError,
  });
}

/** By which nodes dial this director, and callers are sent here by others. */
function advertisedUrl({ advertise, server = [] }: DirectorOptions, url: string): string {
  const [only, another] = server;
  return (advertise ?? (another === undefined ? only : undefined) ?? url).replace(/\/+$/, '');
}

function tlsOf(
  auth: Auth,
  certificate: { readonly certificatePem: string; readonly privateKeyPem: string },
): {
  certificate: string;
  key: string;
  clientCa: string;
} {
  return { certificate: certificate.certificatePem, key: certificate.privateKeyPem, clientCa: auth.authority.certificatePem };
}

/** Writes the admin's kubeconfig where there is none that still holds. */
async function keepKubeconfig({ kubeconfig }: DirectorOptions, auth: Auth, url: string): Promise<void> {
  if (kubeconfig === undefined) return;
  const files = systemFiles();
  const before = files.readText(kubeconfig);
  if (before !== undefined && auth.isLivingKubeconfig(before, url)) return;
  files.writeText(kubeconfig, await auth.adminKubeconfig(url), OWNER_ONLY);
}

/** The address by which this machine reaches what listens on `host`. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A background loop that ends by itself is no reason to stop; one that fails is. */
async function forever(loop: Promise<void>): Promise<never> {
  await loop;
  return await new Promise<never>(() => undefined);
}
