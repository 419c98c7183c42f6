/**
 * Asks this machine how it is: the parts of a data folder, its disk, its certificates, its nodes, and what belongs to nothing. No network is needed.
 *
 * I1: nothing is changed, and of an identity only the certificate is looked at.
 */

import { judgeFolders, judgeNodeFolder, judgeParts, judgePort, judgeProcesses } from '../../decide/doctor-machine.ts';
import { judgeCertificate, judgeDisk, unasked } from '../../decide/doctor.ts';
import type { CertificateLife, DiskFacts, Finding } from '../../decide/doctor.ts';
import type { Files } from '../../ports/files.ts';
import type { Processes } from '../../ports/processes.ts';
import { DIRECTOR_ADDRESS, readEndpoints, UP_PART } from '../data-folder.ts';
import type { DataPaths } from '../data-folder.ts';
import { partsOf } from '../status/gather.ts';
import { readNodeFolders } from '../status/node-folders.ts';
import type { NodeFolderDeps } from '../status/node-folders.ts';

export interface MachineDeps {
  readonly files: Files;
  readonly processes: Processes;
  readonly paths: DataPaths;
  readonly nodes: NodeFolderDeps;
  readonly disk: (folder: string) => Promise<DiskFacts | undefined>;
  /** Beginning and end of the certificate in an identity's folder; undefined: there is none that can be read. */
  readonly certificate: (identityFolder: string) => Promise<Pick<CertificateLife, 'notBeforeMs' | 'notAfterMs'> | undefined>;
  /** Of the administrator's certificate in the kubeconfig of the data folder. */
  readonly adminCertificate: () => Pick<CertificateLife, 'notBeforeMs' | 'notAfterMs'> | undefined;
  readonly nowMs: number;
}

/** `knownUids`: of nodes that a director knows. */
export async function askMachine(deps: MachineDeps, knownUids: ReadonlySet<string>, signal: AbortSignal): Promise<readonly Finding[]> {
  const { files, paths, nodes } = deps;
  if (!files.exists(paths.root))
    return [
      unasked(
        'This machine',
        `There is no data folder ${paths.root} here.`,
        'Name another one with --data where parts run on this machine.',
      ),
    ];
  const parts = partsOf(deps).map(({ part, state }) => ({ part, alive: state !== 'Gone' }));
  const disk = await deps.disk(paths.root);
  const folders = await readNodeFolders(nodes, paths, signal);
  return [
    ...judgeParts(paths.root, parts, UP_PART),
    ...(disk === undefined ? [] : [judgeDisk(disk)]),
    ...(await judgeListening(
      deps,
      parts.some(({ part, alive }) => part === 'director' && alive),
      signal,
    )),
    ...folders.flatMap(judgeNodeFolder),
    ...(await judgeIdentities(
      deps,
      folders.map(({ folder, node }) => ({ folder, name: node.name })),
    )),
    // A joined machine's node lies beside those of a host, under no uid.
    ...judgeLeftovers(deps, new Set([...knownUids, ...folders.map(({ node }) => node.uid)])),
  ];
}

async function judgeListening(deps: MachineDeps, runsDirector: boolean, signal: AbortSignal): Promise<readonly Finding[]> {
  const endpoints = readEndpoints(deps.files, deps.paths);
  if (endpoints === undefined || !runsDirector) return [];
  const answers = await deps.nodes.answers(DIRECTOR_ADDRESS, endpoints.directorPort, signal);
  return [judgePort('The director', `${DIRECTOR_ADDRESS}:${endpoints.directorPort}`, answers)];
}

async function judgeIdentities(
  deps: MachineDeps,
  nodes: readonly { readonly folder: string; readonly name: string }[],
): Promise<readonly Finding[]> {
  const { paths, nowMs } = deps;
  const own = 'It renews by itself while a director is reached; else see the log of its agent';
  const asked = [
    {
      who: 'this host',
      folder: `${paths.hostFolder}/identity`,
      remedy:
        'The host daemon renews it while it runs and a director is reached; else let it join again (outrigger token create --host NAME).',
    },
    ...nodes.map(({ folder, name }) => ({ who: name, folder: `${folder}/identity`, remedy: `${own} (${folder}/logs).` })),
  ];
  const found: Finding[] = [];
  for (const { who, folder, remedy } of asked) {
    const life = await deps.certificate(folder);
    if (life !== undefined) found.push(judgeCertificate({ who, remedy, ...life }, nowMs));
  }
  const admin = deps.adminCertificate();
  const remedy = `Take ${paths.kubeconfig} away and start the director again; it writes another.`;
  return admin === undefined ? found : [...found, judgeCertificate({ who: 'the administrator (kubeconfig)', remedy, ...admin }, nowMs)];
}

function judgeLeftovers({ files, paths, processes }: MachineDeps, knownUids: ReadonlySet<string>): readonly Finding[] {
  const folders = files.list(paths.nodesFolder);
  const records = new Set(files.list(`${paths.hostFolder}/store`).flatMap((name) => /^node-(.+)\.json$/.exec(name)?.[1] ?? []));
  const marked = processes
    .find({ OUTRIGGER_DATA: paths.root })
    .flatMap(({ id, environment }) =>
      environment['OUTRIGGER_NODE'] === undefined
        ? []
        : [{ pid: id.pid, role: environment['OUTRIGGER_ROLE'] ?? '', nodeUid: environment['OUTRIGGER_NODE'] }],
    );
  const lives = new Set(marked.map(({ nodeUid }) => nodeUid));
  const known = new Set([...knownUids, ...folders, ...records]);
  return [
    ...judgeProcesses(marked, known),
    ...judgeFolders(folders.map((uid) => ({ folder: `${paths.nodesFolder}/${uid}`, hasRecord: records.has(uid), lives: lives.has(uid) }))),
  ];
}
