/**
 * Real nodes on machines whose wall clocks are years off (libfaketime, so that OpenSSL reads them wrong as well): they join, find each other, renew.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificates } from '../../src/platform/certificate.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { nodeRig } from '../support/node-rig.ts';
import type { NodeRig, RigNode } from '../support/node-rig.ts';
import { askPortal, makePassword, portalClient } from '../support/portal-client.ts';

const AHEAD = '+4380d';
const BEHIND = '-7300d';
const DAY_MS = 24 * 3600 * 1000;

let director: TestDirector;
let rig: NodeRig;
let primary: RigNode;
let worker: RigNode;

before(async () => {
  director = await startDirector();
  rig = await nodeRig(director, 1);
  [primary, worker] = rig.nodes as [RigNode, RigNode];
  await rig.patchStatus({ attempt: 1, primary: primary.name, term: 1 });
});
after(() => rig.cleanup());

const certificateOf = (node: RigNode) => {
  const { body } = JSON.parse(readFileSync(join(node.dir, 'identity', 'identity.json'), 'utf8')) as { body: { certificate: string } };
  const facts = certificates().read(body.certificate);
  assert.ok(facts !== undefined);
  return facts;
};

async function ready(node: RigNode): Promise<void> {
  await eventually(`${node.name} is ready`, async () => (await node.seen()).status?.agent?.phase === 'Ready', 60_000, 100);
}

test('a node whose clock is 12 years ahead and one whose clock is 20 years behind join, and run their services', async () => {
  await primary.start(AHEAD);
  await worker.start(BEHIND);
  await Promise.all([ready(primary), ready(worker)]);
  assert.match(
    primary.log(),
    new RegExp(`"time":"${new Date().getFullYear() + 12 - 1}|"time":"${new Date().getFullYear() + 12}`),
    'its clock is off',
  );
  assert.match(worker.log(), new RegExp(`"time":"${new Date().getFullYear() - 20}`));
});

test('they reconnect after they were started again, and the pair is not cut: each reaches the other', async () => {
  for (const node of [primary, worker]) node.killAll();
  await primary.start(BEHIND);
  await worker.start(AHEAD);
  await eventually(
    'the worker knows its primary',
    async () => (await askPortal(worker.address, 'GET', '/').catch(() => undefined))?.text.includes(primary.address) === true,
    60_000,
    100,
  );
  const { password } = await makePassword(primary.dir);
  const client = portalClient(primary.address);
  await eventually(
    'the portal of the primary serves',
    async () => (await client.post('/login', { password }).catch(() => undefined))?.status === 303,
    60_000,
    200,
  );
  await client.get('/');
  const { lines } = JSON.parse((await client.post('/api/v1/network', {})).text) as {
    lines: { target: string; result: string; message: string }[];
  };
  assert.deepEqual(
    lines.filter(({ result }) => result !== 'Passed'),
    [],
  );
  assert.equal(new Set(lines.map(({ target }) => target)).size, 2, 'the director and the other node');
});

test('after a year without a director the certificate has ended: it renews by itself, with wrong clocks as with a right one', async () => {
  const before = [certificateOf(primary), certificateOf(worker)];
  await director.stop();
  for (const node of [primary, worker]) node.killAll();
  // The machines were off for 380 days: their running time says nothing of that, and they meet a director whose certificate begins in their future.
  const later = await startDirector({ database: director.database, data: director.data, port: director.port, clock: '+380d' });
  await primary.start(AHEAD);
  await worker.start(BEHIND);
  for (const [index, node] of [primary, worker].entries()) {
    const old = before[index]!;
    await eventually(`${node.name} has another certificate`, () => certificateOf(node).serialNumber !== old.serialNumber, 60_000, 100);
    assert.ok(certificateOf(node).notBeforeMs - old.notBeforeMs > 379 * DAY_MS);
  }
  await later.stop();
});
