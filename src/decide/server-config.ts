/**
 * Which ServerConfig holds.
 *
 * I1: of several active ones the one whose name sorts first; without any, the defaults: a missing object never stops a server.
 */

import { DEFAULT_SERVER_CONFIG } from '../model/server-config.ts';
import type { ServerConfig, ServerConfigSpec } from '../model/server-config.ts';

export function activeConfig(configs: readonly ServerConfig[]): ServerConfigSpec {
  const active = configs.filter((config) => config.spec.active && config.metadata.deletionTimestamp === undefined);
  const first = active.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[0];
  return first?.spec ?? DEFAULT_SERVER_CONFIG;
}
