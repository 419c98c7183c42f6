/**
 * What HAProxy is told: its configuration, and instances while it runs, with a small model of it as the other end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bindsIn, commandsFor, countsOf, haproxyConfig, shapeOf, statRows } from '../../../src/decide/haproxy-config.ts';
import type { HaproxyInput, StatRow } from '../../../src/decide/haproxy-config.ts';

function input(addresses: readonly string[], more: object = {}): HaproxyInput {
  const endpoints = addresses.map((address) => ({ node: 'n', address, draining: address.endsWith('9') }));
  return { address: '10.0.0.1', openFiles: 20_000, services: [{ name: 'web', port: 80, protocol: 'HTTP', endpoints, ...more }] };
}

/** Slots as a running HAProxy has them; obeys commands. */
class Model {
  slots = new Map<string, { addr: string; status: string; scur: string }>();

  constructor(config: string) {
    for (const [, name = '', addr = '', rest = ''] of config.matchAll(/^ {2}server (i\d+) (\S+)(.*)$/gm))
      this.slots.set(name, { addr, status: rest.includes('disabled') ? 'MAINT' : 'UP', scur: '0' });
  }

  rows(): StatRow[] {
    return [...this.slots].map(([svname, slot]) => ({ pxname: 'b-web', svname, ...slot }));
  }

  obey(commands: readonly string[]): void {
    for (const command of commands) {
      const [, name = '', what, value = '', , port] = /^set server b-web\/(i\d+) (addr|state) (\S+)( port (\d+))?$/.exec(command) ?? [];
      const slot = this.slots.get(name);
      assert.ok(slot, command);
      if (what === 'addr') slot.addr = `${value}:${port}`;
      else slot.status = { ready: 'UP', drain: 'DRAIN', maint: 'MAINT' }[value] ?? assert.fail(command);
    }
  }

  serving(): string[] {
    return [...this.slots.values()].filter(({ status }) => status !== 'MAINT').map(({ addr, status }) => `${addr} ${status}`);
  }
}

test('I1: whatever tables follow each other, it gets there by commands alone, and then there is nothing more to say', () => {
  const address = fc.integer({ min: 1, max: 12 }).map((n) => `10.0.1.${n}:80${n % 3 === 0 ? 9 : 0}`);
  const table = fc.uniqueArray(address, { maxLength: 10 });
  fc.assert(
    fc.property(table, fc.array(table, { maxLength: 6 }), (first, later) => {
      const model = new Model(haproxyConfig(input(first)));
      for (const addresses of [first, ...later]) {
        const wanted = input(addresses);
        assert.equal(shapeOf(wanted), shapeOf(input(first)), 'the shape is the same');
        model.obey(commandsFor(wanted, model.rows()));
        const expected = addresses.map((one) => `${one} ${one.endsWith('9') ? 'DRAIN' : 'UP'}`);
        assert.deepEqual(model.serving().sort(), expected.sort());
        assert.deepEqual(commandsFor(wanted, model.rows()), []);
      }
    }),
  );
});

test('I1: what only a new configuration can change is the shape', () => {
  const plain = input(['10.0.1.1:80']);
  const others = [{ port: 81 }, { protocol: 'TCP' }, { proxyProtocol: true }, { maxConnections: 5 }, { name: 'other' }];
  for (const other of others) assert.notEqual(shapeOf(input(['10.0.1.1:80'], other)), shapeOf(plain), JSON.stringify(other));
  assert.notEqual(shapeOf({ ...plain, address: '10.0.0.2' }), shapeOf(plain));
  const many = Array.from({ length: 17 }, (_, index) => `10.0.1.${index}:80`);
  assert.notEqual(shapeOf(input(many)), shapeOf(plain), 'more instances than slots');
  const config = haproxyConfig(input(many, { proxyProtocol: true, maxConnections: 7 }));
  assert.equal([...config.matchAll(/^ {2}server i\d+ .* send-proxy/gm)].length, 32);
  assert.match(config, /reject if \{ fe_conn gt 7 \}/);
  assert.deepEqual(bindsIn(config), ['10.0.0.1:80']);
  assert.ok(Number(/maxconn (\d+)/.exec(haproxyConfig({ ...plain, openFiles: 1_024 }))?.[1]) < 512, 'no more than it may have open');
});

test('I4: only HTTP repeats requests', () => {
  assert.match(haproxyConfig(input([])), /retry-on conn-failure empty-response/);
  assert.doesNotMatch(haproxyConfig(input([], { protocol: 'TCP' })), /retry-on/);
});

test('I2: a refused connection marks an instance down, and checks by TCP bring it back', () => {
  for (const protocol of ['HTTP', 'TCP']) {
    const config = haproxyConfig(input(['10.0.1.1:80'], { protocol }));
    assert.match(config, /default-server check .*downinter 500 rise 1 fall 1 observe layer4 error-limit 1 on-error mark-down/);
  }
});

test('I3: a client whose instances refuse is tried again for as long as a client may wait, at another place each time', () => {
  const config = haproxyConfig(input(['10.0.1.1:80']));
  const [, every = ''] = /timeout connect (\d+)/.exec(config) ?? [];
  const [, times = ''] = /retries (\d+)/.exec(config) ?? [];
  assert.equal(Number(every) * Number(times), 4_000);
  assert.match(config, /option redispatch 1\n/);
  assert.match(config, /server wait \S+.* backup/);
});

test('a free slot without old connections is taken first', () => {
  const model = new Model(haproxyConfig(input([])));
  for (const [name, slot] of model.slots) if (name !== 'i16') slot.scur = '3';
  assert.deepEqual(commandsFor(input(['10.0.1.1:80']), model.rows())[0], 'set server b-web/i16 addr 10.0.1.1 port 80');
});

test('its table of statistics becomes what a balancer counts', () => {
  const csv = `# pxname,svname,scur,stot,bin,bout,dcon,conn_tot,econ,wredis,chkdown,status,addr,
f-web,FRONTEND,3,9,100,200,2,11,,,,OPEN,,
b-web,i1,2,5,1,1,,,0,1,4,UP,10.0.1.1:80,
b-web,i2,1,5,1,1,,,0,2,1,DOWN,10.0.1.2:80,
b-web,i3,0,0,0,0,,,0,0,0,MAINT,127.0.0.1:1,
b-web,wait,0,0,0,0,,,3,9,0,no check,127.0.0.1:1,
b-web,BACKEND,3,9,1,1,,,3,3,5,UP,,
`;
  assert.deepEqual(countsOf(statRows(csv), 'web'), {
    connections: 3,
    accepted: 9,
    refused: 2,
    failed: 3,
    retries: 3,
    ejections: 5,
    readmissions: 4,
    inBytes: 100,
    outBytes: 200,
    ejected: ['10.0.1.2:80'],
    instances: [
      { address: '10.0.1.1:80', connections: 2 },
      { address: '10.0.1.2:80', connections: 1 },
    ],
  });
  assert.equal(countsOf([], 'web').accepted, 0, 'before it told anything');
});
