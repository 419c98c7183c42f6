/**
 * What passes through a tunnel, end to end: a real director, real connector-clients and cloud-proxies, a real service and a portal behind them.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { COOKIE_PREFIX } from '../../src/decide/proxied-headers.ts';
import { mutualHttp } from '../../src/platform/mutual-http.ts';
import { credentialsIn, startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { never } from '../support/node-rig.ts';
import { tunnelRig } from '../support/tunnel-rig.ts';
import type { TunnelRig } from '../support/tunnel-rig.ts';

let director: TestDirector;
let rig: TunnelRig;

before(async () => {
  director = await startDirector();
  rig = await tunnelRig([director], 2);
  await rig.start();
});
after(async () => await rig.cleanup());

const MIB = 1024 * 1024;

/** The audit lines of the director so far. */
function auditLines(): Record<string, unknown>[] {
  return director
    .log()
    .split('\n')
    .filter((line) => line.includes('"audit":true'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function tokenOf(name: string, role: string | undefined): Promise<string> {
  const accounts = '/api/v1/namespaces/demo/serviceaccounts';
  assert.equal((await director.call('POST', accounts, { body: { metadata: { name } } })).status, 201);
  if (role !== undefined) {
    const subjects = [{ kind: 'ServiceAccount', name, namespace: 'demo' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role };
    const made = await director.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/demo/rolebindings', {
      body: { metadata: { name }, subjects, roleRef },
    });
    assert.equal(made.status, 201, made.text);
  }
  const answer = await director.call('POST', `${accounts}/${name}/token`, { body: {} });
  return (answer.json()['status'] as { token: string }).token;
}

/** As somebody else than the admin: without his certificate. */
function callAs(token: string, method: string, path: string): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(director.url);
  const { ca } = credentialsIn(director.kubeconfig);
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      { hostname, port, path, method, ca, agent: false, headers: { authorization: `Bearer ${token}` } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

describe('services', () => {
  test('every method reaches a published service, with path and query as they were', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await director.call(method, rig.proxy('services/web/a%2Fb/c?d=e%20f&g'), method === 'GET' ? {} : { body: 'x' });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json(), { url: '/a%2Fb/c?d=e%20f&g', method });
    }
    assert.equal((await director.call('HEAD', rig.proxy('services/web/'))).status, 200);
  });

  test('the site sees whose request it is by X-Forwarded-* alone, and no credential', async () => {
    rig.seen.length = 0;
    const headers = { authorization: 'Bearer s3cret', cookie: 'session=s3cret', 'x-forwarded-for': '6.6.6.6', 'x-mine': 'kept' };
    assert.equal((await director.call('GET', rig.proxy('services/web/who'), { headers })).status, 200);
    const seen = rig.seen[0]?.headers ?? {};
    assert.equal(JSON.stringify(seen).includes('s3cret'), false);
    assert.equal(seen['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen['x-forwarded-prefix'], rig.proxy('services/web'));
    assert.equal(seen['x-mine'], 'kept');
    assert.equal(seen.host, new URL(director.url).host);
  });

  test('redirects and cookies stay below the prefix', async () => {
    const answer = await director.call('GET', rig.proxy('services/web/redirect'));
    assert.equal(answer.status, 302);
    assert.equal(answer.headers['location'], rig.proxy('services/web/login'));
    assert.deepEqual(answer.headers['set-cookie'], [`${COOKIE_PREFIX}sid=1; Path=${rig.proxy('services/web')}/; HttpOnly; Secure`]);
  });

  test('a path that ends without a slash is sent to the one with it, so that relative links lead where they should', async () => {
    for (const [bare, slashed] of [
      ['services/web', './web/'],
      ['services/https:web?a=b', './https:web/?a=b'],
      ['portal?x', './portal/?x'],
    ] as const) {
      const answer = await director.call('POST', rig.proxy(bare), { body: 'x' });
      assert.deepEqual([answer.status, answer.headers['location']], [308, slashed]);
      const url = new URL(slashed, `${director.url}${rig.proxy(bare)}`);
      assert.equal(`${url.pathname}${url.search}`, rig.proxy(bare).replace(/(\?.*)?$/, '/$1'));
    }
    assert.equal((await director.call('GET', rig.proxy('services/web/'))).status, 200);
  });

  test('whoever takes https for a service without TLS is told to leave it out', async () => {
    const answer = await director.call('GET', rig.proxy('services/https:web/'));
    assert.equal(answer.status, 502, answer.text);
    assert.match(answer.text, /web speaks no TLS; leave out https:/);
    const plain = await director.call('GET', rig.proxy('services/secure/'));
    assert.equal(plain.status, 502, plain.text);
    assert.match(plain.text, /secure speaks TLS; write https:secure/);
  });

  test('large bodies pass whole, both ways, without being held', async () => {
    const body = randomBytes(48 * MIB);
    const begun = performance.now();
    const up = await director.call('POST', rig.proxy('services/web/count'), { body });
    const upMs = performance.now() - begun;
    assert.deepEqual(up.json(), { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') });
    const down = await director.call('GET', rig.proxy(`services/web/large?bytes=${64 * MIB}`));
    assert.equal(down.text.length, 64 * MIB);
    const downMs = performance.now() - begun - upMs;
    console.log(`measured: ${Math.round(48_000 / upMs)} MiB/s to the site, ${Math.round(64_000 / downMs)} MiB/s from it`);
    const echo = await director.call('POST', rig.proxy('services/web/echo'), { body: 'x'.repeat(4 * MIB) });
    assert.equal(echo.text.length, 4 * MIB);
  });

  test('what is not published is not reached: unknown names, our own services, addresses', async () => {
    for (const [path, status] of [
      ['services/hidden/', 404],
      ['services/cloud-proxy/', 403],
      ['services/connector-client/', 403],
      ['services/127.0.0.1/', 400],
      ['services/web:22/', 400],
      ['nodes/x', 400],
    ] as const) {
      const answer = await director.call('GET', rig.proxy(path));
      assert.equal(answer.status, status, `${path}: ${answer.text}`);
      assert.match(String(answer.json()['message']), /\w+ \w+/);
    }
  });

  test('a slow service holds up nobody else, and the caller’s end is the end', async () => {
    rig.seen.length = 0;
    const slow = Array.from({ length: 20 }, () => director.call('GET', rig.proxy('services/web/slow')).catch(() => undefined));
    await eventually('the slow requests have arrived', () => rig.seen.filter(({ url }) => url === '/slow').length === 20);
    const begun = performance.now();
    assert.equal((await director.call('GET', rig.proxy('services/web/fast'))).status, 200);
    console.log(`measured: ${Math.round(performance.now() - begun)} ms beside 20 requests that hang`);
    rig.nodes.forEach((node) => node.kill('cloud-proxy'));
    for (const answer of await Promise.all(slow)) assert.equal(answer?.status, 502);
    for (const node of rig.nodes) await node.start('cloud-proxy');
    await eventually('it is reached again', async () => (await director.call('GET', rig.proxy('services/web/'))).status === 200);
  });
});

describe('WebSockets', () => {
  const open = (path: string, protocols: string[] = []): WebSocket =>
    new WebSocket(`${director.url.replace('https', 'wss')}${rig.proxy(path)}`, protocols, {
      ...credentialsIn(director.kubeconfig),
      headers: { authorization: 'Bearer s3cret' },
    });

  /** Fails with the sentence of a refusal. */
  const opened = (socket: WebSocket): Promise<void> =>
    new Promise((done, failed) => {
      socket.once('open', done).once('error', failed);
      socket.once('unexpected-response', (_request, answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => failed(new Error(`${answer.statusCode} ${text}`)));
      });
    });

  test('text and bytes come back through everything', async () => {
    const socket = open('services/web/ws', ['chat']);
    await opened(socket);
    const bytes = randomBytes(3 * MIB);
    const messages: Buffer[] = [];
    socket.on('message', (data) => messages.push(data as Buffer));
    socket.send('hello');
    socket.send(bytes);
    await eventually('the echo is there', () => messages.length === 2);
    assert.equal(messages[0]?.toString(), 'hello');
    assert.ok(messages[1]?.equals(bytes));
    const closed = new Promise((done) => socket.once('close', done));
    socket.close(1000);
    assert.equal(await closed, 1000);
    const line = await eventually('it is in the audit', () => auditLines().find((one) => one['webSocket'] === true));
    assert.equal(line['status'], 101);
    assert.ok((line['inwardBytes'] as number) > 3 * MIB && (line['outwardBytes'] as number) > 3 * MIB);
  });

  test('what is no WebSocket, not published, or elsewhere is refused with a status', async () => {
    for (const [path, status] of [
      ['services/web/plain', 400],
      ['services/hidden/ws', 404],
    ] as const) {
      const socket = open(path);
      const [, answer] = await new Promise<[unknown, { statusCode?: number | undefined }]>((done) =>
        socket.once('unexpected-response', (request, incoming) => done([request, incoming])),
      );
      socket.on('error', () => undefined);
      assert.equal(answer.statusCode, status, path);
      socket.terminate();
    }
  });
});

describe('portal and logs', () => {
  test('the primary’s portal, with its own cookies', async () => {
    const first = await director.call('GET', rig.proxy('portal/state?x=1'));
    assert.equal(first.text, 'portal /state?x=1 no cookie');
    const cookie = String(first.headers['set-cookie']?.[0]).split(';')[0] ?? '';
    const again = await director.call('GET', rig.proxy('portal/'), { headers: { cookie: `director=s3cret; ${cookie}` } });
    assert.equal(again.text, 'portal / portal=s1');
  });

  test('no primary: 503 with a sentence', async () => {
    await rig.tell({ primary: undefined });
    const answer = await eventually('it is known', async () => {
      const seen = await director.call('GET', rig.proxy('portal/'));
      return seen.status === 503 ? seen : undefined;
    });
    assert.match(String(answer.json()['message']), /knows no primary/);
    await rig.tell({ primary: rig.nodes[0]?.node.name });
  });

  test('the last lines of a pod’s log, of the node that was asked', async () => {
    const answer = await director.call('GET', rig.logPath(1, 'service=web&tailLines=3'));
    assert.equal(answer.text, 'line 1997\nline 1998\nline 1999\n');
    assert.match(String(answer.headers['content-type']), /text\/plain/);
    assert.equal((await director.call('GET', rig.logPath(0, 'service=web'))).text.split('\n').length, 1_001);
  });

  test('a log is followed while somebody reads', async () => {
    const { appendFileSync } = await import('node:fs');
    const stream = await director.lines(rig.logPath(0, 'service=web&tailLines=0&follow=true'));
    const dir = rig.nodes[0]?.node.dir ?? '';
    appendFileSync(`${dir}/logs/web/web.log`, '{"new":1}\n');
    assert.deepEqual(await stream.next(), { new: 1 });
    stream.close();
  });

  test('no path leads out of the logs', async () => {
    for (const query of ['service=../identity', 'service=web&container=../../node', 'service=%2e%2e', 'service=web&container=other', 'x=y'])
      assert.ok([400, 404].includes((await director.call('GET', rig.logPath(0, query))).status), query);
  });
});

describe('rights', () => {
  test('clusters/proxy and clusternodes/log are subresources, and without them there is 403', async () => {
    const [nobody, viewer, editor] = [await tokenOf('nobody', undefined), await tokenOf('viewer', 'view'), await tokenOf('editor', 'edit')];
    const [web, log] = [rig.proxy('services/web/'), rig.logPath(0, 'service=web&tailLines=1')];
    const asked = async (token: string, method: string, path: string): Promise<number> => (await callAs(token, method, path)).status;
    assert.deepEqual([await asked(nobody, 'GET', web), await asked(nobody, 'GET', log)], [403, 403]);
    assert.deepEqual([await asked(viewer, 'GET', web), await asked(viewer, 'GET', log)], [403, 200]);
    assert.deepEqual([await asked(editor, 'DELETE', web), await asked(editor, 'GET', log)], [200, 200]);
    assert.equal((await callAs('bad', 'GET', web)).status, 401);
    const refusal = await callAs(viewer, 'GET', web);
    assert.match(refusal.text, /cannot get resource \\"clusters\/proxy\\"/);
    assert.equal(await asked(editor, 'GET', rig.proxy('services/web/').replace('/demo/', '/other/')), 403);
  });

  test('kubectl get --raw works on the proxy path and on logs', async () => {
    const raw = await director.kubectl('35', ['get', '--raw', rig.proxy('services/web/raw')]);
    assert.equal(raw.code, 0, raw.stderr);
    assert.deepEqual(JSON.parse(raw.stdout), { url: '/raw', method: 'GET' });
    const log = await director.kubectl('35', ['get', '--raw', rig.logPath(0, 'service=web&tailLines=1')]);
    assert.equal(log.code, 0, log.stderr);
    const refused = await director.kubectl('35', ['get', '--raw', rig.proxy('services/hidden/')]);
    assert.match(refused.stderr, /publishes no service hidden/);
  });

  test('one audit line a request: who, what, where from, the outcome; nothing that was sent', async () => {
    const path = rig.proxy('services/web/audited?secret=s3cret');
    await director.call('POST', path, { body: 's3cret', headers: { 'x-secret': 's3cret' } });
    const mine = (): Record<string, unknown>[] => auditLines().filter((one) => one['path'] === '/audited');
    const line = await eventually('the line is there', () => mine()[0]);
    assert.equal(mine().length, 1);
    const { user, verb, method, resource, namespace, name, reached, path: where, address, status, complete } = line;
    assert.deepEqual(
      { user, verb, method, resource, namespace, name, reached, where, address, status, complete },
      {
        user: 'admin',
        verb: 'create',
        method: 'POST',
        resource: 'clusters/proxy',
        namespace: 'demo',
        name: rig.rig.name,
        reached: 'services/web',
        where: '/audited',
        address: '127.0.0.1',
        status: 200,
        complete: true,
      },
    );
    assert.equal(director.log().includes('s3cret'), false);
  });

  test('a cluster that is not there is 404, tunnels are counted', async () => {
    assert.equal((await director.call('GET', rig.proxy('portal/').replace(rig.rig.name, 'nowhere'))).status, 404);
    const { text } = await director.call('GET', '/metrics');
    assert.match(text, /^outrigger_tunnels 2$/m);
    assert.match(text, /^outrigger_requests_total\{verb="proxy",code="200"\} \d+$/m);
  });
});

describe('the doors at the site', () => {
  test('strangers get nothing from cloud-proxy and connector-client; members hand in what is for a director', async () => {
    const [one] = rig.nodes;
    assert.ok(one !== undefined);
    const identity = await one.identity();
    const ask = async (port: number, path: string, own: boolean): Promise<{ status: number; text: string }> => {
      const answer = await mutualHttp().call(
        {
          method: 'POST',
          url: `https://127.0.0.1:${port}${path}`,
          body: '{}',
          ...(own ? { identity } : {}),
          trust: { kind: 'authority', authority: identity.authority, accepts: () => undefined },
          deadlineMs: 10_000,
          maxAnswerBytes: MIB,
          trustedNowMs: Date.now(),
        },
        never,
      );
      return { status: answer.status, text: answer.body.toString() };
    };
    for (const [port, path] of [
      [one.ports.cloudProxy, '/proxy/services/web/'],
      [one.ports.connectorClient, '/license/sync'],
      [one.ports.connectorClient, '/metrics'],
    ] as const)
      assert.equal((await ask(port, path, false)).status, 403, path);
    assert.equal((await ask(one.ports.cloudProxy, '/proxy/services/web/', true)).status, 200);
    assert.equal((await ask(one.ports.connectorClient, '/nothing', true)).status, 404);
    const synced = await ask(one.ports.connectorClient, '/license/sync', true);
    assert.ok(synced.status >= 200 && synced.status < 500, `${synced.status} ${synced.text}`);
  });
});
