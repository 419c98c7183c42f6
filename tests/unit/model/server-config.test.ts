/**
 * ServerConfig: every field is explained, broken relations are refused with the field's name, and the reference page is what the schema says.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { compileSchema } from '../../../src/director/schema/compile-schema.ts';
import { crdOf } from '../../../src/model/crd.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { DEFAULT_SERVER_CONFIG, serverConfigKind } from '../../../src/model/server-config.ts';
import { SERVER_CONFIG_PAGE, serverConfigFields, serverConfigPage } from '../../../tools/generate/server-config.ts';

/** What a ServerConfig with that spec is refused for: path and message. */
function refusals(spec: JsonObject): readonly string[] {
  const versions = (crdOf(serverConfigKind) as unknown as { spec: { versions: { schema: { openAPIV3Schema: JsonObject } }[] } }).spec
    .versions;
  const result = compileSchema(versions[0]?.schema.openAPIV3Schema ?? {});
  assert.ok(result.ok);
  const object: JsonObject = { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'default' }, spec };
  result.compiled.default(object);
  return result.compiled.validate(object, undefined).map(({ path, message }) => `${path}: ${message}`);
}

test('server-config I2: broken relations are refused with the field and the reason', () => {
  assert.deepEqual(refusals({}), []);
  assert.deepEqual(refusals({ leaseSeconds: 6, leaseRenewMilliseconds: 2000 }), []);
  assert.match(refusals({ leaseRenewMilliseconds: 2000 }).join(), /^spec\.leaseSeconds: .*three times leaseRenewMilliseconds/);
  assert.match(refusals({ overdueSeconds: 3 }).join(), /^spec\.overdueSeconds: .*longer than leaseSeconds/);
  assert.match(refusals({ retryBaseSeconds: 400 }).join(), /^spec\.retryCapSeconds: .*not be less than retryBaseSeconds/);
  assert.match(refusals({ leaseSweepSeconds: 10, leaseSeconds: 10 }).join(), /^spec\.leaseSweepSeconds: .*longer than leaseSeconds/);
  assert.match(refusals({ lookRetryMilliseconds: 20_000 }).join(), /^spec\.lookRetryCapSeconds: .*not be less than lookRetryMilliseconds/);
  assert.match(refusals({ leaseSeconds: 60, overdueSeconds: 90 }).join(), /^spec\.resyncSeconds: .*longer than leaseSeconds/);
});

test('server-config I2: nonsense is refused with the field', () => {
  for (const [field, value] of Object.entries({
    leaseSeconds: -1,
    concurrency: 0,
    maxAttempts: 'many',
    sharing: 'Maybe',
    resyncSeconds: 0,
    nodeReplacements: 11,
    drainSeconds: -1,
    orphanSeconds: 0,
    leaseSweepSeconds: 1,
    lookRetryMilliseconds: 0,
    lookRetryCapSeconds: 0,
  })) {
    assert.match(refusals({ [field]: value }).join(), new RegExp(`spec\\.${field}:`));
  }
  assert.match(refusals({ nodeHealthCheck: { unknownSeconds: 1 } }).join(), /spec\.nodeHealthCheck\.unknownSeconds:/);
});

test('server-config I3: every field says what it does and has a default', () => {
  for (const { path, schema } of serverConfigFields()) {
    assert.match(schema.description ?? '', /^[A-Z].{15,}\.$/, path);
    assert.ok('default' in schema, path);
  }
  assert.equal(serverConfigFields().length, Object.keys(DEFAULT_SERVER_CONFIG).length - 1 + 4);
});

test('server-config I3: the reference page is what the schema says (node tools/generate/server-config.ts writes it)', () => {
  assert.equal(readFileSync(SERVER_CONFIG_PAGE, 'utf8'), serverConfigPage());
});
