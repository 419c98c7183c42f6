/**
 * What a node makes of licenses that come from a director or from another node: real keepers and peer links over TLS, with files of their own.
 * No wall clock is read: it throws in every node here.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import type { LicenseRecord } from '../../src/model/license-statement.ts';
import { mutualHttp } from '../../src/platform/mutual-http.ts';
import { isFault } from '../../src/model/fault.ts';
import type { Identity } from '../../src/ports/director.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { DAY_MS, foreignAuthority, forget, licenseWorld, startNode, SURROUNDINGS } from '../support/license-world.ts';
import type { NodeOrder, World, WorldNode } from '../support/license-world.ts';

const running: WorldNode[] = [];
after(async () => {
  await Promise.all(running.map((node) => node.stop()));
  running.forEach(forget);
});

let lastAddress = 0;
const address = (): string => `127.${150 + (process.pid % 50)}.7.${++lastAddress}`;

async function start(world: World, name: string, port: number, more: Partial<NodeOrder> = {}): Promise<WorldNode> {
  const node = await startNode({ world, name, address: address(), port, ...more });
  running.push(node);
  return node;
}

const serialOf = (node: WorldNode): number | undefined => node.keeping.state().keeper.record?.statement.serial;
const stateOf = (node: WorldNode): string => node.keeping.state().keeper.state;

async function call(node: WorldNode, port: number, path: string, identity: Identity | undefined, body = '{}'): Promise<[number, string]> {
  const answer = await mutualHttp().call(
    {
      method: path.includes('exchange') ? 'POST' : 'GET',
      url: `https://${node.member.address}:${port}${path}`,
      body,
      trust: { kind: 'authority', authority: node.identity.authority, accepts: () => undefined },
      ...(identity === undefined ? {} : { identity }),
      deadlineMs: 5_000,
      maxAnswerBytes: 100_000,
      trustedNowMs: Date.now(),
    },
    new AbortController().signal,
  );
  return [answer.status, answer.body.toString('utf8')];
}

test('a first license is active within a second, on disk, and on the other node at once', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  const primary = await start(world, 'a', port, { answer: async () => ({ token: await world.sign() }) });
  const worker = await start(world, 'b', port);
  await eventually(
    'both serve',
    async () =>
      (await Promise.allSettled([call(primary, port, '/', undefined), call(worker, port, '/', undefined)])).every(
        ({ status }) => status === 'fulfilled',
      ),
    10_000,
  );
  const beganMs = performance.now();
  primary.keeping.look(SURROUNDINGS);
  worker.keeping.look({ ...SURROUNDINGS, term: undefined });
  await eventually('the primary is active', () => stateOf(primary) === 'Active', 5_000, 5);
  const activeMs = performance.now() - beganMs;
  await eventually('the worker is active', () => stateOf(worker) === 'Active', 5_000, 5);
  console.log(`active after ${activeMs.toFixed(0)} ms, on the other node after ${(performance.now() - beganMs).toFixed(0)} ms`);
  await eventually('the primary has it on disk', () => primary.memory.get('license')?.statement.serial === serialOf(primary));
  await eventually('the worker has it on disk', () => worker.memory.get('license')?.token === primary.memory.get('license')?.token);
  assert.ok(Math.abs(worker.trusted.now() - Date.now()) < 60_000, 'trusted time comes with it');
  assert.equal(worker.asked.length, 0, 'only who has authority asks');
});

test('whatever is wrong with an answer is a sentence, and changes nothing', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  /** As the director signs it, spoilt on its way. */
  const spoilt = async (spoil: (head: string, body: string, signature: string) => string): Promise<string> => {
    const [head = '', body = '', signature = ''] = (await world.sign()).split('.');
    return spoil(head, body, signature);
  };
  const unasked = async (): Promise<string> => {
    world.nonce = undefined;
    return await world.sign();
  };
  const forged = (body: string): string =>
    Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as object), serial: 999_999 })).toString(
      'base64url',
    );
  const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
  const kept = await world.sign((one) => ({ ...one, serial: 5_000, nonce: 'of-a-request-of-the-thief' }));
  const answers: [string, () => string | Promise<string>, RegExp][] = [
    ['tampered with', () => spoilt((head, body, signature) => `${head}.${forged(body)}.${signature}`), /signature of the license is wrong/],
    ['cut in the signature', async () => (await world.sign()).slice(0, -20), /signature of the license is wrong/],
    ['cut in the middle', async () => (await world.sign()).slice(0, 400), /not a signed statement|signature of the license is wrong/],
    ['empty', () => '', /not a signed statement/],
    ['without a signature', () => spoilt((_, body) => `${none}.${body}.AAAA`), /not signed by EdDSA/],
    ['for another site', () => world.sign((one) => ({ ...one, site: { ...one.site, uid: 'elsewhere' } })), /paired with another one/],
    ['for another cluster', () => world.sign((one) => ({ ...one, clusterUid: 'another' })), /signed for another cluster/],
    ['older', () => world.sign((one) => ({ ...one, serial: 1 })), /an old answer was sent again/],
    ['kept by a thief, of an own request', () => kept, /not signed for this request/],
    ['for no request', () => unasked(), /not signed for this request/],
    ['by another CA', async () => world.signBy({ authority: await foreignAuthority() }), /does not vouch for/],
    ['by a node', () => world.signBy({ organization: 'outrigger:nodes' }), /not for licenses/],
    ['by a certificate that had ended', () => world.signBy({ endedMs: Date.now() - DAY_MS }), /certificate did not hold/],
    ['of a shape that nobody signed', () => world.sign((one) => ({ ...one, rate: -1 })), /number "rate"/],
    ['huge', () => 'x'.repeat(100_000), /not a signed statement/],
  ];
  let answer: () => string | Promise<string> = () => world.sign();
  const node = await start(world, 'a', port, { answer: async () => ({ token: await answer() }) });
  node.keeping.look(SURROUNDINGS);
  await eventually('it is active', () => stateOf(node) === 'Active', 5_000, 5);
  const held = serialOf(node);
  for (const [what, token, pattern] of answers) {
    answer = token;
    const before = node.asked.length;
    node.keeping.look({ ...SURROUNDINGS, request: what });
    await eventually(`${what}: it asked`, () => node.asked.length > before, 5_000, 5);
    await eventually(`${what}: it is answered`, () => node.keeping.state().answered === what, 5_000, 5);
    const { lastFailure } = node.keeping.state().keeper;
    console.log(`${what}: ${lastFailure}`);
    assert.match(lastFailure ?? '', pattern, what);
    assert.deepEqual([serialOf(node), stateOf(node)], [held, 'Active'], what);
  }
  answer = () => world.sign();
  node.keeping.look({ ...SURROUNDINGS, request: 'good again' });
  await eventually('one success clears the failure', () => node.keeping.state().keeper.lastFailure === undefined, 5_000, 5);
  assert.ok((serialOf(node) ?? 0) > (held ?? 0));
});

