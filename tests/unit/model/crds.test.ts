/**
 * What follows from the kinds: their CRDs, as deployed and as the director compiles them, and the defaults that code relies on.
 */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { compileSchema } from '../../../src/director/schema/compile-schema.ts';
import { crdOf } from '../../../src/model/crd.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { KINDS } from '../../../src/model/kinds.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../src/model/server-config.ts';
import { CRD_FOLDER, crdFiles } from '../../../tools/generate/crds.ts';

interface CrdShape {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: JsonObject } }[] };
}

function schemaOf(plural: string): JsonObject {
  const kind = KINDS.find((one) => one.plural === plural);
  assert.ok(kind, plural);
  const version = (crdOf(kind) as unknown as CrdShape).spec.versions[0];
  assert.ok(version);
  return version.schema.openAPIV3Schema;
}

test('deploy/crds holds exactly what the kinds say (node tools/generate/crds.ts writes it)', () => {
  const files = crdFiles();
  assert.deepEqual(readdirSync(CRD_FOLDER).sort(), [...files.keys()].sort());
  for (const [name, text] of files) assert.equal(readFileSync(join(CRD_FOLDER, name), 'utf8'), text, name);
});

test('the schema and the CEL rules of every kind compile', () => {
  for (const kind of KINDS) {
    const result = compileSchema(schemaOf(kind.plural));
    assert.ok(result.ok, `${kind.kind}: ${result.ok ? '' : JSON.stringify(result.problems)}`);
  }
});

test('server-config I1: without a ServerConfig the defaults of its schema hold', () => {
  const result = compileSchema(schemaOf('serverconfigs'));
  assert.ok(result.ok);
  const object: JsonObject = { apiVersion: 'outrigger.dev/v1', kind: 'ServerConfig', metadata: { name: 'default' }, spec: {} };
  result.compiled.default(object);
  assert.deepEqual(object['spec'], DEFAULT_SERVER_CONFIG);
});

/** What a status write from `before` to `after` is refused for, by paths. */
function refusals(plural: string, spec: JsonObject, before: JsonObject, after: JsonObject): string[] {
  const result = compileSchema(schemaOf(plural));
  assert.ok(result.ok);
  const whole = (status: JsonObject): JsonObject => {
    const object: JsonObject = { apiVersion: 'outrigger.dev/v1', kind: 'X', metadata: { name: 'x' }, spec, status };
    result.compiled.default(object);
    return object;
  };
  return result.compiled.validate(whole(after), whole(before)).map((problem) => problem.path);
}

