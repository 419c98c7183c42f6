/**
 * `outrigger up` and `outrigger down`, composed.
 */

import type { Command } from 'commander';
import { dataPaths, readRunMark, UP_PART } from '../cli/data-folder.ts';
import type { DataPaths } from '../cli/data-folder.ts';
import { createScreen } from '../cli/screen.ts';
import type { AdminAccess, Database, UpDeps } from '../cli/up/deps.ts';
import { runDown } from '../cli/up/down.ts';
import { runUp } from '../cli/up/run.ts';
import type { SampleObject } from '../cli/up/sample.ts';
import { killEverything } from '../cli/up/stop.ts';
import { shellWord } from '../cli/up/summary.ts';
import { present } from '../base/assert.ts';
import { Fault } from '../model/fault.ts';
import { LOOPBACK_NODE_SLOTS } from '../model/ports.ts';
import type { SettingName } from '../model/settings.ts';
import { directorApi } from '../platform/api-client.ts';
import { certificates, publicKeyHash } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { readYamlFile } from '../platform/config-file.ts';
import { systemFiles } from '../platform/files.ts';
import { identityStore } from '../platform/identity-store.ts';
import { newJoinSecret } from '../platform/join-secret.ts';
import { parseAdminKubeconfig, tokenKubeconfig } from '../platform/kubeconfig.ts';
import { loadGenerator } from '../platform/load-generator.ts';
import { mutualHttp } from '../platform/mutual-http.ts';
import { nameLocks } from '../platform/name-lock.ts';
import { embeddedDatabase } from '../platform/postgres/supervised.ts';
import { packageFile, programCommand } from '../platform/program.ts';
import { systemRandom } from '../platform/random.ts';
import { ensureServerIdentity } from '../platform/server-identity.ts';
import { findProgram, roleEnvironment, systemProcesses } from '../platform/spawn.ts';
import { tcpPorts } from '../platform/tcp-ports.ts';
import type { Files } from '../ports/files.ts';
import type { Random } from '../ports/random.ts';
import type { Terminal } from '../ports/terminal.ts';
import { addCommand } from './command.ts';

const UP_SETTINGS = [
  'data',
  'port',
  'extensionServers',
  'sample',
  'day',
  'balancer',
  'otlpEndpoint',
  'logLevel',
] as const satisfies readonly SettingName[];

/** The Host of the machine that `outrigger up` runs on. */
const HOST_NAME = 'local';
/** What it lends: nodes of the `process` driver are small, and their addresses are what runs out first. */
const CAPACITY = { nodes: LOOPBACK_NODE_SLOTS, cpuMillis: LOOPBACK_NODE_SLOTS * 1_000, memoryMiB: LOOPBACK_NODE_SLOTS * 1_024 };

const RELEASES = ['release-1.0.0.yaml', 'release-1.0.1.yaml'];
const CLUSTER = 'cluster-harbor.yaml';

export function registerUp(program: Command): void {
  addCommand(program, {
    name: 'up',
    summary: 'Start a whole control plane with a sample cluster on this machine',
    description:
      'Starts PostgreSQL, a director, extension servers and a host daemon, each a process of its own, and makes the cluster demo/harbor\n' +
      'at a site with two connection servers.\n' +
      'Ctrl-C stops all of it. Started again, it goes on where it was, also after it was killed.',
    examples: [
      ['outrigger up', 'everything in .outrigger/, the API on port 7443'],
      ['outrigger up --data /srv/outrigger --port 0', 'another folder, any free port'],
      ['outrigger up --no-sample', 'without the cluster demo/harbor and its site'],
      ['outrigger up --day 2s', 'a day of license time takes two seconds: watch a month in a minute'],
    ],
    settings: UP_SETTINGS,
    daemon: true,
    run: ({ settings, terminal, signal, forced, atForcedEnd }) => {
      const { port, extensionServers, sample, day, logLevel, otlpEndpoint, balancer = 'relay' } = settings;
      const deps = upDeps(settings.data, terminal);
      atForcedEnd(() => killEverything(deps));
      return runUp(deps, { port, extensionServers, sample, day, logLevel, otlpEndpoint, balancer }, signal, forced);
    },
  });
}

