/**
 * `outrigger doctor`, composed: a director is asked where one is known, this machine always.
 */

import type { Command } from 'commander';
import { serverDateMs } from '../client/kubernetes.ts';
import { dataPaths } from '../cli/data-folder.ts';
import type { DataPaths } from '../cli/data-folder.ts';
import { askDirector } from '../cli/doctor/ask-director.ts';
import type { DirectorAnswer } from '../cli/doctor/ask-director.ts';
import { askMachine } from '../cli/doctor/ask-machine.ts';
import { partsOf } from '../cli/status/gather.ts';
import { renderFindings } from '../cli/doctor/render.ts';
import { nothingRuns } from '../decide/doctor-machine.ts';
import { doctorExit, sorted, unasked } from '../decide/doctor.ts';
import type { CertificateLife, DiskFacts, Finding } from '../decide/doctor.ts';
import { BUNDLE } from '../model/crd.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { certificates } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { systemFiles } from '../platform/files.ts';
import { folderBytes } from '../platform/folder-size.ts';
import { identityStore } from '../platform/identity-store.ts';
import { parseAdminKubeconfig } from '../platform/kubeconfig.ts';
import { kubectlVersion } from '../platform/kubectl-version.ts';
import { machineLoads } from '../platform/machine-load.ts';
import { programVersion } from '../platform/program.ts';
import { systemProcesses } from '../platform/spawn.ts';
import type { Files } from '../ports/files.ts';
import type { Terminal } from '../ports/terminal.ts';
import { apiOf, kubeconfigFile, serverOf } from './api-access.ts';
import { addCommand } from './command.ts';
import { OUTPUT, formatOf, inFormat } from './output.ts';
import { nodeFolderDeps } from './node-folder-deps.ts';

type Life = Pick<CertificateLife, 'notBeforeMs' | 'notAfterMs'>;

export function registerDoctor(program: Command): void {
  addCommand(program, {
    name: 'doctor',
    summary: 'Ask each part how it is, and say what to do',
    description:
      'Asks the director and all that it shows, then this machine: parts, disk, certificates, nodes, and what belongs to nothing. It changes nothing.\n' +
      'Where no director answers it says so and tells what this machine knows.\n' +
      'Exits with 0 when nothing is wrong, with 1 when something is, with 4 when nothing could be asked.',
    examples: [
      ['outrigger doctor', 'a line each, with what to do'],
      ['outrigger doctor -o json', 'the same for programs'],
      ['outrigger doctor --data /var/lib/outrigger', 'on the machine of a host'],
    ],
    settings: ['data', 'kubeconfig'],
    options: [OUTPUT, ['--json', 'as JSON, like -o json']],
    run: async ({ settings, options, terminal, signal }) => {
      const [files, processes, paths, clock] = [systemFiles(), systemProcesses(), dataPaths(settings.data), systemClock()];
      if (options['data'] !== undefined && !files.exists(paths.root))
        throw new Fault('UsageWrong', `There is no data folder ${paths.root}; name one with --data in which parts run on this machine.`);
      const parts = partsOf({ files, processes, paths });
      const source = kubeconfigFile(files, paths, settings.kubeconfig);
      const mayRun = parts.some(({ state }) => state !== 'Gone') || processes.find({ OUTRIGGER_DATA: paths.root }).length > 0;
      const isIdle = !mayRun && source === paths.kubeconfig && files.exists(paths.kubeconfig);
      if (isIdle) return say([nothingRuns(paths.root)], options, terminal);
      const asked = await director(files, paths, settings.kubeconfig, signal);
      const here = await askMachine(
        {
          files,
          processes,
          paths,
          nodes: nodeFolderDeps(files, processes, clock),
          disk: diskOf,
          certificate: certificateIn,
          adminCertificate: () => adminCertificate(files, paths),
          nowMs: clock.nowMs(),
        },
        asked.nodeUids ?? new Set(),
        signal,
      );
      return say([...asked.findings, ...here], options, terminal);
    },
  });
}

function say(found: readonly Finding[], options: Readonly<Record<string, unknown>>, terminal: Terminal): ExitCode {
  const findings = sorted(found);
  const format = formatOf(options);
  terminal.write(format === undefined ? renderFindings(findings) : inFormat(format, { findings }));
  return doctorExit(findings);
}

async function director(files: Files, paths: DataPaths, kubeconfig: string | undefined, signal: AbortSignal): Promise<DirectorAnswer> {
  const file = kubeconfigFile(files, paths, kubeconfig);
  const api = apiOf(files, paths, kubeconfig);
  if (file === undefined || api === undefined) {
    const remedy = 'Give --kubeconfig, or --data of a folder in which outrigger up ran.';
    return { findings: [unasked('Director', 'There are no credentials for a director.', remedy)], nodeUids: undefined };
  }
  const clock = systemClock();
  return await askDirector(
    {
      api,
      url: serverOf(files, file) ?? file,
      log: file === paths.kubeconfig ? `${paths.logFolder}/director.log` : undefined,
      clock,
      serversHere: partsOf({ files, processes: systemProcesses(), paths }).flatMap(({ part, state }) =>
        part.startsWith('extension-') && state !== 'Gone' ? [part] : [],
      ),
      program: { version: programVersion(), bundle: BUNDLE, kubectl: await kubectlVersion() },
      clockAheadMs: async (until) => {
        const before = clock.nowMs();
        const theirs = await serverDateMs({ file }, until);
        // Its Date is cut to whole seconds: on the average it is half a second behind.
        return theirs === undefined ? undefined : theirs + 500 - (before + clock.nowMs()) / 2;
      },
    },
    signal,
  );
}

async function diskOf(folder: string): Promise<DiskFacts | undefined> {
  const machine = await machineLoads(folder).machine();
  if (machine === undefined) return undefined;
  return { folder, bytes: machine.diskBytes, freeBytes: machine.diskFreeBytes, usedBytes: await folderBytes(folder) };
}

async function certificateIn(identityFolder: string): Promise<Life | undefined> {
  try {
    const identity = await identityStore(identityFolder, certificates()).load();
    return identity === undefined ? undefined : certificates().read(identity.certificate);
  } catch (cause) {
    if (isFault(cause)) return undefined;
    throw cause;
  }
}

function adminCertificate(files: Files, paths: DataPaths): Life | undefined {
  const text = files.readText(paths.kubeconfig);
  if (text === undefined) return undefined;
  try {
    return certificates().read(parseAdminKubeconfig(text, paths.kubeconfig).identity.certificate);
  } catch {
    return undefined;
  }
}
