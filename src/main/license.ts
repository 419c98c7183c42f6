/**
 * `outrigger license status|sync|rotate-key|reset-peak`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { gatherLicenses, licensesExit, renderLicenses } from '../cli/license.ts';
import { resetPeak, rotateKey, syncLicense } from '../cli/license-change.ts';
import type { ChangeDeps, Outcome } from '../cli/license-change.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { systemRandom } from '../platform/random.ts';
import type { Terminal } from '../ports/terminal.ts';
import { apiOf } from './api-access.ts';
import { addCommand, addGroup } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';

const SETTINGS = ['data', 'kubeconfig'] as const;
const NAMESPACE = ['-n, --namespace <name>', 'namespace (default: default)'] as const;
/** A sync takes seconds; a primary that is coming up, some more. */
const SYNC_DEADLINE_MS = 60_000;

export function registerLicense(program: Command): void {
  const license = addGroup(program, 'license', 'Show and sync the universal license of sites.', [
    ['outrigger license status', 'state, days left, seats of each site'],
    ['outrigger license sync harbor -n demo', 'now instead of at the next sync'],
  ]);
  registerStatus(license);
  registerSync(license);
  registerRotateKey(license);
  registerResetPeak(license);
}

function registerStatus(license: Command): void {
  addCommand(license, {
    name: 'status',
    summary: 'Show how the license stands at each site',
    description: 'Times are license time. Exits with 1 when any site refuses new sessions.',
    examples: [
      ['outrigger license status', 'all sites as a table'],
      ['outrigger license status -n demo -o json', 'those of one namespace, for programs'],
    ],
    settings: SETTINGS,
    options: [['-n, --namespace <name>', 'only this namespace'], ['-A, --all-namespaces', 'all namespaces (the default)'], OUTPUT],
    run: async ({ settings, options, terminal, signal }) => {
      if (options['namespace'] !== undefined && options['allNamespaces'] === true)
        throw new Fault('UsageWrong', 'Say either -n NAMESPACE or -A, not both.');
      const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : undefined;
      const lines = await gatherLicenses(deps(settings).api, namespace, signal);
      const format = formatOf(options);
      terminal.write(format === undefined ? renderLicenses(lines) : inFormat(format, lines));
      return licensesExit(lines);
    },
  });
}

function registerSync(license: Command): void {
  addCommand(license, {
    name: 'sync',
    summary: 'Have a cluster pull its license now, and say what came of it',
    description: 'Exits with 0 when it was synced, 1 when it was not, 5 when its primary did not answer in time.',
    examples: [['outrigger license sync harbor -n demo', 'now instead of at the next sync']],
    settings: SETTINGS,
    arguments: [['<cluster>', 'the cluster']],
    options: [NAMESPACE],
    run: async ({ settings, options, args, terminal, signal }) =>
      say(terminal, await syncLicense(deps(settings), namespaceOf(options), args[0] ?? '', SYNC_DEADLINE_MS, signal)),
  });
}

function registerRotateKey(license: Command): void {
  addCommand(license, {
    name: 'rotate-key',
    summary: 'Make another key to sign licenses with',
    description: 'All directors sign with it at once. Sites need nothing, and what they hold stays good.',
    examples: [['outrigger license rotate-key', 'after somebody left who could read Secrets']],
    settings: SETTINGS,
    run: async ({ settings, terminal, signal }) => say(terminal, await rotateKey(deps(settings), signal)),
  });
}

function registerResetPeak(license: Command): void {
  addCommand(license, {
    name: 'reset-peak',
    summary: 'Count the peak use of a license anew',
    examples: [['outrigger license reset-peak standard -n demo', 'with the next sync of each site']],
    settings: SETTINGS,
    arguments: [['<name>', 'the UniversalLicense']],
    options: [NAMESPACE],
    run: async ({ settings, options, args, terminal, signal }) =>
      say(terminal, await resetPeak(deps(settings), namespaceOf(options), args[0] ?? '', signal)),
  });
}

function deps({ data, kubeconfig }: { readonly data: string; readonly kubeconfig: string | undefined }): ChangeDeps {
  const api = apiOf(systemFiles(), dataPaths(data), kubeconfig);
  if (api === undefined)
    throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
  const random = systemRandom();
  return { api, clock: systemClock(), unique: () => random.uuid() };
}

function namespaceOf(options: Readonly<Record<string, unknown>>): string {
  return typeof options['namespace'] === 'string' ? options['namespace'] : 'default';
}

function say(terminal: Terminal, { text, exit }: Outcome): ExitCode {
  if (exit === 0) terminal.write(text);
  else terminal.writeError(text);
  return exit;
}
