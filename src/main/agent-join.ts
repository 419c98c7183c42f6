/**
 * `outrigger agent join`, composed.
 */

import type { Command } from 'commander';
import { hash32 } from '../base/ring.ts';
import { joinMachine } from '../agent/join-machine.ts';
import type { Joined, JoinDeps, JoinCommand } from '../agent/join-machine.ts';
import { stopNode } from '../agent/stop.ts';
import { addressesOf } from '../host/slots.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import type { SettingName, SettingValues } from '../model/settings.ts';
import { tokenCharacters } from '../model/bootstrap-token.ts';
import { certificates } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { replaceFolder, writeDurably } from '../platform/durable-file.ts';
import { systemFiles } from '../platform/files.ts';
import { identityStore } from '../platform/identity-store.ts';
import { directors } from '../platform/join.ts';
import { createLog } from '../platform/log.ts';
import { loopbackNetworks } from '../platform/loopback.ts';
import { nameLocks } from '../platform/name-lock.ts';
import { systemRandom } from '../platform/random.ts';
import { systemProcesses } from '../platform/spawn.ts';
import { tcpPorts } from '../platform/tcp-ports.ts';
import type { Terminal } from '../ports/terminal.ts';
import { runtimeOf } from './agent.ts';
import { addCommand } from './command.ts';
import { bearMarks } from './machine-node.ts';

const JOIN_SETTINGS = ['data', 'server', 'token', 'caHash', 'leaseRenew', 'balancer', 'logLevel'] as const satisfies readonly SettingName[];
type JoinSettings = SettingValues<(typeof JOIN_SETTINGS)[number]>;

const SUFFIX_CHARS = 8;
/** Hosts take their loopback networks from below. */
const NETWORKS = { first: 128, count: 126 };

export function registerAgentJoin(agent: Command): void {
  addCommand(agent, {
    name: 'join',
    summary: 'Let this machine join a cluster as one of its nodes, and run its agent',
    description:
      'For clusters with spec.nodes: Joined. "outrigger token create --node NAMESPACE/NAME", where the credentials are, prints the command.\nKilled or cut off, it may be run again with the same token. Under systemd: --no-run, and a service that runs "outrigger agent --dir DATA/node".\nExit codes: 0 joined, 2 something is wrong with what was typed, 3 refused, 4 no director answers.',
    examples: [
      ['outrigger agent join --server https://director:7443 --token demo.… --ca-hash sha256:…', 'joins, then runs the agent'],
      ['outrigger agent join --no-run --data /var/lib/outrigger --server … --token … --ca-hash …', 'for a service that runs it'],
    ],
    settings: JOIN_SETTINGS,
    options: [
      ['--address <ip>', "the node's own address (default: the one by which it reaches the director)"],
      ['--pod-addresses <ips>', 'addresses of this machine for its pods, comma separated (default: nine on loopback)'],
      ['--no-run', 'only join'],
      ['--json', 'the outcome as JSON'],
    ],
    daemon: true,
    run: ({ settings, options, terminal, signal }) => runJoin(settings, options, terminal, signal),
  });
}

async function runJoin(
  settings: JoinSettings,
  options: Readonly<Record<string, unknown>>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const isJson = options['json'] === true;
  try {
    const joined = await joinMachine(joinDeps(settings), commandOf(settings, options), signal);
    terminal.write(isJson ? `${JSON.stringify(factsOf(joined), undefined, 2)}\n` : sentenceOf(joined, options['run'] === false));
    if (options['run'] !== false) bearMarks(joined.folder, joined.node);
    return 0;
  } catch (cause) {
    if (isJson && isFault(cause))
      terminal.write(`${JSON.stringify({ joined: false, code: cause.code, message: cause.message }, undefined, 2)}\n`);
    throw cause;
  }
}

function commandOf(settings: JoinSettings, options: Readonly<Record<string, unknown>>): JoinCommand {
  const { data, server, token, caHash, leaseRenew, balancer } = settings;
  if (server === undefined || token === undefined || caHash === undefined)
    throw new Fault('UsageWrong', 'Give --server, --token and --ca-hash, as "outrigger token create --node NAMESPACE/NAME" prints them.');
  const { address, podAddresses } = options;
  const pods = typeof podAddresses === 'string' ? podAddresses.split(',').map((one) => one.trim()) : undefined;
  return {
    data,
    directors: server,
    token,
    caHash,
    address: typeof address === 'string' ? address : undefined,
    podAddresses: pods,
    leaseRenewMs: leaseRenew,
    balancer: balancer ?? 'auto',
  };
}

function joinDeps({ data, logLevel }: JoinSettings): JoinDeps {
  const [clock, random, files, locks, ports] = [systemClock(), systemRandom(), systemFiles(), nameLocks(), tcpPorts()];
  const log = createLog({ role: 'agent-join', level: logLevel });
  return {
    files,
    clock,
    directors: directors(random),
    certificates: certificates(),
    identityStore: (folder) => identityStore(folder, certificates()),
    writeDurably: (file, text) => writeDurably(file, text),
    replaceFolder,
    hostName: () => files.readText('/proc/sys/kernel/hostname')?.trim() ?? '',
    suffix: () => tokenCharacters(Array.from({ length: SUFFIX_CHARS }, () => random.float())),
    isOwnAddress: async (address) => (await ports.pickFree(address)) !== 0,
    loopbackPods: async (machine) => {
      const { network } = await loopbackNetworks(locks).claim(NETWORKS.first + (hash32(machine) % NETWORKS.count), false);
      return addressesOf(network, 1).podAddresses;
    },
    hold: (folder) => locks.hold(`agent/${locks.nameOfFolder(folder)}`),
    endNode: (node, folder, signal) => {
      const runtime = () => runtimeOf(folder, node, log);
      return stopNode({ nodeUid: node.nodeUid, data, processes: systemProcesses(), runtime, clock, log }, signal);
    },
  };
}

function factsOf({ node, folder, before }: Joined): object {
  const { namespace, node: name, nodeUid, incarnation, cluster, role, address, podAddresses, machine } = node;
  return { joined: true, before, namespace, node: name, nodeUid, incarnation, cluster, role, address, podAddresses, machine, folder };
}

function sentenceOf({ node, folder, before }: Joined, isOnly: boolean): string {
  const what = `This machine (${node.machine}) ${before ? 'had joined already' : 'has joined'} as ${node.namespace}/${node.node}, incarnation ${node.incarnation}, at ${node.address}.`;
  return isOnly ? `${what}\nIts agent is to run from now on: outrigger agent --dir ${folder}\n` : `${what} Its agent runs now.\n`;
}
