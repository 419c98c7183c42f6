/**
 * `outrigger agent join`: makes this machine a node, as a person with a token lets it (src/decide/own-machine.ts says what its agent does then).
 *
 * All of a join is made in `<data>/joining` and put in its place, `<data>/node`, as one. So nothing half made ever runs.
 *
 * I1: the key never leaves this machine; until its outcome is kept the request stays the same, so the same token is answered again.
 * I2: killed at any point and run again with the same token it goes on where it was; run again when all is done it changes nothing.
 * I3: the node is taken in the director's sight before anything of it lies where an agent would run it: of two machines one gets it.
 * I4: a folder that holds another node is left as it is; an earlier life of the same node is ended first, and laid aside.
 */

import { issuedMs } from '../decide/renewal.ts';
import { parseToken } from '../model/bootstrap-token.ts';
import type { BalancerChoice } from '../model/balancer-choice.ts';
import { CLUSTER_NODES } from '../model/addresses.ts';
import type { ClusterNode } from '../model/cluster-node.ts';
import { Fault } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import { holderText, isMachineName, machineName, MACHINE_PREFIX } from '../model/joined-machine.ts';
import type { Clock } from '../ports/clock.ts';
import type { DirectorApi, Directors, Identity, IdentityStore, JoinedNode, JoinOutcome } from '../ports/director.ts';
import type { Files } from '../ports/files.ts';
import type { Certificates } from '../ports/x509.ts';
import type { NodeFile } from './node-file.ts';
import { readNodeFile } from './node-file.ts';
import { takeNode } from './own-machine.ts';

export interface JoinDeps {
  readonly files: Files;
  readonly clock: Clock;
  readonly directors: Directors;
  readonly certificates: Certificates;
  readonly identityStore: (folder: string) => IdentityStore;
  readonly writeDurably: (file: string, text: string) => Promise<void>;
  /** Puts a folder where another is, which goes. */
  readonly replaceFolder: (from: string, to: string) => Promise<void>;
  readonly hostName: () => string;
  /** 8 lower-case characters or digits, never the same. */
  readonly suffix: () => string;
  /** Whether something can listen on it here. */
  readonly isOwnAddress: (address: string) => Promise<boolean>;
  /** Addresses on loopback for the pods of `machine`. */
  readonly loopbackPods: (machine: string) => Promise<readonly string[]>;
  /** Keeps others from this node's folder until released; undefined: its agent runs. */
  readonly hold: (folder: string) => Promise<{ release(): void } | undefined>;
  /** Ends what lives of a node whose agent does not run. */
  readonly endNode: (node: NodeFile, folder: string, signal: AbortSignal) => Promise<boolean>;
}

export interface JoinCommand {
  readonly data: string;
  readonly directors: readonly string[];
  readonly token: string;
  readonly caHash: string;
  readonly address: string | undefined;
  readonly podAddresses: readonly string[] | undefined;
  readonly leaseRenewMs: number;
  readonly balancer: BalancerChoice;
}

export interface Joined {
  readonly node: NodeFile;
  /** Where it lies; what `outrigger agent --dir` runs. */
  readonly folder: string;
  /** True: this machine had joined with this very token before. */
  readonly before: boolean;
}

const FOLDER_MODE = 0o700;
const FORMAT = 1;
const TAKE_TRIES = 5;
const CA_HASH = /^sha256:[0-9a-f]{64}$/i;

/** Where the node of a joined machine lies. */
export function machineNodeFolder(data: string): string {
  return `${data}/node`;
}

interface Join {
  readonly deps: JoinDeps;
  readonly order: JoinCommand;
  readonly tokenId: string;
  readonly machine: string;
  readonly folder: string;
  readonly staging: string;
  /** What lies in `folder`. */
  readonly held: NodeFile | undefined;
}

/** Throws `Fault` UsageWrong, JoinRefused, CertificateInvalid, DirectorUnreachable, AlreadyRunning, or what the disk says. */
export async function joinMachine(deps: JoinDeps, order: JoinCommand, signal: AbortSignal): Promise<Joined> {
  const tokenId = checked(order);
  if (order.address !== undefined) await checkAddress(deps, order.address);
  for (const address of order.podAddresses ?? []) await checkAddress(deps, address);
  deps.files.ensureFolder(order.data, FOLDER_MODE);
  const folder = machineNodeFolder(order.data);
  const held = heldNode(deps.files, folder);
  const machine = await nameOfMachine(deps, order.data);
  const join: Join = { deps, order, tokenId, machine, folder, staging: `${order.data}/joining`, held };
  if (held?.joinedBy === tokenId && !deps.files.exists(`${join.staging}/identity/identity.json`)) {
    deps.files.removeFolder(join.staging);
    return { node: held, folder, before: true };
  }
  const lock = held === undefined ? undefined : await deps.hold(folder);
  if (held !== undefined && lock === undefined)
    throw new Fault(
      'AlreadyRunning',
      `The agent of ${titleOf(held)} runs from ${folder}. Stop it first (its services go on), then join again; or give another folder with --data.`,
    );
  const { node, identity } = await staged(join, signal);
  await take(join, node, identity, signal);
  await promote(join, node, signal);
  lock?.release();
  return { node: readNodeFile(deps.files, folder), folder, before: false };
}

