/**
 * `outrigger console link`, composed.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { createConsoleLink } from '../client/console-link.ts';
import { kubernetesApi } from '../client/kubernetes.ts';
import { Fault } from '../model/fault.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { newJoinSecret } from '../platform/join-secret.ts';
import { kubeconfigFile, serverOf } from './api-access.ts';
import { addCommand, addGroup } from './command.ts';

export function registerConsole(program: Command): void {
  const group = addGroup(program, 'console', 'Get into the console.', [['outrigger console link', 'lets one browser in, once']]);
  addCommand(group, {
    name: 'link',
    summary: 'Make a one-time link to the console and print it',
    description:
      "The link lets one browser in, once, within ten minutes, with an administrator's rights; the session it opens lasts eight hours.\n" +
      'Sessions are Secrets console-session-… in outrigger-system: deleting one ends it.',
    examples: [
      ['outrigger console link', 'for the control plane that outrigger up started here'],
      ['outrigger console link --kubeconfig admin.kubeconfig', 'for the director that it names'],
    ],
    settings: ['data', 'kubeconfig'],
    run: async ({ settings, terminal, signal }) => {
      const files = systemFiles();
      const file = kubeconfigFile(files, dataPaths(settings.data), settings.kubeconfig);
      const director = serverOf(files, file);
      if (file === undefined || director === undefined)
        throw new Fault('UsageWrong', 'There are no credentials; give --kubeconfig, or --data of a folder in which outrigger up ran.');
      const made = await createConsoleLink(kubernetesApi({ file }), newJoinSecret, { director, nowMs: systemClock().nowMs() }, signal);
      if (!made.ok) throw new Fault('DirectorRefused', `No link was made: ${made.message}`);
      terminal.write(`${made.value}\n`);
      return 0;
    },
  });
}
