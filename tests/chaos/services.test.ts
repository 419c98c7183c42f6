/**
 * Outrigger as services of real machines: three of them, each with a systemd, an address and a disk of its own, with a director, an extension server and a
 * host, and a cluster of two joined machines. Whatever happens to a part or to a machine, after a while all is as asked, and nobody did anything.
 *
 * Needs root (systemd-nspawn, network namespaces).
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WATCHDOG_SECONDS } from '../../src/model/service-role.ts';
import { eventually } from '../support/eventually.ts';
import { programWords } from '../support/machines.ts';
import type { Machine } from '../support/machines.ts';
import { install, serviceRig, setUp } from '../support/service-rig.ts';
import type { ServiceRig } from '../support/service-rig.ts';

const KILLS = 20;
/** Ten times what it takes on a machine of one's own. */
const RESTART_MS = 30_000;
const HANG_MS = 4 * WATCHDOG_SECONDS * 1000;

describe('Outrigger as services of three machines', () => {
  let rig: ServiceRig;
  let first: Machine;
  let second: Machine;
  let third: Machine;

  before(async () => {
    rig = await serviceRig();
    [first, second, third] = rig.all;
    const begun = performance.now();
    await setUp(rig);
    const settledMs = await rig.asAsked('after the installation');
    say(
      `three machines: all as asked ${seconds(performance.now() - begun)} after they were switched on, ${seconds(settledMs)} of it after the last command`,
    );
  });
  after(async () => await rig?.machines.cleanup());

  test('the same command again changes nothing', async () => {
    const pid = await first.show('outrigger-director', 'MainPID');
    assert.match(await install(first, 'director'), /runs already, as asked; nothing was changed/);
    assert.equal(await first.show('outrigger-director', 'MainPID'), pid);
    assert.match(await first.show('outrigger-director', 'StatusText'), /^Serves at https:\/\//);
  });

  test('each part has a user of its own, and a disk that it cannot write', async () => {
    for (const role of ['director', 'extension', 'host']) {
      const unit = `outrigger-${role}`;
      const pid = await first.show(unit, 'MainPID');
      assert.equal((await first.must('stat', '-c', '%U', `/proc/${pid}`)).trim(), unit);
      const inside = (path: string) => first.run('nsenter', '-t', pid, '-m', '--', 'touch', path);
      assert.match((await inside('/etc/proof')).err, /Read-only file system/, role);
      assert.match((await inside('/var/lib/proof')).err, /Read-only file system/, role);
    }
    const env = join(first.root, 'etc/outrigger/director.env');
    assert.match(readFileSync(env, 'utf8'), /OUTRIGGER_DATABASE_URL="postgres:/);
    assert.equal((await first.must('stat', '-c', '%a %U %G', '/etc/outrigger/director.env')).trim(), '640 root outrigger-director');
  });

  test(`${KILLS} kills in a row of every part: each is started again, and what it started goes on`, async () => {
    const [hosted, joined] = [await podsOf(first), await podsOf(third)];
    assert.ok(hosted.length > 0 && joined.length > 0, 'there are pods to survive');
    const begun = performance.now();
    await Promise.all([
      killInARow(first, 'outrigger-host'),
      killInARow(second, 'outrigger-director'),
      killInARow(second, 'outrigger-extension'),
      killInARow(third, 'outrigger-agent'),
    ]);
    const killedMs = performance.now() - begun;
    const settledMs = await rig.asAsked(`after ${KILLS} kills`);
    say(`4 parts × ${KILLS} kills within ${seconds(killedMs)}; all as asked ${seconds(settledMs)} after the last`);
    assert.deepEqual(await podsOf(first), hosted, 'pods below the host');
    assert.deepEqual(await podsOf(third), joined, 'pods below the agent');
  });

  test('a part that hangs, stopped or in an endless loop, is found by its watchdog', async () => {
    const hangs: readonly (readonly [Machine, string, (pid: string) => Promise<unknown>])[] = [
      [first, 'outrigger-host', (pid) => first.must('kill', '-STOP', pid)],
      [second, 'outrigger-agent', (pid) => second.must('kill', '-STOP', pid)],
      [third, 'outrigger-director', (pid) => third.must('kill', '-STOP', pid)],
      [first, 'outrigger-extension', (pid) => blockLoop(first, pid)],
    ];
    const pods = [await podsOf(first), await podsOf(second)];
    await Promise.all(
      hangs.map(async ([machine, unit, hang]) => {
        const pid = await machine.show(unit, 'MainPID');
        const begun = performance.now();
        await hang(pid);
        await newLife(machine, unit, pid, HANG_MS);
        say(`${unit}: hung, started again after ${seconds(performance.now() - begun)} (watchdog ${WATCHDOG_SECONDS} s)`);
        assert.match(await machine.journal(unit), /Watchdog timeout/);
      }),
    );
    await rig.asAsked('after the hangs');
    assert.deepEqual([await podsOf(first), await podsOf(second)], pods, 'pods went on');
  });

  test('broken settings: systemctl status says what is wrong, and mended ones take hold by themselves', async () => {
    const env = join(third.root, 'etc/outrigger/extension.env');
    const good = readFileSync(env, 'utf8');
    writeFileSync(env, `${good}OUTRIGGER_LOG_LEVEL="loud"\n`);
    await third.must('systemctl', 'restart', '--no-block', 'outrigger-extension');
    const sentence = /OUTRIGGER_LOG_LEVEL must be one of debug, info, warn, error, not "loud"/;
    const status = async (): Promise<string> =>
      (await third.run('systemctl', 'status', '--no-pager', '--lines=0', 'outrigger-extension')).out;
    await eventually('the status says what is wrong', async () => sentence.test(await status()), RESTART_MS);
    const refused = await third.outrigger('install', 'extension', '--identity', 'm30');
    assert.equal(refused.code, 2, 'what would not start is not written');
    assert.match(refused.err, sentence);
    assert.match(refused.err, /Nothing was written/);
    // A person mends the file, and does nothing else.
    writeFileSync(env, good);
    await eventually('it runs', async () => (await third.show('outrigger-extension', 'ActiveState')) === 'active', RESTART_MS);
    await rig.asAsked('after broken settings');
  });

  test('a power failure of the machine with the database, a director and a host', async () => {
    await first.powerOff();
    const begun = performance.now();
    await first.boot();
    await rig.asAsked('after a power failure');
    say(`power failure of ${first.address}: all as asked ${seconds(performance.now() - begun)} after the power was back`);
  });

  test("a reboot of the cluster's primary", async () => {
    const begun = performance.now();
    await second.reboot();
    await rig.asAsked('after a reboot');
    say(`reboot of ${second.address}: all as asked ${seconds(performance.now() - begun)} after the order`);
  });

  test('taken away again: nothing runs, and what it kept stays', async () => {
    const { code, out } = await third.outrigger('install', 'director', '--uninstall');
    assert.equal(code, 0, out);
    assert.match(out, /What it kept is still in \/var\/lib\/outrigger\/director/);
    assert.match((await third.run('systemctl', 'is-active', 'outrigger-director')).out, /inactive|unknown/);
    assert.equal((await third.run('test', '-e', '/etc/systemd/system/outrigger-director.service')).code, 1);
    await third.must('test', '-s', '/var/lib/outrigger/director/keys/store.key');
    assert.match((await third.outrigger('install', 'director', '--uninstall')).out, /is not installed; nothing was changed/);
  });
});

/** kill -9 of the main process, again as soon as there is another one. */
async function killInARow(machine: Machine, unit: string): Promise<void> {
  const before = Number(await machine.show(unit, 'NRestarts'));
  for (let kill = 0, pid = await machine.show(unit, 'MainPID'); kill < KILLS; kill++) {
    await machine.must('kill', '-KILL', pid);
    pid = await newLife(machine, unit, pid, RESTART_MS);
  }
  assert.ok(Number(await machine.show(unit, 'NRestarts')) >= before + KILLS, `${unit} was started again each time`);
}

/** The pid of the main process once it is another than `before`. */
async function newLife(machine: Machine, unit: string, before: string, withinMs: number): Promise<string> {
  return await eventually(
    `${unit} of ${machine.address} is started again`,
    async () => {
      const pid = await machine.show(unit, 'MainPID');
      return pid !== '0' && pid !== before ? pid : undefined;
    },
    withinMs,
    100,
  );
}

/** Processes of pods, `pid start`: the same ones after as before were never ended. */
async function podsOf(machine: Machine): Promise<readonly string[]> {
  const found = await machine.run('sh', '-c', 'grep -lz "^OUTRIGGER_ROLE=pod$" /proc/[0-9]*/environ');
  return found.out
    .trim()
    .split('\n')
    .filter((path) => path !== '')
    .toSorted();
}

/** An endless loop in the very event loop of the process, by Node's inspector. */
async function blockLoop(machine: Machine, pid: string): Promise<void> {
  await machine.must('kill', '-USR1', pid);
  const script = `
    const [target] = await (async function find() {
      try { return await (await fetch('http://127.0.0.1:9229/json')).json(); } catch { await new Promise((go) => setTimeout(go, 50)); return find(); }
    })();
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((open) => socket.addEventListener('open', open));
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'setImmediate(() => { for (;;); })' } }));
    await new Promise((answer) => socket.addEventListener('message', answer));
    process.exit();`;
  await machine.must('timeout', '20', programWords()[0], '--input-type=module', '-e', script);
}

function say(text: string): void {
  process.stdout.write(`# ${text}\n`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
