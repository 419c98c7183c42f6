/**
 * Which ServerConfig holds, and how a server names what it obeys.
 *
 * I1: of several active ones the one whose name sorts first; without any, the defaults: a missing object never stops a server.
 * I2: what a stored object lacks, because it was written before a field existed, is that field's default.
 */

import { DEFAULT_SERVER_CONFIG } from '../model/server-config.ts';
import type { ServerConfig, ServerConfigSpec } from '../model/server-config.ts';

/** What a server obeys that finds no active ServerConfig. */
export const OBEYS_DEFAULTS = 'defaults';

/** Those that are active, the one that holds first. */
export function activeOnes(configs: readonly ServerConfig[]): readonly ServerConfig[] {
  const active = configs.filter(({ spec, metadata }) => spec.active && metadata.deletionTimestamp === undefined);
  return active.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

export function activeConfig(configs: readonly ServerConfig[]): ServerConfigSpec {
  const spec = activeOnes(configs)[0]?.spec;
  if (spec === undefined) return DEFAULT_SERVER_CONFIG;
  const nodeHealthCheck = { ...DEFAULT_SERVER_CONFIG.nodeHealthCheck, ...spec.nodeHealthCheck };
  return { ...DEFAULT_SERVER_CONFIG, ...spec, nodeHealthCheck };
}

/** `<name>@<generation>` of the one that holds, or `defaults`: the value of the annotation outrigger.dev/obeys. */
export function obeyed(configs: readonly ServerConfig[]): string {
  const first = activeOnes(configs)[0];
  return first === undefined ? OBEYS_DEFAULTS : `${first.metadata.name}@${first.metadata.generation ?? 0}`;
}
