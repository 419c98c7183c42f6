/**
 * The connection server as a process of its own, over real TLS, in front of a real back end.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { certificateThumbprint } from '../../src/platform/certificate.ts';
import { mutualHttp } from '../../src/platform/mutual-http.ts';
import { sendSignal } from '../../src/platform/process-id.ts';
import { connectionServerRig, RIG_ACCOUNT } from '../support/connection-server-rig.ts';
import type { RunningServer, TestSession } from '../support/connection-server-rig.ts';
import { eventually } from '../support/eventually.ts';
import { unsignedLicense } from '../support/unsigned-license.ts';

const rig = connectionServerRig();
after(() => rig.cleanup());

const greeting = async (session: TestSession): Promise<string> =>
  await eventually('the greeting', () => /^desktop .*\n/.exec(session.bytes().toString('latin1'))?.[0]);

async function backendIs(server: RunningServer, status: string): Promise<void> {
  await eventually(
    `health says ${status}`,
    async () => (await server.ask('GET', '/v1/health', { auth: false })).json['status'] === status,
    15_000,
    50,
  );
}

describe('a connection server', { timeout: 120_000 }, () => {
  let server: RunningServer;
  before(async () => {
    const backend = await rig.backend('one');
    server = await rig.server('first', backend.port, ['--capacity', '6']);
    await backendIs(server, 'Ok');
  });

  test('makes its certificate at the first start, its key for nobody else, and says the thumbprint', async () => {
    const pem = readFileSync(join(server.data, 'certificate.pem'), 'utf8');
    assert.equal(certificateThumbprint(pem), server.thumbprint);
    assert.equal(statSync(join(server.data, 'key.pem')).mode & 0o777, 0o600);
    const shown = await mutualHttp().look('127.0.0.1', server.port, 5_000, new AbortController().signal);
    assert.equal(shown.thumbprint, server.thumbprint);
    assert.equal(shown.selfSigned, true);
  });

  test('says what it is, how it is, and what it can take', async () => {
    const version = await server.ask('GET', '/v1/version');
    assert.equal(version.json['product'], 'outrigger-connection-server');
    assert.equal(version.json['name'], 'first');
    assert.match(String(version.json['instance']), /^[0-9a-f]{16}$/);
    assert.deepEqual((await server.ask('GET', '/v1/capacity')).json, { capacity: 6, used: 0, free: 6, draining: false });
    assert.match((await server.ask('GET', '/metrics')).text, /^outrigger_connection_server_backend_up 1$/m);
  });

  test('carries a session: greeting, echo, half-close, and it is over', async () => {
    const id = await server.session('Ann');
    assert.ok(id.startsWith(`${String((await server.ask('GET', '/v1/version')).json['instance'])}.`));
    const session = await server.connect(id);
    assert.match(await greeting(session), /^desktop one ready/);
    const before = session.bytes().length;
    const sent = randomBytes(300_000);
    session.socket.send(sent);
    session.socket.send('end');
    assert.deepEqual(await session.closed, { code: 1000, reason: 'both sides are done' });
    assert.deepEqual(session.texts(), ['end']);
    assert.ok(session.bytes().subarray(before).equals(sent), 'every byte came back, after our half was over');
    const sessions = (await server.ask('GET', '/v1/sessions')).json;
    assert.deepEqual(
      [sessions['concurrent'], sessions['connected'], sessions['users']],
      [0, 0, [createHash('sha256').update('ann').digest('hex').slice(0, 32)]],
    );
    await assert.rejects(server.connect(id), /refused 404/);
  });

  test('a slow reader slows the other side down, and loses nothing', async () => {
    const session = await server.connect(await server.session());
    await greeting(session);
    const before = session.bytes().length;
    session.socket.pause();
    const chunk = randomBytes(512 * 1024);
    const chunks = 96;
    for (let i = 0; i < chunks; i++) session.socket.send(chunk);
    let waiting = 0;
    await eventually('nothing moves any more', async () => {
      const last = waiting;
      waiting = session.socket.bufferedAmount;
      await new Promise((done) => setTimeout(done, 300));
      return waiting === last;
    });
    assert.ok(waiting > 8 * 1024 * 1024, `our own side waits: ${waiting} bytes`);
    session.socket.resume();
    session.socket.send('end');
    assert.equal((await session.closed).code, 1000);
    const came = createHash('sha256').update(session.bytes().subarray(before)).digest('hex');
    const sum = createHash('sha256');
    for (let i = 0; i < chunks; i++) sum.update(chunk);
    assert.equal(came, sum.digest('hex'));
  });

  test('one connection a session; a lost one may be made anew; a farewell ends it', async () => {
    const id = await server.session();
    const session = await server.connect(id);
    const first = await greeting(session);
    await assert.rejects(server.connect(id), /refused 409/);
    session.socket.terminate();
    const again = await eventually('it may connect again', () => server.connect(id).catch(() => undefined));
    assert.notEqual(await greeting(again), first, 'a new connection to the back end');
    again.socket.close(1000);
    assert.equal((await again.closed).code, 1000);
    await eventually('the session is over', async () => (await server.ask('GET', '/v1/sessions')).json['concurrent'] === 0);
  });

  test('ended by DELETE, with a word to the client', async () => {
    const id = await server.session();
    const session = await server.connect(id);
    assert.equal((await server.ask('DELETE', `/v1/sessions/${id}`)).status, 204);
    assert.deepEqual(await session.closed, { code: 4000, reason: 'the session was ended' });
    assert.equal((await server.ask('DELETE', `/v1/sessions/${id}`)).json['code'], 'NotFound');
  });

  test('no more than the capacity, none while draining, and those that run go on', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => server.session()));
    const full = await server.ask('POST', '/v1/sessions', { body: { user: 'bob' } });
    assert.deepEqual([full.status, full.json['code']], [503, 'AtCapacity']);
    for (const id of ids.slice(1)) await server.ask('DELETE', `/v1/sessions/${id}`);
    assert.deepEqual((await server.ask('PUT', '/v1/drain')).json, { draining: true, sessions: 1 });
    const drained = await server.ask('POST', '/v1/sessions', { body: { user: 'bob' } });
    assert.deepEqual([drained.status, drained.json['code']], [503, 'Draining']);
    await backendIs(server, 'Draining');
    const session = await server.connect(ids[0] ?? '');
    await greeting(session);
    assert.deepEqual((await server.ask('DELETE', '/v1/drain')).json, { draining: false, sessions: 1 });
    session.socket.close(1000);
    await session.closed;
  });

  test('shows the license it was given, the higher serial before the lower', async () => {
    assert.equal((await server.ask('GET', '/v1/license')).status, 404);
    const token = unsignedLicense({ serial: 20 });
    const put = await server.ask('PUT', '/v1/license', { body: { token } });
    assert.deepEqual([put.status, put.json['serial'], put.json['state'], put.json['verified']], [200, 20, 'Active', false]);
    const older = await server.ask('PUT', '/v1/license', { body: { token: unsignedLicense({ serial: 19 }) } });
    assert.deepEqual([older.status, older.json['code']], [409, 'OlderLicense']);
    const cut = await server.ask('PUT', '/v1/license', { body: { token: token.slice(0, token.length / 2) } });
    assert.deepEqual([cut.status, cut.json['code']], [422, 'LicenseUntrusted']);
    assert.equal((await server.ask('GET', '/v1/license')).json['token'], token);
    assert.equal((await server.ask('DELETE', '/v1/license')).status, 204);
    assert.equal((await server.ask('GET', '/v1/license')).status, 404);
  });

  const BAD: readonly (readonly [string, string, string, object, number, string])[] = [
    ['no log-in', 'GET', '/v1/version', { auth: false }, 401, 'LogInNeeded'],
    ['a wrong password', 'GET', '/v1/version', { auth: 'outrigger:wrong' }, 401, 'LogInNeeded'],
    ['metrics without log-in', 'GET', '/metrics', { auth: false }, 401, 'LogInNeeded'],
    ['an unknown path', 'GET', '/v1/nothing', {}, 404, 'NotFound'],
    ['a path like an object', 'GET', '/__proto__', {}, 404, 'NotFound'],
    ['a wrong method', 'DELETE', '/v1/version', {}, 405, 'MethodNotAllowed'],
    ['a method like an object', 'LINK', '/v1/sessions', {}, 405, 'MethodNotAllowed'],
    ['no JSON', 'POST', '/v1/sessions', { body: '{"user":' }, 400, 'BadRequest'],
    ['a list', 'POST', '/v1/sessions', { body: '[]' }, 400, 'BadRequest'],
    ['no user', 'POST', '/v1/sessions', { body: {} }, 400, 'BadRequest'],
    ['a user with a line break', 'POST', '/v1/sessions', { body: { user: 'a\nb' } }, 400, 'BadRequest'],
    ['a user that is too long', 'POST', '/v1/sessions', { body: { user: 'x'.repeat(257) } }, 400, 'BadRequest'],
    ['a body that is too large', 'POST', '/v1/sessions', { body: Buffer.alloc(70_000, 0x20) }, 413, 'TooLarge'],
    ['a token that is no text', 'PUT', '/v1/license', { body: { token: 5 } }, 400, 'BadRequest'],
    ['connect without a WebSocket', 'GET', '/v1/sessions/abc/connect', { auth: false }, 426, 'UpgradeNeeded'],
  ];
  for (const [what, method, path, options, status, code] of BAD) {
    test(`bad input, ${what}: ${status} with a sentence`, async () => {
      const answer = await server.ask(method, path, options);
      assert.deepEqual([answer.status, answer.json['code']], [status, code], answer.text);
      assert.match(String(answer.json['message']), /^[A-Z/].*\.$|^(user|token) .*\.$/);
    });
  }

  test('bad input over a session: text, too large a frame, bytes after the end', async () => {
    const text = await server.connect(await server.session());
    text.socket.send('hello');
    assert.equal((await text.closed).code, 1003);
    const large = await server.connect(await server.session());
    large.socket.send(Buffer.alloc(1024 * 1024 + 1));
    assert.equal((await large.closed).code, 1009);
    const late = await server.connect(await server.session());
    late.socket.send('end');
    late.socket.send(Buffer.from('x'));
    assert.ok([1000, 1008].includes((await late.closed).code));
  });

  test('a malformed upgrade is answered, and its session may still be used', async () => {
    const id = await server.session();
    const socket = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    socket.write(`GET /v1/sessions/${id}/connect HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 400 /);
    await once(socket, 'close');
    const session = await eventually('it may connect', () => server.connect(id).catch(() => undefined));
    session.socket.close(1000);
    await session.closed;
  });

  test('guessing passwords from one address is stopped, and nobody else is', async () => {
    const from = '127.0.0.77';
    for (let i = 0; i < 20; i++) assert.equal((await server.ask('GET', '/v1/version', { auth: `outrigger:guess-${i}`, from })).status, 401);
    const stopped = await server.ask('GET', '/v1/version', { from });
    assert.deepEqual([stopped.status, stopped.json['code']], [429, 'TooManyLogIns']);
    assert.match(String(stopped.headers['retry-after']), /^\d+$/);
    assert.equal((await server.ask('GET', '/v1/version')).status, 200);
  });

  test('its log holds no password, no token, no session id', () => {
    const log = server.log();
    assert.ok(log.includes('A log-in failed.'));
    assert.equal(log.includes(RIG_ACCOUNT.password), false);
    assert.doesNotMatch(log, /eyJ|guess-|[0-9a-f]{16}\.[\w-]{20}/);
  });
});

describe('what happens to it', { timeout: 120_000 }, () => {
  test('its back end goes and comes back: health, refused connections, and sessions that wait', async () => {
    const backend = await rig.backend('gone');
    const server = await rig.server('orphan', backend.port);
    await backendIs(server, 'Ok');
    const id = await server.session();
    const session = await server.connect(id);
    await greeting(session);
    sendSignal(backend.pid, 'SIGKILL');
    // A program that dies ends its connections in peace, as far as TCP can tell; what is sent then shows that nobody is there.
    await eventually('the end of the back end', () => session.texts().includes('end'));
    const asking = setInterval(() => session.socket.send(Buffer.from('is anybody there?')), 50);
    assert.equal((await session.closed.finally(() => clearInterval(asking))).code, 1011);
    await backendIs(server, 'Unhealthy');
    const health = await server.ask('GET', '/v1/health', { auth: false });
    assert.equal(health.status, 503);
    assert.match(String(health.json['message']), /does not take connections: nothing listens there\.$/);
    await assert.rejects(server.connect(id), /refused 502/);
    await rig.backend('back', backend.port);
    await backendIs(server, 'Ok');
    assert.match(await greeting(await server.connect(id)), /^desktop back ready/);
  });

  test('told to stop it says farewell and ends; started again it is another instance with the same certificate', async () => {
    const backend = await rig.backend('stay');
    const server = await rig.server('again', backend.port);
    const instance = (await server.ask('GET', '/v1/version')).json['instance'];
    const session = await server.connect(await server.session());
    sendSignal(server.pid, 'SIGTERM');
    assert.deepEqual(await session.closed, { code: 1001, reason: 'the server stops' });
    assert.deepEqual(await server.exited, { exitCode: 0, signal: null });
    const next = await rig.server('again', backend.port);
    assert.equal(next.thumbprint, server.thumbprint);
    assert.notEqual((await next.ask('GET', '/v1/version')).json['instance'], instance);
  });

  test('an idle session is ended', async () => {
    const backend = await rig.backend('idle');
    const server = await rig.server('idle', backend.port, ['--idle-timeout', '1s']);
    const session = await server.connect(await server.session());
    assert.deepEqual(await session.closed, { code: 4000, reason: 'the session was idle for too long' });
    assert.match((await server.ask('GET', '/metrics')).text, /ended_total\{reason="Idle"\} 1$/m);
  });

  test('with an authority, a license that it does not vouch for is refused', async () => {
    const { certificateIssuer } = await import('../../src/platform/x509.ts');
    const { writeFileSync } = await import('node:fs');
    const made = await certificateIssuer().createAuthority('CA', Date.now() - 1_000, Date.now() + 3_600_000);
    const file = join(rig.root, 'ca.pem');
    writeFileSync(file, made.certificatePem);
    const backend = await rig.backend('sure');
    const server = await rig.server('sure', backend.port, ['--license-authority', file]);
    const put = await server.ask('PUT', '/v1/license', { body: { token: unsignedLicense() } });
    assert.deepEqual([put.status, put.json['code']], [422, 'LicenseUntrusted']);
  });
});

describe('started wrongly it says why', () => {
  const password = { [['OUTRIGGER', 'ACCOUNT_PASSWORD'].join('_')]: 'a long password' };
  const data = ['--data', join(rig.root, 'wrong')];
  const CASES: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>, number, RegExp])[] = [
    ['no back end', data, password, 2, /--backend must be host:port.*needs the TCP service behind it/],
    ['a back end without a port', [...data, '--backend', 'desktop'], password, 2, /"desktop" is no address/],
    ['no password', [...data, '--backend', 'a:1'], {}, 2, /needs the password of its account: --account-password-file/],
    [
      'a short password',
      [...data, '--backend', 'a:1'],
      { ...password, [Object.keys(password)[0] ?? '']: 'short' },
      2,
      /shorter than 8 characters/,
    ],
    [
      'a password on the command line',
      [...data, '--backend', 'a:1', '--account-password', 'x'],
      {},
      2,
      /unknown option '--account-password'/,
    ],
    [
      'a password file that is missing',
      [...data, '--backend', 'a:1', '--account-password-file', '/nonexistent'],
      {},
      2,
      /There is no file \/nonexistent/,
    ],
    [
      'a certificate without a key',
      [...data, '--backend', 'a:1', '--certificate', '/x'],
      password,
      2,
      /--certificate and --key belong together/,
    ],
    [
      'an authority that is none',
      [...data, '--backend', 'a:1', '--license-authority', import.meta.filename],
      password,
      2,
      /not the certificate of an authority/,
    ],
  ];
  for (const [what, args, environment, code, sentence] of CASES) {
    test(what, async () => {
      const { exit, log } = await rig.refused(args, environment);
      assert.equal(exit.exitCode, code, log);
      assert.match(log, sentence);
      assert.equal(log.includes('    at '), false, 'no stack');
    });
  }
});
