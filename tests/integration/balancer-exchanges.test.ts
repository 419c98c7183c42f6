/**
 * HTTP by the relay and by HAProxy: each request of a connection goes to an instance that lives, and only what may be repeated is repeated.
 */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ask, balanced, byEachWay, httpInstance, instance, nextWords, open, say } from '../support/balancer-rig.ts';
import type { Cleanups, Way } from '../support/balancer-rig.ts';
import { eventually } from '../support/eventually.ts';

byEachWay([replays, moves, bodies, switches, torn]);

function keeping(cleanups: Cleanups): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => agent.destroy());
  return agent;
}

function replays(way: Way, cleanups: Cleanups): void {
  test('HTTP: each request of a kept connection survives the death of its instance, when it may be repeated', async () => {
    const seen: string[] = [];
    let deadly: 'resetAndDestroy' | 'destroySoon' | undefined;
    const moody = await httpInstance(cleanups, (request) => {
      seen.push(request.method ?? '');
      if (deadly === undefined) return true;
      request.socket[deadly]();
      return false;
    });
    const good = await httpInstance(cleanups);
    const { port, set, status } = await balanced(cleanups, way, 'HTTP', [moody.address]);
    const agent = keeping(cleanups);
    for (const how of ['resetAndDestroy', 'destroySoon'] as const) {
      deadly = undefined;
      set([moody.address]);
      await eventually('the moody one is asked', async () => (await ask(port, agent)) === moody.address);
      deadly = how;
      set([moody.address, good.address]);
      const asked = seen.length;
      // Least connections may choose the good one at once: ask until the moody one has died of one.
      for (let i = 0; i < 200 && seen.length === asked; i++) assert.equal(await ask(port, agent), good.address);
      assert.ok(seen.length > asked, `it died by ${how}`);
    }
    await eventually('repeats are counted', () => status().retries > 0);
    await eventually('one connection is all', () => status().accepted === 1);
    deadly = 'resetAndDestroy';
    set([moody.address]);
    await eventually('the good one is gone', () =>
      ask(port).then(
        () => false,
        () => true,
      ),
    );
    const asked = seen.length;
    await assert.rejects(ask(port, undefined, '/', 'POST'));
    await assert.rejects(ask(port, undefined, '/', 'PUT'));
    await assert.rejects(ask(port, undefined, '/', 'DELETE'));
    assert.deepEqual(seen.slice(asked), ['POST', 'PUT', 'DELETE'], 'what changes something is not repeated');
  });
}

function moves(way: Way, cleanups: Cleanups): void {
  test('HTTP: an instance that goes away between two requests is not noticed', async () => {
    const first = await httpInstance(cleanups);
    const second = await httpInstance(cleanups);
    const { port, set, status } = await balanced(cleanups, way, 'HTTP', [first.address]);
    const agent = keeping(cleanups);
    assert.equal(await ask(port, agent), first.address);
    first.kill();
    set([first.address, second.address]);
    await wait(50);
    assert.equal(await ask(port, agent, '/', 'POST'), second.address, 'also when it may not be repeated: it was never sent');
    await eventually('one connection is all', () => status().accepted === 1 && status().failed === 0);
  });

  test('HTTP: a kept connection leaves a draining instance with its next request', async () => {
    const old = await httpInstance(cleanups);
    const fresh = await httpInstance(cleanups);
    const { port, set, status } = await balanced(cleanups, way, 'HTTP', [old.address]);
    const agent = keeping(cleanups);
    assert.equal(await ask(port, agent), old.address);
    set([{ address: old.address, draining: true }, fresh.address]);
    await eventually('it has moved', async () => (await ask(port, agent)) === fresh.address);
    for (let i = 0; i < 3; i++) assert.equal(await ask(port, agent), fresh.address);
    await eventually('one connection is all', () => status().accepted === 1);
  });
}

