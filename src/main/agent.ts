/**
 * `outrigger agent --dir DIR [--stop]`: the agent of one node, composed. Started by the node's host, or, on a joined machine, by a service or a person.
 *
 * It loads neither the library for options nor the one for logs: every node has an agent, so its memory counts.
 */

import { runAgent as runNodeAgent } from '../agent/agent.ts';
import { STATUS_RECORD } from '../agent/balancer-role.ts';
import type { AgentDeps } from '../agent/deps.ts';
import { DRILLS_FOLDER } from '../agent/drill/records.ts';
import { readNodeFile } from '../agent/node-file.ts';
import type { NodeFile } from '../agent/node-file.ts';
import { STOP_SIGNAL, stopNode } from '../agent/stop.ts';
import { nodeTrace } from '../agent/trace.ts';
import { nodeLogFields } from '../decide/log-fields.ts';
import { Fault, isFault } from '../model/fault.ts';
import type { ExitCode } from '../model/fault.ts';
import { FRAMEWORK_FOLDER } from '../model/framework.ts';
import { variableOf } from '../model/settings.ts';
import { packArchive } from '../platform/archive.ts';
import { certificates } from '../platform/certificate.ts';
import { systemClock } from '../platform/clock.ts';
import { partsOf } from '../platform/durable-file.ts';
import { systemFiles } from '../platform/files.ts';
import { listenHttp } from '../platform/http-server.ts';
import { identityStore } from '../platform/identity-store.ts';
import { directors } from '../platform/join.ts';
import { readLicenseToken } from '../platform/license-token.ts';
import { lineLog } from '../platform/line-log.ts';
import { logFiles } from '../platform/log-files.ts';
import { keepConnection } from '../platform/kept-connection.ts';
import { judgeCertificate, mutualHttp } from '../platform/mutual-http.ts';
import { machineLoads } from '../platform/machine-load.ts';
import { nameLocks } from '../platform/name-lock.ts';
import { nodeStore } from '../platform/node-store.ts';
import { tracerOf } from '../platform/otlp.ts';
import { passwords } from '../platform/passwords.ts';
import { bootId } from '../platform/process-id.ts';
import { prober } from '../platform/prober.ts';
import { processRuntime } from '../platform/process-runtime.ts';
import { packageFile, programCommand, programFile, programVersion } from '../platform/program.ts';
import { systemRandom } from '../platform/random.ts';
import { serviceManager } from '../platform/service-manager.ts';
import { roleEnvironment, systemProcesses } from '../platform/spawn.ts';
import { watchRecord } from '../platform/watched-record.ts';
import type { Log } from '../ports/log.ts';
import type { PodRuntime } from '../ports/runtime.ts';
import type { Tracer } from '../ports/tracer.ts';
import { bearMarks, concludeNode, isMachineFolder, isOver, keepLoopback, waitForNode } from './machine-node.ts';
import type { NodeRoleOptions } from './node-role-options.ts';

/** Runs the node until the signal aborts (pods and balancer go on), or stops all of it. */
export async function runAgent(options: NodeRoleOptions, signal: AbortSignal): Promise<ExitCode> {
  const plainLog = lineLog(options.stop ? 'agent-stop' : 'agent');
  const files = systemFiles();
  if (isMachineFolder(options.dir) && !files.exists(`${options.dir}/node.json`)) {
    if (!options.stop) await waitForNode(options.dir, plainLog, signal);
    return 0;
  }
  const node = readNodeFile(files, options.dir);
  // Every line of an agent's log is about its node.
  const log = plainLog.with(nodeLogFields(node));
  if (options.stop) {
    const [clock, processes] = [systemClock(), systemProcesses()];
    const runtime = (): PodRuntime => runtimeOf(options.dir, node, log);
    return (await stopNode({ nodeUid: node.nodeUid, data: dataOf(options.dir, node), processes, runtime, clock, log }, signal)) ? 0 : 1;
  }
  if (node.machine !== undefined) bearMarks(options.dir, node);
  const locks = nameLocks();
  const lock = await locks.hold(`agent/${locks.nameOfFolder(options.dir)}`);
  if (lock === undefined) throw new Fault('AlreadyRunning', `The agent of ${options.dir} runs already; stop it first.`);
  const stopRequested = new AbortController();
  process.on(STOP_SIGNAL, () => stopRequested.abort());
  const tracer = nodeTracer(node, log);
  const deps = agentDeps(options.dir, node, log, tracer);
  const isMachine = node.machine !== undefined;
  if (isMachine) await keepLoopback(node, log);
  // A life that is over begins no more: what is left of it is ended.
  const isLiving = !isMachine || !(await isOver(deps));
  if (isLiving) await runNodeAgent(deps, stopRequested.signal, signal);
  const isEnded = isMachine && !signal.aborted && !stopRequested.signal.aborted;
  if (isEnded) await concludeNode(deps, dataOf(options.dir, node), signal);
  else
    log.info(
      stopRequested.signal.aborted ? 'Everything of this node but its balancer has ended.' : 'The agent ends; pods and balancer go on.',
    );
  await tracer?.flush();
  lock.release();
  if (isEnded) await waitForNode(options.dir, log, signal);
  return 0;
}

