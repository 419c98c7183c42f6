/**
 * Options that the verbs of `outrigger cluster` share, and how they are read.
 */

import type { ClusterName } from '../cli/cluster/change.ts';
import { parseTtl } from '../cli/token.ts';
import { Fault } from '../model/fault.ts';
import type { OptionRow } from './command.ts';

export const CLUSTER_SETTINGS = ['data', 'kubeconfig'] as const;
export const NAMESPACE: OptionRow = ['-n, --namespace <name>', 'namespace (default: default)'];
export const NO_WAIT: OptionRow = ['--no-wait', 'do not wait for it: end when it is asked for'];
export const TIMEOUT: OptionRow = ['--timeout <time>', 'how long to wait for it (default 10m)'];

export type Options = Readonly<Record<string, unknown>>;

/** `harbor -n demo`, or `demo/harbor`. */
export function clusterNameOf([name = '']: readonly string[], options: Options): ClusterName {
  const namespace = textOf(options['namespace']);
  const [first = '', second, more] = name.split('/');
  if (second === undefined) return { namespace: namespace ?? 'default', name };
  if (more === undefined && namespace === undefined && first !== '' && second !== '') return { namespace: first, name: second };
  throw new Fault('UsageWrong', `Say the cluster as NAME -n NAMESPACE, or as NAMESPACE/NAME, not "${name}".`);
}

/** Undefined: it does not wait. */
export function deadlineOf(options: Options): number | undefined {
  return options['wait'] === false ? undefined : parseTtl(textOf(options['timeout']) ?? '10m', '--timeout');
}

/** As the schema of Cluster has it. */
const WORKERS_MAX = 8;

export function workersOf(text: string): number {
  const workers = Number(text);
  if (/^\d+$/.test(text) && workers <= WORKERS_MAX) return workers;
  throw new Fault('UsageWrong', `--workers takes a whole number from 0 to ${WORKERS_MAX}, not "${text}".`);
}

/** Undefined: not given. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
