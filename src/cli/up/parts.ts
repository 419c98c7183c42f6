/**
 * The parts that `outrigger up` runs: how each is started, and by which real check it counts as ready.
 *
 * I1: a check asks the part for what others want of it; a process that lives is not yet a part that works.
 */

import { HOSTS } from '../../model/addresses.ts';
import { LEASES, NAMESPACES } from '../../model/core-kinds.ts';
import type { Lease } from '../../model/core-kinds.ts';
import { EXTENSION_LEASE_PREFIX } from '../../decide/sharding.ts';
import { present } from '../../base/assert.ts';
import { DIRECTOR_ADDRESS, SITE_ADDRESS, logFileOf } from '../data-folder.ts';
import { lastWordsOf } from './last-words.ts';
import { isShortDay } from './deps.ts';
import type { UpDeps, UpOptions } from './deps.ts';
import type { Part, RunningPart } from './supervisor.ts';
import { extensionKubeconfig } from './credentials.ts';
import { SAMPLE_SITE } from './sample.ts';
import { DESKTOP_PART } from './sample-site.ts';
import type { SampleSite } from './sample-site.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';
const LOOK_DEADLINE_MS = 2_000;
const LOOK_BYTES = 16 * 1024;

export function databasePart(deps: UpDeps): Part {
  return {
    name: 'postgres',
    label: 'PostgreSQL',
    start: (signal) => deps.database.start(signal),
    check: (_, signal) => deps.database.check(signal),
    lastWords: () => lastWordsOf(deps.files, logFileOf(deps.paths, 'postgres')),
  };
}

export function directorPart(deps: UpDeps, options: UpOptions, port: number): Part {
  const { paths } = deps;
  const where = ['--data', paths.root, '--port', String(port), '--kubeconfig', paths.kubeconfig];
  // The socket's folder is known once the database runs.
  const day = isShortDay(options) ? ['--day', `${options.day}ms`] : [];
  const args = (): readonly string[] => [
    ...where,
    '--database-socket',
    deps.database.socketFolder(),
    '--log-level',
    options.logLevel,
    ...day,
    ...tracing(options),
  ];
  return programPart(
    deps,
    'director',
    'Director',
    () => ['director', ...args()],
    async (_, signal) => {
      const admin = deps.admin();
      return admin !== undefined && (await admin.api.list(NAMESPACES, {}, signal)).ok;
    },
  );
}

/** `health`: where each part tells how it is, by its name; chosen when it is started. */
export function extensionPart(deps: UpDeps, options: UpOptions, index: number, health: Map<string, number>): Part {
  const name = `extension-${index}`;
  const own = ['extension', '--kubeconfig', extensionKubeconfig(deps.paths), '--identity', name, '--log-level', options.logLevel];
  const args = (): readonly string[] => [
    ...own,
    '--health-listen',
    `${DIRECTOR_ADDRESS}:${present(health.get(name), 'its port')}`,
    ...tracing(options),
  ];
  let before: ReadonlySet<string> = new Set();
  const part = programPart(deps, name, `Extension server ${index}`, args, async (_, signal) => {
    const now = await leasesOf(deps, name, signal);
    return [...now].some((lease) => !before.has(lease));
  });
  return {
    ...part,
    start: async (signal) => {
      // A life of it that was killed leaves its Lease behind: only a new one counts.
      before = await leasesOf(deps, name, signal).catch(() => new Set<string>());
      await chooseHealthPort(deps, name, health);
      return await part.start(signal);
    },
  };
}

function tracing({ otlpEndpoint }: UpOptions): readonly string[] {
  return otlpEndpoint === undefined ? [] : ['--otlp-endpoint', otlpEndpoint];
}

/** The port of its last life, while nobody else took it. */
async function chooseHealthPort({ ports }: UpDeps, name: string, health: Map<string, number>): Promise<void> {
  const last = health.get(name);
  if (last !== undefined && (await ports.isFree(DIRECTOR_ADDRESS, last))) return;
  health.delete(name);
  let port = await ports.pickFree(DIRECTOR_ADDRESS);
  while ([...health.values()].includes(port)) port = await ports.pickFree(DIRECTOR_ADDRESS);
  health.set(name, port);
}

