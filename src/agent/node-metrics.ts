/**
 * What this node tells the monitor of its cluster, on its peer port: looked up when asked for, and at most once a second.
 *
 * I1: only members of this cluster are answered (src/agent/peer-link.ts).
 * I2: what cannot be looked up is left out; a scrape never fails for it.
 */

import { memberId } from '../decide/authority.ts';
import { licenseNowMs } from '../decide/license-clock.ts';
import { nodeMetricsText } from '../decide/node-metrics.ts';
import type { NodeMetricFacts } from '../decide/node-metrics.ts';
import { viewLicense } from '../decide/universal-license.ts';
import { NODE_METRICS_PATH } from '../model/framework.ts';
import type { BalancerKeeper } from './balancer-keeper.ts';
import type { AgentDeps } from './deps.ts';
import type { FrameworkKeeper } from './framework.ts';
import type { Licensing } from './licensing.ts';
import type { Memory } from './memory.ts';
import type { Sight } from './sight.ts';
import type { Supervisor } from './supervisor.ts';
import { bootReading } from './trusted-time.ts';

export interface NodeMetricParts {
  readonly deps: Pick<AgentDeps, 'node' | 'version' | 'clock' | 'bootId' | 'processes' | 'loads'>;
  readonly memory: Memory;
  readonly supervisor: Pick<Supervisor, 'instances'>;
  readonly balancer: Pick<BalancerKeeper, 'state' | 'listeners'>;
  readonly framework: Pick<FrameworkKeeper, 'statuses'>;
  readonly licensing: Pick<Licensing, 'keeping' | 'peers'>;
  readonly sight: Pick<Sight, 'nodes' | 'standings' | 'silenceMs'>;
}

/** Looking at all processes of a machine takes milliseconds; whoever asks more often gets the same again. */
const FRESH_MS = 1_000;
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

export function serveNodeMetrics(parts: NodeMetricParts): void {
  let known: { readonly atMs: number; readonly text: Promise<string> } | undefined;
  parts.licensing.peers.route('GET', NODE_METRICS_PATH, async () => {
    const atMs = parts.deps.clock.monotonicMs();
    if (known === undefined || atMs - known.atMs >= FRESH_MS) known = { atMs, text: factsOf(parts).then(nodeMetricsText) };
    return { status: 200, contentType: TEXT_FORMAT, body: await known.text };
  });
}

async function factsOf(parts: NodeMetricParts): Promise<NodeMetricFacts> {
  const { deps, memory, supervisor, balancer, licensing } = parts;
  const { node, version, clock } = deps;
  const membership = memory.get('membership');
  const record = licensing.keeping.counted();
  return {
    version,
    release: memory.get('plan')?.release,
    role: membership === undefined ? undefined : membership.primary === memberId(node.nodeUid, node.incarnation) ? 'Primary' : 'Worker',
    uptimeSeconds: clock.monotonicMs() / 1000,
    services: [...supervisor.instances()].map(([name, { report }]) => ({
      name,
      phase: report.phase,
      ready: report.ready,
      restarts: report.restarts,
    })),
    processes: processesOf(deps),
    machine: await deps.loads.machine(),
    balancer: { up: balancer.state().running, listeners: balancer.listeners() },
    peers: peersOf(parts),
    tunnelUp: tunnelUp(parts),
    license: viewLicense(record, record === undefined ? 0 : licenseNowMs(record, bootReading(deps))),
  };
}

function processesOf({ node, processes, loads }: NodeMetricParts['deps']): NodeMetricFacts['processes'] {
  return processes.find({ OUTRIGGER_NODE: node.nodeUid }).flatMap(({ id, environment }) => {
    const load = loads.process(id.pid);
    // <node>/<service>/<hash>
    const service = environment['OUTRIGGER_POD']?.split('/')[1] ?? '';
    return load === undefined ? [] : [{ role: environment['OUTRIGGER_ROLE'] ?? '', service, ...load }];
  });
}

function peersOf({ sight }: NodeMetricParts): NodeMetricFacts['peers'] {
  const standings = sight.standings();
  return (sight.nodes() ?? []).flatMap(({ metadata: { name, uid } }) => {
    const standing = standings.get(name);
    return standing === undefined ? [] : [{ node: name, heard: standing === 'Heard', silenceMs: sight.silenceMs(uid) }];
  });
}

/** What a connector-client said counts only while it runs. */
function tunnelUp({ memory, supervisor, framework }: NodeMetricParts): boolean | undefined {
  const name = memory.get('plan')?.balanced.find((one) => one.framework === 'connector-client')?.name;
  if (name === undefined) return undefined;
  return supervisor.instances().get(name)?.report.ready === true && framework.statuses()['connector-client']?.director !== undefined;
}
