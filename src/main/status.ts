/**
 * `outrigger status`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { exitCodeOf, gatherStatus, renderStatus } from '../cli/status.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { systemProcesses } from '../platform/spawn.ts';
import { apiOf, kubeconfigFile } from './api-access.ts';
import { addCommand } from './command.ts';

export function registerStatus(program: Command): void {
  addCommand(program, {
    name: 'status',
    summary: 'Show which parts run and how the clusters are',
    description: 'Exits with 0 when the API answered, with 4 when it did not.',
    examples: [
      ['outrigger status', 'parts, clusters and nodes as tables'],
      ['outrigger status --json', 'the same for programs'],
    ],
    settings: ['data', 'kubeconfig'],
    options: [['--json', 'as JSON']],
    run: async ({ settings, options, terminal, signal }) => {
      const [files, processes, paths] = [systemFiles(), systemProcesses(), dataPaths(settings.data)];
      const api = apiOf(files, paths, settings.kubeconfig);
      const file = kubeconfigFile(files, paths, settings.kubeconfig);
      const source = file === paths.kubeconfig ? undefined : file;
      const status = await gatherStatus({ files, processes, paths, api, source, nowMs: systemClock().nowMs() }, signal);
      terminal.write(options['json'] === true ? `${JSON.stringify(status, undefined, 2)}\n` : renderStatus(status));
      return exitCodeOf(status);
    },
  });
}
