/**
 * Tunnels that are cut: directors that die, start again or go silent, and nodes that are revoked. Real processes; what was measured is printed, the
 * deadline of an assertion is ten times the promise.
 */
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { Agent, request } from 'node:https';
import { dialTunnel } from '../../src/platform/tunnel-site.ts';
import { programCommand } from '../../src/platform/program.ts';
import { startDirector } from '../support/director.ts';
import type { TestDirector } from '../support/director.ts';
import { eventually } from '../support/eventually.ts';
import { tunnelRig } from '../support/tunnel-rig.ts';
import type { TunnelNode, TunnelRig } from '../support/tunnel-rig.ts';

/** 2 s are promised. */
const BACK_MS = 20_000;
/** 5 s are promised. */
const REVOKED_MS = 50_000;

/** A stretch of cable between nodes and a director, which can be cut without a word; what was sent meanwhile comes through when it is repaired, as TCP has it. */
interface Cable {
  readonly url: string;
  silence(): void;
  repair(): void;
  close(): Promise<void>;
}

async function cable(target: number): Promise<Cable> {
  const sockets = new Set<Socket>();
  const waiting: Socket[] = [];
  let silent = false;
  const through = (near: Socket): void => {
    const far = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        if (!silent) other.destroy();
      });
      one.on('data', (chunk: Buffer) => {
        if (!other.write(chunk)) one.pause();
      });
      other.on('drain', () => silent || one.resume());
    }
    near.resume();
  };
  const server: Server = createServer({ pauseOnConnect: true }, (near) => {
    near.on('error', () => undefined);
    if (silent) waiting.push(near);
    else through(near);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence: () => {
      silent = true;
      for (const socket of sockets) socket.pause();
    },
    repair: () => {
      silent = false;
      for (const socket of sockets) socket.resume();
      for (const near of waiting.splice(0)) if (!near.destroyed) through(near);
    },
    close: async () => {
      for (const socket of [...sockets, ...waiting]) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

async function directorOf(node: TunnelNode | undefined): Promise<string | undefined> {
  return (await node?.status())?.director;
}

async function reached(director: TestDirector, path: string): Promise<boolean> {
  return (await director.call('GET', path).catch(() => undefined))?.status === 200;
}

const ms = (since: number): number => Math.round(performance.now() - since);

describe('two directors', () => {
  let directors: TestDirector[];
  let rig: TunnelRig;
  before(async () => {
    const first = await startDirector();
    directors = [first, await startDirector({ database: first.database, data: first.data })];
    rig = await tunnelRig(directors, 2);
    await rig.start();
  });
  after(async () => await rig.cleanup());

  test('different nodes hold different directors, and the Lease says who holds which', async () => {
    const held = await Promise.all(rig.nodes.map(directorOf));
    assert.deepEqual(new Set(held), new Set(directors.map(({ url }) => url)));
    for (const [at, { node }] of rig.nodes.entries()) {
      const holder = await eventually('the lease is written', async () => {
        const lease = await directors[0]?.call('GET', `/apis/coordination.k8s.io/v1/namespaces/demo/leases/tunnel-${node.uid}`);
        return lease?.status === 200 ? (lease.json()['spec'] as { holderIdentity: string }).holderIdentity : undefined;
      });
      assert.equal(holder, held[at]);
    }
  });

  test('a director without the node’s tunnel sends the caller to the one that has it, also for a WebSocket', async () => {
    const holder = await directorOf(rig.nodes[0]);
    const other = directors.find(({ url }) => url !== holder);
    const path = rig.logPath(0, 'service=web&tailLines=1');
    const answer = await eventually('it is known', async () => {
      const seen = await other?.call('GET', path);
      return seen?.status === 307 ? seen : undefined;
    });
    assert.equal(answer.headers['location'], `${holder}${path}`);
    const followed = await other?.kubectl('35', ['get', '--raw', path]);
    assert.equal(followed?.stdout, 'line 1999\n', followed?.stderr);
  });

  test('a director is killed: its nodes are back at the other one within 2 s, and nothing else notices', async () => {
    const holder = await directorOf(rig.nodes[0]);
    const [dead, alive] = directors[0]?.url === holder ? directors : directors.toReversed();
    assert.ok(dead !== undefined && alive !== undefined);
    await dead.kill();
    const begun = performance.now();
    await eventually('the tunnel is at the other director', async () => (await directorOf(rig.nodes[0])) === alive.url, BACK_MS);
    await eventually('its logs are reached', () => reached(alive, rig.logPath(0, 'service=web&tailLines=1')), BACK_MS);
    console.log(`measured: back ${ms(begun)} ms after kill -9 of a director, at another one`);
    assert.equal((await alive.call('GET', rig.proxy('services/web/'))).status, 200);
  });

  test('the last director is killed and started again: all are back within 2 s of its being ready', async () => {
    const alive = directors.find(({ process }) => process.exitCode === null && process.signalCode === null);
    assert.ok(alive !== undefined);
    await alive.kill();
    await eventually('there is no tunnel', async () => (await directorOf(rig.nodes[0])) === undefined, BACK_MS);
    const { database, data, kubeconfig, port } = alive;
    const again = await startDirector({ database, data, kubeconfig, port });
    directors = [again];
    const begun = performance.now();
    for (const at of [0, 1]) await eventually('it is reached', () => reached(again, rig.logPath(at, 'service=web&tailLines=1')), BACK_MS);
    console.log(`measured: both nodes back ${ms(begun)} ms after a director that was killed was ready again`);
  });

  test('a director that is told to stop is left before it goes', async () => {
    const [last] = directors;
    assert.ok(last !== undefined);
    const { database, data } = last;
    const next = await startDirector({ database, data });
    await rig.tell({ directors: [last.url, next.url] });
    const stopping = last.stop();
    const begun = performance.now();
    for (const node of rig.nodes) await eventually('it is at the other', async () => (await directorOf(node)) === next.url, BACK_MS);
    console.log(`measured: moved ${ms(begun)} ms after SIGTERM`);
    assert.equal(await stopping, 0);
    directors = [next];
  });
});

describe('silence', () => {
  let director: TestDirector;
  let rig: TunnelRig;
  let cables: Cable[];
  before(async () => {
    director = await startDirector();
    cables = [await cable(director.port), await cable(director.port)];
    rig = await tunnelRig(
      [director],
      1,
      cables.map(({ url }) => url),
    );
    await rig.start();
  });
  after(async () => {
    await rig.cleanup();
    for (const one of cables) await one.close();
  });

  test('one way to the directors goes silent: the node is back by the other within 2 s', async () => {
    const url = await directorOf(rig.nodes[0]);
    const [cut, other] = cables[0]?.url === url ? cables : cables.toReversed();
    cut?.silence();
    const begun = performance.now();
    await eventually('it is at the other', async () => (await directorOf(rig.nodes[0])) === other?.url, BACK_MS);
    await eventually('it is reached', () => reached(director, rig.proxy('services/web/')), BACK_MS);
    console.log(`measured: back ${ms(begun)} ms after a cable went silent`);
    cut?.repair();
  });

  test('all ways go silent for 8 s: it says so, and is back within 2 s of the repair', async () => {
    for (const one of cables) one.silence();
    const begun = performance.now();
    await eventually('it says so', async () => (await directorOf(rig.nodes[0])) === undefined, BACK_MS);
    console.log(`measured: said ${ms(begun)} ms after everything went silent`);
    await eventually('8 s have passed', () => performance.now() - begun > 8_000);
    for (const one of cables) one.repair();
    const repaired = performance.now();
    await eventually('it is back', async () => (await directorOf(rig.nodes[0])) !== undefined, BACK_MS);
    await eventually('it is reached', () => reached(director, rig.proxy('services/web/')), BACK_MS);
    console.log(`measured: back ${ms(repaired)} ms after the repair`);
  });

  test('the director hangs (SIGSTOP) for 3 s: the node is back when it goes on', async () => {
    director.process.kill('SIGSTOP');
    const begun = performance.now();
    await eventually('3 s have passed', () => performance.now() - begun > 3_000);
    director.process.kill('SIGCONT');
    const went = performance.now();
    await eventually('it is reached', () => reached(director, rig.proxy('services/web/')), BACK_MS);
    console.log(`measured: reached ${ms(went)} ms after the director went on`);
  });
});

describe('a revoked node', () => {
  let director: TestDirector;
  let rig: TunnelRig;
  before(async () => {
    director = await startDirector();
    rig = await tunnelRig([director], 2);
    await rig.start();
  });
  after(async () => await rig.cleanup());

  test('a second holder of a node’s certificate is said by the node itself, also when it has its tunnel back', async () => {
    const [stolen] = rig.nodes;
    assert.ok(stolen !== undefined);
    assert.equal((await stolen.status())?.message, undefined, 'one that only opened its own is not suspected');
    const thief = await dialTunnel(
      {
        director: director.url,
        identity: await stolen.identity(),
        trustedNowMs: Date.now(),
        handler: (_request, response) => response.send(200, [], Buffer.alloc(0)),
        onUpgrade: (upgrade) => upgrade.refuse(404, [], Buffer.alloc(0)),
        dialMs: 10_000,
      },
      AbortSignal.timeout(20_000),
    );
    const status = await eventually(
      'it has its tunnel back and says so',
      async () => {
        const now = await stolen.status();
        return now?.director !== undefined && now.message !== undefined ? now : undefined;
      },
      BACK_MS,
    );
    assert.match(status.message ?? '', /^Somebody else opened a tunnel .* outrigger node revoke/);
    thief.cut('the test is over');
  });

  test('loses its tunnel, its watches and its word within 5 s; the other node loses nothing; a new identity brings it back', async () => {
    const [stolen, other] = rig.nodes;
    assert.ok(stolen !== undefined && other !== undefined);
    const identity = await stolen.identity();
    const agent = new Agent({ keepAlive: true, cert: identity.certificate, key: identity.privateKey, ca: identity.authority });
    const own = `/apis/outrigger.dev/v1/namespaces/demo/clusternodes/${stolen.node.name}`;
    assert.equal(await statusOf(director, agent, own), 200);
    const watchEnded = watchAs(
      director,
      identity,
      `${own.slice(0, own.lastIndexOf('/'))}?watch=1&labelSelector=outrigger.dev%2Fcluster-uid%3D${(await rig.rig.cluster()).metadata.uid}`,
    );
    const revoked = await command(['node', 'revoke', stolen.node.name, '-n', 'demo', '--kubeconfig', director.kubeconfig]);
    assert.match(revoked, /are revoked/);
    const begun = performance.now();
    await watchEnded;
    const watchMs = ms(begun);
    await eventually('the certificate is refused', async () => (await statusOf(director, agent, own)) === 401, REVOKED_MS);
    const refusedMs = ms(begun);
    await eventually('its tunnel is cut', async () => /was revoked/.test((await stolen.status())?.message ?? ''), REVOKED_MS);
    console.log(`measured after revoking: watch ended ${watchMs} ms, refused ${refusedMs} ms, tunnel cut and told ${ms(begun)} ms`);
    assert.equal((await director.call('GET', rig.logPath(0, 'service=web'))).status, 503);
    assert.equal((await director.call('GET', rig.logPath(1, 'service=web&tailLines=1'))).status, 200);
    assert.equal((await director.call('GET', rig.proxy('services/web/'))).status, 200);
    await stolen.join();
    const joined = performance.now();
    await eventually('it has a tunnel again', () => reached(director, rig.logPath(0, 'service=web&tailLines=1')), BACK_MS);
    console.log(`measured: back ${ms(joined)} ms after it had a new identity`);
    assert.equal(await statusOf(director, agent, own), 401);
    agent.destroy();
  });

  test('a node that is replaced by a later life is cut', async () => {
    const [, other] = rig.nodes;
    await director.call('PATCH', `/apis/outrigger.dev/v1/namespaces/demo/clusternodes/${other?.node.name}`, {
      body: { spec: { incarnation: 2 } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    const begun = performance.now();
    await eventually('it is cut', async () => /has replaced incarnation 1/.test((await other?.status())?.message ?? ''), REVOKED_MS);
    console.log(`measured: an earlier life was cut ${ms(begun)} ms after a later one was written`);
  });
});

function command(args: readonly string[]): Promise<string> {
  const [program, ...rest] = programCommand(args);
  return new Promise((done, failed) =>
    execFile(program, rest, (error, stdout, stderr) => (error === null ? done(stdout) : failed(new Error(stderr)))),
  );
}

function statusOf(director: TestDirector, agent: Agent, path: string): Promise<number> {
  const { hostname, port } = new URL(director.url);
  return new Promise((done) => {
    const sent = request({ hostname, port, path, agent }, (answer) => {
      answer.resume();
      answer.on('end', () => done(answer.statusCode ?? 0));
    });
    // Its connection is cut; the next one is answered.
    sent.on('error', () => done(0));
    sent.end();
  });
}

/** Resolves when a watch that was open has ended. */
function watchAs(
  director: TestDirector,
  identity: { certificate: string; privateKey: string; authority: string },
  path: string,
): Promise<void> {
  const { hostname, port } = new URL(director.url);
  const { certificate: cert, privateKey: key, authority: ca } = identity;
  return new Promise((done, failed) => {
    const sent = request({ hostname, port, path, agent: false, cert, key, ca }, (answer) => {
      if (answer.statusCode !== 200) failed(new Error(`the watch was answered with ${answer.statusCode}`));
      answer.resume();
      answer.on('error', () => undefined);
      answer.on('close', () => done());
    });
    sent.on('error', failed);
    sent.end();
  });
}