test('cluster I1 I2 I4 I5: monotone facts, so the known bug of the product that inspired this is refused by any API server', () => {
  const spec: JsonObject = { virtualDataCenter: 'main', release: '1.0.0' };
  const at = '2026-01-01T00:00:00Z';
  const check = (before: JsonObject, after: JsonObject): string[] => refusals('clusters', spec, before, after);
  assert.deepEqual(check({ attempt: 1 }, { attempt: 1, availableAt: at }), []);
  assert.notDeepEqual(check({ availableAt: at }, {}), []);
  assert.notDeepEqual(check({ availableAt: at }, { availableAt: '2026-01-02T00:00:00Z' }), []);
  assert.notDeepEqual(check({ term: 3 }, { term: 2 }), []);
  assert.notDeepEqual(check({ term: 3 }, {}), []);
  assert.deepEqual(check({ term: 3 }, { term: 4 }), []);
  assert.notDeepEqual(check({ abandonedAttempt: 2 }, { abandonedAttempt: 1 }), []);
  assert.notDeepEqual(
    check({ attempt: 2, availableAt: at, abandonedAttempt: 1 }, { attempt: 2, availableAt: at, abandonedAttempt: 2 }),
    [],
  );
  assert.notDeepEqual(check({ attempt: 1, availableAt: at }, { attempt: 1, availableAt: at, abandonedAttempt: 1 }), []);
  assert.deepEqual(check({ attempt: 2, availableAt: at, abandonedAttempt: 1 }, { attempt: 2, availableAt: at, abandonedAttempt: 1 }), []);
  // Of an attempt that has not begun nothing can be abandoned: each new one would be given up at once.
  assert.deepEqual(check({ attempt: 1 }, { attempt: 1, abandonedAttempt: 2 }), ['status.abandonedAttempt']);
  assert.deepEqual(check({}, { abandonedAttempt: 1 }), ['status.abandonedAttempt']);
  assert.deepEqual(check({ attempt: 1 }, { attempt: 1, abandonedAttempt: 1 }), []);
  // I5
  assert.deepEqual(check({ attempt: 1, autoRepair: 'Armed' }, { attempt: 1, availableAt: at, autoRepair: 'Disarmed' }), []);
  assert.notDeepEqual(check({ attempt: 1, autoRepair: 'Armed' }, { attempt: 1, availableAt: at, autoRepair: 'Armed' }), []);
  const disarmed = { attempt: 1, availableAt: at, autoRepair: 'Disarmed' };
  assert.notDeepEqual(check(disarmed, { ...disarmed, autoRepair: 'Armed' }), []);
  // I4
  assert.deepEqual(check({ term: 1 }, { term: 1, primary: 'x-a1-n0' }), []);
  assert.notDeepEqual(check({ term: 1, primary: 'x-a1-n0' }, { term: 1, primary: 'x-a1-n1' }), []);
  assert.notDeepEqual(check({ term: 1, primary: 'x-a1-n0' }, { term: 1 }), []);
  assert.deepEqual(check({ term: 1, primary: 'x-a1-n0' }, { term: 2, primary: 'x-a1-n1' }), []);
  assert.deepEqual(check({ attempt: 1 }, { attempt: 2 }), []);
  assert.notDeepEqual(check({ attempt: 2 }, { attempt: 1 }), []);
  assert.notDeepEqual(check({ attempt: 2 }, {}), []);
  assert.deepEqual(check({ attempt: 1 }, { attempt: 1, availableAt: at }), []);
  // Another attempt of a cluster that runs would be a second one beside it.
  assert.notDeepEqual(check({ attempt: 1, availableAt: at }, { attempt: 2, availableAt: at }), []);
  assert.notDeepEqual(check({ attempt: 1, availableAt: at }, { availableAt: at }), []);
});

test('virtual-data-center I1: reservations beyond the quota are refused, and may always shrink', () => {
  const entry = { cluster: 'a', node: 'a-a1-n0', generation: 1, cpuMillis: 500, memoryMiB: 256 };
  const of = (count: number): JsonObject => ({
    reservations: Object.fromEntries(Array.from({ length: count }, (_, index) => [`uid.${index}`, entry])),
    reserved: { nodes: count, cpuMillis: 500 * count, memoryMiB: 256 * count },
  });
  const spec = (quota: JsonObject): JsonObject => ({ quota, hosts: ['local'] });
  assert.deepEqual(refusals('virtualdatacenters', spec({ nodes: 2 }), of(1), of(2)), []);
  assert.deepEqual(refusals('virtualdatacenters', spec({ nodes: 2 }), of(2), of(3)), ['status.reservations']);
  assert.deepEqual(refusals('virtualdatacenters', spec({ nodes: 2 }), of(4), of(3)), []);
  assert.deepEqual(refusals('virtualdatacenters', spec({ nodes: 9, cpuMillis: 900 }), of(1), of(2)), ['status.reserved.cpuMillis']);
  assert.deepEqual(refusals('virtualdatacenters', spec({ nodes: 9, memoryMiB: 300 }), of(1), of(2)), ['status.reserved.memoryMiB']);
});

test('a cluster whose name leaves no room for the names of its nodes is refused, with the field', () => {
  const result = compileSchema(schemaOf('clusters'));
  assert.ok(result.ok);
  const named = (name: string): string[] => {
    const object: JsonObject = {
      apiVersion: 'outrigger.dev/v1',
      kind: 'Cluster',
      metadata: { name },
      spec: { virtualDataCenter: 'main', release: '1.0.0' },
    };
    result.compiled.default(object);
    return result.compiled.validate(object).map((problem) => problem.path);
  };
  assert.deepEqual(named('a'.repeat(52)), []);
  assert.deepEqual(named('a'.repeat(53)), ['metadata.name']);
});

