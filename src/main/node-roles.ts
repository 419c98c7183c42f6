/**
 * The processes that every node has, agent, balancer and framework services, started without the libraries of the command line: on each node
 * memory counts (a library for options costs 5 MB, one for logs 7 MB). What a person types, `--help` or a wrong option, goes the usual way.
 */

import type { ExitCode } from '../model/fault.ts';
import { FRAMEWORK_SERVICES } from '../model/framework.ts';
import { renderFault } from '../cli/render-fault.ts';
import { COMPILE_ROLE, keepCompiled } from '../platform/program.ts';
import { lastWordToManager } from '../platform/service-manager.ts';
import { processTerminal, stopSignals } from '../platform/terminal.ts';
import { absoluteFolder } from '../platform/durable-file.ts';
import { isBalancerChoice } from '../model/balancer-choice.ts';
import type { BalancerChoice } from '../model/balancer-choice.ts';
import type { NodeRoleOptions } from './node-role-options.ts';

type Role = (options: NodeRoleOptions, signal: AbortSignal) => Promise<ExitCode>;

const ROLES: Readonly<Record<string, () => Promise<Role>>> = {
  agent: async () => (await import('./agent.ts')).runAgent,
  balancer: async () => (await import('./balancer.ts')).runBalancer,
};

/** In the order in which a node starts them. */
const LOADED_BY_NODES: readonly (() => Promise<unknown>)[] = [
  () => import('./agent.ts'),
  () => import('./balancer.ts'),
  () => import('./service.ts'),
  () => import('./service-connector-client.ts'),
  () => import('./service-cloud-proxy.ts'),
  () => import('./service-connection-server-proxy.ts'),
  () => import('./service-monitor.ts'),
];

/** Runs `agent` or `balancer` when `argv` is a plain call of one; false: it is something else. Ends the process when it is done. */
export async function runNodeRole(argv: readonly string[]): Promise<boolean> {
  if (argv.length === 1 && argv[0] === COMPILE_ROLE) return await compileRoles();
  const start = argv[0] === 'service' ? serviceRole(argv.slice(1)) : (drillRole(argv) ?? nodeRole(argv));
  if (start === undefined) return false;
  try {
    const run = await start();
    keepCompiled();
    process.exitCode = await run(stopSignals().signal);
  } catch (error) {
    const rendered = renderFault(error);
    processTerminal().writeError(rendered.text);
    if (argv[0] === 'agent') lastWordToManager(rendered.text);
    process.exitCode = rendered.exit;
  }
  process.exit();
}

/** Each as soon as it is loaded: the node's agent may start at any moment. */
async function compileRoles(): Promise<true> {
  for (const load of LOADED_BY_NODES) {
    await load();
    keepCompiled();
  }
  process.exit();
}

type Start = () => Promise<(signal: AbortSignal) => Promise<ExitCode>>;

function nodeRole(argv: readonly string[]): Start | undefined {
  const load = ROLES[argv[0] ?? ''];
  const options = parse(argv.slice(1));
  if (load === undefined || options === undefined) return undefined;
  return async () => {
    const role = await load();
    return (signal) => role(options, signal);
  };
}

/** `service NAME`. */
function serviceRole([name, ...more]: readonly string[]): Start | undefined {
  const service = FRAMEWORK_SERVICES.find((one) => one === name);
  if (service === undefined || more.length > 0) return undefined;
  return async () => {
    const { runService } = await import('./service.ts');
    return await runService(service);
  };
}

/** `drill-run --dir DIR --drill UID`: what an agent starts, and nobody types. */
function drillRole([role, dirFlag, dir, drillFlag, uid, ...more]: readonly string[]): Start | undefined {
  if (role !== 'drill-run' || dirFlag !== '--dir' || dir === undefined || drillFlag !== '--drill' || uid === undefined || more.length > 0)
    return undefined;
  return async () => {
    const { runDrillProcess } = await import('./drill-run.ts');
    return async (signal) => await runDrillProcess(absoluteFolder(dir), uid, signal);
  };
}

/** `--dir DIR [--stop] [--balancer WHICH]`, in any order; undefined for anything else. */
function parse(args: readonly string[]): NodeRoleOptions | undefined {
  const rest = [...args];
  let dir: string | undefined;
  let stop = false;
  let balancer: BalancerChoice | undefined;
  while (rest.length > 0) {
    const option = rest.shift();
    if (option === '--stop' && !stop) stop = true;
    else if (option === '--balancer' && balancer === undefined && isBalancerChoice(rest[0])) balancer = rest.shift() as BalancerChoice;
    else if (option === '--dir' && dir === undefined && rest[0] !== undefined && !rest[0].startsWith('-')) dir = rest.shift();
    else return undefined;
  }
  return dir === undefined ? undefined : { dir: absoluteFolder(dir), stop, ...(balancer === undefined ? {} : { balancer }) };
}