/** The id of the token. What can be seen to be wrong is said before anybody is asked. */
function checked({ token, caHash, address, directors }: JoinCommand): string {
  const parsed = parseToken(token.trim());
  if (parsed === undefined)
    throw new Fault(
      'UsageWrong',
      'That is no token. One looks like demo.0123456789.… (namespace, 10 and 32 characters): copy the whole of what outrigger token create printed.',
    );
  if (!CA_HASH.test(caHash))
    throw new Fault('UsageWrong', `--ca-hash must be sha256: and 64 hex digits, as outrigger token create printed it, not "${caHash}".`);
  if (address === undefined && directors.every((director) => isLoopback(new URL(director).hostname)))
    throw new Fault(
      'UsageWrong',
      'The director is on this very machine, so how others reach this machine is not known: give its own address with --address.',
    );
  return parsed.id;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.') || host === '[::1]' || host === '::1';
}

async function checkAddress(deps: JoinDeps, address: string): Promise<void> {
  if (await deps.isOwnAddress(address)) return;
  throw new Fault(
    'UsageWrong',
    `${address} is no address of this machine, so nothing can listen there; "ip address" shows those that are.`,
  );
}

function heldNode(files: Files, folder: string): NodeFile | undefined {
  if (!files.exists(`${folder}/node.json`)) return undefined;
  const held = readNodeFile(files, folder);
  if (held.machine !== undefined) return held;
  throw new Fault('UsageWrong', `${folder} holds the node ${titleOf(held)}, which a host daemon made. Give another folder with --data.`);
}

/** Made once; it stays when nodes go. */
async function nameOfMachine({ files, writeDurably, hostName, suffix }: JoinDeps, data: string): Promise<string> {
  const file = `${data}/machine.json`;
  const known = parsed(files.readText(file))['machine'];
  if (typeof known === 'string' && isMachineName(known)) return known;
  const machine = machineName(hostName(), suffix());
  await writeDurably(file, `${JSON.stringify({ format: FORMAT, machine })}\n`);
  return machine;
}

// ---- joining ----------------------------------------------------------------------------------------------------------------------------

/** The node and this machine's identity as it, both in the staging folder. */
async function staged(join: Join, signal: AbortSignal): Promise<{ readonly node: NodeFile; readonly identity: Identity }> {
  const { deps, staging, tokenId } = join;
  const there = deps.files.exists(`${staging}/node.json`) ? readNodeFile(deps.files, staging) : undefined;
  // What another token left half made never ran.
  if (there !== undefined && there.joinedBy !== tokenId) deps.files.removeFolder(staging);
  deps.files.ensureFolder(staging, FOLDER_MODE);
  const store = deps.identityStore(`${staging}/identity`);
  const known = there?.joinedBy === tokenId ? await store.load() : undefined;
  if (there !== undefined && known !== undefined) return { node: there, identity: known };
  const outcome = await asked(join, await store.request(), signal);
  const node = await nodeFileOf(join, outcome);
  // Before the identity: once that is kept, the request would be another one.
  await deps.writeDurably(`${staging}/node.json`, fileText(node));
  return { node, identity: await store.save(outcome) };
}

async function asked({ deps, order, machine, held }: Join, request: string, signal: AbortSignal): Promise<JoinOutcome> {
  const { directors, caHash, token } = order;
  const holds = held === undefined ? {} : { holds: { uid: held.nodeUid, name: titleOf(held) } };
  const says = { name: machine, now: Math.round(deps.clock.nowMs()), ...holds };
  return await deps.directors.join({ directors, caHash, token: token.trim(), request, machine: says }, signal);
}

async function nodeFileOf({ deps, order, machine, tokenId, held }: Join, { node, localAddress }: JoinOutcome): Promise<NodeFile> {
  if (node === undefined)
    throw new Fault('DirectorAnswerInvalid', 'The director did not say which node this is: it is of an older version. Upgrade it first.');
  if (held !== undefined && (held.nodeUid !== node.uid || held.incarnation > node.incarnation))
    throw new Fault(
      'JoinRefused',
      `This folder holds ${titleOf(held)}, incarnation ${held.incarnation}, and the token is for ${nameOf(node)}.`,
    );
  const address = order.address ?? held?.address ?? localAddress?.replace(/^::ffff:/, '');
  if (address === undefined) throw new Fault('UsageWrong', 'The address of this machine is not known: give it with --address.');
  return {
    namespace: node.namespace,
    node: node.name,
    nodeUid: node.uid,
    incarnation: node.incarnation,
    cluster: node.cluster,
    clusterUid: node.clusterUid,
    ...(node.attempt === undefined ? {} : { attempt: node.attempt }),
    role: node.role,
    address,
    podAddresses: order.podAddresses ?? held?.podAddresses ?? (await deps.loopbackPods(machine)),
    directors: order.directors,
    caHash: order.caHash.toLowerCase(),
    leaseRenewMs: order.leaseRenewMs,
    balancer: order.balancer,
    machine,
    joinedBy: tokenId,
  };
}

