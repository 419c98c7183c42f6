/**
 * Which ServerConfig holds, by name and by what older objects lack.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { activeConfig, obeyed, OBEYS_DEFAULTS } from '../../../src/decide/server-config.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../src/model/server-config.ts';
import type { ServerConfig, ServerConfigSpec } from '../../../src/model/server-config.ts';

function config(name: string, spec: Partial<ServerConfigSpec> & { readonly active: boolean }, generation = 1): ServerConfig {
  const metadata = { name, uid: `uid-${name}`, resourceVersion: '1', generation, creationTimestamp: '2026-01-01T00:00:00Z' };
  return { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata, spec: spec as ServerConfigSpec };
}

test('server-config I1: of several active ones the one whose name sorts first holds, without any the defaults', () => {
  assert.deepEqual(activeConfig([]), DEFAULT_SERVER_CONFIG);
  assert.equal(obeyed([]), OBEYS_DEFAULTS);
  const configs = [config('b', { active: true, maxAttempts: 2 }), config('a', { active: true, maxAttempts: 3 }, 7)];
  assert.equal(activeConfig(configs).maxAttempts, 3);
  assert.equal(obeyed(configs), 'a@7');
  assert.equal(obeyed([config('a', { active: false }), ...configs.slice(0, 1)]), 'b@1');
});

test('server-config I1: one that is being deleted holds no more', () => {
  const gone = config('a', { active: true, maxAttempts: 3 });
  assert.equal(obeyed([{ ...gone, metadata: { ...gone.metadata, deletionTimestamp: '2026-01-01T00:00:01Z' } }]), OBEYS_DEFAULTS);
});

test('server-config I2: what a stored object lacks is its default', () => {
  const old = activeConfig([config('a', { active: true, nodeHealthCheck: { startupSeconds: 60 } as ServerConfigSpec['nodeHealthCheck'] })]);
  assert.equal(old.leaseSeconds, DEFAULT_SERVER_CONFIG.leaseSeconds);
  assert.deepEqual(old.nodeHealthCheck, { ...DEFAULT_SERVER_CONFIG.nodeHealthCheck, startupSeconds: 60 });
});
