/** What runs on every node stays light: none of it loads Node's `fetch`, which costs each process 6 MB (src/platform/node-http.ts, I1). */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main');
const ROLES = [
  'agent',
  'balancer',
  'service',
  'service-cloud-proxy',
  'service-connection-server-proxy',
  'service-connector-client',
  'service-monitor',
];

test('I1: no process of a node loads undici', { timeout: 60_000 }, async () => {
  const load = ROLES.map((role) => `await import(${JSON.stringify(pathToFileURL(join(MAIN, `${role}.ts`)).href)});`).join('\n');
  const script = `${load}\nconsole.log(JSON.stringify(process.moduleLoadList));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  const loaded = JSON.parse(stdout) as string[];
  assert.ok(
    loaded.some((name) => name.endsWith(' _http_client')),
    'the roles speak HTTP',
  );
  const heavy = loaded.filter((name) => name.includes('undici'));
  assert.deepEqual(heavy, [], "something imports values of 'node:http'; take them from src/platform/node-http.ts");
});
