/**
 * `outrigger kubectl`: kubectl with the credentials of this control plane. What follows is kubectl's own, word by word, so it is not parsed.
 *
 * I1: the process becomes kubectl: its terminal, its signals and its exit codes are kubectl's.
 * I2: whoever names a kubeconfig to kubectl gets that one.
 */

import type { Command } from 'commander';
import { dataPaths } from '../cli/data-folder.ts';
import { renderFault } from '../cli/render-fault.ts';
import { Fault } from '../model/fault.ts';
import { systemFiles } from '../platform/files.ts';
import { findKubectl } from '../platform/kubectl.ts';
import { becomeCommand } from '../platform/program.ts';
import { processTerminal } from '../platform/terminal.ts';
import { kubeconfigFile } from './api-access.ts';
import { addCommand, settle } from './command.ts';

const DATA = '--data';

/** For help and completion; a plain call goes past this. */
export function registerKubectl(program: Command): void {
  const command = addCommand(program, {
    name: 'kubectl',
    summary: 'Run kubectl against this control plane, also where none is installed',
    description:
      'Everything after it is kubectl’s own. The installed kubectl is taken; in a checkout without one, the pinned one that set-up fetches.\n' +
      'Of ours is only --data, before everything else: the folder whose kubeconfig is used.',
    examples: [
      ['outrigger kubectl get clusters,clusternodes -A', 'what there is'],
      ['outrigger kubectl explain cluster.spec', 'what a field means'],
      ['outrigger kubectl --data /srv/outrigger get hosts', 'of another folder'],
    ],
    settings: ['data'],
    arguments: [['[words...]', 'as kubectl has them']],
    run: () => Promise.reject(new Fault('UsageWrong', 'Write it as outrigger kubectl WORDS.')),
  });
  command.allowUnknownOption();
}

/** Does not return. */
export async function becomeKubectl(argv: readonly string[]): Promise<never> {
  try {
    const { data, words } = ownWords(argv);
    const settings = settle(['data', 'kubeconfig'], data === undefined ? {} : { data });
    const file = kubeconfigFile(systemFiles(), dataPaths(settings.data), settings.kubeconfig);
    const kubeconfig = file === undefined ? {} : { KUBECONFIG: file };
    return becomeCommand([findKubectl(pathOfPeople()), ...words], { ...process.env, ...kubeconfig });
  } catch (error) {
    const rendered = renderFault(error);
    processTerminal().writeError(rendered.text);
    process.exit(rendered.exit);
  }
}

/** `--data DIR` or `--data=DIR` before everything else. Throws `Fault` UsageWrong. */
export function ownWords(argv: readonly string[]): { readonly data: string | undefined; readonly words: readonly string[] } {
  const [first, second] = argv;
  if (first?.startsWith(`${DATA}=`) === true) return { data: first.slice(DATA.length + 1), words: argv.slice(1) };
  if (first !== DATA) return { data: undefined, words: argv };
  if (second === undefined) throw new Fault('UsageWrong', '--data needs a folder after it.');
  return { data: second, words: argv.slice(2) };
}

/** Programs of npm's own folders are no kubectl that somebody installed. */
function pathOfPeople(): string {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '' && !folder.includes('node_modules'));
  return folders.join(':');
}