/** Sentences that a new object is refused with. */
function refusedNew(plural: string, spec: JsonObject): string[] {
  const result = compileSchema(schemaOf(plural));
  assert.ok(result.ok);
  const object: JsonObject = { apiVersion: 'outrigger.dev/v1', kind: 'X', metadata: { name: 'x' }, spec };
  result.compiled.default(object);
  return result.compiled.validate(object, undefined).map((problem) => `${problem.path}: ${problem.message}`);
}

test("only a release may have Outrigger's own services, and only under their own names", () => {
  const service = (name: string, more: JsonObject = {}): JsonObject => ({
    name,
    mode: 'Replicated',
    pod: { containers: [{ name: 'main', command: ['run'] }] },
    ...more,
  });
  const cluster = (...services: JsonObject[]): string[] => refusedNew('clusters', { virtualDataCenter: 'lab', release: '1.0.0', services });
  assert.deepEqual(cluster(service('mine')), []);
  assert.match(cluster(service('mine', { framework: 'monitor' })).join(), /spec\.services: .*must not say framework/);
  assert.match(cluster(service('connector-client')).join(), /spec\.services: .*the name of one of Outrigger's own services/);
  const release = (...services: JsonObject[]): string[] => refusedNew('clusterreleases', { version: '1.0.0', services });
  assert.deepEqual(release(service('monitor', { framework: 'monitor' })), []);
  assert.match(release(service('mine', { framework: 'monitor' })).join(), /framework must be the name of the service itself/);
});

test('a probe that brings no PROXY line is refused at a port where one is expected', () => {
  const result = compileSchema(schemaOf('clusterreleases'));
  assert.ok(result.ok);
  const { compiled } = result;
  const problemsOf = (service: JsonObject, probe: JsonObject): readonly string[] => {
    const containers = [{ name: 'web', command: ['web'], livenessProbe: probe }];
    const spec = { version: '1.0.0', services: [{ name: 'web', mode: 'Replicated', pod: { containers }, ...service }] };
    const object: JsonObject = { apiVersion: 'outrigger.dev/v1', kind: 'ClusterRelease', metadata: { name: 'r' }, spec };
    compiled.default(object);
    return compiled.validate(object, undefined).map((problem) => problem.message);
  };
  const proxied = { port: 80, targetPort: 8080, proxyProtocol: true, maxConnections: 5 };
  assert.deepEqual(problemsOf({ ...proxied, proxyProtocol: false }, { httpGet: { port: 8080 } }), []);
  assert.deepEqual(problemsOf(proxied, { tcpSocket: { port: 8080 } }), []);
  assert.deepEqual(problemsOf(proxied, { httpGet: { port: 80 } }), []);
  assert.match(problemsOf(proxied, { httpGet: { port: 8080 } }).join(), /probes bring no PROXY line/);
  assert.match(problemsOf({ port: 80, proxyProtocol: true }, { httpGet: { port: 80 } }).join(), /probes bring no PROXY line/);
  assert.notDeepEqual(problemsOf({ ...proxied, maxConnections: 0 }, { tcpSocket: { port: 8080 } }), []);
});

test('a cluster names what could be there: what no object can be called is refused', () => {
  const names: JsonObject = { virtualDataCenter: 'main', release: '1.0.0-rc.1', site: 'north' };
  const result = compileSchema(schemaOf('clusters'));
  assert.ok(result.ok);
  const check = (change: JsonObject): string[] => {
    const object: JsonObject = { apiVersion: 'outrigger.dev/v1', kind: 'Cluster', metadata: { name: 'x' }, spec: { ...names, ...change } };
    result.compiled.default(object);
    return result.compiled.validate(object, undefined).map((problem) => problem.path);
  };
  assert.deepEqual(check({}), []);
  for (const bad of ['a/b', 'a b', 'a%b', 'UP', '-a', 'a-', 'b\u0000g', '..'])
    for (const field of ['release', 'site'])
      assert.deepEqual(check({ [field]: bad }), [`spec.${field}`], `${field} ${JSON.stringify(bad)}`);
  assert.deepEqual(check({ virtualDataCenter: 'a/b' }), ['spec.virtualDataCenter']);
});
