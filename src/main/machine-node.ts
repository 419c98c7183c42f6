/**
 * The agent of a joined machine, around its node: under its own marks, after its node is over, and before there is one. No host daemon does this here.
 *
 * I1: at most one agent of a folder runs; the process bears the marks by which it, its pods and its balancer are found again.
 * I2: a machine without a node waits; it ends when there is one, so that whoever keeps it alive starts it as that.
 */

import type { AgentDeps } from '../agent/deps.ts';
import { endMachine, fateOnDisk } from '../agent/end-machine.ts';
import { layAside } from '../agent/join-machine.ts';
import type { NodeFile } from '../agent/node-file.ts';
import { LOOPBACK_PREFIX } from '../model/ports.ts';
import { systemClock } from '../platform/clock.ts';
import { partsOf, replaceFolder } from '../platform/durable-file.ts';
import { systemFiles } from '../platform/files.ts';
import { nameLocks } from '../platform/name-lock.ts';
import { becomeProgram } from '../platform/program.ts';
import { MANAGER_VARIABLES, serviceManager } from '../platform/service-manager.ts';
import { roleEnvironment } from '../platform/spawn.ts';
import type { Log } from '../ports/log.ts';

const LOOK_MS = 500;

/** True: it is where `outrigger agent join` puts a node. */
export function isMachineFolder(dir: string): boolean {
  return partsOf(dir).name === 'node';
}

/** Becomes this very agent with the marks of its node; returns when it bears them. */
export function bearMarks(dir: string, { nodeUid }: NodeFile): void {
  const marks = { data: partsOf(dir).folder, role: 'agent', OUTRIGGER_NODE: nodeUid };
  const { OUTRIGGER_DATA: data, OUTRIGGER_ROLE: role, OUTRIGGER_NODE: node } = process.env;
  if (data === marks.data && role === marks.role && node === nodeUid) return;
  // What systemd says to this process is said to the one that it becomes.
  const ours = MANAGER_VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  becomeProgram(['agent', '--dir', dir], {
    ...roleEnvironment(process.env, marks),
    ...(Object.fromEntries(ours) as Record<string, string>),
  });
}

/** Keeps hosts of this machine from the loopback network of this node's pods, as long as this process lives. */
export async function keepLoopback({ podAddresses }: NodeFile, log: Log): Promise<void> {
  const network =
    podAddresses[0]?.startsWith(`${LOOPBACK_PREFIX}.`) === true ? podAddresses[0].split('.').slice(0, 3).join('.') : undefined;
  if (network === undefined || (await nameLocks().hold(`loopback/${network}`)) !== undefined) return;
  log.warn(
    `Another part of Outrigger on this machine uses ${network}.0/24 too; give this node other --pod-addresses if its pods cannot listen.`,
  );
}

/** Whether the life of the node in this folder is over. */
export async function isOver(deps: AgentDeps): Promise<boolean> {
  return (await fateOnDisk(deps)) !== undefined;
}

/** Ends what is left of a node whose life is over. Lays its folder aside, but when the signal aborts first. */
export async function concludeNode(deps: AgentDeps, data: string, signal: AbortSignal): Promise<void> {
  const fate = await fateOnDisk(deps);
  if (fate === undefined || !(await endMachine(deps, fate, data, signal))) return;
  await layAside({ files: deps.files, replaceFolder }, deps.dir);
  deps.log.info(`${fate.why} Nothing of it is left running on this machine. Its folder is ${deps.dir}.before now.`);
}

/** Until there is a node in the folder, or the signal aborts. */
export async function waitForNode(dir: string, log: Log, signal: AbortSignal): Promise<void> {
  const [files, clock] = [systemFiles(), systemClock()];
  const service = serviceManager({ clock, log, environment: process.env });
  const isThere = (): boolean => files.exists(`${dir}/node.json`);
  const text = `This machine has no node. It waits for: outrigger agent join --data ${partsOf(dir).folder} --no-run …`;
  if (!isThere()) log.info(text);
  service.ready();
  service.status(text);
  while (!signal.aborted && !isThere()) {
    service.progressed();
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}