function bodies(way: Way, cleanups: Cleanups): void {
  test('HTTP: large, chunked and empty answers, and requests with bodies, on one connection', async () => {
    const big = 'x'.repeat(3_000_000);
    const server = await httpInstance(cleanups, (request, response) => {
      if (request.url === '/big') response.end(big);
      else if (request.url === '/none') response.writeHead(204).end();
      else if (request.url === '/chunks') {
        for (let i = 0; i < 200; i++) response.write(`chunk ${i};`);
        response.end();
      } else {
        let length = 0;
        request.on('data', (chunk: Buffer) => (length += chunk.length)).once('end', () => response.end(String(length)));
      }
      return false;
    });
    const { port, status } = await balanced(cleanups, way, 'HTTP', [server.address]);
    const agent = keeping(cleanups);
    for (let i = 0; i < 3; i++) {
      assert.equal((await ask(port, agent, '/big')).length, big.length);
      assert.equal((await ask(port, agent, '/chunks')).split(';').length, 201);
      assert.equal(await ask(port, agent, '/big', 'HEAD'), '');
      await assert.rejects(ask(port, agent, '/none'), /204/);
      const sent = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: big });
      assert.equal(await sent.text(), String(big.length));
    }
    // Node's own client does not keep a connection after HEAD.
    await eventually('hardly a connection more than clients', () => status().accepted <= 1 + 3 + 3 && status().failed === 0);
  });

  test('HTTP: pipelined requests are answered in order, also when their instance dies', async () => {
    let left = 3;
    const dying = await httpInstance(cleanups, (request, response) => {
      if (left-- > 0) response.end(`a ${request.url}`);
      else request.socket.resetAndDestroy();
      return false;
    });
    const good = await httpInstance(cleanups, (request, response) => {
      response.end(`b ${request.url}`);
      return false;
    });
    const { port, set } = await balanced(cleanups, way, 'HTTP', [dying.address]);
    set([dying.address, good.address]);
    const requests = [1, 2, 3, 4, 5, 6].map((n) => `GET /${n} HTTP/1.1\r\nhost: x\r\n${n === 6 ? 'connection: close\r\n' : ''}\r\n`);
    const said = await say(port, requests.join(''));
    assert.deepEqual([...said.matchAll(/[ab] \/(\d)/g)].map(([, n]) => n).join(''), '123456', said);
  });
}

function switches(way: Way, cleanups: Cleanups): void {
  test('HTTP: after a switch of protocols bytes pass as they are', async () => {
    const socketServer = await instance(cleanups, (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.on('data', (bytes) => socket.write(bytes)).once('end', () => socket.end());
      });
    });
    const { port } = await balanced(cleanups, way, 'HTTP', [socketServer.address]);
    const client = open(port);
    const head = await nextWords(client, 'GET / HTTP/1.1\r\nhost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 101 /);
    for (const words of ['\0\x01\x02', 'GET / HTTP/1.1\r\n\r\n', 'no HTTP']) assert.equal(await nextWords(client, words), words);
    client.destroy();
  });

  test('HTTP: with the PROXY line each instance learns who the client is, also the second of a connection', async () => {
    const lines: string[] = [];
    const speak = (name: string) =>
      instance(cleanups, (socket) => {
        socket.once('data', (bytes) => {
          const [line = ''] = bytes.toString().split('\r\n');
          lines.push(line);
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
          if (name === 'one') setTimeout(() => socket.end(), 20);
        });
      });
    const [one, two] = [await speak('one'), await speak('two')];
    const { port, set } = await balanced(cleanups, way, 'HTTP', [one.address], { proxyProtocol: true });
    const agent = keeping(cleanups);
    assert.equal(await ask(port, agent), 'one');
    set([two.address]);
    await eventually('it goes to the second', async () => (await wait(50), await ask(port, agent)) === 'two');
    // HAProxy's own checks bring such a line too.
    const ours = lines.filter((line) => line.endsWith(` ${port}`));
    assert.ok(
      ours.length >= 2 && ours.every((line) => line === ours[0] && line.startsWith('PROXY TCP4 127.0.0.1 127.0.0.1 ')),
      lines.join(),
    );
  });
}

function torn(way: Way, cleanups: Cleanups): void {
  test('a torn answer never looks whole', async () => {
    const length = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf';
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n';
    for (const answer of [length, chunked]) {
      for (const how of ['end', 'resetAndDestroy'] as const) {
        const torn = await instance(cleanups, (socket) => {
          socket.once('data', () => socket.write(answer, () => setTimeout(() => socket[how](), 20)));
        });
        const { port } = await balanced(cleanups, way, 'HTTP', [torn.address]);
        await assert.rejects(ask(port), /aborted|ECONNRESET|hang up/, `${how} ${answer}`);
      }
    }
    if (!way.passesResets) return;
    const torn = await instance(
      cleanups,
      (socket) => void socket.write('half an ans', () => setTimeout(() => socket.resetAndDestroy(), 20)),
    );
    const { port } = await balanced(cleanups, way, 'TCP', [torn.address]);
    await assert.rejects(say(port), /ECONNRESET/);
  });
}
