/**
 * `outrigger host`: the host daemon, composed.
 */

import type { Command } from 'commander';
import { runHostDaemon } from '../host/daemon.ts';
import { nodeFolder } from '../host/deps.ts';
import { ensureIdentity, keepRenewed, leastTime } from '../host/identity.ts';
import type { ControlPlane, IdentityDeps } from '../host/identity.ts';
import { joinFile, readJoinFile } from '../host/join-file.ts';
import { present } from '../base/assert.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { variableOf } from '../model/settings.ts';
import type { SettingName, SettingValues } from '../model/settings.ts';
import { certificates } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { identityStore } from '../platform/identity-store.ts';
import { newJoinSecret } from '../platform/join-secret.ts';
import { directors } from '../platform/join.ts';
import { createLog } from '../platform/log.ts';
import { loopbackNetworks } from '../platform/loopback.ts';
import { nameLocks } from '../platform/name-lock.ts';
import { nodeStore } from '../platform/node-store.ts';
import { COMPILE_ROLE, programCommand, programVersion, stripsTypes } from '../platform/program.ts';
import { tracerOf } from '../platform/otlp.ts';
import { systemRandom } from '../platform/random.ts';
import { serviceManager } from '../platform/service-manager.ts';
import { roleEnvironment, systemProcesses } from '../platform/spawn.ts';
import type { Log } from '../ports/log.ts';
import type { NameLocks } from '../ports/name-lock.ts';
import type { NodeStore } from '../ports/node-store.ts';
import type { Processes } from '../ports/processes.ts';
import type { Era } from '../ports/store.ts';
import type { CertificateFacts } from '../ports/x509.ts';
import { addCommand } from './command.ts';
import { registerHostCommands } from './host-commands.ts';

const HOST_SETTINGS = [
  'data',
  'server',
  'hostName',
  'token',
  'caHash',
  'leaseRenew',
  'nodeSilence',
  'balancer',
  'otlpEndpoint',
  'logLevel',
] as const satisfies readonly SettingName[];
export type HostOptions = SettingValues<(typeof HOST_SETTINGS)[number]>;

/** Runs the host daemon until the signal aborts. */
export async function runHost(options: HostOptions, signal: AbortSignal): Promise<ExitCode> {
  const [clock, random, files, processes] = [systemClock(), systemRandom(), systemFiles(), systemProcesses()];
  const log = createLog({ role: 'host', level: options.logLevel });
  const service = serviceManager({ clock, log, environment: process.env, until: signal });
  const folder = `${options.data}/host`;
  const locks = nameLocks();
  const lock = await holdFolder(locks, folder, options.data);
  compileNodeRoles(processes, options.data, log, signal);

  const storeFolder = `${folder}/store`;
  const store = nodeStore(storeFolder);
  const identityDeps = identityDepsOf(folder, log);
  const { plane, name } = await controlPlane(options, store, readJoinFile(files, options.data));
  service.status(`Looks for who it is, else joins as ${name} at ${plane.directors.join(', ')}.`);
  const { identity, joinedEra } = await ensureIdentity(identityDeps, plane, signal);
  if (joinedEra !== undefined) await store.write('era', { number: joinedEra.number, id: joinedEra.id });
  const caHash = present(certificates().publicKeyHash(identity.authority), 'the hash of the CA');
  await store.write('control-plane', { directors: [...plane.directors], name });
  files.remove(joinFile(options.data));

  const time = leastTime(identityDeps, identity);
  const tracer = tracerOf(options.otlpEndpoint, { service: 'outrigger-host', instance: name, log });
  const api = identityDeps.directors.open({ directors: plane.directors, identity, era: await readEra(store), trustedNowMs: time.now });
  api.onEra((era) => void store.write('era', { number: era.number, id: era.id }));
  await Promise.all([
    keepRenewed(identityDeps, api, time, signal),
    runHostDaemon(
      {
        name,
        data: options.data,
        directors: plane.directors,
        caHash,
        leaseRenewMs: options.leaseRenew,
        balancer: options.balancer ?? 'auto',
        ...(options.nodeSilence === undefined ? {} : { nodeSilenceMs: options.nodeSilence }),
        version: programVersion(),
        api,
        clock,
        random,
        log,
        tracer,
        files,
        store,
        storeFolder,
        processes,
        service,
        networks: loopbackNetworks(locks),
        newJoinSecret,
        nodeCertificate: (nodeUid) => nodeCertificate(nodeFolder(options.data, nodeUid)),
        programCommand: (args) => programCommand(args),
        agentEnvironment: (nodeUid) => agentEnvironment(options, nodeUid),
      },
      signal,
    ),
  ]);
  api.close();
  await tracer?.flush();
  lock.release();
  return 0;
}