/** A node never stands still for its traces: an endpoint that cannot be one is said, and nothing is traced. */
function nodeTracer(node: NodeFile, log: Log): Tracer | undefined {
  try {
    return tracerOf(process.env[variableOf('otlpEndpoint')], { service: 'outrigger-agent', instance: node.node, log });
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    log.warn(cause.message);
    return undefined;
  }
}

function agentDeps(dir: string, node: NodeFile, log: Log, tracer: Tracer | undefined): AgentDeps {
  const runtime = runtimeOf(dir, node, log);
  const random = systemRandom();
  return {
    dir,
    node,
    version: programVersion(),
    clock: systemClock(),
    random,
    log,
    trace: nodeTrace(tracer, node, systemClock()),
    loads: machineLoads(dir),
    files: systemFiles(),
    store: nodeStore(`${dir}/store`),
    drills: nodeStore(`${dir}/${DRILLS_FOLDER}`),
    drillStart: (uid) => ({
      command: programCommand(['drill-run', '--dir', dir, '--drill', uid]),
      // Not of the node: it must survive all of that.
      environment: roleEnvironment(process.env, { data: dataOf(dir, node), role: 'drill', OUTRIGGER_DRILL: uid }),
      folder: dir,
      logFile: `${dir}/logs/drill.log`,
    }),
    folder: nodeStore(dir),
    runtime,
    frameworkMarks: frameworkMarks(dir),
    watchFramework: (service, onRead, stop) => watchRecord(`${dir}/${FRAMEWORK_FOLDER}/${service}.json`, onRead, stop),
    prober: prober(runtime),
    processes: systemProcesses(),
    service: serviceManager({ clock: systemClock(), log, environment: process.env }),
    balancerStart: {
      command: programCommand(['balancer', '--dir', dir, '--balancer', node.balancer ?? 'relay']),
      environment: roleEnvironment(process.env, { data: dataOf(dir, node), role: 'balancer', OUTRIGGER_NODE: node.nodeUid }),
      folder: dir,
      logFile: `${dir}/logs/balancer.log`,
    },
    watchBalancer: (onRead, stop) => watchRecord(`${dir}/${STATUS_RECORD}.json`, onRead, stop),
    directors: directors(random),
    identity: identityStore(`${dir}/identity`, certificates()),
    certificates: certificates(),
    bootId: bootId(),
    http: mutualHttp(),
    keepConnection,
    listenHttp,
    judgeCertificate,
    readLicenseToken,
    passwords: passwords(),
    logFiles: logFiles(),
    packArchive,
  };
}

export function runtimeOf(dir: string, node: NodeFile, log: Log): PodRuntime {
  return processRuntime({
    nodeUid: node.nodeUid,
    podsFolder: `${dir}/pods`,
    logsFolder: `${dir}/logs`,
    environment: { OUTRIGGER_DATA: dataOf(dir, node), OUTRIGGER_EXAMPLES: packageFile('examples') },
    clock: systemClock(),
    log,
  });
}

/** What only Outrigger's own services get. The compile cache saves each of them 40 MB. */
function frameworkMarks(dir: string): Record<string, string> {
  const { NODE_COMPILE_CACHE: cache } = process.env;
  return { OUTRIGGER_NODE_FOLDER: dir, OUTRIGGER_PROGRAM: programFile(), ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) };
}

/** Data folder that this node belongs to: of a joined machine its own; else as the host said, or, for a person who stops a node by hand, where it lies. */
function dataOf(dir: string, { machine }: NodeFile): string {
  if (machine !== undefined) return partsOf(dir).folder;
  return process.env['OUTRIGGER_DATA'] ?? dir.replace(/\/host\/nodes\/[^/]+\/?$/, '');
}
