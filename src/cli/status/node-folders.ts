/**
 * Reads the folders of nodes on this machine without asking anybody: records, living processes, and whether the other members' peer ports answer.
 *
 * I1: nothing is written, and no secret is read: of the identity nothing is needed here.
 * I2: a folder that a host is just making or taking away, or that cannot be read, is told apart from one that is not there.
 */

import { isPrimaryHere, membersSeen } from '../../decide/own-sight.ts';
import type { NodeFolderFacts } from '../../decide/own-sight.ts';
import { licenseNowMs } from '../../decide/license-clock.ts';
import type { BootReading } from '../../decide/license-clock.ts';
import { viewLicense } from '../../decide/universal-license.ts';
import { Fault, isFault } from '../../model/fault.ts';
import type { ConnectorClientStatus, FrameworkConfig } from '../../model/framework.ts';
import { FRAMEWORK_FOLDER, FRAMEWORK_RECORD } from '../../model/framework.ts';
import type { Json } from '../../model/json.ts';
import { PORTS } from '../../model/ports.ts';
import type { BalancerStatus } from '../../ports/balancer.ts';
import type { Files } from '../../ports/files.ts';
import type { NodeStore } from '../../ports/node-store.ts';
import type { Processes } from '../../ports/processes.ts';
import { nodeFoldersOf } from '../data-folder.ts';
import type { DataPaths } from '../data-folder.ts';
import { renderAge } from '../table.ts';
import type { LocalNode } from './answer.ts';

export interface NodeFolderDeps {
  readonly files: Pick<Files, 'exists' | 'list'>;
  readonly processes: Pick<Processes, 'find'>;
  /** The records in a folder. */
  readonly store: (folder: string) => Pick<NodeStore, 'read'>;
  /** `node.json` of a folder. Throws `Fault` UsageWrong when it is none. */
  readonly nodeFile: (folder: string) => NodeFile;
  /** Whether somebody takes connections there, within a second. */
  readonly answers: (address: string, port: number, signal: AbortSignal) => Promise<boolean>;
  readonly now: BootReading;
}

/** What of `node.json` is needed here (src/agent/node-file.ts). */
export interface NodeFile {
  readonly namespace: string;
  readonly node: string;
  readonly nodeUid: string;
  readonly incarnation: number;
  readonly cluster: string;
  readonly clusterUid: string;
  readonly role: 'Primary' | 'Worker';
  readonly address: string;
  readonly directors: readonly string[];
}

/** All that can be read of the nodes below a data folder. */
export async function readNodeFolders(deps: NodeFolderDeps, paths: DataPaths, signal: AbortSignal): Promise<readonly NodeFolderFacts[]> {
  const folders = nodeFoldersOf(deps.files, paths);
  const read = await Promise.all(
    folders.filter((folder) => deps.files.exists(`${folder}/node.json`)).map((folder) => readOrNothing(deps, folder, signal)),
  );
  return read.filter((one) => one !== undefined).toSorted((a, b) => (a.node.name < b.node.name ? -1 : 1));
}

async function readOrNothing(deps: NodeFolderDeps, folder: string, signal: AbortSignal): Promise<NodeFolderFacts | undefined> {
  try {
    return await readNodeFolder(deps, folder, signal);
  } catch (cause) {
    if (isFault(cause)) return undefined;
    throw cause;
  }
}

/** Throws `Fault` UsageWrong when the folder is not a node's. */
export async function readNodeFolder(deps: NodeFolderDeps, folder: string, signal: AbortSignal): Promise<NodeFolderFacts> {
  if (!deps.files.exists(`${folder}/node.json`))
    throw new Fault(
      'UsageWrong',
      `${folder} is no node's folder: it holds no node.json. They are in <data>/host/nodes, one a node, or <data>/node on a joined machine.`,
    );
  const file = deps.nodeFile(folder);
  const damaged: string[] = [];
  const read = reader(deps, folder, damaged);
  const store = reader(deps, `${folder}/store`, damaged);
  const living = deps.processes.find({ OUTRIGGER_NODE: file.nodeUid });
  const roleOf = (role: string): boolean => living.some(({ environment }) => environment['OUTRIGGER_ROLE'] === role);
  // OUTRIGGER_POD is <node's uid>/<service>/<hash>.
  const pods = living.flatMap(({ environment }) => environment['OUTRIGGER_POD']?.split('/')[1] ?? []);
  const facts = {
    folder,
    node: {
      namespace: file.namespace,
      name: file.node,
      uid: file.nodeUid,
      incarnation: file.incarnation,
      cluster: file.cluster,
      clusterUid: file.clusterUid,
      role: file.role,
      address: file.address,
      directors: file.directors,
    },
    membership: await store('membership'),
    clusterPlan: await store('clusterPlan'),
    plan: await store('plan'),
    endpoints: await store('endpoints'),
    services: await store('services'),
    sight: await store('sight'),
    framework: await read<FrameworkConfig>(FRAMEWORK_RECORD),
    license: await store('license'),
    fate: await store('fate'),
    agentAlive: roleOf('agent'),
    balancerAlive: roleOf('balancer'),
    pods: [...new Set(pods)].toSorted(),
    listening: listeningOf(await read<BalancerStatus>('balancer-status')),
    tunnel: pods.includes('connector-client')
      ? tunnelOf(await reader(deps, `${folder}/${FRAMEWORK_FOLDER}`, damaged)('connector-client'), deps.now)
      : undefined,
    damaged,
  } as Omit<NodeFolderFacts, 'answers'>;
  return { ...facts, answers: await answersOf(deps, facts, signal) };
}

