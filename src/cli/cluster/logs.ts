/**
 * `outrigger cluster logs`: what a service of a cluster writes, of one node or of all that run it, through their tunnels.
 *
 * I1: lines of several nodes are never mixed within a line, and each says whose it is.
 * I2: a node whose log cannot be read is said with the reason; the others are shown all the same.
 */

import { agentOf } from '../../decide/node-facts.ts';
import { CLUSTER_NODES } from '../../model/addresses.ts';
import type { ClusterNode } from '../../model/cluster-node.ts';
import { Fault, isFault } from '../../model/fault.ts';
import type { ExitCode } from '../../model/fault.ts';
import { resourcePath } from '../../model/wire.ts';

export interface LogOrder {
  readonly service: string | undefined;
  /** Only of this ClusterNode; undefined: of all that run the service. */
  readonly node: string | undefined;
  readonly container: string | undefined;
  readonly tail: number | undefined;
  readonly follow: boolean;
}

export interface LogSource {
  /** Of the ClusterNode. */
  readonly node: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** Whose logs are meant. Throws `Fault` UsageWrong, with what there is, when it is nobody's. */
export function logSources(cluster: string, namespace: string, nodes: readonly ClusterNode[], order: LogOrder): readonly LogSource[] {
  const running = nodes.map((node) => ({ name: node.metadata.name, services: Object.keys(agentOf(node)?.services ?? {}) }));
  const known = [...new Set(running.flatMap(({ services }) => services))].toSorted().join(', ');
  const { service } = order;
  if (service === undefined)
    throw new Fault(
      'UsageWrong',
      `Say whose log: outrigger cluster logs ${cluster} SERVICE -n ${namespace}. ${cluster} runs ${known || 'nothing yet'}.`,
    );
  const named = order.node === undefined ? running : running.filter(({ name }) => name === order.node);
  if (named.length === 0)
    throw new Fault(
      'UsageWrong',
      `${cluster} has no node ${order.node ?? ''}; it has ${running.map(({ name }) => name).join(', ') || 'none yet'}.`,
    );
  const meant = named.filter(({ services }) => services.includes(service));
  if (meant.length === 0)
    throw new Fault(
      'UsageWrong',
      `No node${order.node === undefined ? '' : ` ${order.node}`} of ${cluster} runs ${service}; it runs ${known || 'nothing yet'}.`,
    );
  const query = {
    service,
    container: order.container,
    tailLines: order.tail === undefined ? undefined : String(order.tail),
    follow: order.follow ? 'true' : undefined,
  };
  return meant.map(({ name }) => ({ node: name, path: resourcePath(CLUSTER_NODES, namespace, name, 'log'), query }));
}

/** Puts whole lines together from what comes, each with `head` before it. `end` gives what is left. */
export function linePrefixer(
  head: string,
  write: (text: string) => void,
): { readonly take: (text: string) => void; readonly end: () => void } {
  let rest = '';
  return {
    take: (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) write(lines.map((line) => `${head}${line}\n`).join(''));
    },
    end: () => {
      if (rest !== '') write(`${head}${rest}\n`);
      rest = '';
    },
  };
}

export interface LogDeps {
  /** Text as it comes, until it ends. Throws `Fault`. */
  readonly read: (source: LogSource, onText: (text: string) => void, signal: AbortSignal) => Promise<void>;
  readonly write: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Shows them all at once. The exit code of the worst that could not be read; undefined: all were, or the person had enough. */
export async function showLogs(deps: LogDeps, sources: readonly LogSource[], signal: AbortSignal): Promise<ExitCode | undefined> {
  const width = Math.max(...sources.map(({ node }) => node.length));
  const heads = sources.map(({ node }) => (sources.length === 1 ? '' : `${node.padEnd(width)}  `));
  const exits = await Promise.all(sources.map((source, index) => showLog(deps, source, heads[index] ?? '', signal)));
  return exits.findLast((exit) => exit !== undefined);
}

async function showLog(deps: LogDeps, source: LogSource, head: string, signal: AbortSignal): Promise<ExitCode | undefined> {
  const lines = linePrefixer(head, deps.write);
  try {
    await deps.read(source, lines.take, signal);
    return undefined;
  } catch (cause) {
    if (signal.aborted) return undefined;
    if (!isFault(cause)) throw cause;
    deps.complain(`outrigger: ${source.node}: ${cause.message}\n`);
    return cause.row.exit;
  } finally {
    lines.end();
  }
}
