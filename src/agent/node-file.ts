/**
 * `node.json`: what the host tells the agent of a node (src/host/node-file.ts writes it); on a joined machine, what the join found out
 * (src/agent/join-machine.ts).
 *
 * I1: a file that lacks something, or has another format, is refused with the name of what is wrong; nothing is guessed.
 * I2: the token is taken out once it was used; everything else in the file stays as the host wrote it.
 */

import { Fault } from '../model/fault.ts';
import { isJsonObject } from '../model/json.ts';
import type { JsonObject } from '../model/json.ts';
import { isBalancerChoice } from '../model/balancer-choice.ts';
import type { BalancerChoice } from '../model/balancer-choice.ts';
import { isMachineName } from '../model/joined-machine.ts';
import type { Files } from '../ports/files.ts';

export interface NodeFile {
  readonly namespace: string;
  readonly node: string;
  readonly nodeUid: string;
  readonly incarnation: number;
  readonly cluster: string;
  readonly clusterUid: string;
  /** The attempt at creating the cluster that made the node; absent: the host that wrote it did not say. */
  readonly attempt?: number;
  /** What it was born as. */
  readonly role: 'Primary' | 'Worker';
  /** The node's own address, where the balancer listens. */
  readonly address: string;
  readonly podAddresses: readonly string[];
  readonly directors: readonly string[];
  /** `sha256:<hex>` of the CA's public key. */
  readonly caHash: string;
  /** How often to show that it lives; absent: as LIMITS says. */
  readonly leaseRenewMs?: number;
  /** What balances here; absent: the host that wrote it knew only the relay. */
  readonly balancer?: BalancerChoice;
  /** Name of this machine, where a person let it join (src/model/joined-machine.ts); absent: a host made this node. */
  readonly machine?: string;
  /** Id of the token by which the machine joined: the same one again is no new join. */
  readonly joinedBy?: string;
  /** Until the join. */
  readonly token?: string;
  /** Serial number of the certificate that `token` is to replace; absent: the token is for a node without one. */
  readonly replaces?: string;
}

const FORMAT = 1;
const OWNER_ONLY = 0o600;
const TEXTS = ['namespace', 'node', 'nodeUid', 'cluster', 'clusterUid', 'address', 'caHash'] as const;
const LISTS = ['podAddresses', 'directors'] as const;

function pathOf(dir: string): string {
  return `${dir}/node.json`;
}

/** Throws `Fault` UsageWrong when it is missing or not what it should be. */
export function readNodeFile(files: Files, dir: string): NodeFile {
  const body = readBody(files, dir);
  const wrong = problemOf(body);
  if (wrong !== undefined)
    throw new Fault('UsageWrong', `${pathOf(dir)} ${wrong}; the host daemon writes it anew when it is started again.`);
  return body as unknown as NodeFile;
}

/** Takes the token out; it was used, or is of no use any more. */
export function forgetToken(files: Files, dir: string): void {
  const { token, replaces, ...rest } = readBody(files, dir);
  if (token !== undefined || replaces !== undefined) files.writeText(pathOf(dir), `${JSON.stringify(rest, undefined, 2)}\n`, OWNER_ONLY);
}

function readBody(files: Files, dir: string): JsonObject {
  const text = files.readText(pathOf(dir));
  if (text === undefined)
    throw new Fault('UsageWrong', `There is no ${pathOf(dir)}; --dir must name a node's folder, as a host daemon made it.`);
  try {
    const body: unknown = JSON.parse(text);
    return isJsonObject(body) ? body : {};
  } catch {
    return {};
  }
}

function problemOf(body: JsonObject): string | undefined {
  if (body['format'] !== FORMAT) return `has format ${JSON.stringify(body['format'] ?? null)}, and this version reads ${FORMAT}`;
  const missing = TEXTS.find((name) => typeof body[name] !== 'string' || body[name] === '');
  if (missing !== undefined) return `lacks "${missing}"`;
  const noList = LISTS.find((name) => !Array.isArray(body[name]) || body[name].some((one) => typeof one !== 'string'));
  if (noList !== undefined) return `lacks the list "${noList}"`;
  const renew = body['leaseRenewMs'];
  if (renew !== undefined && (typeof renew !== 'number' || !(renew > 0))) return 'has a "leaseRenewMs" that is no time';
  const balancer = body['balancer'];
  if (balancer !== undefined && !isBalancerChoice(balancer)) return 'has a "balancer" that this version does not know';
  const machine = body['machine'];
  if (machine !== undefined && (typeof machine !== 'string' || !isMachineName(machine))) return 'has a "machine" that is no name of one';
  if (typeof body['incarnation'] !== 'number') return 'lacks "incarnation"';
  return body['role'] === 'Primary' || body['role'] === 'Worker' ? undefined : 'has a "role" that is neither Primary nor Worker';
}
