/**
 * Which ServerConfig holds, by name and by what older objects lack.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { judgeConfigs } from '../../../src/decide/doctor-config.ts';
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

test('the doctor names several active ones, and servers that obey another one than holds', () => {
  const said = (configs: readonly ServerConfig[], obeys: Readonly<Record<string, string>>): string =>
    judgeConfigs(configs, new Map(Object.entries(obeys)))
      .map(({ health, message }) => `${health}: ${message}`)
      .join('\n');
  const [a, b] = [config('a', { active: true }, 4), config('b', { active: true })];
  assert.equal(said([], { one: 'defaults' }), 'Well: All obey the defaults.');
  assert.equal(said([a], { one: 'a@4', two: 'a@4' }), 'Well: All obey ServerConfig a@4.');
  assert.equal(said([a], { one: 'a@4', two: 'a@3' }), 'Notice: two obeys ServerConfig a@3, and ServerConfig a@4 holds.');
  assert.equal(said([], { one: 'a@3' }), 'Notice: one obeys ServerConfig a@3, and the defaults hold.');
  assert.match(said([b, a], { one: 'a@4' }), /^Notice: 2 ServerConfigs are active \(a, b\): a holds, because its name sorts first\.\nWell/);
  assert.equal(said([a], {}), '');
});