test('what another node sends is verified again, and only a member of the cluster in its life is heard', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  const node = await start(world, 'a', port);
  const other = await world.identityOf('outrigger:node:0b0b:1', 'outrigger:nodes');
  world.members.push({ name: 'other', uid: '0b0b', incarnation: 1, address: '127.0.0.9', role: 'Worker' });
  await eventually(
    'it serves',
    async () => (await Promise.allSettled([call(node, port, '/', undefined)]))[0]?.status === 'fulfilled',
    10_000,
  );
  const strangers: [string, Identity | undefined][] = [
    ['nobody', undefined],
    ['a node of another cluster', await world.identityOf('outrigger:node:ffff:1', 'outrigger:nodes')],
    ['another life', await world.identityOf('outrigger:node:0b0b:2', 'outrigger:nodes')],
    ['a host', await world.identityOf('outrigger:host:rack1', 'outrigger:hosts')],
    ['an administrator', await world.identityOf('admin', 'outrigger:admins')],
  ];
  for (const [who, identity] of strangers) {
    const [status, body] = await call(node, port, '/peer/v1/exchange', identity);
    assert.equal(status, 403, who);
    console.log(`${who}: ${body}`);
    assert.ok(!body.includes('token'), 'and it learns nothing');
  }
  assert.equal((await call(node, port, '/peer/v1/nothing', other))[0], 404);
  const late = (days: number): Promise<Identity> => world.identityOf('outrigger:node:0b0b:1', 'outrigger:nodes', days);
  assert.equal(
    (await call(node, port, '/peer/v1/nothing', await late(200)))[0],
    404,
    'a member that no director has renewed for months is heard',
  );
  assert.deepEqual((await call(node, port, '/peer/v1/nothing', await late(401)))[0], 403, 'as long as directors would renew it');
  const since = { ranMs: 0, bootId: 'x', bootMs: 0 };
  const bad = [
    {},
    { token: 'x' },
    { token: await world.signBy({ authority: await foreignAuthority() }), statement: {}, since },
    7,
    null,
    [],
  ];
  for (const license of bad) assert.equal((await call(node, port, '/peer/v1/exchange', other, JSON.stringify({ license })))[0], 200);
  assert.equal((await call(node, port, '/peer/v1/exchange', other, 'no json'))[0], 400);
  const flood = await call(node, port, '/peer/v1/exchange', other, 'x'.repeat(10_000_000)).catch((cause: unknown) => {
    assert.ok(isFault(cause), String(cause));
    return [413];
  });
  assert.equal(flood[0], 413);
  assert.equal(stateOf(node), 'Inactive');
  node.peers.route('GET', '/peer/v1/hello', ({ from, query }) => ({
    status: 200,
    contentType: 'text/plain',
    body: `${from.name} ${query.get('q')}`,
  }));
  assert.deepEqual(await call(node, port, '/peer/v1/hello?q=1', other), [200, 'other 1']);
});

