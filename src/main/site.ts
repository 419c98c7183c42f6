/**
 * `outrigger site list|status|pair|unpair`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { listSites, readSite, renderSite, renderSites, siteExit } from '../cli/site.ts';
import { pairSite, unpairSite } from '../cli/site-pair.ts';
import type { SiteDeps, SiteOrder, SiteOutcome } from '../cli/site-pair.ts';
import { parseTtl } from '../cli/token.ts';
import { Fault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { THUMBPRINT_PATTERN } from '../model/site.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { systemRandom } from '../platform/random.ts';
import { personAtTerminal } from '../platform/terminal.ts';
import type { EntityApi } from '../ports/api.ts';
import type { Terminal } from '../ports/terminal.ts';
import { apiOf } from './api-access.ts';
import { addCommand, addGroup } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';

const SETTINGS = ['data', 'kubeconfig'] as const;
const NAMESPACE = ['-n, --namespace <name>', 'namespace (default: default)'] as const;
const TIMEOUT = ['--timeout <time>', 'how long to wait for the cluster (default 60s)'] as const;

type Options = Readonly<Record<string, unknown>>;

export function registerSite(program: Command): void {
  const site = addGroup(program, 'site', 'Show sites, and pair clusters with them.', [
    ['outrigger site list', 'what is plugged in where, and how pairing stands'],
    ['outrigger site status harbor -n demo', 'every check of one site'],
    ['outrigger site pair harbor -n demo', 'check now, and accept what a connection server shows'],
  ]);
  registerList(site);
  registerStatus(site);
  registerPair(site);
  registerUnpair(site);
}

function registerList(site: Command): void {
  addCommand(site, {
    name: 'list',
    summary: 'Show the sites, what is plugged in, and how pairing stands',
    examples: [['outrigger site list', 'those of all namespaces']],
    settings: SETTINGS,
    options: [['-n, --namespace <name>', 'only this namespace'], ['-A, --all-namespaces', 'all namespaces (the default)'], OUTPUT],
    run: async ({ settings, options, terminal, signal }) => {
      const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : undefined;
      if (namespace !== undefined && options['allNamespaces'] === true)
        throw new Fault('UsageWrong', 'Say either -n NAMESPACE or -A, not both.');
      const lines = await listSites(connected(settings), namespace, systemClock().nowMs(), signal);
      const format = formatOf(options);
      terminal.write(format === undefined ? renderSites(lines) : inFormat(format, lines));
      return 0;
    },
  });
}

function registerStatus(site: Command): void {
  addCommand(site, {
    name: 'status',
    summary: 'Show one site with every check of its pairing',
    description: 'Exits with 0 when it is paired and no check fails, 3 when a thumbprint waits for a person, 1 otherwise.',
    examples: [['outrigger site status pier -n demo', 'with the reason of each check']],
    settings: SETTINGS,
    arguments: [['<name>', 'the site']],
    options: [NAMESPACE, OUTPUT],
    run: async ({ settings, options, args, terminal, signal }) => {
      const found = await readSite(connected(settings), namespaceOf(options), args[0] ?? '', signal);
      const format = formatOf(options);
      terminal.write(format === undefined ? renderSite(found) : inFormat(format, found));
      return siteExit(found);
    },
  });
}

function registerPair(site: Command): void {
  addCommand(site, {
    name: 'pair',
    summary: 'Check the connection servers of a site, accept their certificates, and pair its cluster',
    description:
      "Each check is a line, as it comes. A certificate that nobody has accepted is shown, and asked about at a terminal; without one it must be named.\nExits with 0 when it is paired, 1 when a check failed, 3 when a thumbprint was not accepted or another cluster is plugged in, 5 when the cluster's primary did not answer.",
    examples: [
      ['outrigger site pair pier -n demo', 'check now, ask about certificates'],
      ['outrigger site pair pier -n demo --cluster harbor', 'plug the cluster harbor in first'],
      ['outrigger site pair pier -n demo --accept sha256:…', 'in a script: accept this certificate'],
    ],
    settings: SETTINGS,
    arguments: [['<name>', 'the site']],
    options: [
      NAMESPACE,
      ['--cluster <name>', 'plug this cluster in'],
      ['--accept <thumbprints...>', 'accept certificates with these thumbprints, sha256:<64 hex digits>'],
      TIMEOUT,
      OUTPUT,
    ],
    run: async ({ settings, options, args, terminal, signal }) => {
      const deps = depsOf(connected(settings), options, terminal);
      const cluster = typeof options['cluster'] === 'string' ? options['cluster'] : undefined;
      return say(terminal, options, await pairSite(deps, { ...orderOf(options, args), cluster, accept: acceptedOf(options) }, signal));
    },
  });
}

function registerUnpair(site: Command): void {
  addCommand(site, {
    name: 'unpair',
    summary: 'Unplug the cluster from a site: its license is taken away there',
    description:
      'Exits with 0 when nothing stays at the connection servers, 1 when something does (it is listed), 5 when nobody unplugged it.',
    examples: [
      ['outrigger site unpair pier -n demo', 'the ordinary way, by the primary'],
      ['outrigger site unpair pier -n demo --force', 'when the cluster does not answer: says what stays'],
    ],
    settings: SETTINGS,
    arguments: [['<name>', 'the site']],
    options: [NAMESPACE, ['--force', "without the cluster's agents"], TIMEOUT, OUTPUT],
    run: async ({ settings, options, args, terminal, signal }) => {
      const deps = depsOf(connected(settings), options, terminal);
      return say(terminal, options, await unpairSite(deps, orderOf(options, args), options['force'] === true, signal));
    },
  });
}

function connected(settings: { readonly data: string; readonly kubeconfig: string | undefined }): EntityApi {
  const api = apiOf(systemFiles(), dataPaths(settings.data), settings.kubeconfig);
  if (api !== undefined) return api;
  throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
}

function depsOf(api: EntityApi, options: Options, terminal: Terminal): SiteDeps {
  const isForPeople = formatOf(options) === undefined;
  return {
    api,
    clock: systemClock(),
    unique: () => systemRandom().uuid(),
    show: isForPeople ? (text) => terminal.write(text) : () => undefined,
    ask: isForPeople ? personAtTerminal() : undefined,
  };
}

function orderOf(options: Options, args: readonly string[]): SiteOrder {
  const timeout = options['timeout'];
  return {
    namespace: namespaceOf(options),
    name: args[0] ?? '',
    deadlineMs: parseTtl(typeof timeout === 'string' ? timeout : '60s', '--timeout'),
  };
}

function acceptedOf(options: Options): readonly string[] {
  const given = options['accept'];
  const list = Array.isArray(given) ? given.map(String) : [];
  const wrong = list.find((one) => !new RegExp(THUMBPRINT_PATTERN).test(one));
  if (wrong === undefined) return list;
  throw new Fault(
    'UsageWrong',
    `--accept takes thumbprints as sha256: and 64 hex digits, as outrigger site pair shows them, not "${wrong}".`,
  );
}

function namespaceOf(options: Options): string {
  return typeof options['namespace'] === 'string' ? options['namespace'] : 'default';
}

function say(terminal: Terminal, options: Options, { exit, message, site }: SiteOutcome): ExitCode {
  const { pairing, cluster, leftBehind } = site.status ?? {};
  const { namespace, name } = site.metadata;
  const body = { namespace, name, exit, message: message.trimEnd(), cluster, pairing, leftBehind };
  const format = formatOf(options);
  terminal.write(format === undefined ? message : inFormat(format, body));
  return exit;
}