/** Takes the node in the director's sight (I3). What was made is of no use when another machine has it. */
async function take(join: Join, node: NodeFile, identity: Identity, signal: AbortSignal): Promise<void> {
  const { deps, order, staging } = join;
  const facts = deps.certificates.read(identity.certificate);
  // Directors are judged by when this certificate was issued: no clock is needed for that.
  const trustedNowMs = (): number => (facts === undefined ? deps.clock.nowMs() : issuedMs(facts));
  const api = deps.directors.open({ directors: order.directors, identity, era: undefined, trustedNowMs });
  try {
    const refusal = await takenOrWhy(api, node, signal);
    if (refusal === undefined) return;
    deps.files.removeFolder(staging);
    throw new Fault('JoinRefused', refusal);
  } finally {
    api.close();
  }
}

/** Undefined: this machine has it. */
async function takenOrWhy(api: DirectorApi, file: NodeFile, signal: AbortSignal): Promise<string | undefined> {
  const host = `${MACHINE_PREFIX}${file.machine}`;
  const again = `outrigger token create --node ${titleOf(file)}`;
  let why = '';
  for (let tries = 0; tries < TAKE_TRIES; tries++) {
    const read = await api.get<ClusterNode>(CLUSTER_NODES, file.namespace, file.node, signal);
    if (!read.ok) return `${titleOf(file)} cannot be taken: ${read.message}.`;
    const { metadata, spec } = read.value;
    if (metadata.uid !== file.nodeUid) return `${titleOf(file)} is another node by now. Make another token for it: ${again}`;
    if (spec.incarnation !== file.incarnation)
      return `${titleOf(file)} is at incarnation ${spec.incarnation} by now, and the token was for ${file.incarnation}: ${again}`;
    if (spec.host === host) return undefined;
    if (spec.host !== undefined)
      return `${titleOf(file)} was taken by ${holderText(spec.host)} meanwhile. If that one is off for good: outrigger node confirm-dead ${file.node} -n ${file.namespace}, then ${again}`;
    const answer = await takeNode(api, read.value, host, signal);
    if (answer.ok) return undefined;
    if (answer.reason !== 'Conflict') return `${titleOf(file)} cannot be taken: ${answer.message}.`;
    why = answer.message;
  }
  throw new Fault('DirectorUnreachable', `${titleOf(file)} changes all the time, so it was not taken: ${why}. Run the same command again.`);
}

// ---- putting it in its place ------------------------------------------------------------------------------------------------------------

async function promote({ deps, folder, staging, held }: Join, node: NodeFile, signal: AbortSignal): Promise<void> {
  if (held?.incarnation === node.incarnation) {
    // The same life with a new key: what it remembers, and what runs, stays.
    await deps.writeDurably(`${folder}/node.json`, fileText({ ...held, ...node }));
    await deps.replaceFolder(`${staging}/identity`, `${folder}/identity`);
    return deps.files.removeFolder(staging);
  }
  if (held !== undefined && !(await deps.endNode(held, folder, signal)))
    throw new Fault(
      'ProgramFailed',
      `Something of the earlier life of ${titleOf(held)} does not end; see its processes, then run this again.`,
    );
  if (deps.files.exists(folder)) await layAside(deps, folder);
  await deps.replaceFolder(staging, folder);
}

/** The folder of a node that is over: kept for people as `<folder>.before`, without what it proved itself with. */
export async function layAside({ files, replaceFolder }: Pick<JoinDeps, 'files' | 'replaceFolder'>, folder: string): Promise<void> {
  files.removeFolder(`${folder}/identity`);
  await replaceFolder(folder, `${folder}.before`);
}

function fileText(node: NodeFile): string {
  return `${JSON.stringify({ format: FORMAT, ...node }, undefined, 2)}\n`;
}

function titleOf({ namespace, node }: Pick<NodeFile, 'namespace' | 'node'>): string {
  return `${namespace}/${node}`;
}

function nameOf({ namespace, name }: JoinedNode): string {
  return `${namespace}/${name}`;
}

function parsed(text: string | undefined): JsonObject {
  try {
    const content: unknown = JSON.parse(text ?? '{}');
    return isJsonObject(content) ? content : {};
  } catch {
    return {};
  }
}