export function registerDown(program: Command): void {
  addCommand(program, {
    name: 'down',
    summary: 'Stop everything that outrigger up started, or left behind when it was killed',
    examples: [['outrigger down --data /srv/outrigger', 'what runs in that folder, and nothing else']],
    settings: ['data'],
    run: ({ settings, terminal, forced, signal, atForcedEnd }) => {
      const deps = upDeps(settings.data, terminal);
      atForcedEnd(() => killEverything(deps));
      if (!deps.files.exists(settings.data))
        throw new Fault('UsageWrong', `There is no folder ${settings.data}; name the right one with --data.`);
      const up = readRunMark(deps.files, deps.paths, UP_PART);
      return runDown(deps, up, AbortSignal.any([signal, forced]));
    },
  });
}

function upDeps(data: string, terminal: Terminal): UpDeps {
  const [clock, random, files, processes] = [systemClock(), systemRandom(), systemFiles(), systemProcesses()];
  const paths = dataPaths(data);
  const screen = createScreen(terminal);
  const database: Database = embeddedDatabase(data, clock, processes, (note) => screen.line(`  ${note}`));
  return {
    paths,
    clock,
    random,
    files,
    processes,
    locks: nameLocks(),
    ports: tcpPorts(),
    screen,
    database,
    admin: adminAccess(files, paths, random),
    joinedCaHash: async () => {
      const identity = await identityStore(`${paths.hostFolder}/identity`, certificates()).load();
      return identity === undefined ? undefined : publicKeyHash(identity.authority);
    },
    newJoinSecret,
    tokenKubeconfig,
    http: mutualHttp(),
    loads: loadGenerator(clock),
    serverIdentity: (folder, name, address) => ensureServerIdentity(folder, name, ['localhost', address]),
    exampleCommand: (file, args) => [process.execPath, packageFile(`examples/${file}`), ...args],
    programCommand: (args) => programCommand(args),
    environment: (role) => roleEnvironment(process.env, { data, role }),
    hostName: HOST_NAME,
    sample: () => ({ hostName: HOST_NAME, capacity: CAPACITY, releases: RELEASES.map(exampleObject), cluster: exampleObject(CLUSTER) }),
    hasProgram,
    ownCommand: shellWord(packageFile('bin/outrigger.mjs')),
  };
}

/** An object of examples/, which people also apply by hand. */
function exampleObject(file: string): SampleObject {
  const path = packageFile(`examples/${file}`);
  const read = readYamlFile(path);
  if (read === undefined) throw new Fault('ProgramMissing', `${path} is missing; install the package again.`);
  return read.content as SampleObject;
}

/** Reads the kubeconfig anew when the director has written another. */
function adminAccess(files: Files, paths: DataPaths, random: Random): () => AdminAccess | undefined {
  let known: { readonly text: string; readonly access: AdminAccess } | undefined;
  return () => {
    const text = files.readText(paths.kubeconfig);
    if (text === undefined) return undefined;
    if (known?.text === text) return known.access;
    const { server, identity } = parseAdminKubeconfig(text, paths.kubeconfig);
    known?.access.api.close();
    const api = directorApi({ directors: [server], identity, era: undefined }, random);
    const caHash = present(publicKeyHash(identity.authority), 'the hash of the CA');
    known = { text, access: { api, authorityPem: identity.authority, caHash } };
    return known.access;
  };
}

/** Programs of npm's own folders are not in the PATH of another terminal. */
function hasProgram(name: string): boolean {
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  try {
    findProgram(name, path.join(':'), '/');
    return true;
  } catch {
    return false;
  }
}
