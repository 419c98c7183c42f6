/**
 * The parts that `outrigger up` runs: how each is started, and by which real check it counts as ready.
 *
 * I1: a check asks the part for what others want of it; a process that lives is not yet a part that works.
 */

import { HOSTS } from '../../model/addresses.ts';
import { LEASES, NAMESPACES } from '../../model/core-kinds.ts';
import type { Lease } from '../../model/core-kinds.ts';
import { EXTENSION_LEASE_PREFIX } from '../../decide/sharding.ts';
import { logFileOf } from '../data-folder.ts';
import { lastWordsOf } from './last-words.ts';
import type { UpDeps, UpOptions } from './deps.ts';
import type { Part, RunningPart } from './supervisor.ts';
import { extensionKubeconfig } from './credentials.ts';

const SYSTEM_NAMESPACE = 'outrigger-system';

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
  const args = (): readonly string[] => [...where, '--database-socket', deps.database.socketFolder(), '--log-level', options.logLevel];
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

export function extensionPart(deps: UpDeps, options: UpOptions, index: number): Part {
  const name = `extension-${index}`;
  const args = ['extension', '--kubeconfig', extensionKubeconfig(deps.paths), '--identity', name, '--log-level', options.logLevel];
  let before: ReadonlySet<string> = new Set();
  const part = programPart(
    deps,
    name,
    `Extension server ${index}`,
    () => args,
    async (_, signal) => {
      const now = await leasesOf(deps, name, signal);
      return [...now].some((lease) => !before.has(lease));
    },
  );
  return {
    ...part,
    start: async (signal) => {
      // A life of it that was killed leaves its Lease behind: only a new one counts.
      before = await leasesOf(deps, name, signal).catch(() => new Set<string>());
      return await part.start(signal);
    },
  };
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
  const args = ['host', '--data', deps.paths.root, '--host-name', hostName, '--server', director, '--log-level', options.logLevel];
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
