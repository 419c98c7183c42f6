/**
 * The kill of a drill, done by the agent of the node that it hits: another member asks for it over the peer link.
 *
 * I1: it kills only for a Drill that this agent sees itself, through a director, under way, carried out by the very member that asks, and the
 *     only one of the cluster that is.
 * I2: each drill once: that it was done is on the disk before anything dies.
 * I3: it answers what will die, then kills; a node's agent last.
 */

import { serviceOf } from '../../decide/drill.ts';
import type { DrillService } from '../../decide/drill.ts';
import type { Drill, DrillKilled } from '../../model/drill.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json } from '../../model/json.ts';
import { LIMITS } from '../../model/limits.ts';
import type { FoundProcess } from '../../ports/processes.ts';
import type { AgentDeps } from '../deps.ts';
import type { PeerAnswer, PeerCall, PeerLink } from '../peer-link.ts';
import type { DrillRecords } from './records.ts';

export const KILL_PATH = '/peer/v1/drill';

export interface KillParts {
  readonly deps: Pick<AgentDeps, 'node' | 'clock' | 'log' | 'processes'>;
  readonly records: DrillRecords;
  readonly peers: Pick<PeerLink, 'route'>;
  /** As this agent sees them. */
  readonly drills: () => readonly Drill[];
  readonly services: () => readonly DrillService[];
}

/** Serves until the signal aborts. */
export function serveKills(parts: KillParts, signal: AbortSignal): void {
  parts.peers.route('POST', KILL_PATH, (call) => answerKill(parts, call, signal));
}

async function answerKill(parts: KillParts, { from, body }: PeerCall, signal: AbortSignal): Promise<PeerAnswer> {
  const { deps, records } = parts;
  const uid = uidIn(body);
  if (uid === undefined) return refused(400, 'The body must be {"uid": "<uid of the Drill>"}.');
  const running = parts.drills().filter(({ status }) => status?.phase === 'Running');
  const drill = running.find((one) => one.metadata.uid === uid);
  if (drill === undefined) return refused(409, `${deps.node.node} sees no drill ${uid} under way yet.`);
  if (running.length > 1) return refused(403, `Two drills of the cluster are under way; ${deps.node.node} takes part in none.`);
  if (drill.status?.executor !== from.name) return refused(403, `Drill ${drill.metadata.name} is carried out by another node.`);
  if (drill.spec.node !== undefined && drill.spec.node !== deps.node.node)
    return refused(403, `Drill ${drill.metadata.name} means node ${drill.spec.node}.`);
  if ((await records.read(uid, 'killed')) !== undefined) return refused(410, `Drill ${drill.metadata.name} has killed here already.`);
  const victims = victimsOf(parts, drill);
  if (victims.length === 0) return refused(404, `There is nothing of drill ${drill.metadata.name} to kill on ${deps.node.node}.`);
  await records.write(uid, 'killed', { atMs: deps.clock.monotonicMs() });
  const killed = killedOf(victims);
  deps.log.warn(`Drill ${drill.metadata.name}: kills what it is about.`, { killed: killed.map(({ what }) => what) });
  void killSoon(parts, victims, signal);
  return { status: 200, body: JSON.stringify({ inMs: LIMITS.drillKillInMs, killed }) };
}

function uidIn(body: Buffer): string | undefined {
  try {
    const sent = JSON.parse(body.toString('utf8')) as Json;
    const uid = isJsonObject(sent) ? sent['uid'] : undefined;
    return typeof uid === 'string' ? uid : undefined;
  } catch {
    return undefined;
  }
}

function refused(status: number, message: string): PeerAnswer {
  return { status, body: JSON.stringify({ message }) };
}

interface Victim {
  readonly what: string;
  readonly process: FoundProcess['id'];
}

/** In the order in which they die. */
function victimsOf({ deps, services }: KillParts, { spec }: Drill): readonly Victim[] {
  const { node, nodeUid } = deps.node;
  const agent: Victim = { what: `agent of ${node}`, process: deps.processes.self() };
  if (spec.target === 'Agent') return [agent];
  const found = deps.processes.find({ OUTRIGGER_NODE: nodeUid });
  const of = (role: string, what: (one: FoundProcess) => string): Victim[] =>
    found
      .filter(({ environment, id }) => environment['OUTRIGGER_ROLE'] === role && id.pid !== agent.process.pid)
      .map((one) => ({ what: what(one), process: one.id }));
  const service = serviceOf(services(), spec.service)?.name;
  const pods = of('pod', (one) => `${serviceIn(one)} of ${node}`);
  const balancer = of('balancer', () => `balancer of ${node}`);
  if (spec.target === 'Instance') return pods.filter(({ what }) => what === `${service ?? ''} of ${node}`);
  if (spec.target === 'Balancer') return balancer;
  return spec.target === 'Node' ? [...pods, ...balancer, agent] : [];
}

/** `<uid of the node>/<service>/…` */
function serviceIn({ environment }: FoundProcess): string {
  return environment['OUTRIGGER_POD']?.split('/')[1] ?? '';
}

function killedOf(victims: readonly Victim[]): DrillKilled[] {
  const pids = new Map<string, number[]>();
  for (const { what, process } of victims) pids.set(what, [...(pids.get(what) ?? []), process.pid]);
  return [...pids].map(([what, all]) => ({ what, pids: all }));
}

/** Soon, so that the answer is on its way when this very process is among them. */
async function killSoon({ deps }: KillParts, victims: readonly Victim[], signal: AbortSignal): Promise<void> {
  await deps.clock.sleep(LIMITS.drillKillInMs, signal).catch(() => undefined);
  for (const { process } of victims) deps.processes.signalOne(process, 'SIGKILL');
}
