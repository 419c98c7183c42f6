/**
 * `outrigger install ROLE`, composed: a part of Outrigger as a service of this machine's systemd.
 */

import { Command } from 'commander';
import { applyPlan, describePlan, requireServices, uninstall } from '../cli/install/apply.ts';
import type { ApplyDeps, JoinCall } from '../cli/install/apply.ts';
import { planInstall } from '../cli/install/plan.ts';
import type { GivenSettings, PlanDeps } from '../cli/install/plan.ts';
import type { ExitCode } from '../model/fault.ts';
import { SERVICE_ROLE_FACTS, SERVICE_ROLES, servicePlaces } from '../model/service-role.ts';
import type { ServiceRole } from '../model/service-role.ts';
import { SETTINGS, variableOf } from '../model/settings.ts';
import type { Setting, SettingName } from '../model/settings.ts';
import { absolutePath } from '../platform/config-file.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { isKeyOf } from '../platform/certificate.ts';
import { parseClusterAccess } from '../platform/kubeconfig.ts';
import { machineServices } from '../platform/machine-services.ts';
import { parsePostgresUrl } from '../platform/postgres/server.ts';
import { programCommand } from '../platform/program.ts';
import { openSealer } from '../platform/seal.ts';
import { addCommand } from './command.ts';
import type { CommandContext } from './command.ts';

const EXAMPLES: Readonly<Record<ServiceRole, readonly (readonly [string, string])[]>> = {
  director: [
    [
      'outrigger install director --listen 0.0.0.0 --server https://director.example:7443 --database-url postgres://outrigger:…@db/outrigger',
      'the first one; its admin credentials come to lie in /var/lib/outrigger/director/kubeconfig',
    ],
    ['outrigger install director … --store-key-file store.key', 'one more: bring keys/store.key of the first'],
    ['outrigger install director --log-level debug', 'change one setting, keep the others'],
  ],
  extension: [['outrigger install extension --kubeconfig extension.kubeconfig', 'the file is copied, and may go afterwards']],
  host: [
    [
      'outrigger install host --server https://director:7443 --host-name rack1 --token … --ca-hash sha256:…',
      'joins and lends this machine',
    ],
    ['outrigger install host --balancer haproxy', 'change one setting of a host that has joined'],
  ],
  agent: [
    ['outrigger install agent --server https://director:7443 --token … --ca-hash sha256:…', 'joins a cluster with nodes: Joined'],
    ['outrigger install agent', 'a machine that joins later, and after each upgrade of Outrigger'],
  ],
};

export function registerInstall(program: Command): void {
  const install = new Command('install').description(
    'Run a part of Outrigger as a service of systemd: started with the machine, started again every time it fails or hangs, shut in.\n\n' +
      'Each has a unit, an environment file in /etc/outrigger, a user of its own, and, but for extension servers, a folder in /var/lib/outrigger.\n' +
      'Done again, it changes what is given and keeps the rest; nothing is written when something is wrong with it.',
  );
  program.addCommand(install.copyInheritedSettings(program));
  for (const role of SERVICE_ROLES) registerRole(install, role);
}

function registerRole(install: Command, role: ServiceRole): void {
  const { settings, description } = SERVICE_ROLE_FACTS[role];
  addCommand(install, {
    name: role,
    summary: description,
    examples: [
      ...EXAMPLES[role],
      [`outrigger install ${role} --dry-run`, 'show what would be written, write nothing'],
      [`outrigger install ${role} --uninstall`, 'stop it and take the service away; what it kept stays'],
    ],
    settings,
    options: [
      ['--dry-run', 'show what would be written, and write nothing'],
      ['--no-start', 'write the files, neither enable nor start it'],
      ['--uninstall', 'stop it and take the service away'],
      ...(role === 'agent' ? AGENT_OPTIONS : []),
    ],
    run: (context) => runInstall(role, context),
  });
}

const AGENT_OPTIONS = [
  ['--address <ip>', "the node's own address (default: the one by which it reaches the director)"],
  ['--pod-addresses <ips>', 'addresses of this machine for its pods, comma separated (default: nine on loopback)'],
] as const;

async function runInstall(role: ServiceRole, { settings, options, terminal, signal }: CommandContext<SettingName>): Promise<ExitCode> {
  const machine = machineServices();
  const say = (line: string): void => terminal.write(`${line}\n`);
  const deps: ApplyDeps = { machine, files: systemFiles(), clock: systemClock(), say };
  if (options['uninstall'] === true) return uninstall(deps, role);
  const start = options['start'] !== false;
  const isDry = options['dryRun'] === true;
  if (!isDry) requireServices(machine, start);
  const given = givenSettings(settings, options);
  const plan = planInstall(planDeps(machine.readableByAll), role, given);
  if (isDry) {
    terminal.write(describePlan(plan));
    return 0;
  }
  const join = role === 'agent' && given.token !== undefined ? joinCall(given, options) : undefined;
  return await applyPlan(deps, plan, { start, ...(join === undefined ? {} : { join }) }, signal);
}

function planDeps(readableByAll: (path: string) => boolean): PlanDeps {
  return {
    files: systemFiles(),
    absolute: absolutePath,
    readableByAll,
    command: (args) => programCommand(args),
    checkDatabaseUrl: parsePostgresUrl,
    checkKubeconfig: parseClusterAccess,
    isKeyOf,
    checkStoreKey: (path) => openSealer(path, { create: false }),
  };
}

/** What was typed, or differs from the default: a default that nobody asked for would outlive the next version's. */
function givenSettings(settings: Readonly<Partial<Record<SettingName, unknown>>>, typed: Readonly<Record<string, unknown>>): GivenSettings {
  const isGiven = ([name, value]: [string, unknown]): boolean => {
    const row: Setting = SETTINGS[name as SettingName];
    return value !== undefined && (typed[name] !== undefined || value !== row.default);
  };
  return Object.fromEntries(Object.entries(settings).filter(isGiven));
}

/** Secrets go by the environment: command lines are for all to see. */
function joinCall(given: GivenSettings, options: Readonly<Record<string, unknown>>): JoinCall {
  const { state } = servicePlaces('agent');
  const flags = (['address', 'podAddresses'] as const).flatMap((name) =>
    typeof options[name] === 'string' ? [name === 'address' ? '--address' : '--pod-addresses', options[name]] : [],
  );
  const told = Object.entries(given).map(([name, value]): [string, string] => [
    variableOf(name as SettingName),
    name === 'leaseRenew' ? `${String(value)}ms` : String(value),
  ]);
  return {
    command: programCommand(['agent', 'join', '--data', state, '--no-run', ...flags]),
    environment: Object.fromEntries(told),
  };
}