async function holdFolder(locks: NameLocks, folder: string, data: string): Promise<{ release(): void }> {
  systemFiles().ensureFolder(folder, 0o700);
  const lock = await locks.hold(`host/${locks.nameOfFolder(folder)}`);
  if (lock !== undefined) return lock;
  throw new Fault('AlreadyRunning', `A host daemon already runs in ${data}; stop it, or choose another folder with --data.`);
}

function agentEnvironment({ data, otlpEndpoint }: HostOptions, nodeUid: string): Record<string, string> {
  const handedOn: Record<string, string> = otlpEndpoint === undefined ? {} : { [variableOf('otlpEndpoint')]: otlpEndpoint };
  return roleEnvironment(process.env, { data, role: 'agent', OUTRIGGER_NODE: nodeUid, ...handedOn });
}

function identityDepsOf(folder: string, log: Log): IdentityDeps {
  const store = identityStore(`${folder}/identity`, certificates());
  return { store, directors: directors(systemRandom()), certificates: certificates(), clock: systemClock(), log };
}

/**
 * Has what nodes run compiled by a process of its own, while the host itself still starts: whoever loads a file first strips its types, and keeps
 * 18 MB of that for as long as it runs. Where it fails or comes too late, nodes start all the same.
 */
function compileNodeRoles(processes: Processes, data: string, log: Log, signal: AbortSignal): void {
  if (!stripsTypes()) return;
  const compile = async (): Promise<void> => {
    const { id, exited } = await processes.start({
      command: programCommand([COMPILE_ROLE]),
      environment: roleEnvironment(process.env, { data, role: COMPILE_ROLE }),
      folder: data,
      logFile: `${data}/logs/${COMPILE_ROLE}.log`,
    });
    const stop = (): void => void processes.signalOne(id, 'SIGKILL');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await exited;
    signal.removeEventListener('abort', stop);
  };
  compile().catch((cause: unknown) => log.debug('What nodes run is not compiled ahead', { cause }));
}

/** Whose key it is stays unread: only the certificate is looked at. */
async function nodeCertificate(folder: string): Promise<CertificateFacts | undefined> {
  try {
    const identity = await identityStore(`${folder}/identity`, certificates()).load();
    return identity === undefined ? undefined : certificates().read(identity.certificate);
  } catch (cause) {
    if (isFault(cause, 'NodeStoreDamaged')) return undefined;
    throw cause;
  }
}

/** Where the directors are and what this host is called: as told, else as remembered. */
async function controlPlane(
  options: HostOptions,
  store: NodeStore,
  left: ControlPlane | undefined,
): Promise<{ readonly plane: ControlPlane; readonly name: string }> {
  const remembered = await store.read<JsonObject>('control-plane');
  const body = remembered.state === 'found' ? remembered.body : {};
  const told = options.server ?? left?.directors ?? (Array.isArray(body['directors']) ? body['directors'].map(String) : undefined);
  const name = options.hostName ?? (typeof body['name'] === 'string' ? body['name'] : undefined);
  if (told === undefined || name === undefined) {
    throw new Fault(
      'UsageWrong',
      'A host must know its directors and its name: give --server and --host-name, as "outrigger token create --host NAME" prints them.',
    );
  }
  const caHash = options.caHash ?? left?.caHash;
  const token = options.token ?? left?.token;
  return { name, plane: { directors: told, ...(caHash === undefined ? {} : { caHash }), ...(token === undefined ? {} : { token }) } };
}

async function readEra(store: NodeStore): Promise<Era | undefined> {
  const read = await store.read<{ number: number; id: string } & Json>('era');
  return read.state === 'found' ? read.body : undefined;
}

export function registerHost(program: Command): void {
  const host = addCommand(program, {
    name: 'host',
    summary: 'Run the host daemon; or list, cordon, drain hosts, confirm them dead',
    description:
      'Without a verb: the host daemon, which claims nodes and keeps them running. It joins once with a token; afterwards it needs neither token nor address any more.',
    examples: [
      ['outrigger host --server https://director:7443 --host-name rack1 --token … --ca-hash sha256:…', 'joins and runs'],
      ['outrigger host --data /var/lib/outrigger', 'runs again, as it joined'],
    ],
    settings: HOST_SETTINGS,
    daemon: true,
    isService: true,
    run: ({ settings, signal }) => runHost(settings, signal),
  });
  // What is typed after a verb of it is the verb's, not its own.
  program.enablePositionalOptions();
  registerHostCommands(host.enablePositionalOptions());
}
