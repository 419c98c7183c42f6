/**
 * The front door of a site as a process of its own, in front of real connection servers.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mutualHttp } from '../../src/platform/mutual-http.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { certificateIssuer } from '../../src/platform/x509.ts';
import { connectionServerRig } from '../support/connection-server-rig.ts';
import type { Asked, RunningServer, TestSession } from '../support/connection-server-rig.ts';
import { eventually } from '../support/eventually.ts';
import { DAY_MS, frontDoorRig, siteOf } from '../support/front-door-rig.ts';
import type { FrontDoorRig, RunningDoor } from '../support/front-door-rig.ts';

const servers = connectionServerRig();
after(() => servers.cleanup());

const ROOT = join(import.meta.dirname, '..', '..');
const CAPACITY = 5_000;
const PATIENCE_MS = 20_000;
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const idOf = (made: Asked): string => {
  assert.equal(made.status, 201, made.text);
  return String(made.json['id']);
};
const instanceOf = (made: Asked): string => idOf(made).split('.')[0] ?? '';
const cookieOf = (made: Asked): string => String(made.headers['set-cookie']).split(';')[0] ?? '';

async function echoes(session: TestSession, word: string): Promise<void> {
  session.socket.send(Buffer.from(`${word}\n`));
  await eventually(`${word} comes back`, () => session.bytes().toString('latin1').includes(word));
}

async function start(name: string, backendPort: number, port = 0): Promise<RunningServer> {
  return await servers.server(name, backendPort, ['--capacity', String(CAPACITY)], port);
}

async function takeSessions(door: RunningDoor, ready: number, of: number): Promise<void> {
  const wanted = `${ready} of ${of} connection servers take sessions.`;
  await eventually(`the door says: ${wanted}`, async () => (await door.ask('GET', '/v1/health')).json['message'] === wanted, PATIENCE_MS);
}

describe('the front door of a site', { timeout: 180_000 }, () => {
  let rig: FrontDoorRig;
  let first: RunningServer;
  let second: RunningServer;
  let door: RunningDoor;
  let other: RunningDoor;
  let backendPort = 0;
  const both = () => siteOf([first, second]);
  before(async () => {
    rig = await frontDoorRig();
    backendPort = (await servers.backend('one')).port;
    [first, second] = await Promise.all([start('first', backendPort), start('second', backendPort)]);
    const config = { site: both(), license: rig.license() };
    [door, other] = await Promise.all([rig.door('n0', config), rig.door('n1', config)]);
    await takeSessions(door, 2, 2);
    await takeSessions(other, 2, 2);
  });
  after(() => rig.cleanup());

  test('the example client opens a session, sends lines and prints what comes, and sends nothing to a stranger', async () => {
    const run = (...trust: string[]) =>
      spawn(process.execPath, ['examples/session.mjs', `https://127.0.0.1:${door.port}`, 'ann', ...trust], { cwd: ROOT });
    const client = run('--insecure');
    let [seen, said] = ['', ''];
    client.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    client.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    client.stdin.write('good morning\n');
    await eventually(`the back end answers the example client, which says: ${said}`, () => seen.includes('good morning'), PATIENCE_MS);
    client.stdin.end();
    assert.equal(await new Promise((done) => client.once('exit', done)), 0, said);
    const wrong = run('--pin', `sha256:${'0'.repeat(64)}`);
    let why = '';
    wrong.stderr.on('data', (chunk: Buffer) => (why += chunk.toString()));
    assert.equal(await new Promise((done) => wrong.once('close', done)), 1);
    assert.match(why, /shows sha256:[0-9a-f]{64}, not sha256:0000/);
  });

  test('leads new sessions to both servers, carries one both ways, and ends it', async () => {
    const made = [];
    for (let i = 0; i < 8; i++) made.push(await door.post(`user-${i}`));
    assert.equal(new Set(made.map(instanceOf)).size, 2, 'the less loaded one in turns');
    const session = await door.connect(idOf(made[0] as Asked));
    await echoes(session, 'hello there');
    assert.equal((await door.ask('DELETE', `/v1/sessions/${idOf(made[0] as Asked)}`)).status, 204);
    assert.equal((await session.closed).code, 4000);
    const gone = await door.ask('DELETE', `/v1/sessions/${idOf(made[0] as Asked)}`);
    assert.deepEqual([gone.status, gone.json['code']], [404, 'NotFound']);
    for (const one of made.slice(1))
      assert.equal((await other.ask('DELETE', `/v1/sessions/${idOf(one)}`)).status, 204, 'by the other door');
  });

  test('two doors that share nothing lead a client to the same server, by its cookie and by the id of its session', async () => {
    const made = await door.post('ann');
    for (let i = 0; i < 6; i++) assert.equal(instanceOf(await other.post('ann', cookieOf(made))), instanceOf(made));
    const session = await other.connect(idOf(made));
    await echoes(session, 'through the other door');
    session.socket.close(1000);
  });

  test('passes on sessions and nothing else; the account of a client reaches no server', async () => {
    for (const [method, path] of [
      ['GET', '/v1/license'],
      ['PUT', '/v1/drain'],
      ['GET', '/metrics'],
      ['GET', '/v1/sessions/..%2fdrain'],
      ['GET', '/'],
    ] as const)
      assert.equal((await door.ask(method, path)).status, 404, path);
    assert.equal((await door.ask('GET', '/v1/sessions')).status, 405);
    assert.equal((await door.ask('GET', '/v1/sessions/a.b/connect')).status, 426);
    idOf(await door.ask('POST', '/v1/sessions', { body: { user: 'bob' }, auth: 'somebody:else' }));
    for (const body of ['', 'nonsense', '[]', '{"user":7}', '{"user":""}']) {
      const refused = await door.ask('POST', '/v1/sessions', { body });
      assert.deepEqual([refused.status, refused.json['code']], [400, 'BadRequest'], body);
    }
    assert.equal((await door.ask('POST', '/v1/sessions', { body: 'x'.repeat(100_000) })).status, 413);
    await assert.rejects(door.connect('nobody.knows'), /refused 404/);
  });

  test('delivers the license, counts seats without names, and writes down how the servers are', async () => {
    const ann = createHash('sha256').update('ann').digest('hex').slice(0, 32);
    const status = await eventually(
      'the status holds seats and license',
      async () => {
        const said = await door.status();
        return said.use?.users.includes(ann) === true && Object.values(said.servers).every((one) => one.licenseSerial === 1)
          ? said
          : undefined;
      },
      PATIENCE_MS,
    );
    assert.deepEqual(Object.keys(status.servers), ['server-1', 'server-2']);
    assert.deepEqual([status.servers['server-1']?.state, status.servers['server-1']?.capacity], ['Healthy', CAPACITY]);
    assert.ok((status.use?.concurrent ?? 0) > 0);
    assert.equal((await first.ask('GET', '/v1/license')).json['serial'], 1);
    await door.tell({ site: both(), license: rig.license(2) });
    await eventually('a newer one follows', async () => (await second.ask('GET', '/v1/license')).json['serial'] === 2, PATIENCE_MS);
  });

  test('a server that is drained gets nothing new and keeps what it has', async () => {
    const made = await door.post('carol');
    const home = idOf(made).startsWith(String((await first.ask('GET', '/v1/version')).json['instance'])) ? first : second;
    const session = await door.connect(idOf(made));
    assert.equal((await home.ask('PUT', '/v1/drain')).status, 200);
    // The very first one after it: what the server says when it is asked counts.
    for (let i = 0; i < 10; i++) assert.notEqual(instanceOf(await door.post('carol', cookieOf(made))), instanceOf(made));
    await echoes(session, 'still here');
    await eventually('the status says so', async () =>
      Object.values((await door.status()).servers).some((one) => one.state === 'Draining'),
    );
    await home.ask('DELETE', '/v1/drain');
    await takeSessions(door, 2, 2);
    session.socket.close(1000);
  });

  test('license: expired refuses new sessions with the reason while running ones go on; one sync lets them in again', async () => {
    const session = await door.connect(idOf(await door.post('dave')));
    const cases = [
      [
        rig.license(2, 27 * DAY_MS),
        /^This site's license has expired, so no new sessions are let in; ask the site's administrator\. Running sessions go on\.$/,
      ],
      [undefined, /^This site has no license yet, so no new sessions are let in/],
    ] as const;
    for (const [license, reason] of cases) {
      await door.tell({ site: both(), license });
      const refused = await eventually('new sessions are refused', async () => {
        const said = await door.post('dave');
        return said.status === 403 ? said : undefined;
      });
      assert.equal(refused.json['code'], 'LicenseRefuses');
      assert.match(String(refused.json['message']), reason);
      await echoes(session, `running on ${String(license?.statement.serial)}`);
    }
    await door.tell({ site: both(), license: rig.license(3, 24 * DAY_MS) });
    await eventually('grace lets them in', async () => (await door.post('dave')).status === 201);
    await door.tell({ site: both(), license: rig.license(4) });
    session.socket.close(1000);
  });

  test('a client that does not read stops the server, and costs the door no memory', async () => {
    const session = await door.connect(idOf(await door.post('slow')));
    await echoes(session, 'ready');
    const before = residentMiB(door.pid);
    session.socket.pause();
    const chunk = Buffer.alloc(512 * 1024, 0x61);
    for (let i = 0; i < 80; i++) session.socket.send(chunk);
    await sleep(2_000);
    const grown = residentMiB(door.pid) - before;
    assert.ok(grown < 25, `40 MB that nobody reads made the door grow by ${grown} MiB`);
    session.socket.resume();
    await eventually('all of it arrives', () => session.bytes().length > 80 * chunk.length, 60_000);
    session.socket.close(1000);
  });

  test('one of two servers dies under load: 0 failed new sessions; started anew it gets sessions and the license again', async () => {
    const failures: string[] = [];
    let made = 0;
    let over = false;
    const client = async (n: number): Promise<void> => {
      while (!over) {
        const said = await door.post(`load-${n}`).catch((cause: unknown) => String(cause));
        if (typeof said === 'string' || said.status !== 201) failures.push(typeof said === 'string' ? said : said.text);
        made++;
      }
    };
    const clients = [1, 2, 3, 4, 5, 6].map(client);
    await sleep(1_000);
    sendSignal(-second.pid, 'SIGKILL');
    await sleep(5_000);
    over = true;
    await Promise.all(clients);
    console.log(`${made} new sessions while one of two servers was killed, ${failures.length} failed`);
    assert.deepEqual(failures, []);
    assert.ok(made > 50, `${made} sessions are no load`);
    await takeSessions(door, 1, 2);
    second = await start('second', backendPort, second.port);
    await takeSessions(door, 2, 2);
    await eventually('it has the license again', async () => (await second.ask('GET', '/v1/license')).json['serial'] === 4, PATIENCE_MS);
    const session = await eventually('a session at the new life', async () => {
      const said = await door.post('erin');
      return said.status === 201 && instanceOf(said) === String((await second.ask('GET', '/v1/version')).json['instance'])
        ? said
        : undefined;
    });
    await echoes(await other.connect(idOf(session)), 'a life that the other door had not seen');
  });

  test('I3: one server is back and the other one dies before the door has looked: the one that is back gets the session', async () => {
    for (let round = 0; round < 2; round++) {
      sendSignal(-second.pid, 'SIGKILL');
      await takeSessions(door, 1, 2);
      second = await start('second', backendPort, second.port);
      sendSignal(-first.pid, 'SIGKILL');
      const made = await Promise.all([1, 2, 3, 4].map((n) => door.post(`round-${round}-${n}`)));
      const instance = String((await second.ask('GET', '/v1/version')).json['instance']);
      for (const one of made) assert.equal(instanceOf(one), instance);
      first = await start('first', backendPort, first.port);
      await takeSessions(door, 2, 2);
    }
  });

  test('without a site, or with servers that are all gone, it stays and says so; told of another site it goes on there', async () => {
    await other.tell({ site: undefined, license: rig.license(5) });
    await eventually('it says so', async () => {
      const refused = await other.post('finn');
      return refused.status === 503 && /not paired with a site/.test(refused.text);
    });
    assert.equal((await other.ask('GET', '/v1/health')).status, 503);
    await other.tell({ site: siteOf([{ url: 'https://127.0.0.1:1', thumbprint: first.thumbprint }]), license: rig.license(5) });
    await eventually(
      'nothing listens there',
      async () => /does not answer as it should/.test((await other.post('finn')).text),
      PATIENCE_MS,
    );
    await other.tell({ site: both(), license: rig.license(5) });
    await takeSessions(other, 2, 2);
    idOf(await other.post('finn'));
  });

  test('shows a certificate that people put there, without a restart; half of a pair is said and left alone', async () => {
    const look = async (): Promise<string> =>
      (await mutualHttp().look('127.0.0.1', door.port, 5_000, new AbortController().signal)).facts.commonNames.join();
    assert.equal(await look(), 'outrigger:node:n0:1');
    const folder = join(door.folder, 'portal-certificate');
    mkdirSync(folder);
    const own = await certificateIssuer().createSelfSigned({
      commonName: 'harbor.example',
      names: ['harbor.example'],
      notBeforeMs: Date.now() - DAY_MS,
      notAfterMs: Date.now() + DAY_MS,
    });
    writeFileSync(join(folder, 'certificate.pem'), own.certificatePem);
    await eventually('it is said', () => door.log().includes('cannot be used'));
    assert.equal(await look(), 'outrigger:node:n0:1');
    writeFileSync(join(folder, 'key.pem'), own.privateKeyPem, { mode: 0o600 });
    await eventually('it is shown', async () => (await look()) === 'harbor.example');
    idOf(await door.post('grace'));
  });

  test('I2: stopped, it ends at once when nobody is connected, with no secret in its log or status', async () => {
    const begun = performance.now();
    const exit = await door.stop();
    assert.deepEqual(exit, { exitCode: 0, signal: null }, door.log());
    assert.ok(performance.now() - begun < 9_000);
    for (const text of [door.log(), readFileSync(`${door.folder}/framework/connection-server-proxy.json`, 'utf8')])
      assert.doesNotMatch(text, /a long password|Basic |PRIVATE KEY/);
  });
});

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