test('a node whose store was restored, or that was replaced, learns from the other what holds', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  const primary = await start(world, 'a', port, { answer: async () => ({ token: await world.sign() }) });
  primary.keeping.look(SURROUNDINGS);
  await eventually('active', () => stateOf(primary) === 'Active', 5_000, 5);
  const restored = primary.keeping.counted() as LicenseRecord;
  primary.keeping.look({ ...SURROUNDINGS, request: 'again' });
  await eventually('synced again', () => (serialOf(primary) ?? 0) > restored.statement.serial, 5_000, 5);
  const worker = await start(world, 'b', port);
  await worker.keeping.takeRecord(restored);
  await eventually('the exchange at its start heals it', () => serialOf(worker) === serialOf(primary), 10_000, 20);
  const refused = await primary.keeping.takeRecord(restored);
  assert.ok(!refused.ok && /is held here already/.test(refused.why));
});

test('a node that does not know yet of another site takes the license for it from the node that does', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  const node = await start(world, 'a', port);
  node.keeping.look({ ...SURROUNDINGS, term: undefined });
  const token = await world.sign((one) => ({ ...one, site: { ...one.site, uid: 'the-next-site' } }));
  const [, body = ''] = token.split('.');
  const statement: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  const taken = await node.keeping.takeRecord({ token, statement, since: { ranMs: 0, bootId: 'theirs', bootMs: 0 } });
  assert.deepEqual(taken, { ok: true, isNew: true });
});