type ReadRecord = <T>(name: string) => Promise<T | undefined>;

function reader(deps: NodeFolderDeps, folder: string, damaged: string[]): ReadRecord {
  const records = deps.store(folder);
  return async <T>(name: string): Promise<T | undefined> => {
    const read = await records.read<Json>(name);
    if (read.state === 'damaged') damaged.push(read.message);
    return read.state === 'found' ? (read.body as T) : undefined;
  };
}

function listeningOf(status: BalancerStatus | undefined): readonly string[] {
  return (status?.listeners ?? []).filter(({ listening }) => listening).map(({ name }) => name);
}

function tunnelOf(status: ConnectorClientStatus | undefined, now: BootReading): NodeFolderFacts['tunnel'] {
  if (status === undefined) return undefined;
  // The reading is of the boot that it was written in: an older one gives a time before this boot began.
  const sinceMs = now.bootMs - status.sinceBootMs;
  return { director: status.director, sinceMs: sinceMs >= 0 ? sinceMs : undefined };
}

async function answersOf(
  deps: NodeFolderDeps,
  facts: Omit<NodeFolderFacts, 'answers'>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, boolean>>> {
  const others = membersSeen(facts).filter(({ uid, address }) => uid !== facts.node.uid && address !== undefined);
  const asked = others.map(async ({ name, address }) => [name, await deps.answers(address ?? '', PORTS.peer, signal)] as const);
  return Object.fromEntries(await Promise.all(asked));
}

/** What is shown of a folder. */
export function localNode(facts: NodeFolderFacts, now: BootReading): LocalNode {
  const { node, plan, membership, license, fate } = facts;
  const wanted = (plan?.services ?? []).filter(({ mode }) => mode === 'Replicated' || isPrimaryHere(facts));
  return {
    folder: facts.folder,
    node: node.name,
    cluster: `${node.namespace}/${node.cluster}`,
    role: membership === undefined ? node.role.toLowerCase() : isPrimaryHere(facts) ? 'primary' : 'worker',
    incarnation: node.incarnation,
    address: node.address,
    agent: facts.agentAlive ? 'Running' : 'Gone',
    balancer: facts.balancerAlive ? 'Running' : 'Gone',
    release: plan?.release ?? '',
    services: wanted.map(({ name, mode }) => {
      const lives = facts.pods.includes(name);
      return { service: name, mode, state: lives ? (facts.services?.[name]?.ready === true ? 'Ready' : 'Running') : 'Gone' };
    }),
    members: membersSeen(facts)
      .filter(({ uid }) => uid !== node.uid)
      .map(({ name, role, address = '' }) => ({ node: name, role, address, answers: facts.answers[name] ?? false })),
    directors: node.directors,
    tunnel: tunnelWords(facts),
    ...(license === undefined ? {} : { license: licenseWords(license, now) }),
    ...(fate === undefined ? {} : { over: fate.why }),
    damaged: facts.damaged,
  };
}

function tunnelWords({ tunnel }: NodeFolderFacts): string {
  if (tunnel === undefined) return 'whether one is reached is not known here';
  const since = tunnel.sinceMs === undefined ? '' : ` for ${renderAge(tunnel.sinceMs)}`;
  return tunnel.director === undefined ? `none has been reached${since}` : `tunnel to ${tunnel.director}${since}`;
}

function licenseWords(record: NonNullable<NodeFolderFacts['license']>, now: BootReading): string {
  const { state, message } = viewLicense(record, licenseNowMs(record, now));
  return `${state}: ${message}`;
}