async function leasesOf(deps: UpDeps, name: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const answer = await deps.admin()?.api.list<Lease>(LEASES, { namespace: SYSTEM_NAMESPACE }, signal);
  if (answer?.ok !== true) return new Set();
  return new Set(
    answer.value.items.map((lease) => lease.metadata.name).filter((one) => one.startsWith(`${EXTENSION_LEASE_PREFIX}${name}-`)),
  );
}

export function hostPart(deps: UpDeps, options: UpOptions, director: string): Part {
  const { hostName } = deps;
  const args = ['host', '--data', deps.paths.root, '--host-name', hostName, '--server', director];
  args.push('--balancer', options.balancer, '--log-level', options.logLevel, ...tracing(options));
  return programPart(
    deps,
    'host',
    'Host daemon',
    () => args,
    async (running, signal) => {
      const admin = deps.admin();
      const host = await admin?.api.get(HOSTS, '', hostName, signal);
      const lease = await admin?.api.get<Lease>(LEASES, SYSTEM_NAMESPACE, `host-${hostName}`, signal);
      const holder = `${hostName}.${running.id.pid}.${running.id.startTicks}`;
      return host?.ok === true && lease?.ok === true && lease.value.spec.holderIdentity === holder;
    },
  );
}

/** The TCP service behind the connection servers of the sample site. */
export function desktopPart(deps: UpDeps, port: number): Part {
  const logFile = logFileOf(deps.paths, DESKTOP_PART);
  const args = ['--host', SITE_ADDRESS, '--port', String(port), '--name', SAMPLE_SITE];
  return {
    name: DESKTOP_PART,
    label: 'Back end of the site',
    start: () =>
      deps.processes.start({
        command: deps.exampleCommand('desktop.mjs', args),
        environment: deps.environment('desktop'),
        folder: deps.paths.root,
        logFile,
      }),
    check: async (_, signal) => {
      await deps.http.reach(SITE_ADDRESS, port, LOOK_DEADLINE_MS, signal);
      return true;
    },
    lastWords: () => lastWordsOf(deps.files, logFile),
  };
}

/** Ready when it answers with its pinned certificate and its back end takes connections. */
export function connectionServerPart(deps: UpDeps, options: UpOptions, site: SampleSite, index: number): Part {
  const server = present(site.servers[index - 1], 'a connection server of the site');
  const folder = `${deps.paths.connectionServers}/${server.name}`;
  const where = [
    '--data',
    folder,
    '--listen',
    SITE_ADDRESS,
    '--port',
    String(server.port),
    '--backend',
    `${SITE_ADDRESS}:${site.backendPort}`,
  ];
  const who = ['--name', server.name, '--account', site.username, '--account-password-file', site.passwordFile];
  return programPart(
    deps,
    server.name,
    `Connection server ${index}`,
    () => ['connection-server', ...where, ...who, '--license-authority', site.authorityFile, '--log-level', options.logLevel],
    async (_, signal) => {
      const order = { method: 'GET', url: `${server.url}/v1/health`, trust: { kind: 'pin', pin: server.pin } } as const;
      const bounds = { deadlineMs: LOOK_DEADLINE_MS, maxAnswerBytes: LOOK_BYTES, trustedNowMs: deps.clock.nowMs() };
      return (await deps.http.call({ ...order, ...bounds }, signal)).status === 200;
    },
  );
}

/** A part that is this very program under another verb. */
function programPart(deps: UpDeps, name: string, label: string, args: () => readonly string[], check: Part['check']): Part {
  const logFile = logFileOf(deps.paths, name);
  return {
    name,
    label,
    start: (): Promise<RunningPart> =>
      deps.processes.start({
        command: deps.programCommand(args()),
        environment: deps.environment(args()[0] ?? name),
        folder: deps.paths.root,
        logFile,
      }),
    check,
    lastWords: () => lastWordsOf(deps.files, logFile),
  };
}