test('running time goes on after a crash and a reboot, and never falls by what another node says', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  const node = await start(world, 'a', port, { answer: async () => ({ token: await world.sign() }) });
  node.keeping.look(SURROUNDINGS);
  await eventually('active', () => node.memory.get('license') !== undefined, 5_000, 5);
  const record = node.keeping.counted() as LicenseRecord;
  await node.keeping.takeRecord({ ...record, since: { ...record.since, bootId: 'of another machine', ranMs: 3 * DAY_MS } });
  assert.equal(stateOf(node), 'SyncGrace', 'another node has been running for three days meanwhile');
  await node.keeping.takeRecord({ ...record, since: { ...record.since, bootId: 'of another machine', ranMs: 5 } });
  assert.equal(stateOf(node), 'SyncGrace', 'less than what is known counts for nothing');
  await eventually('it is stored', () => (node.memory.get('license')?.since.ranMs ?? 0) >= 3 * DAY_MS, 5_000, 5);
  await node.stop();
  const rebooted = await start(world, 'a', port, { folder: node.folder, bootId: 'boot-2', uid: node.member.uid });
  assert.equal(stateOf(rebooted), 'SyncGrace');
  assert.ok((rebooted.keeping.counted()?.since.ranMs ?? 0) >= 3 * DAY_MS);
});

test('a director whose clock ran ahead parts no nodes, and is corrected by the next statement', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  let aheadMs = 200 * DAY_MS;
  const answer: NodeOrder['answer'] = async () => ({ token: await world.sign((one) => ({ ...one, trustedMs: one.trustedMs + aheadMs })) });
  const primary = await start(world, 'a', port, { answer });
  const worker = await start(world, 'b', port);
  primary.keeping.look(SURROUNDINGS);
  await eventually('by that clock the certificates of both have ended, and they talk', () => serialOf(worker) !== undefined, 10_000, 20);
  const held = serialOf(worker) ?? 0;
  aheadMs = 0;
  primary.keeping.look({ ...SURROUNDINGS, request: 'again' });
  await eventually('the next one reaches both', () => (serialOf(worker) ?? 0) > held, 10_000, 20);
  await eventually('it is on disk', () => Math.abs(worker.trusted.now() - Date.now()) < 60_000);
});

test('seats are handed to the other node, so that a primary that is replaced keeps its peaks', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  const primary = await start(world, 'a', port, { answer: async () => ({ token: await world.sign() }) });
  const users = ['1', '2', '3'].map((digit) => digit.repeat(32));
  primary.keeping.look({ ...SURROUNDINGS, seats: { concurrent: 5, users } });
  primary.keeping.look({ ...SURROUNDINGS, seats: { concurrent: 2, users: users.slice(0, 1) } });
  await eventually('counted', () => primary.keeping.state().seats?.peakConcurrent === 5, 5_000, 5);
  const worker = await start(world, 'b', port);
  await eventually('handed on', () => worker.keeping.state().seats?.peakConcurrent === 5, 10_000, 20);
  assert.deepEqual([worker.keeping.state().seats?.named, worker.keeping.state().seats?.peakNamed], [3, 3]);
  for (const nonsense of [7, {}, { use: {}, users: [] }, { use: worker.memory.get('seats')?.use, users: ['not a hash'] }])
    await worker.keeping.takeSeats(nonsense);
  assert.equal(worker.keeping.state().seats?.named, 3);
});

test('a port that is taken is a sentence, and is taken as soon as it is free', async () => {
  const [world, port] = [await licenseWorld(), await freePort()];
  const where = address();
  const thief = createServer().listen(port, where);
  await new Promise((done) => thief.once('listening', done));
  const node = await start(world, 'a', port, { address: where });
  await eventually('it says so', () => node.peers.problem(), 5_000, 20);
  console.log(node.peers.problem());
  assert.match(
    node.peers.problem() ?? '',
    /Other nodes of the cluster cannot reach this one: Port \d+ on .* is taken by another program; .*every node has it.*ss -ltnp/,
  );
  await new Promise((done) => thief.close(done));
  await eventually('it serves', () => node.peers.problem() === undefined, 15_000, 50);
  assert.equal((await call(node, port, '/', node.identity))[0], 404);
});
